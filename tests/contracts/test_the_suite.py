"""The suite can fail: dataflows with one mistake each, registered in the place of the right one for one test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.activity import Activity, Moves, Work, WorkRows
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample
from spikecycle.simulator.machine.loader import load_machine, shipped_machines
from spikecycle.traces import Source, Trace
from tests.contracts import suite
from tests.contracts.networks import NETWORKS
from tests.contracts.suite import Case, check_all

MACHINES = {load_machine(name).dataflow.kind: name for name in reversed(shipped_machines())}
"""A machine for each dataflow."""
Networks = Callable[[str], Trace]
Swap = Callable[[str, Any], None]


@dataclass(eq=False)
class Mistaken:
    """A dataflow that does everything as `right` does, but for one mistake."""

    right: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.right, name)

    def plan(self, machine: Any, stage: Stage, network: Any) -> Any:
        return MistakenPlan(self, self.right.plan(machine, self.seen(stage), self.shown(network)))

    def seen(self, stage: Stage) -> Stage:
        """The stage that is mapped."""
        return stage

    def shown(self, network: Network) -> Any:
        """The network that it is part of."""
        return network

    def run(self, plan: Any, sample: StageSample) -> Activity:
        """What is said of a sample."""
        return self.changed(plan.run(sample))

    def changed(self, activity: Activity) -> Activity:
        """What is said in place of what is right."""
        return activity


@dataclass(eq=False)
class MistakenPlan:
    """Its plan."""

    dataflow: Mistaken
    right: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.right, name)

    def run(self, sample: StageSample) -> Activity:
        return self.dataflow.run(self.right, sample)


class SevenTimesTheCycles(Mistaken):
    def changed(self, activity: Activity) -> Activity:
        work = activity.work
        slow = Work(7 * work.cycles, work.categories, 7 * work.breakdown, work.step, work.resource, work.resources)
        return replace(activity, rows=WorkRows.of(slow, activity.moves))


class OneCategoryForAnother(Mistaken):
    def changed(self, activity: Activity) -> Activity:
        work = activity.work
        rolled = replace(work, breakdown=np.roll(work.breakdown, 1, axis=1))
        return replace(activity, rows=WorkRows.of(rolled, activity.moves))


class TwoCountersPermuted(Mistaken):
    def changed(self, activity: Activity) -> Activity:
        if not activity.counts:
            return activity
        one, other = _differing(activity.counts)
        swapped = {one: activity.counts[other], other: activity.counts[one]}
        return replace(activity, counts={**activity.counts, **swapped})


class LoadsAndStoresSwapped(Mistaken):
    def changed(self, activity: Activity) -> Activity:
        moves = activity.moves
        swapped = Moves(moves.store_bits, moves.load_bits, moves.operands)
        return replace(activity, rows=WorkRows.of(activity.work, swapped))


class OneOperationTooMany(Mistaken):
    def changed(self, activity: Activity) -> Activity:
        return replace(activity, synaptic_operations=activity.synaptic_operations + 1)


class DropsATimestep(Mistaken):
    def shown(self, network: Network) -> Any:
        return Shorter(network)

    def run(self, plan: Any, sample: StageSample) -> Activity:
        return plan.run(StageSample(sample.stage, ShorterTensors(sample.tensors)))  # type: ignore[arg-type]


class SilencesTheLastTimestep(Mistaken):
    def run(self, plan: Any, sample: StageSample) -> Activity:
        return plan.run(StageSample(sample.stage, SilencedTensors(sample.tensors)))  # type: ignore[arg-type]


class DropsAStage(Mistaken):
    def stages(self, machine: Any, network: Any) -> list[Stage]:
        return self.right.stages(machine, network)[1:]


class CountsOnFromSampleToSample(Mistaken):
    def run(self, plan: Any, sample: StageSample) -> Activity:
        self.__dict__["runs"] = self.__dict__.get("runs", 0) + 1
        return replace(plan.run(sample), busy={"runs": self.__dict__["runs"]})


class WritesToItsInputs(Mistaken):
    def run(self, plan: Any, sample: StageSample) -> Activity:
        values = sample.values(sample.stage.consumed[0])
        values.setflags(write=True)
        activity = plan.run(sample)
        values[...] = 0
        return activity


class Shorter:
    """A network without its last timestep."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.timesteps = network.timesteps - 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self.network, name)


class ShorterTensors:
    """Tensors without their last timestep."""

    def __init__(self, tensors: Any) -> None:
        self.tensors = tensors

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tensors, name)

    def values(self, name: str) -> Any:
        return self.tensors.values(name)[:-1]

    def frames(self, name: str) -> Any:
        return self.values(name)

    def source(self, source: Source) -> Any:
        return self.tensors.source(source)[:-1]


