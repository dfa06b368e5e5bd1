"""What the study published: energies, and the ratios, shares and statements that must come out again."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from spikecycle.simulator.validation.weight_compression.compression import GridPoint

ENERGY = "seed_paper_energy.csv"
TERNARY, PLAIN, PRUNED_80, PRUNED_975 = (
    GridPoint(2, 0),
    GridPoint(8, 0),
    GridPoint(8, 0.8),
    GridPoint(8, 0.975),
)
TOLERANCE = 0.15
DRAM_SHARE, WIRE_SHARE, MOST_ARITHMETIC = (0.70, 0.82), (0.12, 0.20), 0.02
"""Shares of the energy, from the study's breakdown of three of its points (arXiv 2302.04174, figure script)."""
BREAKDOWN = {
    TERNARY: {"DRAM": 0.699, "wires": 0.204, "arithmetic": 0.019, "global buffer": 0.022, "pads": 0.056},
    PLAIN: {"DRAM": 0.817, "wires": 0.125, "arithmetic": 0.004, "global buffer": 0.009, "pads": 0.045},
    PRUNED_80: {"DRAM": 0.802, "wires": 0.130, "arithmetic": 0.004, "global buffer": 0.017, "pads": 0.046},
}
"""That breakdown (pJ per operation by component over their sum); which format and which layers it is of is not said."""
LEAST_SPEARMAN = 0.95
GROUPS_WIRE_PJ_PER_BIT_MM = 0.325
"""Wires in the tool of the study's group: their repository timeloop-quant prints it among its energies per action
(basic_example/experiments/default/timeloop-mapper.ERT.yaml, System.Wire, transfer_random, 32 nm). Routers, of 2 pJ, are
in that table too; Timeloop reads the wire of it alone (NVlabs/timeloop, src/model/topology.cpp)."""

Run = tuple[str, GridPoint]
"""Format and compression."""


@dataclass(frozen=True)
class Ratio:
    """A ratio of two energies that the study's text or table gives."""

    name: str
    above: Run
    below: Run


RATIOS = (
    *(Ratio(f"{name}: 80 % pruned / ternary", (name, PRUNED_80), (name, TERNARY)) for name in ("rle", "uop")),
    *(Ratio(f"{name}: 8 b / ternary", (name, PLAIN), (name, TERNARY)) for name in ("rle", "uop")),
    *(Ratio(f"{name}: 97.5 % / 80 % pruned", (name, PRUNED_975), (name, PRUNED_80)) for name in ("rle", "uop")),
    Ratio("8 b: rle / uop", ("rle", PLAIN), ("uop", PLAIN)),
    Ratio("ternary: uop / rle", ("uop", TERNARY), ("rle", TERNARY)),
)


def read_energies(folder: Path) -> dict[Run, float]:
    """Published energy of an inference at mean activity, mJ."""
    with (folder / ENERGY).open(newline="", encoding="utf-8") as file:
        return {
            (line["format"], GridPoint(int(line["weight_bits"]), float(line["prune"]), line["method"])): (
                float(line["energy_uj"]) / 1000
            )
            for line in csv.DictReader(file)
            if line["activity"] == "mean"
        }
