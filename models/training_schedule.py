"""Hyper-parameters of one training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from spikecycle.models.options import Options


class TrainingSchedule(Options):
    """Adam, with a learning rate that falls along a half cosine to 0."""

    epochs: Annotated[int, Field(ge=1, le=100_000)]
    """How often every training sample is seen; batch norm takes some fifty batches in all until its statistics hold."""
    learning_rate: Annotated[float, Field(gt=0)]
    """Of weights, at the start."""
    batch_size: Annotated[int, Field(ge=1)] = 64
    """Samples per step."""
    scale_learning_rate_share: Annotated[float, Field(ge=0)] = 0.1
    """Learning rate of the scales of quantizers, relative to that of weights."""
    loss: Literal["cross_entropy", "squared_error"] = "cross_entropy"
    """Of the voters' firing rates; `squared_error` wants that of the right class to be 1 and all others 0."""
    rate_to_logit: Annotated[float, Field(gt=0)] = 15.0
    """What a firing rate of 1 is as a logit of `cross_entropy`."""
    rate_penalty: Annotated[float, Field(ge=0)] = 0.0
    """Weighs the mean firing rate of the hidden layers against the loss, so that the network learns to be sparse."""
    shift_px: Annotated[int, Field(ge=0)] = 0
    """Bounds the random shifts of training samples, pixels."""
