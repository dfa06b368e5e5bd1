"""Hyper-parameters of one training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from models.options import Options


class Schedule(Options):
    """Adam, with a learning rate that falls along a half cosine to 0.

    scale_learning_rate_share: of the scales of quantizers, relative to weights. loss: `cross_entropy` of the voters'
    firing rates, which rate_to_logit turns from 0 to 1 into logits, or `squared_error` of those rates, of which that
    of the right class is wanted to be 1 and all others 0. rate_penalty weighs the mean firing rate of the hidden layers
    against the loss, so that the network learns to be sparse. shift_px bounds the random shifts of training samples.
    """

    epochs: Annotated[int, Field(ge=1, le=100_000)]
    learning_rate: Annotated[float, Field(gt=0)]
    batch_size: Annotated[int, Field(ge=1)] = 64
    scale_learning_rate_share: Annotated[float, Field(ge=0)] = 0.1
    loss: Literal["cross_entropy", "squared_error"] = "cross_entropy"
    rate_to_logit: Annotated[float, Field(gt=0)] = 15.0
    rate_penalty: Annotated[float, Field(ge=0)] = 0.0
    shift_px: Annotated[int, Field(ge=0)] = 0
