"""What compressed networks lose against the least compressed one, and which of them are free by the study's margin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from spikecycle.models.study.paired import SIGNIFICANT, PairedComparison
from spikecycle.models.study.results import CompressedNetwork, Results, compared

TERNARY_BITS = 2
LEAST_P = 0.0001
"""A smaller p is shown as below that."""


class Loss(NamedTuple):
    """Accuracy given up against another network on the same test samples. margin: below which it is free."""

    compared: PairedComparison
    margin: float

    @property
    def lost(self) -> float:
        """Share of the test samples, mean over the seeds."""
        return self.compared.loss

    @property
    def is_free(self) -> bool:
        """Whether a loss as large as the margin is ruled out, at 95 % confidence."""
        return self.compared.bound < self.margin

    @property
    def is_significant(self) -> bool:
        """Whether it is a loss, and one that the exact test tells from none."""
        return self.lost > 0 and self.compared.p_value < SIGNIFICANT

    def __str__(self) -> str:
        points = f"{abs(100 * self.lost):.2f} points {'less' if self.lost > 0 else 'more'}" if self.lost else "no less"
        p_value = self.compared.p_value
        tested = f"p = {p_value:.2g}" if p_value >= LEAST_P else f"p < {LEAST_P}"
        return f"{points} (at most {100 * self.compared.bound:.2f} less at 95 % confidence; McNemar {tested})"

    @property
    def verdict(self) -> str:
        """What follows of it, in words."""
        if self.is_free:
            known = "a significant loss, and yet " if self.is_significant else ""
            return f"{known}free by the margin of {points(self.margin)}"
        if self.is_significant:
            return "a significant loss"
        return f"not shown to be free by the margin of {points(self.margin)}, and no significant loss"


def loss(candidate: CompressedNetwork, reference: CompressedNetwork, margin: float) -> Loss:
    """What the candidate gives up against the reference, sample by sample."""
    return Loss(compared(candidate, reference), margin)


def reference(results: Results) -> CompressedNetwork | None:
    """The least compressed network: quantized alone, with the most bits, at the study's own width."""
    quantized = [candidate for candidate in results.of_method("quantization") if not candidate.width]
    return max(quantized, key=lambda candidate: candidate.weight_bits, default=None)


def ternary(results: Results) -> CompressedNetwork | None:
    """The network with ternary weights and no pruning, at the study's own width."""
    quantized = results.of_method("quantization")
    return next((c for c in quantized if c.weight_bits == TERNARY_BITS and not c.width), None)


def free_pruning(
    pruned: Sequence[CompressedNetwork], whole: CompressedNetwork, margin: float
) -> tuple[CompressedNetwork | None, CompressedNetwork | None]:
    """Of networks that one pruner made, by rising share: the last of those that are free, and the first that is not.

    None where there is none.
    """
    free = None
    for candidate in pruned:
        if not loss(candidate, whole, margin).is_free:
            return free, candidate
        free = candidate
    return free, None


def free_networks(
    candidates: Sequence[CompressedNetwork], whole: CompressedNetwork, margin: float
) -> list[CompressedNetwork]:
    """Those that are free; the one that they are compared with is, however few the test samples are."""
    return [c for c in candidates if c is whole or loss(c, whole, margin).is_free]


def points(share: float) -> str:
    """A share of the test samples, in words."""
    return f"{100 * share:g} {'point' if 100 * share == 1 else 'points'}"
