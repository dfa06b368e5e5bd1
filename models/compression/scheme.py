"""Which quantizer each synapse of a network gets."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from models.compression.quantize import LearnedScaleQuantizer


@dataclass(frozen=True)
class LearnedScaleScheme:
    """A learned scale per output channel and the same width for all weights; potentials as they were trained."""

    weight_bits: int

    def quantizer(self, synapse: str, weight: Tensor) -> LearnedScaleQuantizer:
        """A quantizer of `weight_bits`, started from the weight."""
        return LearnedScaleQuantizer(weight, self.weight_bits)

    def potential_bits(self, layer: str) -> None:
        """Nothing changes."""
        return
