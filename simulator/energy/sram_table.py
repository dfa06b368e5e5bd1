"""The CACTI-derived table of SRAM figures as arrays, in the logarithms that the model interpolates in."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikecycle.simulator.array_types import Float64
from spikecycle.simulator.errors import MachineError

COORDINATES = ("node_nm", "size_kib", "width_bits", "banks")
"""Columns of a table that say which SRAM a row is of; the order of every axis here."""
QUANTITIES = ("read_pj", "write_pj", "leakage_mw", "area_mm2", "access_ns", "cycle_ns")
"""Columns of a table that were computed; the order of every last axis here."""


@dataclass(frozen=True, eq=False)
class SramTable:
    """Rows of a table.

    points: float64 (n, 4), log2 of COORDINATES. values: float64 (n, 6), natural log of QUANTITIES.
    """

    points: Float64
    values: Float64

    def __len__(self) -> int:
        return len(self.points)

    def axes(self) -> tuple[Float64, ...]:
        """The values that each coordinate takes, log2, sorted."""
        # np.unique would load masked arrays, which nothing else needs
        return tuple(np.array(sorted(set(coordinates))) for coordinates in self.points.T.tolist())


def read_table(path: Path) -> SramTable:
    """Read a table: CSV with a header of COORDINATES and QUANTITIES, `#` lines ignored, all numbers positive.

    Raises MachineError naming file and line.
    """
    expected = [*COORDINATES, *QUANTITIES]
    try:
        lines = [(n, text) for n, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)]
    except (OSError, UnicodeDecodeError) as error:
        raise MachineError(f"{path}: cannot be read: {error}") from error
    lines = [(n, text) for n, text in lines if text.strip() and not text.startswith("#")]
    if not lines or next(csv.reader([lines[0][1]])) != expected:
        raise MachineError(f"{path}: the header must be {','.join(expected)}")
    rows = []
    for number, text in lines[1:]:
        try:
            row = [float(cell) for cell in next(csv.reader([text]))]
        except ValueError as error:
            raise MachineError(f"{path}, line {number}: {error}") from error
        if len(row) != len(expected) or not all(0 < cell < float("inf") for cell in row):
            raise MachineError(f"{path}, line {number}: {len(expected)} finite positive numbers are expected")
        rows.append(row)
    if len({tuple(row[: len(COORDINATES)]) for row in rows}) != len(rows):
        raise MachineError(f"{path}: two rows are of the same SRAM")
    data = np.array(rows, dtype=np.float64).reshape(-1, len(expected))
    return SramTable(np.log2(data[:, : len(COORDINATES)]), np.log(data[:, len(COORDINATES) :]))
