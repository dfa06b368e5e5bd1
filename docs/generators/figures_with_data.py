"""Rows of the checks that need data of others, kept as a table of figures, since the site is built without that data.

    python -m docs.generators.figures_with_data FOLDER    make the checks again, and write the table

A test makes them again too, where the data is at hand (tests/validation/test_figures_with_data.py).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

from spikecycle.simulator.validation import CHECKS, Row
from spikecycle.simulator.validation.row import Number

TABLE = Path(__file__).parent / "figures_with_data.csv"
COLUMNS = ("machine", "quantity", "ours", "theirs", "tolerance", "source", "note", "comparison")


def kept_rows() -> list[Row]:
    """The rows of the table."""
    with TABLE.open(newline="") as file:
        return [
            Row(
                said["machine"],
                said["quantity"],
                _number(said["ours"]) if said["ours"] else None,
                _number(said["theirs"]),
                float(said["tolerance"]),
                said["source"],
                said["note"],
                said["comparison"],  # type: ignore[arg-type]  # one of its words, as it was written from a row
            )
            for said in csv.DictReader(file)
        ]


def made_rows(folder: Path) -> Iterator[Row]:
    """The same from the checks, which take minutes. folder: with the data files of others.

    Some checks make further rows where a folder is given.
    """
    for _, check in CHECKS.items():
        rows = list(check.rows(folder))
        without = [] if check.needs else list(check.rows(None))
        known = {(row.machine, row.quantity) for row in without}
        yield from (row for row in rows if (row.machine, row.quantity) not in known)


def _number(text: str) -> Number:
    return float(text) if any(mark in text for mark in ".en") else int(text)


def main(folder: str) -> None:
    """Write the table."""
    rows = list(made_rows(Path(folder)))
    with TABLE.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            values = [getattr(row, column) for column in COLUMNS]
            writer.writerow(["" if value is None else value for value in values])


if __name__ == "__main__":
    main(*sys.argv[1:])
