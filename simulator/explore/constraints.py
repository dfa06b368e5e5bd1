"""Bounds that the best points of a search keep to, and whether the points of a space can have them at all."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from spikecycle.simulator.activity import Counter
from spikecycle.simulator.cycle_categories import CATEGORIES
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.support import refuse_unsupported, stages_that_run
from spikecycle.simulator.errors import SimulatorError, UsageError
from spikecycle.simulator.explore.frames import ENERGIES, Row
from spikecycle.simulator.explore.measure import ACCURACY, CYCLES, FIGURES
from spikecycle.simulator.explore.sweep_spec import SweepPoint, SweepSpec
from spikecycle.simulator.machine.loader import load_machine, shipped_machines, shipped_path
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.machine.yaml_file import read_yaml
from spikecycle.simulator.pricing import MachinePrices, dram_counters
from spikecycle.simulator.reuse import with_sums_joined
from spikecycle.suggestions import did_you_mean
from spikecycle.traces import TraceError, open_trace
from spikecycle.wording import some_of

GOALS = {
    "energy": "energy_per_inference_pj",
    "time": "seconds_per_inference",
    "area": "area_mm2",
    "edp": "edp_per_inference_js",
    "error": "error",
}
"""Column by what a goal is called; the error is 1 - accuracy."""
_ENERGY_GOALS, _AREA_GOALS = ("energy", "edp"), ("area",)
BROKEN = 1.0
"""How much a row breaks what has no more and less: a memory slower than the clock, a figure that it has not."""
ACCURACY_COLUMN = "accuracy"
_COMPARE: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}
_OF_EVERY_MACHINE = ("dram", "leakage")
"""Components of energy that are no memory, no unit and no counter of a dataflow."""


@dataclass(frozen=True)
class Constraint:
    """A bound on a column of points: relation is <= or >=."""

    column: str
    relation: str
    bound: float

    def violation(self, row: Row) -> float:
        """Above 0 where the row breaks it, the more the worse; a value that is not known breaks it."""
        value = row.get(self.column)
        if not isinstance(value, int | float):
            return BROKEN
        return value - self.bound if self.relation == "<=" else self.bound - value

    def __str__(self) -> str:
        return f"{self.column} {self.relation} {self.bound:g}"


def parse_constraint(text: str) -> Constraint:
    """A constraint from "area_mm2<=10" or "accuracy>=0.98"; UsageError on anything else."""
    for relation in _COMPARE:
        column, found, bound = text.partition(relation)
        if found:
            try:
                number = float(bound)
            except ValueError:
                break
            if math.isfinite(number) and column.strip():
                return Constraint(column.strip(), relation, number)
    raise UsageError(f"--keep {text}: write COLUMN<=NUMBER or COLUMN>=NUMBER, e.g. area_mm2<=10 or accuracy>=0.98")


def check_constraints(spec: SweepSpec, constraints: Sequence[Constraint]) -> None:
    """UsageError naming the first constraint on a column that no point of the space has, or that holds no numbers.

    Nothing is simulated; where the dataflow is not ours, it alone knows what categories its cycles have.
    """
    varied = {name: [value[index] for value in axis.values] for axis in spec.axes()
              for index, name in enumerate(axis.names)}  # fmt: skip
    for constraint in constraints:
        column = constraint.column
        if column in varied and not any(map(_is_number, varied[column])):
            raise UsageError(f"--keep {constraint}: the column {column!r} holds no numbers")
        if column == ACCURACY_COLUMN:
            check_accuracies(spec, f"--keep {constraint}")
        if column in FIGURES or column in varied:
            continue
        known = [*FIGURES, *(name for name, values in varied.items() if any(map(_is_number, values)))]
        if column.startswith(CYCLES):
            known, is_all = [f"{CYCLES}{name}" for name in CATEGORIES], _are_all_ours(spec)
        elif column.startswith(ENERGIES):
            components, is_all = _components(spec)
            known = [f"{ENERGIES}{name}" for name in components]
        else:
            is_all = True
        if is_all and column not in known:
            meant = f"; did you mean {GOALS[column]!r}?" if column in GOALS else did_you_mean(column, known)
            raise UsageError(f"--keep {constraint}: there is no column {column!r}{meant}")


def check_goals(spec: SweepSpec, goals: Sequence[str]) -> None:
    """UsageError naming the first goal that no machine of the space models, with any one of its keys moved: no point
    would have a value of it. Nothing is simulated; a machine that cannot be mapped may be one that models it."""
    for goal in goals:
        lacks = _what_no_machine_does(spec, goal)
        if lacks:
            raise UsageError(
                f"goals: {goal!r} cannot be one: no machine of the space {lacks} ({some_of(spec.machines)}); "
                "name other goals"
            )


def goals_with_values(spec: SweepSpec, goals: Sequence[str]) -> tuple[str, ...]:
    """Those of the goals that some machine of the space models, as `check_goals` looks at it."""
    return tuple(goal for goal in goals if not _what_no_machine_does(spec, goal))


def _what_no_machine_does(spec: SweepSpec, goal: str) -> str:
    """What a machine would have to do for the goal to have a value, if none does; else nothing."""
    for goals_of, models, what in (
        (_ENERGY_GOALS, _prices_energy, "prices energy"),
        (_AREA_GOALS, _models_area, "models an area"),
    ):
        if goal in goals_of and not any(map(models, _moved_by_one(spec))):
            return what
    return ""


def _prices_energy(point: SweepPoint) -> bool:
    machine = _machine(point)
    try:
        return machine is None or MachinePrices(machine).prices_anything(_counters(machine, point.trace))
    except (SimulatorError, TraceError):
        return True


def _models_area(point: SweepPoint) -> bool:
    machine = _machine(point)
    return machine is None or MachinePrices(machine).models_area


def _moved_by_one(spec: SweepSpec) -> Iterator[SweepPoint]:
    """The first point of each trace and machine, then those that differ from one in one key."""
    yield from _one_per_machine(spec)
    axes = spec.axes()
    for trace, machine in itertools.product(range(len(spec.traces)), range(len(spec.machines))):
        for moved, axis in enumerate(axes):
            for place in range(1, len(axis.values)) if axis.kind == "settings" else ():
                yield spec.point([trace, machine, *(place if moved == i else 0 for i in range(2, len(axes)))])


def check_accuracies(spec: SweepSpec, asked: str) -> None:
    """UsageError naming the first trace that does not state the accuracy of its network. asked: what needs it."""
    for trace in spec.traces:
        with open_trace(trace) as network:
            if not isinstance(network.provenance.get(ACCURACY), float):
                raise UsageError(
                    f"{asked}: {trace} does not state the accuracy of its network ({ACCURACY} in its provenance), so "
                    "no point of it has one"
                )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _are_all_ours(spec: SweepSpec) -> bool:
    """Whether dataflows and overlap policies of all machines come with the program, so that their categories of cycles
    are known."""
    shipped = {read_yaml(shipped_path(name), shipped=True)["dataflow"]["kind"] for name in shipped_machines()}
    for point in _one_per_machine(spec):
        machine = _machine(point)
        if machine is None or machine.dataflow.kind not in shipped:
            return False
        allowed = DATAFLOWS.lookup(machine.dataflow.kind).overlaps
        if machine.overlap.get("policy", allowed[0]) not in allowed:
            return False
    return True


def _components(spec: SweepSpec) -> tuple[list[str], bool]:
    """Components of energy of the machines of a space, each mapped to its trace without being run; and whether that is
    all of them: some machine may be one only with settings that were not tried."""
    found = dict.fromkeys(_OF_EVERY_MACHINE)
    is_all = True
    for point in _one_per_machine(spec):
        machine = _machine(point)
        if machine is None:
            is_all = False
            continue
        found |= dict.fromkeys(memory.name for memory in machine.memories())
        found |= dict.fromkeys(unit.component for unit in machine.units())
        clock = MachinePrices(machine).clock_counters
        found |= dict.fromkeys(each.component for each in (*clock, *dram_counters(machine)))
        try:
            found |= dict.fromkeys(counter.component for counter in _counters(machine, point.trace))
        except (SimulatorError, TraceError):
            is_all = False
    return list(found), is_all


def _counters(machine: Machine, trace_name: str) -> list[Counter]:
    """What the dataflow of a machine counts on a trace, mapped without being run; raises what mapping raises."""
    dataflow = DATAFLOWS.lookup(machine.dataflow.kind)
    with open_trace(trace_name) as trace:
        network = with_sums_joined(trace) if dataflow.supports.joins_sums else trace
        refuse_unsupported(dataflow.supports, dataflow.name, machine.name, network, dict)
        stages = stages_that_run(dataflow.supports, dataflow.stages(machine, network))
        return [counter for stage in stages for counter in dataflow.plan(machine, stage, network).counters]


def _one_per_machine(spec: SweepSpec) -> Iterator[SweepPoint]:
    """The first point of each trace and machine."""
    axes = spec.axes()
    for trace in range(len(spec.traces)):
        for machine in range(len(spec.machines)):
            yield spec.point([trace, machine, *[0] * (len(axes) - 2)])


def _machine(point: SweepPoint) -> Machine | None:
    """The point's machine; None where it is none."""
    try:
        return load_machine(point.machine, point.settings, point.formats)
    except SimulatorError:
        return None