class SilencedTensors(ShorterTensors):
    """Tensors of which nothing is left in the last timestep."""

    def values(self, name: str) -> Any:
        values = self.tensors.values(name).copy()
        values[-1] = 0
        return values

    def source(self, source: Source) -> Any:
        return self.values(source.tensor)


def _differing(counts: Mapping[str, int]) -> tuple[str, str]:
    """Two counters that do not count the same."""
    one = max(counts, key=lambda name: counts[name])
    return one, min(counts, key=lambda name: counts[name])


EVERYWHERE = (
    SevenTimesTheCycles, OneOperationTooMany, DropsATimestep, SilencesTheLastTimestep, DropsAStage,
    CountsOnFromSampleToSample, WritesToItsInputs,
)  # fmt: skip
WHERE_THERE_ARE_SEVERAL = (OneCategoryForAnother, TwoCountersPermuted, LoadsAndStoresSwapped)
"""Mistakes that change nothing where a dataflow has one category, one counter, or no traffic."""
CHANGING = {(name, mistake) for name in ("spike_array", "row_stationary") for mistake in WHERE_THERE_ARE_SEVERAL}
CHANGING.add(("systolic", LoadsAndStoresSwapped))
"""Dataflows in which those are mistakes, at least."""


@pytest.fixture
def swap(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, Any], None]]:
    """Registers something else under a dataflow's name until the test is over."""
    before = DATAFLOWS.registered()

    def register(name: str, other: Any) -> None:
        DATAFLOWS.restore({known: member for known, member in before.items() if known != name})
        DATAFLOWS.register(name, other)

    yield register
    DATAFLOWS.restore(before)


@pytest.mark.parametrize("mistake", (*EVERYWHERE, *WHERE_THERE_ARE_SEVERAL))
@pytest.mark.parametrize("name", DATAFLOWS.names())
def test_a_mistake_is_found(name: str, mistake: type[Mistaken], swap: Swap, network: Networks) -> None:
    right = case_of(name, network)
    if mistake in WHERE_THERE_ARE_SEVERAL and not any(changes(mistake, activity) for _, _, activity in right.runs()):
        assert (name, mistake) not in CHANGING
        pytest.skip(f"to {name} it makes no difference")
    swap(name, mistake(right.dataflow))
    case = case_of(name, network)
    assert isinstance(case.dataflow, mistake)
    with pytest.raises(AssertionError):
        check_all(case)


@pytest.mark.parametrize("name", DATAFLOWS.names())
def test_without_a_mistake_nothing_is_found(name: str, swap: Swap, network: Networks) -> None:
    swap(name, Mistaken(DATAFLOWS.lookup(name)))
    check_all(case_of(name, network))


def case_of(name: str, network: Networks) -> Case:
    """A dataflow on the first network that it runs."""
    machine = load_machine(MACHINES[name])
    cases = (Case.of(machine, network(each)) for each in ("linear", *NETWORKS))
    return next(case for case in cases if case.is_supported)


def changes(mistake: type[Mistaken], activity: Activity) -> bool:
    """Whether it makes a difference to what is told."""
    if mistake is TwoCountersPermuted and len(set(activity.counts.values())) < 2:
        return False
    told = mistake(None).changed(activity)
    return (
        dict(told.counts) != dict(activity.counts)
        or not np.array_equal(told.work.breakdown, activity.work.breakdown)
        or not np.array_equal(told.moves.load_bits, activity.moves.load_bits)
    )


def test_each_law_finds_a_mistake_of_its_own(swap: Callable[[str, Any], None], network: Callable[[str], Trace]) -> None:
    """Not by accident, while something else is looked at."""
    by_law = {
        SevenTimesTheCycles: "check_twin",
        OneCategoryForAnother: "check_twin",
        TwoCountersPermuted: "check_twin",
        LoadsAndStoresSwapped: "check_twin",
        DropsATimestep: "check_twin",
        SilencesTheLastTimestep: "check_twin",
        OneOperationTooMany: "check_operations",
        DropsAStage: "check_stages",
        CountsOnFromSampleToSample: "check_repeats",
        WritesToItsInputs: "check_repeats",
    }
    right = DATAFLOWS.lookup("spike_array")
    for mistake, law in by_law.items():
        swap("spike_array", mistake(right))
        case = case_of("spike_array", network)
        with pytest.raises(AssertionError):
            getattr(suite, law)(case)


def test_a_message_names_stage_and_figures(swap: Callable[[str, Any], None], network: Callable[[str], Trace]) -> None:
    swap("spike_array", TwoCountersPermuted(DATAFLOWS.lookup("spike_array")))
    case = case_of("spike_array", network)
    with pytest.raises(AssertionError, match=re.escape("stage 'fc1', sample 0, counts: (found, expected) of")):
        suite.check_twin(case)
