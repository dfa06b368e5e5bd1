"""The laws that every dataflow keeps, as functions that raise AssertionError where one is broken.

    case = Case.of(machine, network, twin)      # an open trace, and the dataflow's module of tests/reference
    if case.is_supported:
        check_all(case)

A dataflow that keeps them gives what an independent twin gives, in every figure and under its name. Nothing but the
dataflow's own declaration (`Support`) exempts it from a network.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from spikecycle.simulator import simulate
from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows import DATAFLOWS, Dataflow
from spikecycle.simulator.dataflows.base import Plan
from spikecycle.simulator.dataflows.stage import Stage, StageSample
from spikecycle.simulator.dataflows.support import free_operators, stages_that_run
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.replay import SampleTensors
from spikecycle.simulator.schedule import OVERLAPS
from spikecycle.traces import Trace
from tests.contracts.networks import FEW, MANY, SILENT
from tests.reference import workload as reference
from tests.reference.expected import Expected

Figures = Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Case:
    """A network on a machine. twin: has `expected` (see `tests.reference.expected`)."""

    machine: Machine
    network: Trace
    dataflow: Dataflow
    twin: Any

    @classmethod
    def of(cls, machine: Machine, network: Trace, twin: Any = None) -> Case:
        """The dataflow as it is registered; its twin by its name."""
        dataflow = DATAFLOWS.lookup(machine.dataflow.kind)
        return cls(machine, network, dataflow, twin or import_module(f"tests.reference.{dataflow.name}"))

    @property
    def is_supported(self) -> bool:
        """Whether the dataflow declares that it runs all operators."""
        support = self.dataflow.supports
        return not any(list(support.problems(operator, self.network)) for operator in self.network.operators)

    @cached_property
    def stages(self) -> list[Stage]:
        """What runs."""
        return stages_that_run(self.dataflow.supports, self.dataflow.stages(self.machine, self.network))

    def plan(self, stage: Stage) -> Plan:
        """A stage, mapped anew."""
        return self.dataflow.plan(self.machine, stage, self.network)

    def sample(self, stage: Stage, sample: int) -> StageSample:
        """One sample of a stage, nothing of it known yet."""
        return StageSample(stage, SampleTensors(self.network, sample))

    def runs(self) -> Iterator[tuple[Stage, int, Activity]]:
        """Every stage and sample."""
        for stage in self.stages:
            plan = self.plan(stage)
            for sample in range(self.network.samples):
                yield stage, sample, plan.run(self.sample(stage, sample))

    def values(self, sample: int) -> dict[str, np.ndarray]:
        """All tensors of a sample, as they were recorded."""
        found = {name: tensor.values(sample) for name, tensor in self.network.tensors.items()}
        assert all(values is not None for values in found.values()), "networks of the suite record every tensor"
        return found


def check_all(case: Case) -> None:
    """Every law."""
    for check in CHECKS:
        check(case)


def check_declarations(case: Case) -> None:
    """A dataflow says what it is, and counts nothing that it has not declared."""
    dataflow = case.dataflow
    assert dataflow.name == case.machine.dataflow.kind
    assert dataflow.summary and "\n" not in dataflow.summary
    assert dataflow.overlaps and set(dataflow.overlaps) <= set(OVERLAPS.names())
    assert isinstance(case.machine, dataflow.machine_type)
    for stage in case.stages:
        plan = case.plan(stage)
        names = [counter.name for counter in plan.counters]
        assert len(set(names)) == len(names), "a counter is declared twice"
        assert all(counter.meaning and counter.unit for counter in plan.counters)
        assert all(isinstance(size, int) for size in plan.tiling().values())
        storage = plan.storage
        assert min(storage.payload_bits, storage.metadata_bits, storage.directory_bits) >= 0
        activity = plan.run(case.sample(stage, FEW))
        assert set(activity.counts) <= set(names), "a count is not declared"
        activity.work.check()  # although a dataflow may tell that it need not be
        activity.moves.check()
        assert activity.work.categories[0] == "compute"
        assert 0 <= activity.busy.get("pe", 0) <= case.machine.pe_count * activity.work.cycles.sum()


def check_stages(case: Case) -> None:
    """Every operator runs once, after those that it waits for, unless it is declared to cost nothing."""
    run = [operator.name for stage in case.stages for operator in stage.operators]
    free = free_operators(case.dataflow.supports, case.network)
    assert sorted(run) == sorted(operator.name for operator in case.network.operators if operator.name not in free)
    assert len({stage.name for stage in case.stages}) == len(case.stages)
    made = {name for name, tensor in case.network.tensors.items() if tensor.producer in (None, *free)}
    for stage in case.stages:
        for operator in stage.operators:
            assert all(source.delay or source.tensor in made for source in operator.inputs)
            made.add(operator.output.name)


def check_twin(case: Case) -> None:
    """Cycles, categories, every counter and DRAM traffic of every stage and sample are those of the twin, by name."""
    for stage, sample, activity in case.runs():
        expected: Expected = case.twin.expected(case.machine, stage, case.network, case.values(sample))
        where = f"stage {stage.name!r}, sample {sample}"
        declared = {counter.name for counter in case.plan(stage).counters}
        assert set(expected.counts) <= declared, f"{where}: the twin counts what is not declared"
        assert int(activity.work.cycles.sum()) == expected.cycles == sum(expected.breakdown.values()), where
        _same(f"{where}, categories", _by_name(activity.work.categories, activity.work.breakdown), expected.breakdown)
        _same(f"{where}, counts", activity.counts, expected.counts)
        _same(f"{where}, reads", _by_name(activity.moves.operands, activity.moves.load_bits), expected.reads)
        _same(f"{where}, writes", _by_name(activity.moves.operands, activity.moves.store_bits), expected.writes)


def check_operations(case: Case) -> None:
    """Synaptic operations are what network and spikes come to, on every dataflow.

    Weights that are not 0, once for every set bit that they meet; and the set bits of spikes and counts that a
    population takes without weights (identity), each of which is added once.
    """
    for stage, sample, activity in case.runs():
        values = case.values(sample)
        assert activity.synaptic_operations == _operations(case.network, stage, values), (stage.name, sample)


def check_repeats(case: Case) -> None:
    """Runs change nothing that they are given, and give the same again, in any order of samples and on a new plan."""
    for stage in case.stages:
        first, second = case.plan(stage), case.plan(stage)
        seen = [case.sample(stage, sample) for sample in range(case.network.samples)]
        names = [*stage.consumed, *stage.produced]
        before = [{name: copy.copy(sample.values(name)) for name in names} for sample in seen]
        weights = [copy.copy(synapse.weights()) for synapse in stage.synapses()]
        forwards = [first.run(sample) for sample in seen]
        backwards = [second.run(sample) for sample in reversed(seen)][::-1]
        for one, other in zip(forwards, backwards, strict=True):
            assert _everything(one) == _everything(other), f"{stage.name}: the order of samples matters"
        assert _everything(first.run(seen[0])) == _everything(forwards[0]), f"{stage.name}: a run is not repeated"
        for sample, kept in zip(seen, before, strict=True):
            assert all(np.array_equal(sample.values(name), kept[name]) for name in names)
        assert all(np.array_equal(s.weights(), kept) for s, kept in zip(stage.synapses(), weights, strict=True))


def check_silence(case: Case) -> None:
    """Silence applies no weight, takes no longer than spikes do, and loads no more."""
    for stage in case.stages:
        silent = case.values(SILENT)
        if any(silent[name].any() for name in (*stage.consumed, *stage.produced)):
            continue  # a bias fires neurons that nothing reaches
        plan = case.plan(stage)
        quiet, *busy = (plan.run(case.sample(stage, sample)) for sample in (SILENT, FEW, MANY))
        assert quiet.synaptic_operations == 0
        for activity in busy:
            assert quiet.work.cycles.sum() <= activity.work.cycles.sum()
            assert quiet.moves.load_bits.sum() <= activity.moves.load_bits.sum()


def check_result(case: Case) -> None:
    """The engine's result verifies, its categories sum to its cycles, and it moves no fewer bits than were asked
    for."""
    result = simulate(case.network, case.machine, verify=True)
    assert result.verification is not None
    assert sum(part.mismatches for part in result.verification) == 0
    assert sum(part.spikes_compared for part in result.verification) > 0
    assert result.sum_cycles == sum(result.cycles_per_sample) == sum(result.sum_cycle_breakdown.values())
    totals: dict[str, Counter[str]] = {stage.name: Counter() for stage in case.stages}
    for stage, _, activity in case.runs():
        moved = activity.moves.load_bits.sum() + activity.moves.store_bits.sum()
        totals[stage.name].update(operations=activity.synaptic_operations, bits=int(moved))
        totals[stage.name].update(activity.counts)
    assert [layer.name for layer in result.layers] == list(totals)
    for layer in result.layers:
        total = totals[layer.name]
        assert sum(layer.sum_cycle_breakdown.values()) == layer.sum_cycles
        assert layer.sum_synaptic_operations == total["operations"]
        assert sum(layer.sum_dram_read_bits.values()) + sum(layer.sum_dram_write_bits.values()) >= total["bits"]
        counted = {
            counter.name: counter.sum_count for counter in layer.counters if counter.resource not in ("dram", "clock")
        }
        assert counted == {name: total[name] for name in counted}
        assert all(counter.sum_energy_pj >= 0 for counter in layer.counters)


CHECKS = (
    check_declarations, check_stages, check_twin, check_operations, check_repeats, check_silence, check_result,
)  # fmt: skip


def _by_name(names: tuple[str, ...], columns: np.ndarray) -> Figures:
    """Sums of the columns by their names."""
    found: Counter[str] = Counter()
    for name, total in zip(names, columns.sum(axis=0).tolist(), strict=True):
        found[name] += total
    return found


def _same(what: str, found: Figures, expected: Figures) -> None:
    """Both have the same figures, where one that is not there is 0."""
    different = {
        name: (found.get(name, 0), expected.get(name, 0))
        for name in {*found, *expected}
        if found.get(name, 0) != expected.get(name, 0)
    }
    assert not different, f"{what}: (found, expected) of {different}"


def _everything(activity: Activity) -> Any:
    """All numbers of an activity."""
    work, moves = activity.work, activity.moves
    arrays = (work.cycles, work.breakdown, work.step, work.resource, moves.load_bits, moves.store_bits)
    names = (work.categories, work.resources, moves.operands)
    places = {name: place.tolist() for name, place in work.places.items()}
    counted = (dict(activity.counts), dict(activity.busy), activity.synaptic_operations)
    return [each.tolist() for each in arrays], names, places, counted


def _operations(network: Trace, stage: Stage, values: Mapping[str, np.ndarray]) -> int:
    """Synaptic operations of a stage, weight by weight."""
    producers = {operator.output.name: operator for operator in network.operators}

    def is_current(tensor: str) -> bool:
        operator = producers.get(tensor)
        if operator is None or operator.kind == "neuron":
            return False
        return operator in network_synapses or any(is_current(source.tensor) for source in operator.inputs)

    network_synapses = [operator for operator in producers.values() if operator.kind in ("conv1d", "conv2d", "linear")]
    total = 0
    for operator in stage.operators:
        for source in operator.inputs:
            spikes = np.abs(values[source.tensor].astype(int))
            if source.delay:
                spikes = np.concatenate([np.zeros_like(spikes[:1]), spikes[:-1]])
            if operator in network_synapses:
                shape = operator.shape
                geometry = reference.Geometry(
                    shape.C, shape.H, shape.W, shape.M, shape.R, shape.S, shape.stride, shape.sides, shape.dilation,
                    shape.groups,
                )  # fmt: skip
                total += reference.synaptic_operations(
                    geometry, spikes.reshape(-1, *shape.input_shape), 16, operator.weights()
                )
            elif operator.kind == "neuron" and not is_current(source.tensor):
                total += sum(int(value).bit_count() for value in spikes.ravel())
    return total
