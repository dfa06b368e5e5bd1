"""Error of the SRAM model, and how the constants beside its tables were made.

    python benchmarks/sram_model.py                     errors of every table against CACTI runs that it does not have
    python benchmarks/sram_model.py law                 fit the laws for beyond the tables, print constants and errors

The tables are made by benchmarks/cacti_sweep.py. CACTI was run at the same random SRAMs for every table: between the
rows (benchmarks/sram_off_grid) and beyond them (benchmarks/sram_beyond).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from spikecycle.simulator.energy.files import energy_folder, read_validated
from spikecycle.simulator.energy.sram import SramModel
from spikecycle.simulator.energy.sram_error import ErrorSummary, prediction_errors, summarize
from spikecycle.simulator.energy.sram_schema import SramFile
from spikecycle.simulator.energy.sram_table import QUANTITIES, SramTable, read_table

OFF_GRID = Path(__file__).parent / "sram_off_grid"
BEYOND = Path(__file__).parent / "sram_beyond"


def shipped_tables() -> dict[str, SramFile]:
    """The constants of every shipped table, by its name."""
    return {path.stem: read_validated(path, SramFile) for path in sorted(energy_folder().glob("sram_*.yaml"))}


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


def show_errors(name: str, constants: SramFile, table: SramTable) -> None:
    """Against CACTI runs between the rows and beyond them."""
    model = SramModel.build(constants, table, table.axes())
    for title, folder in (("between the rows", OFF_GRID), ("beyond the rows", BEYOND)):
        show(f"{name}, {title}", summarize(prediction_errors(model, read_table(folder / f"{name}.csv"))))


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "command", nargs="?", choices=("errors", "law"), default="errors", help="%(default)s by default"
    )
    command = parser.parse_args().command
    for name, constants in shipped_tables().items():
        table = read_table(energy_folder() / constants.table)
        if command == "law":
            for column, quantity in enumerate(QUANTITIES):
                law, summary = fit_law(table, column)
                print(name, quantity, {key: round(value, 4) for key, value in law.items()}, summary)
        else:
            show_errors(name, constants, table)


if __name__ == "__main__":
    main()
