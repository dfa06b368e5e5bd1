"""The study that this project answers (arXiv 2302.04174): every published energy that can be produced.

Weights of 2 to 8 bits, pruned or not, in four formats. Energies are compared over that of ternary weights in RLE, the
study's own yardstick: rank correlation over all of them, the share within 15 %, and the order of the formats at each
compression. What the machine assumes, and on which ground, its file
says. No number was fitted, but some assumptions were chosen with these points in view (deviation S2), so that the
agreement is no prediction.
"""

from __future__ import annotations

import csv
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.weight_compression.compression import (
    LAYER_SPARSITY,
    GridPoint,
    read_layer_sparsity,
)
from spikecycle.simulator.validation.weight_compression.measure import FORMATS, Bench

MACHINE = "eyeriss_sparseloop"
ENERGIES, MORE_ENERGIES = "seed_paper_energy.csv", "seed_paper_energy_more.csv"
SOURCE = "figure data of arXiv 2302.04174"
YARDSTICK = ("rle", GridPoint(2, 0))
TOLERANCE = 0.15
LEAST_RANK_CORRELATION, LEAST_SHARE_WITHIN = 0.95, 0.9
NOTE_S2 = "deviation S2"

Run = tuple[str, GridPoint]


def rows(data: Path | None) -> Iterator[Row]:
    """The three summaries, and every point with its error for information."""
    assert data is not None
    published = _published(data)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), _sparsity(data), machine=MACHINE)
        ours = {run: bench.energy(*run).total for run in published}
    yield from compared(ours, published)


def compared(ours: Mapping[Run, float], published: Mapping[Run, float]) -> Iterator[Row]:
    """Rows of both, energies in any unit."""
    theirs = {run: energy / published[YARDSTICK] for run, energy in published.items()}
    found = {run: energy / ours[YARDSTICK] for run, energy in ours.items()}
    errors = {run: found[run] / theirs[run] - 1 for run in published}
    within = sum(abs(error) <= TOLERANCE for error in errors.values()) / len(errors)
    rank = rank_correlation([found[run] for run in published], list(theirs.values()))
    kept, pairs = format_order(ours, published)
    yield Row(
        MACHINE, f"rank correlation of {len(published)} energies", rank, LEAST_RANK_CORRELATION, 0, SOURCE,
        NOTE_S2, comparison="at_least",
    )  # fmt: skip
    yield Row(
        MACHINE, f"share of them within 15 % (over {_name(YARDSTICK)})", within, LEAST_SHARE_WITHIN, 0,
        SOURCE, NOTE_S2, comparison="at_least",
    )  # fmt: skip
    yield Row(MACHINE, f"pairs of formats in the published order, of {pairs}", kept, pairs, 0, SOURCE)
    for run in published:
        quantity = f"energy of {_name(run)} over {_name(YARDSTICK)}"
        yield Row(MACHINE, quantity, found[run], theirs[run], TOLERANCE, SOURCE)


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's, of numbers without ties."""
    ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def format_order(ours: Mapping[Run, float], published: Mapping[Run, float]) -> tuple[int, int]:
    """(pairs of formats of one compression in the published order, pairs in all)."""
    by_point: dict[GridPoint, list[str]] = defaultdict(list)
    for name, point in published:
        by_point[point].append(name)
    kept = pairs = 0
    for point, names in by_point.items():
        for index, one in enumerate(names):
            for other in names[index + 1 :]:
                pairs += 1
                kept += int(
                    (ours[one, point] > ours[other, point]) == (published[one, point] > published[other, point])
                )
    return kept, pairs


def _name(run: Run) -> str:
    return f"{run[0]} {run[1]}"


def _published(data: Path) -> dict[Run, float]:
    """Energies at mean activity by format and compression, uJ."""
    found: dict[Run, float] = {}
    for name in (ENERGIES, MORE_ENERGIES):
        file = data / name
        try:
            with file.open(newline="", encoding="utf-8") as lines:
                for line in csv.DictReader(lines):
                    if line["activity"] == "mean":
                        point = GridPoint(int(line["weight_bits"]), float(line["prune"]), line["method"])
                        if line["format"] not in FORMATS:
                            raise ValueError(f"unknown format {line['format']!r}")
                        found[line["format"], point] = float(line["energy_uj"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{file}: is no table of the study's energies: {error!r}") from error
    if YARDSTICK not in found:
        raise UsageError(f"{data / ENERGIES}: the energy of {_name(YARDSTICK)} is missing")
    return found


def _sparsity(data: Path) -> dict[str, dict[str, float]]:
    try:
        return read_layer_sparsity(data)
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise UsageError(f"{data / LAYER_SPARSITY}: is no table of zero weights by layer: {error!r}") from error


CHECKS.register(
    "weight_compression",
    Check(
        "weight_compression",
        "energies of a network with compressed weights, by format",
        (MACHINE,),
        (ENERGIES, MORE_ENERGIES, LAYER_SPARSITY),
        rows,
    ),
)
