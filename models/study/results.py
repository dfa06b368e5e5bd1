"""Queries on the results table: compressed networks, their costs, what one loses against another, Pareto fronts.

Several seeds of one compression are one network here: figures are means over the seeds, with the lowest and the highest
beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean

import polars as pl

from spikecycle.models.study.paired import PairedComparison, compare
from spikecycle.models.study.tables import UNPRUNED

PJ_PER_UJ = 1e6


@dataclass(frozen=True)
class CompressedNetwork:
    """A compression that was tried. accuracies: of the integer network, by seed; sparsity: share of zero weights.

    correct: by seed, 1 or 0 for every test sample. width: of the network, 0 for the study's own. bops: bit operations
    per inference, mean over the seeds. marks: what the label has to add in this study, where not all are made in the
    same way.
    """

    name: str
    method: str
    weight_bits: int
    pruned_share: float
    sparsity: float
    accuracies: tuple[float, ...]
    test_samples: int
    quantizer: str
    pruner: str
    potential_bits: int
    width: float
    correct: dict[int, str]
    bops: float
    marks: tuple[str, ...] = ()

    @property
    def accuracy(self) -> float:
        """Mean over the seeds."""
        return fmean(self.accuracies)

    @property
    def seeds(self) -> int:
        """How many."""
        return len(self.accuracies)

    @property
    def label(self) -> str:
        """What a plot calls it: width, pruned share, order, and how, as far as they tell it from others."""
        width = {2: "ternary"}.get(self.weight_bits, f"{self.weight_bits}-bit")
        mixed = "mixed, up to " if self.method == "mixed" else ""
        pruned = f", {100 * self.pruned_share:.3g} % pruned" if self.pruned_share else ""
        order = f", {self.method}" if self.method == "sequential" else ""
        wide = f", width {self.width:g}" if self.width else ""
        return ", ".join([f"{mixed}{width}{wide}{pruned}{order}", *self.marks])


@dataclass(frozen=True)
class Cost:
    """Of one inference on a machine, with the weights in that format: means over the seeds, and the range of energy."""

    weight_format: str
    energy_uj: float
    edp_js: float
    cycles: float
    lowest_energy_uj: float
    highest_energy_uj: float


class Results:
    """A results table with one row per network, machine and format."""

    def __init__(self, table: pl.DataFrame) -> None:
        self.table = table

    @cached_property
    def machines(self) -> list[str]:
        """Names, in the order of the study."""
        return self._distinct("machine")

    def too_slow(self, machine: str) -> str:
        """Buffers of the machine that are slower than its clock, with which it cannot run; empty if there are none."""
        rows = self.table.filter(pl.col("machine") == machine)["too_slow"].drop_nulls()
        return next((buffers for buffers in rows if buffers), "")

    def title(self, machine: str) -> str:
        """What claims and pictures call a machine: its name, and that it cannot run, where that is so."""
        slow = self.too_slow(machine)
        return f"{machine} (cannot run at its clock, too slow: {slow})" if slow else machine

    def residency(self, machine: str) -> tuple[str, str]:
        """How often the machine loads weights, and where it has activations between layers, as its results say."""
        first = self.table.filter(pl.col("machine") == machine).row(0, named=True)
        return first["weight_residency"], first["activation_residency"]

    @cached_property
    def formats(self) -> list[str]:
        """Names, in the order of the study."""
        return self._distinct("format")

    @cached_property
    def candidates(self) -> list[CompressedNetwork]:
        """In the order of the study."""
        groups = self.table.partition_by("compression", maintain_order=True)
        return _told_apart([_candidate(group) for group in groups])

    @property
    def margin(self) -> float:
        """Loss of accuracy below which a compression is free, as the study has it."""
        return float(self.table["margin"][0])

    @property
    def float_accuracy(self) -> float:
        """Of the networks that compressions start from, mean over the seeds; of the study's own width, if there are."""
        own = self.table.filter(pl.col("width") == 0)
        table = own if own.height else self.table
        return float(table.group_by("seed").agg(pl.col("accuracy_float").first())["accuracy_float"].mean())  # type: ignore[arg-type]

    def of_method(self, *methods: str) -> list[CompressedNetwork]:
        """The candidates of these methods, in the order of the study."""
        return [candidate for candidate in self.candidates if candidate.method in methods]

    def pruned_alone(self) -> dict[str, list[CompressedNetwork]]:
        """By kind of pruner, in the order of the study; of each the networks by rising share."""
        found: dict[str, list[CompressedNetwork]] = {}
        for candidate in sorted(self.of_method("pruning"), key=lambda candidate: candidate.pruned_share):
            found.setdefault(candidate.pruner, []).append(candidate)
        return found

    def costs(self, candidate: CompressedNetwork, machine: str) -> list[Cost]:
        """In each format, in the order of the study; a format in which nothing could be simulated is left out."""
        return self._costs.get((candidate.name, machine), [])

    def cost(self, candidate: CompressedNetwork, machine: str) -> Cost | None:
        """In the format that costs the least energy there; None where nothing could be simulated."""
        return min(self.costs(candidate, machine), key=lambda cost: cost.energy_uj, default=None)

    def cost_in(self, candidate: CompressedNetwork, machine: str, weight_format: str) -> Cost | None:
        """In that format, or None where that could not be simulated."""
        return next((cost for cost in self.costs(candidate, machine) if cost.weight_format == weight_format), None)

    @cached_property
    def _costs(self) -> dict[tuple[str, str], list[Cost]]:
        means = self.table.group_by("compression", "machine", "format", maintain_order=True).agg(
            pl.col("energy_per_inference_pj").mean() / PJ_PER_UJ,
            pl.col("edp_per_inference_js").mean(),
            pl.col("cycles_per_inference").mean(),
            lowest=pl.col("energy_per_inference_pj").min() / PJ_PER_UJ,
            highest=pl.col("energy_per_inference_pj").max() / PJ_PER_UJ,
        )
        costs: dict[tuple[str, str], list[Cost]] = {}
        for compression, machine, weight_format, *figures in means.iter_rows():
            costs.setdefault((compression, machine), []).append(Cost(weight_format, *figures))
        return costs

    def _distinct(self, column: str) -> list[str]:
        names: list[str] = self.table[column].unique(maintain_order=True).to_list()
        return names


