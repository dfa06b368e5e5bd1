"""Which quantizer each weight of a network gets, and how wide potentials are: a `Scheme` made of a `Compression`."""

from __future__ import annotations

from torch import Tensor

from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.quantize import ScaledQuantizer


class CompressionScheme:
    """See `spikecycle.models.networks.node.Scheme`. quantizers: those that were asked for, by synapse."""

    def __init__(self, compression: Compression) -> None:
        self.compression = compression
        self.quantizers: dict[str, ScaledQuantizer] = {}

    def quantizer(self, synapse: str, weight: Tensor, potential_bits: int | None = None) -> ScaledQuantizer:
        """A quantizer started from the weight.

        A neuron's threshold is 1, and so 1 / scale in codes. It has to lie within the potentials, at most 2 **
        (potential_bits - 1) - 1, so the scale is held at or above the inverse of that: with narrow potentials,
        weights use fewer codes than they have bits for.
        """
        lowest = 0.0 if potential_bits is None else 1 / (2 ** (potential_bits - 1) - 1)
        bits = self.compression.bits_of(synapse)
        self.quantizers[synapse] = ScaledQuantizer(self.compression.quantizer, weight, bits, lowest)
        return self.quantizers[synapse]

    def potential_bits(self, layer: str) -> int | None:
        """The same for all layers."""
        return self.compression.potential_bits
