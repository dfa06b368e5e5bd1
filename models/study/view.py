"""The results table as claims and plots ask it: compressed networks, and what each costs on a machine.

Several seeds of one compression are one network here: figures are means over the seeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

import polars as pl

PJ_PER_UJ = 1e6


@dataclass(frozen=True)
class Candidate:
    """A compression that was tried. accuracies: of the integer network, by seed; sparsity: share of zero weights."""

    name: str
    method: str
    weight_bits: int
    pruned_share: float
    sparsity: float
    accuracies: tuple[float, ...]
    test_samples: int
    label_is_shared: bool = False

    @property
    def accuracy(self) -> float:
        """Mean over the seeds."""
        return fmean(self.accuracies)

    @property
    def label(self) -> str:
        """What a plot calls it: width, and pruned share and order if there are any; its name where these are shared."""
        width = {2: "ternary"}.get(self.weight_bits, f"{self.weight_bits}-bit")
        mixed = "mixed, up to " if self.method == "mixed" else ""
        pruned = f", {100 * self.pruned_share:.3g} % pruned" if self.pruned_share else ""
        order = f", {self.method}" if self.method == "sequential" else ""
        name = f" ({self.name})" if self.label_is_shared else ""
        return f"{mixed}{width}{pruned}{order}{name}"


@dataclass(frozen=True)
class Cost:
    """Of one inference on a machine, with the weights in that format."""

    weight_format: str
    energy_uj: float
    edp_js: float
    cycles: float


class Results:
    """A results table with one row per network, machine and format."""

    def __init__(self, table: pl.DataFrame) -> None:
        self.table = table

    @cached_property
    def machines(self) -> list[str]:
        """Names, in the order of the study."""
        return self._distinct("machine")

    @cached_property
    def formats(self) -> list[str]:
        """Names, in the order of the study."""
        return self._distinct("format")

    @cached_property
    def candidates(self) -> list[Candidate]:
        """In the order of the study."""
        groups = self.table.partition_by("compression", maintain_order=True)
        found = [_candidate(group) for group in groups]
        labels = Counter(candidate.label for candidate in found)
        return [replace(candidate, label_is_shared=labels[candidate.label] > 1) for candidate in found]

    def of_method(self, *methods: str) -> list[Candidate]:
        """The candidates of these methods, in the order of the study."""
        return [candidate for candidate in self.candidates if candidate.method in methods]

    def costs(self, candidate: Candidate, machine: str) -> list[Cost]:
        """In each format, in the order of the study; a format in which nothing could be simulated is left out."""
        return self._costs.get((candidate.name, machine), [])

    def cost(self, candidate: Candidate, machine: str) -> Cost | None:
        """In the format that costs the least energy there; None where nothing could be simulated."""
        return min(self.costs(candidate, machine), key=lambda cost: cost.energy_uj, default=None)

    def cost_in(self, candidate: Candidate, machine: str, weight_format: str) -> Cost | None:
        """In that format, or None where that could not be simulated."""
        return next((cost for cost in self.costs(candidate, machine) if cost.weight_format == weight_format), None)

    @cached_property
    def _costs(self) -> dict[tuple[str, str], list[Cost]]:
        means = self.table.group_by("compression", "machine", "format", maintain_order=True).agg(
            pl.col("energy_per_inference_pj").mean() / PJ_PER_UJ,
            pl.col("edp_per_inference_js").mean(),
            pl.col("cycles_per_inference").mean(),
        )
        costs: dict[tuple[str, str], list[Cost]] = {}
        for compression, machine, weight_format, *figures in means.iter_rows():
            costs.setdefault((compression, machine), []).append(Cost(weight_format, *figures))
        return costs

    def _distinct(self, column: str) -> list[str]:
        names: list[str] = self.table[column].unique(maintain_order=True).to_list()
        return names


def _candidate(group: pl.DataFrame) -> Candidate:
    """What the rows of one compression have in common."""
    first = group.row(0, named=True)
    seeds: Sequence[pl.DataFrame] = group.partition_by("seed", maintain_order=True)
    return Candidate(
        name=first["compression"],
        method=first["method"],
        weight_bits=first["weight_bits"],
        pruned_share=first["pruned_share"],
        sparsity=fmean(seed["weight_sparsity"][0] for seed in seeds),
        accuracies=tuple(seed["accuracy_integer"][0] for seed in seeds),
        test_samples=first["test_samples"],
    )
