"""Rounding whose gradient is scaled, element by element, by the error of the rounding.

Source: Lee, Kim, Ham, "Network Quantization with Element-wise Gradient Scaling", CVPR 2021 (arXiv 2104.00903),
equation 4. The published study of spiking networks (Schaefer et al., arXiv 2302.04174) trains its weights so, with
a clipping value that starts at three standard deviations; there, the value is one per layer, here one per channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from models.compression.quantizers.base import QuantizerKind
from models.networks.rounding import round_straight_through

if TYPE_CHECKING:
    from torch import Tensor

CLIPPED_AT_DEVIATIONS = 3.0  # standard deviations of a channel: the start of the study


class Ewgs(QuantizerKind):
    """A gradient g becomes g (1 + gradient_scale * sign(g) * (steps - code)), clipped weights get none.

    gradient_scale is per step of rounding error; 0 is the straight-through estimator. 0.005 is the study's.
    """

    title: ClassVar[str] = "learned clipping value per output channel, gradients scaled by element"
    kind: Literal["ewgs"] = "ewgs"
    gradient_scale: Annotated[float, Field(ge=0, le=2)] = 0.005

    def starting_scale(self, weight: Tensor, bits: int) -> Tensor:
        """Three standard deviations, taken around 0, get the largest code."""
        deviation = weight.flatten(1).square().mean(1).sqrt()
        return CLIPPED_AT_DEVIATIONS * deviation / self.highest_code(bits)

    def codes(self, steps: Tensor, bits: int, progress: float) -> Tensor:
        """Nearest codes, from the start."""
        highest = self.highest_code(bits)
        clipped = steps.clamp(-highest, highest)
        codes = round_straight_through(clipped)
        if codes.requires_grad:
            error = (clipped - codes).detach()
            codes.register_hook(  # type: ignore[no-untyped-call]
                lambda gradient: gradient * (1 + self.gradient_scale * gradient.sign() * error)
            )
        return codes