def _told_apart(found: Sequence[CompressedNetwork]) -> list[CompressedNetwork]:
    """With marks: kinds that are not the study's usual ones, bits of potentials, the name where all else is shared."""
    quantizer = _usual([candidate.quantizer for candidate in found])
    pruner = _usual([candidate.pruner for candidate in found if candidate.pruner != UNPRUNED])
    marked = [replace(candidate, marks=_marks(candidate, quantizer, pruner)) for candidate in found]
    labels = Counter(candidate.label for candidate in marked)
    return [replace(one, marks=(*one.marks, one.name)) if labels[one.label] > 1 else one for one in marked]


def _usual(kinds: Sequence[str]) -> str:
    return Counter(kinds).most_common(1)[0][0] if kinds else UNPRUNED


def _marks(candidate: CompressedNetwork, quantizer: str, pruner: str) -> tuple[str, ...]:
    kinds = [candidate.quantizer] if candidate.quantizer != quantizer else []
    kinds += [candidate.pruner] if candidate.pruner not in (pruner, UNPRUNED) else []
    return (*kinds, f"{candidate.potential_bits}-bit potentials") if candidate.potential_bits else tuple(kinds)


def _candidate(group: pl.DataFrame) -> CompressedNetwork:
    """What the rows of one compression have in common."""
    first = group.row(0, named=True)
    seeds: Sequence[pl.DataFrame] = group.partition_by("seed", maintain_order=True)
    return CompressedNetwork(
        name=first["compression"],
        method=first["method"],
        weight_bits=max(seed["weight_bits"][0] for seed in seeds),  # `mixed` may choose others for another seed
        pruned_share=fmean(seed["pruned_share"][0] for seed in seeds),
        sparsity=fmean(seed["weight_sparsity"][0] for seed in seeds),
        accuracies=tuple(seed["accuracy_integer"][0] for seed in seeds),
        test_samples=first["test_samples"],
        quantizer=first["quantizer"],
        pruner=first["pruner"],
        potential_bits=first["potential_bits"],
        width=first["width"],
        correct={seed["seed"][0]: seed["correct"][0] for seed in seeds},
        bops=fmean(seed["bops_per_inference"][0] for seed in seeds),
    )


def compared(candidate: CompressedNetwork, reference: CompressedNetwork) -> PairedComparison:
    """What the candidate loses against the reference on the same test samples, seed by seed.

    Of the seeds that both have; where they share none, in the order of the seeds, for the samples are the same.
    """
    shared = [seed for seed in reference.correct if seed in candidate.correct]
    if shared:
        return compare([reference.correct[seed] for seed in shared], [candidate.correct[seed] for seed in shared])
    pairs = list(zip(reference.correct.values(), candidate.correct.values(), strict=False))
    return compare([one for one, _ in pairs], [other for _, other in pairs])


def front(costs: Sequence[float], accuracies: Sequence[float]) -> list[int]:
    """Indices of the candidates on the front, by rising cost and rising accuracy.

    A candidate is on it if every other one costs more or is less accurate; of equal ones, the first.
    """
    best = -1.0
    indices = []
    for index in sorted(range(len(costs)), key=lambda index: (costs[index], -accuracies[index], index)):
        if accuracies[index] > best:
            best = accuracies[index]
            indices.append(index)
    return indices
