"""Error of the SRAM model, and how its table and constants were made.

    python benchmarks/sram_model.py                     leave-one-out and off-grid errors
    python benchmarks/sram_model.py law                 fit the law for beyond the table, print its constants and errors
    python benchmarks/sram_model.py lengths             leave-one-out and off-grid medians over correlation lengths
    python benchmarks/sram_model.py derive SWEEP.csv    make the table from a CACTI sweep, print it

A sweep has the columns of `_SWEEP_COLUMNS` and `extrapolated`: 1 where the program around CACTI scaled another run
instead of running CACTI. Those rows are dropped: they repeat other rows times a rule of thumb (28 nm: linear between 22
and 32 nm; 16 bits: the 32-bit SRAM of the same depth x 0.65; fewer than 64 words a bank: the SRAM of 64 words x
(depth / 64) ** 0.78), so a table with them would look easier to predict than CACTI is. The model has its own rule for
each of those cases.
"""

from __future__ import annotations

import csv
import itertools
import sys
from pathlib import Path

import numpy as np

from spikecycle.simulator.energy.files import energy_folder, read_validated
from spikecycle.simulator.energy.sram import SramModel
from spikecycle.simulator.energy.sram_error import ErrorSummary, leave_one_out, prediction_errors, summarize
from spikecycle.simulator.energy.sram_schema import CorrelationLengths, SramFile
from spikecycle.simulator.energy.sram_table import COORDINATES, QUANTITIES, SramTable, read_table

OFF_GRID = Path(__file__).parent / "sram_off_grid.csv"
BEYOND = Path(__file__).parent / "sram_beyond.csv"
_SWEEP_COLUMNS = {
    "node_nm": "tech_nm",
    "size_kib": "size_KiB",
    "width_bits": "width_bit",
    "banks": "n_banks",
    "read_pj": "read_pJ",
    "write_pj": "write_pJ",
    "leakage_mw": "leak_mW",
    "area_mm2": "area_mm2",
    "access_ns": "access_ns",
    "cycle_ns": "cycle_ns",
}


def derive(sweep: Path) -> list[str]:
    """Lines of the table from a sweep: our columns, CACTI's own runs only."""
    with sweep.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get("extrapolated", "0") == "0"]
    lines = [",".join([*COORDINATES, *QUANTITIES])]
    return lines + [",".join(row[_SWEEP_COLUMNS[c]] for c in [*COORDINATES, *QUANTITIES]) for row in rows]


def fit_law(table: SramTable, column: int) -> tuple[dict[str, float], ErrorSummary]:
    """Least squares in logarithms of factor(node) x size ** a x (1 + c x width) x banks ** b; c by search."""
    nodes = np.unique(table.points[:, 0])
    design = np.hstack([table.points[:, [0]] == nodes, table.points[:, [1, 3]] * np.log(2)])
    best = None
    for weight in np.concatenate([[0.0], np.geomspace(1e-5, 1, 501)]):
        target = table.values[:, column] - np.log1p(weight * np.exp2(table.points[:, 2]))
        coefficients, *_ = np.linalg.lstsq(design, target, rcond=None)
        residual = design @ coefficients - target
        cost = float(residual @ residual)
        if best is None or cost < best[0]:
            best = (cost, float(weight), coefficients, residual)
    assert best is not None
    _, weight, coefficients, residual = best
    law = {
        "size_exponent": float(coefficients[-2]),
        "width_weight_per_bit": weight,
        "banks_exponent": float(coefficients[-1]),
    }
    errors = np.zeros((len(table), len(QUANTITIES)))
    errors[:, column] = np.expm1(residual)
    return law, summarize(errors)[column]


def show(title: str, summaries: tuple[ErrorSummary, ...]) -> None:
    """Print a table of errors."""
    print(f"\n{title}, {summaries[0].rows} rows")
    print(f"{'quantity':12s} {'median':>8s} {'p90':>8s} {'max':>8s}   percent")
    for row in summaries:
        print(f"{row.quantity:12s} {row.median_percent:8.2f} {row.p90_percent:8.1f} {row.max_percent:8.1f}")


def show_errors(constants: SramFile, table: SramTable) -> None:
    """Leave-one-out, and against CACTI runs between the rows and beyond them."""
    model = SramModel.build(constants, table, table.axes())
    show("leave one row out", summarize(leave_one_out(constants, table)))
    for title, path in (("between the rows, CACTI run there", OFF_GRID), ("beyond the rows, CACTI run there", BEYOND)):
        show(title, summarize(prediction_errors(model, read_table(path))))


def show_lengths(constants: SramFile, table: SramTable) -> None:
    """Median errors over a few correlation lengths: every tenth row left out, and between the rows."""
    off_grid = read_table(OFF_GRID)
    some = np.arange(0, len(table), 10, dtype=np.float64)
    print("octaves of node, size, width, banks: medians of read, write, leakage, area left out | between the rows")
    for node, size, width, banks in itertools.product((2, 8), (1, 3, 10), (1, 3, 10), (1, 3, 10)):
        lengths = CorrelationLengths(node=node, size=size, width=width, banks=banks)
        trial = constants.model_copy(update={"correlation_octaves": lengths})
        left_out = np.median(np.abs(leave_one_out(trial, table, some)), axis=0)[:4]
        model = SramModel.build(trial, table, table.axes())
        between = np.median(np.abs(prediction_errors(model, off_grid)), axis=0)[:4]
        print((node, size, width, banks), np.round(100 * left_out, 2), "|", np.round(100 * between, 2))


def main() -> None:
    """See the module's docstring."""
    command = sys.argv[1] if len(sys.argv) > 1 else "errors"
    if command == "derive":
        print("\n".join(derive(Path(sys.argv[2]))))
        return
    constants = read_validated(energy_folder() / "sram_cacti7.yaml", SramFile)
    table = read_table(energy_folder() / constants.table)
    if command == "law":
        for column, quantity in enumerate(QUANTITIES):
            law, summary = fit_law(table, column)
            print(quantity, {key: round(value, 4) for key, value in law.items()}, summary)
    elif command == "lengths":
        show_lengths(constants, table)
    else:
        show_errors(constants, table)


if __name__ == "__main__":
    main()
