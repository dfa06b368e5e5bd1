"""The study's grid of compressions, and how many weights of each layer are zero at each of its points.

Given are the per-layer shares of four points (read off a figure) and the whole network's share of all. The others
follow from these by two rules: zeros of quantization alone are those of ternary, scaled; pruning is global by
magnitude, one threshold for all layers, and the weights of a layer are taken to be normal around 0, as wide as their
share that is kept at 80 % says. (A layer with wide weights keeps far more of them at 97.5 % than its share at 80 %,
scaled.) Where both act, a layer has the zeros of the one that makes more: both remove the
smallest weights first, and the given points at 80 % and 3 bits differ by less than 2 points from pruning alone.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

from spikecycle.simulator.validation.weight_compression.workload import ROWS

BITS = (2, 3, 4, 6, 8)
PRUNED = (0.0, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975)
ZEROS_OF_QUANTIZATION = {2: 0.679, 3: 0.316, 4: 0.151, 6: 0.036, 8: 0.009}
"""Share of zero weights that quantization alone brings, by bits: labels of the study's figure of accuracy."""
GIVEN_JOINT = {("seq", 3, 0.8): "seq_3b_80", ("joint", 3, 0.8): "joint_3b_80"}
LAYER_SPARSITY = "seed_paper_layer_sparsity.csv"
ALMOST_ALL = 1 - 1e-9  # a normal distribution has no last weight
STEPS = 60  # halvings of an interval: a double has no more bits

Shares = dict[str, float]


@dataclass(frozen=True, order=True)
class GridPoint:
    """A point of the grid: weights of so many bits (2 is ternary), so large a share of them pruned.

    method: "joint" or "seq" (pruned, then quantized); the same thing where only one of the two is done.
    """

    weight_bits: int
    pruned: float
    method: str = "joint"

    def __str__(self) -> str:
        name = "ternary" if self.weight_bits == 2 else f"{self.weight_bits} b"
        if not self.pruned:
            return name
        return f"{name}, {100 * self.pruned:g} %" + (" (seq)" if self.method == "seq" else "")


def read_layer_sparsity(folder: Path) -> dict[str, Shares]:
    """Point of the figure -> share of zeros by layer."""
    with (folder / LAYER_SPARSITY).open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    return {key: {line["layer"]: float(line[key]) / 100 for line in lines} for key in lines[0] if key != "layer"}


def whole_network(shares: Shares) -> float:
    """Share of zeros over all weights."""
    return sum(row.weights * shares[row.name] for row in ROWS) / sum(row.weights for row in ROWS)


def zero_shares(point: GridPoint, given: dict[str, Shares]) -> Shares:
    """Share of zero weights of each layer."""
    if (point.method, point.weight_bits, point.pruned) in GIVEN_JOINT:
        return given[GIVEN_JOINT[point.method, point.weight_bits, point.pruned]]
    ternary, pruned = given["quant_ternary"], given["prune80"]
    of_quantization = _scaled(
        lambda factor: {layer: min(1.0, factor * share) for layer, share in ternary.items()},
        ZEROS_OF_QUANTIZATION[point.weight_bits],
    )
    if not point.pruned:
        return of_quantization
    of_pruning = _scaled(lambda factor: _below_threshold(pruned, factor), point.pruned)
    return {layer: max(of_pruning[layer], of_quantization[layer]) for layer in of_pruning}


def _below_threshold(pruned: Shares, factor: float) -> Shares:
    """Shares of normal weights whose magnitude is below `factor` times the threshold at which they are `pruned`."""
    normal = NormalDist()
    return {
        layer: 2 * normal.cdf(factor * normal.inv_cdf((1 + min(share, ALMOST_ALL)) / 2)) - 1
        for layer, share in pruned.items()
    }


def _scaled(shares_at: Callable[[float], Shares], whole: float) -> Shares:
    """The shares at the factor for which the whole network's share is `whole`; it must grow with the factor."""
    low, high = 1e-3, 1e3
    for _ in range(STEPS):
        factor = (low * high) ** 0.5
        low, high = (factor, high) if whole_network(shares_at(factor)) < whole else (low, factor)
    return shares_at((low * high) ** 0.5)
