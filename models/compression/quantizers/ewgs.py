"""Rounding whose gradient is scaled, element by element, by the error of the rounding.

Source: Lee, Kim, Ham, "Network Quantization with Element-wise Gradient Scaling", CVPR 2021 (arXiv 2104.00903),
equation 4. The published study of spiking networks (Schaefer et al., arXiv 2302.04174) trains its weights so from the
start, with one clipping value per layer that begins at three standard deviations; here, it is one per channel. Of
weights that are already trained, three deviations make 86 % zeros at 2 bits, from which a short training does not
recover; these begin as other quantizers do, unless start_deviations asks for something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from spikecycle.models.compression.quantizers.base import QuantizerKind
from spikecycle.models.networks.rounding import round_straight_through

if TYPE_CHECKING:
    from torch import Tensor

STUDY_DEVIATIONS = 3.0  # standard deviations of a weight: where the study's clipping value starts


class Ewgs(QuantizerKind):
    """A gradient g becomes g (1 + gradient_scale * sign(g) * (steps - code)), clipped weights get none."""

    title: ClassVar[str] = "learned clipping value per output channel, gradients scaled by element"
    kind: Literal["ewgs"] = "ewgs"
    gradient_scale: Annotated[float, Field(ge=0, le=2)] = 0.005
    """Per step of rounding error; 0 is the straight-through estimator. 0.005 is the published study's."""
    start_deviations: Annotated[float, Field(gt=0, le=100)] | None = None
    """Clipping value at the start, in standard deviations (around 0) of a channel's weights; where it is not given,
    three, but at 2 bits the start of other quantizers."""

    def starting_scale(self, weight: Tensor, bits: int) -> Tensor:
        """So many standard deviations get the largest code; not given, three, and the ternary start at 2 bits."""
        if bits == 2 and self.start_deviations is None:
            return super().starting_scale(weight, bits)
        deviations = self.start_deviations or STUDY_DEVIATIONS
        return deviations * weight.flatten(1).square().mean(1).sqrt() / self.highest_code(bits)

    def follows_pruning(self, bits: int) -> bool:
        """Where it starts as others do; deviations would shrink while a pruner grows."""
        return self.start_deviations is None and super().follows_pruning(bits)

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
