"""What a sweep came to: the rows of its points, and what follows from them. Runs nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from spikecycle.simulator.explore.frames import Row, is_known, to_frame, with_unknowns
from spikecycle.wording import numbered

if TYPE_CHECKING:
    import polars

SWEEP_VERSION = 1
MEASURES = ("energy_per_inference_pj", "seconds_per_inference", "area_mm2")
"""What a design is mostly judged by; less is better."""


class SweepResult(BaseModel):
    """A sweep: one flat row per point."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(default=SWEEP_VERSION, description="version of this document")
    spikecycle: str = Field(description="version of the program")
    folder: str | None = Field(description="folder of the points; null where they were kept nowhere")
    columns: list[str] = Field(description="what varies, and trace and machine: the columns that tell points apart")
    already_there: int = Field(
        default=0,
        description="points that this run did not simulate, as the folder had them before; failed ones are among them",
    )
    points: list[Row] = Field(
        description="one row per point: what was chosen, figures per inference (energy and area null where the machine "
        "does not model them), what they rest on (residency, DRAM, technology, what is not modelled), and `problem`, "
        "null unless it failed"
    )

    @field_validator("points")
    @classmethod
    def _have_unknowns(cls, rows: list[Row]) -> list[Row]:
        """In documents of earlier versions too, what a machine does not model is None."""
        return [with_unknowns(row) for row in rows]

    @property
    def done(self) -> list[Row]:
        """The points that have a result."""
        return [point for point in self.points if point["problem"] is None]

    @property
    def failed(self) -> list[Row]:
        """The points that have none; `problem` says why."""
        return [point for point in self.points if point["problem"] is not None]

    def front(self, measures: Sequence[str] = MEASURES) -> list[Row]:
        """The points that no other point beats in every measure, least of the first measure first; none of points that
        cannot run at their clock, or of which a measure is not known."""
        return pareto_front(self.able, measures)

    @property
    def able(self) -> list[Row]:
        """The points that have a result, and can run at their clock."""
        return [point for point in self.done if not point.get("too_slow")]

    @property
    def known_measures(self) -> list[str]:
        """Those of MEASURES that at least one point that can run has."""
        return [measure for measure in MEASURES if any(is_known(point, measure) for point in self.able)]

    def to_polars(self) -> polars.DataFrame:
        """All points as a data frame of Polars."""
        return to_frame(self.points)

    def __repr__(self) -> str:
        return f"<SweepResult: {numbered(len(self.done), 'point')} done, {len(self.failed)} failed>"

    __str__ = __repr__


class SearchResult(BaseModel):
    """A search: every trial, and the front of the best."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(default=SWEEP_VERSION, description="version of this document")
    spikecycle: str = Field(description="version of the program")
    folder: str = Field(description="folder of points and study")
    columns: list[str] = Field(description="what varies, and trace and machine: the columns that tell points apart")
    goals: list[str] = Field(description="columns that were made small, error being 1 - accuracy")
    constraints: list[str] = Field(description="what points of the front keep to, in words")
    space: int = Field(description="points that there are to choose from")
    trials: int = Field(
        description="trials in all; one chooses a point again only when all were tried, or when two "
        "runs work on one study, which counts, but is not simulated again"
    )
    simulated: int = Field(description="different points that this run simulated, failed ones among them")
    already_there: int = Field(
        default=0,
        description="different points of the trials that this run did not simulate, as the folder had them: of an "
        "earlier run, of another one that works on the same study, or of a sweep",
    )
    failed: int = Field(description="trials whose point cannot be run, or has a goal that is not known")
    front: list[Row] = Field(description="the points that no other one beats in all goals, one row each")
    points: list[Row] = Field(
        description="one row per point that a trial of this search chose, as in a sweep; `number` is its place in the "
        "space"
    )
    importances: dict[str, dict[str, float]] = Field(
        description="by goal: share of the goal's variance, over the points that ran, that each axis explains by "
        "itself, 0 to 1 (main effects; every value of an axis weighs the same, and what chance explains is taken off); "
        "what they leave of 1 is due to several axes together. A goal that too few points have is missing"
    )
    points_for_importances: int = Field(
        default=0, description="different points that must have run before `importances` are given"
    )

    @property
    def untried(self) -> int:
        """Points of the space that no trial chose."""
        return max(0, self.space - len(self.points))

    @field_validator("points", "front")
    @classmethod
    def _have_unknowns(cls, rows: list[Row]) -> list[Row]:
        """In documents of earlier versions too, what a machine does not model is None."""
        return [with_unknowns(row) for row in rows]

    @property
    def lacking(self) -> list[str]:
        """Columns that points of the front must have to keep to the constraints, and that no point has."""
        found = {name for point in self.points for name, value in point.items() if value is not None}
        return [column for column in dict.fromkeys(column for _, column, *_ in self._bounds()) if column not in found]

    def nearest(self) -> dict[str, float]:
        """By constraint that no point keeps, as in `constraints`: the value of its column that comes nearest."""
        found: dict[str, float] = {}
        for words, column, relation, bound in self._bounds():
            had = (point.get(column) for point in self.points if point["problem"] is None)
            values = [value for value in had if isinstance(value, int | float)]
            value = (min if relation == "<=" else max)(values, default=None)
            if value is not None and (value > bound if relation == "<=" else value < bound):
                found[words] = value
        return found

    def _bounds(self) -> list[tuple[str, str, str, float]]:
        """Constraints on columns: in words, column, relation, bound."""
        split = ((words, words.split(" ")) for words in self.constraints)
        return [(words, each[0], each[1], float(each[2])) for words, each in split if each[1] in ("<=", ">=")]

    def to_polars(self) -> polars.DataFrame:
        """All points as a data frame of Polars."""
        return to_frame(self.points)

    def __repr__(self) -> str:
        return (
            f"<SearchResult: {numbered(self.trials, 'trial')} of {numbered(self.space, 'point')}, {len(self.front)} on "
            "the front>"
        )

    __str__ = __repr__


def reasons(problems: Sequence[str], most: int = 3) -> str:
    """Why points failed, on one line: the reason of all of them, or each reason with how many have it, most first."""
    counts = Counter(" ".join(problem.split()) for problem in problems).most_common()
    if len(counts) == 1:
        return counts[0][0]
    told = [f"{number:,} of them: {reason}" for reason, number in counts[:most]]
    if len(counts) > most:
        told.append(f"{sum(number for _, number in counts[most:]):,} of them for other reasons")
    return "; ".join(told)


def pareto_front(points: Iterable[Mapping[str, Any]], measures: Sequence[str]) -> list[Row]:
    """The points that no other one beats: none is at most as large in all measures and smaller in one.

    In ascending order; of points that are equal in all measures, the first. A point of which a measure is not known is
    not compared: it beats none, and is not on the front.
    """
    comparable = [point for point in points if all(is_known(point, measure) for measure in measures)]
    ordered = sorted(comparable, key=lambda point: tuple(point[measure] for measure in measures))
    front: list[Row] = []
    for point in ordered:  # what beats a point comes before it
        if not any(all(other[m] <= point[m] for m in measures) for other in front):
            front.append(dict(point))
    return front
