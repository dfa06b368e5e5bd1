"""A compression as a study asks for it: all there is to say of one, or its bits by layer left to be chosen."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from models.compression.compression import Compression, WeightBits
from models.options import Options


class Mixed(Options):
    """Bits by layer, chosen before the compressed network is trained, on a machine and a format of the study.

    The mean loss of the training samples grows least with them, while the simulated energy is at most energy_share of
    that with max(bits) everywhere. samples_per_class: training samples of each class on which both are measured.
    """

    bits: Annotated[list[WeightBits], Field(min_length=2)]
    machine: str
    format: str
    energy_share: Annotated[float, Field(gt=0, le=1)]
    samples_per_class: Annotated[int, Field(ge=1)] = 10


class AskedCompression(Compression):
    """A Compression, with `mixed` where its weight bits are to be chosen by layer."""

    mixed: Mixed | None = None
