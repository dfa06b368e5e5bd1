"""The command: simulate the grid, print ours beside theirs."""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.published import compare
from benchmarks.published.figures import ENERGY, GROUPS_WIRE_PJ_PER_BIT_MM, Run, read_energies
from benchmarks.published.picture import draw
from benchmarks.published.sensitivity import densities_of, sensitivity, sensitivity_table
from spikecycle.simulator import OutputError
from spikecycle.simulator.cli.output import check_writable
from spikecycle.simulator.validation.weight_compression.compression import (
    BITS,
    LAYER_SPARSITY,
    PRUNED,
    GridPoint,
    read_layer_sparsity,
)
from spikecycle.simulator.validation.weight_compression.measure import (
    FORMATS,
    MACHINE,
    Bench,
    EnergyBreakdown,
    Report,
    wire_price,
)

DESCRIPTION = """The published study (arXiv 2302.04174) on our machine: energies and ratios beside its own.

    python benchmarks/published_study.py --data FOLDER [--all] [--sensitivity] [--csv FILE] [--picture FILE]

FOLDER holds the study's figures, seed_paper_energy.csv and seed_paper_layer_sparsity.csv; they are not part of this
project. Layers are synthetic, of the study's shapes and densities. About three minutes on a core; --all takes 20,
--sensitivity 15 more.
"""


def grid(published: list[Run], everything: bool) -> list[Run]:
    """The runs: those whose energy is given, or all formats at all points."""
    if not everything:
        return published
    points = [
        GridPoint(bits, pruned, method)
        for bits, pruned, method in itertools.product(BITS, PRUNED, ("joint", "seq"))
        if method == "joint" or (pruned and bits < 8)
    ]
    return [(format_name, point) for format_name in FORMATS for point in points]


def progress(runs: int) -> Report:
    """Tells each simulation on standard error, with its number and the time since the first."""
    start, done = time.monotonic(), itertools.count(1)

    def report(line: str) -> None:
        print(f"[{next(done)}/{runs}, {time.monotonic() - start:.0f} s] {line}", file=sys.stderr, flush=True)

    return report


def write_csv(path: Path, measured: dict[Run, EnergyBreakdown]) -> None:
    """All energies, for further comparison."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("format", "method", "prune", "weight_bits", "energy_uj", "cycles"))
        for (format_name, point), energy in measured.items():
            energy_uj = round(1000 * energy.total, 2)
            writer.writerow((format_name, point.method, point.pruned, point.weight_bits, energy_uj, energy.cycles))


def main() -> int:
    """Run; 0, or 2 with one line on standard error."""
    parser = argparse.ArgumentParser(description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path, metavar="FOLDER", help="where the study's figures are")
    parser.add_argument("--all", action="store_true", help="all formats at all points of the grid")
    parser.add_argument("--sensitivity", action="store_true", help="also what the assumed parameters do")
    parser.add_argument("--densities", metavar="FILE", help="CSV of layer, input_density, source")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write all energies there")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw ours against theirs there (svg or png)")
    arguments = parser.parse_args()
    for option, target in (("--csv", arguments.csv), ("--picture", arguments.picture)):
        try:
            check_writable(None if target is None else str(target))
        except OutputError as error:
            print(f"{option} {error}", file=sys.stderr)
            return 2
    missing = [name for name in (ENERGY, LAYER_SPARSITY) if not (arguments.data / name).is_file()]
    if missing:
        print(f"{arguments.data}: {' and '.join(missing)} not there: the study's figures are needed", file=sys.stderr)
        return 2
    try:
        densities = densities_of(arguments.densities)
    except (OSError, ValueError, KeyError) as error:
        print(f"--densities {arguments.densities}: {error}", file=sys.stderr)
        return 2
    try:
        published = read_energies(arguments.data)
        layer_sparsity = read_layer_sparsity(arguments.data)
    except (OSError, ValueError, KeyError, IndexError) as error:
        words = " ".join(str(error).split())
        print(f"{arguments.data}: {ENERGY} or {LAYER_SPARSITY} is damaged: {words}", file=sys.stderr)
        return 2
    runs = grid(list(published), arguments.all)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), layer_sparsity, densities, report=progress(len(runs)))
        measured = {run: bench.energy(*run) for run in sorted(runs, key=lambda run: run[1])}
        measured = {run: measured[run] for run in runs}
        print_comparison(measured, published)
        if arguments.picture:
            draw({run: energy.total for run, energy in measured.items()}, published, arguments.picture)
        if arguments.csv:
            write_csv(arguments.csv, measured)
        if arguments.sensitivity:
            bench.report = lambda line: print(line, file=sys.stderr, flush=True)
            print("\n" + sensitivity_table(list(sensitivity(bench, measured)), published))
    return 0


def print_comparison(measured: dict[Run, EnergyBreakdown], published: dict[Run, float]) -> None:
    """All tables."""
    ours = {run: energy.total for run, energy in measured.items()}
    given = {run: energy for run, energy in measured.items() if run in published}
    dearer = {run: energy.at_wire_price(GROUPS_WIRE_PJ_PER_BIT_MM) for run, energy in given.items()}
    print(f"Machine: {MACHINE}. Synthetic layers of the study's shapes and densities; one inference.\n")
    for text in (
        compare.energy_table(ours, published),
        compare.ratio_table(ours, published),
        compare.share_table(given, f"Shares of the energy, wires at {wire_price():g} pJ/bit/mm"),
        compare.share_table(
            dearer,
            f"The same with wires at {GROUPS_WIRE_PJ_PER_BIT_MM:g} pJ/bit/mm, as in the tool of the study's group",
        ),
        compare.statement_table(compare.statements(ours, published)),
    ):
        print(text + "\n")
