"""Hyper-parameters of one training."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from models.options import Options


class Schedule(Options):
    """Adam, with a learning rate that falls along a half cosine to 0.

    scale_learning_rate_share: of the scales of quantizers, relative to weights. rate_to_logit turns a firing rate (0
    to 1) into a logit. rate_penalty weighs the mean firing rate of the hidden layers against the cross entropy, so
    that the network learns to be sparse. shift_px bounds the random shifts of the training samples.
    """

    epochs: Annotated[int, Field(ge=1, le=100_000)]
    learning_rate: Annotated[float, Field(gt=0)]
    batch_size: Annotated[int, Field(ge=1)] = 64
    scale_learning_rate_share: Annotated[float, Field(ge=0)] = 0.1
    rate_to_logit: Annotated[float, Field(gt=0)] = 15.0
    rate_penalty: Annotated[float, Field(ge=0)] = 0.0
    shift_px: Annotated[int, Field(ge=0)] = 0
