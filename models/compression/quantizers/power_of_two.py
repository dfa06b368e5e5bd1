"""Weights that are 0 or a power of two, so that a multiplication is a shift.

Source: Zhou, Yao, Guo, Xu, Chen, "Incremental Network Quantization", ICLR 2017 (arXiv 1702.03044), equations 1 to 4:
the code nearest to a weight among 0 and the signed powers of two. Their training freezes weights in turn; here all of
them are trained at once, with a learned scale and the gradient passed straight through.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from spikecycle.models.compression.quantizers.base import QuantizerKind

if TYPE_CHECKING:
    from torch import Tensor


class PowerOfTwo(QuantizerKind):
    """Codes 0 and +-1, +-2, +-4, ... up to what `bits` of two's complement hold; ternary at 2 bits."""

    title: ClassVar[str] = "powers of two, learned scale per output channel"
    equal_steps: ClassVar[bool] = False
    kind: Literal["power_of_two"] = "power_of_two"

    def highest_code(self, bits: int) -> int:
        """64 at 8 bits, 4 at 4, 1 at 2."""
        return int(2 ** (bits - 2))

    def packed_bits(self, bits: int) -> int:
        """Bits to number the codes: bits - 1 exponents with two signs, and 0."""
        return int(2 * (bits - 1)).bit_length()

    def codes(self, steps: Tensor, bits: int, progress: float) -> Tensor:
        """Nearest codes, from the start; halfway, the larger one."""
        highest = self.highest_code(bits)
        clipped = steps.clamp(-highest, highest)
        return clipped + (_nearest_power(clipped.detach()) - clipped).detach()


def _nearest_power(steps: Tensor) -> Tensor:
    """The nearest of 0, +-1, +-2, +-4, ... to each element."""
    magnitude = steps.abs()
    mantissa, exponent = magnitude.frexp()  # magnitude = mantissa * 2**exponent, mantissa in 0.5 .. 1
    power = (exponent - (mantissa < 0.75).to(exponent.dtype)).clamp(min=0)  # 0.75 lies halfway between 0.5 and 1
    return steps.sign() * (magnitude >= 0.5) * magnitude.new_tensor(2.0) ** power
