"""A staircase of sigmoids that grows steeper while the network trains, until it is the rounding itself.

Source: Yang, Shen, Xing, Tian, Li, Deng, Huang, Hua, "Quantization Networks", CVPR 2019 (arXiv 1911.09464),
equation 6: a sum of shifted sigmoids whose temperature rises. Their steps have learned places; here they lie halfway
between codes, so that the codes are what integer hardware adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from spikecycle.models.compression.quantizers.base import QuantizerKind

if TYPE_CHECKING:
    from torch import Tensor

REACH = 4  # steps: a sigmoid further away is 0 or 1 to float32, since exp(-4 * 4) is its resolution


class SigmoidSum(QuantizerKind):
    """codes = sum over the steps t of sigmoid(temperature * (steps - t)), from -n up; the temperature rises."""

    title: ClassVar[str] = "sum of sigmoids that harden, learned scale per output channel"
    kind: Literal["sigmoid_sum"] = "sigmoid_sum"
    first_temperature: Annotated[float, Field(ge=4, le=1000)] = 4.0
    """Steepness of the sigmoids at the start: at 4, the staircase is nearly a slope."""
    last_temperature: Annotated[float, Field(ge=4, le=1000)] = 10.0
    """Steepness at the end, to which it rises geometrically."""
    hard_share: Annotated[float, Field(ge=0, le=1)] = 0.75
    """Last share of the training, in which codes are already whole and only the gradient is that of the sigmoids, so
    that the network that is trained to the end is the one that is exported. The learning rate has to be worth something
    then: in trainings of a few epochs, ternary weights that harden late do not recover."""

    def codes(self, steps: Tensor, bits: int, progress: float) -> Tensor:
        """Codes of the staircase of this moment; whole numbers when the soft part of the training is over."""
        highest = self.highest_code(bits)
        soft_share = 1 - self.hard_share
        if progress >= 1:
            return _staircase(steps, highest, self.last_temperature, whole=True)
        done = min(1.0, progress / soft_share) if soft_share > 0 else 1.0
        temperature = self.first_temperature * (self.last_temperature / self.first_temperature) ** done
        return _staircase(steps, highest, temperature, whole=done == 1.0)


def _staircase(steps: Tensor, highest: int, temperature: float, whole: bool) -> Tensor:
    """The sum of the 2 * highest sigmoids, of which only those within REACH are not constant."""
    below = steps.detach().floor()
    total = (below - REACH + highest).clamp(0, 2 * highest) - highest
    for offset in range(-REACH, REACH):
        place = below + (offset + 0.5)
        exists = (place.abs() < highest).to(steps.dtype)
        total = total + exists * (temperature * (steps - place)).sigmoid()
    if not whole:
        return total
    return total + (steps.clamp(-highest, highest).round() - total).detach()
