"""The kernels against the clocked twin: every cycle, cause, count, load and output spike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings

from simulator.activity import OPERANDS, Passes
from simulator.dataflows import DATAFLOWS
from simulator.dataflows.spike_array import SpikeArray
from simulator.errors import MappingError
from simulator.replay import replay_layer
from tests.reference import spike_array as reference
from tests.reference.spike_array_tiling import CannotMap
from tests.unit.spike_array.cases import Case, cases

DATAFLOW = SpikeArray()


def run(case: Case) -> Passes:
    """What the kernels say of a case, with the spikes of the functional replay."""
    replay = replay_layer(case.task, case.inputs, track_active=True)
    active = replay.active if DATAFLOW.needs_active(case.machine) else None
    return DATAFLOW.plan(case.machine, case.task).run(case.inputs, replay.outputs, active)


def rows(records: list[reference.Record], part: str, names: tuple[str, ...]) -> list[list[int]]:
    """A part of the twin's passes as rows of numbers."""
    found: list[Any] = [getattr(record, part) for record in records]
    assert all(set(counter) <= set(names) for counter in found)
    return [[counter[name] for name in names] for counter in found]


@pytest.mark.kernel
@settings(max_examples=800, deadline=None, derandomize=True)
@given(cases())
def test_kernel_is_the_twin(case: Case) -> None:
    try:
        twin = reference.SpikeArray(case.machine, case.task)
        spikes = twin.run(case.inputs)
    except CannotMap:
        event("cannot be mapped")
        with pytest.raises(MappingError, match=r"^layer 'generated' cannot be mapped on machine 'generated': "):
            run(case)
        return
    passes = run(case)
    event(f"passes: {min(len(twin.records), 4)}")
    assert passes.labels.tolist() == [list(record.label) for record in twin.records]
    assert passes.causes.tolist() == rows(twin.records, "causes", DATAFLOW.causes)
    assert passes.load_bits.tolist() == rows(twin.records, "loads", OPERANDS)
    assert passes.store_bits.tolist() == rows(twin.records, "stores", OPERANDS)
    counters = [counter.name for counter in DATAFLOW.counters(case.machine, case.task)]
    assert set(twin.counts) <= set(counters)
    assert dict(zip(counters, passes.counts.tolist(), strict=True)) == {name: twin.counts[name] for name in counters}
    assert passes.synaptic_operations == twin.counts["accumulator.add"]
    assert passes.busy_pe_cycles == twin.busy_pe_cycles
    # the twin adds real weights to real potentials: three independent models agree on what the array computes
    assert np.array_equal(spikes, replay_layer(case.task, case.inputs).outputs)


def test_the_dataflow_is_found_by_its_name() -> None:
    assert type(DATAFLOWS.lookup("spike_array")) is SpikeArray
