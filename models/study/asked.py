"""A compression as a study asks for it: all there is to say of one, or its bits by layer left to be chosen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from spikecycle.models.compression.compression import Compression, WeightBits
from spikecycle.models.options import Options


class Mixed(Options):
    """Bits by layer, chosen before the compressed network is trained, so that the loss grows least."""

    bits: Annotated[list[WeightBits], Field(min_length=2)]
    """Those to choose from."""
    machine: str
    """On which energy is simulated: one of the study, by its name, of a file without the suffix."""
    format: str
    """In which energy is simulated: one of the study."""
    energy_share: Annotated[float, Field(gt=0, le=1)]
    """The energy is at most this share of that with the most bits everywhere."""
    samples_per_class: Annotated[int, Field(ge=1)] = 10
    """Training samples of each class on which loss and energy are measured."""


class CompressionEntry(Compression):
    """A Compression, or one whose bits are to be chosen."""

    mixed: Mixed | None = None
    """How its weight bits are to be chosen by layer."""
