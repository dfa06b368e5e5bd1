"""What a check says: one row for each figure of others, ours beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Number = int | float
Comparison = Literal["equal", "at_least", "at_most"]


@dataclass(frozen=True)
class Row:
    """One figure.

    machine: name of the shipped machine (or part of this package) that gives ours. quantity: what it is, with its unit.
    ours: our figure; None where it cannot be computed here, for the reason in `note`. theirs: the figure of the source.
    tolerance: largest relative error that passes, 0 for exact. source: who published or measured theirs, and where.
    note: category of an accepted difference, or why there is none of ours. comparison: "equal" within the tolerance, or
    whether ours has to be at least or at most theirs, within the tolerance.
    """

    machine: str
    quantity: str
    ours: Number | None
    theirs: Number
    tolerance: float
    source: str
    note: str = ""
    comparison: Comparison = "equal"

    def __post_init__(self) -> None:
        if self.ours is None and not self.note:
            raise ValueError(f"{self.machine}, {self.quantity}: a row without a figure of ours says why")
        if self.tolerance < 0:
            raise ValueError(f"{self.machine}, {self.quantity}: the tolerance {self.tolerance} is negative")

    @property
    def error(self) -> float | None:
        """Ours relative to theirs, 0 where both are equal; infinite over a figure of 0. None without ours."""
        if self.ours is None:
            return None
        if self.ours == self.theirs:
            return 0.0
        return float(self.ours / self.theirs - 1) if self.theirs else math.copysign(math.inf, self.ours)

    @property
    def passed(self) -> bool | None:
        """Whether the error is within the tolerance; None without a figure of ours."""
        error = self.error
        if error is None:
            return None
        if math.isnan(error):
            return False
        worst = {"equal": abs(error), "at_least": -error, "at_most": error}[self.comparison]
        return worst <= self.tolerance

    def document(self) -> dict[str, str | Number | bool | None]:
        """The row for JSON; an error that is not finite is null."""
        error = self.error
        return {
            "machine": self.machine,
            "quantity": self.quantity,
            "ours": self.ours,
            "theirs": self.theirs,
            "error": error if error is None or math.isfinite(error) else None,
            "tolerance": self.tolerance,
            "comparison": self.comparison,
            "passed": self.passed,
            "source": self.source,
            "note": self.note,
        }


@dataclass(frozen=True)
class Check:
    """A source of figures.

    name: that of its module. summary: one line. machines: the machines that its rows are of. needs: names of the data
    files, in the folder that the user gives, without which it has no rows. rows: makes them; is given the folder, or
    None where the user gave none (only if `needs` is empty).
    """

    name: str
    summary: str
    machines: tuple[str, ...]
    needs: tuple[str, ...]
    rows: Callable[[Path | None], Iterable[Row]]


@dataclass(frozen=True)
class Skipped:
    """A check that was not made, and what it lacks."""

    check: str
    reason: str


@dataclass(frozen=True)
class Report:
    """What all checks say. rows: in the order of the checks. skipped: checks whose data is not there."""

    rows: tuple[Row, ...]
    skipped: tuple[Skipped, ...]

    @property
    def failed(self) -> tuple[Row, ...]:
        """Rows outside their tolerance."""
        return tuple(row for row in self.rows if row.passed is False)
