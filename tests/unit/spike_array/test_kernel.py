"""The kernels against the clocked twin: every cycle, category, count, load and output spike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from spikecycle.simulator.activity import OPERANDS, Activity
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.layer import LayerSample
from spikecycle.simulator.dataflows.spike_array import SpikeArray, alike_fibers, latency_tables, plan
from spikecycle.simulator.dataflows.spike_array.abreast import FEW_PES
from spikecycle.simulator.dataflows.spike_array.passes import CYCLE_CATEGORIES
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.simulator.errors import MappingError
from spikecycle.traces import LayerShape
from spikecycle.traces.packing import PackedSpikes, pack_spikes
from tests.reference import spike_array as reference
from tests.reference.spike_array_tiling import CannotMap
from tests.unit.spike_array.cases import Case, buffer, cases, layer, machine, replayed

DATAFLOW = SpikeArray()


def run(case: Case, packed: bool = False) -> Activity:
    """What the kernels say of a case, with the spikes of the functional replay; packed: where they are binary."""
    replay = replayed(case.task, case.inputs)
    active = replay.active if SpikeArrayPlan(case.machine, case.task).needs_active else None
    inputs: Any = case.inputs
    outputs: Any = replay.outputs
    if packed:
        inputs = PackedSpikes(pack_spikes(inputs), inputs.shape[1:]) if case.task.input_bits == 1 else inputs
        outputs = PackedSpikes(pack_spikes(outputs), outputs.shape[1:]) if case.task.neuron.fires else outputs
    return SpikeArrayPlan(case.machine, case.task).run(LayerSample(inputs, outputs, active, *case.on_chip))


def rows(records: list[reference.Record], part: str, names: tuple[str, ...]) -> list[list[int]]:
    """A part of the twin's passes as rows of numbers."""
    found: list[Any] = [getattr(record, part) for record in records]
    assert all(set(counter) <= set(names) for counter in found)
    return [[counter[name] for name in names] for counter in found]


@pytest.mark.kernel
@settings(max_examples=800, deadline=None, derandomize=True)
@given(cases(), st.sampled_from((FEW_PES, 0)), st.booleans(), st.sampled_from((10, 0, 4)), st.sampled_from((1, 2, 99)))
def test_kernel_is_the_twin(case: Case, few_pes: int, packed: bool, alike: int, together: int) -> None:
    """With channel tiles side by side in one kernel, as small groups of PEs have them, and one by one in the other;
    all, two or one at a time; binary spikes as arrays and packed, as a trace gives them; fibers of so many positions
    looked up where one was like them, or none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "FEW_PES", few_pes)
        patch.setattr(alike_fibers, "MOST_POSITIONS", alike)
        patch.setattr(latency_tables, "tiles_of_block", lambda bytes_of_tile: together)
        patch.setattr(latency_tables, "KEPT_BYTES", 0)
        passes = compare(case, packed)
        event(f"passes: {min(passes, 4)}, few PEs: {few_pes}")
        event(f"mapped: {passes > 0}, states: {case.task.neuron.states}, pool: {case.task.is_pooled}")


@pytest.mark.kernel
@settings(max_examples=40, deadline=None, derandomize=True)
@given(cases())
def test_a_sample_does_the_same_whatever_samples_the_plan_has_run_before(case: Case) -> None:
    replay = replayed(case.task, case.inputs)
    try:
        plan = SpikeArrayPlan(case.machine, case.task)
        sample = LayerSample(case.inputs, replay.outputs, replay.active, *case.on_chip)
        alone = plan.run(sample)
    except MappingError:
        return
    for inputs, on_chip in (
        (case.inputs[::-1], case.on_chip),
        (case.inputs * 0, tuple(not one for one in case.on_chip)),
    ):
        plan.run(LayerSample(inputs, replay.outputs[::-1], replay.active, *on_chip))
    again = plan.run(sample)
    event(f"spikes: {bool(case.inputs.any())}")
    assert again.counts == alone.counts
    for found, expected in ((again.work.breakdown, alone.work.breakdown), (again.work.step, alone.work.step)):
        assert np.array_equal(found, expected)
    assert np.array_equal(again.moves.load_bits, alone.moves.load_bits)
    assert np.array_equal(again.moves.store_bits, alone.moves.store_bits)
    assert np.array_equal(again.accesses_by_bank["potentials"], alone.accesses_by_bank["potentials"])


@pytest.mark.kernel
@pytest.mark.parametrize("banks", [1, 2, 3, 4])
@pytest.mark.parametrize("ports", [1, 2])
def test_blocks_of_different_width_have_conflicts_of_their_own(banks: int, ports: int) -> None:
    """A map of 5 columns on 2 PEs: taps of a column lie 3 addresses apart in one, 2 in the other."""
    shape = LayerShape("conv2d", C=2, H=5, W=5, M=1, R=3, S=1, padding=(1, 0))
    task = layer(shape, np.ones(shape.weight_shape), timesteps=2)
    chosen = machine(
        dataflow__partition="space",
        dataflow__pe_rows=1,
        dataflow__pe_columns=2,
        dataflow__lanes=3,
        buffers__potentials=buffer(64, 24, banks=banks, ports=ports),
    )
    compare(Case(chosen, task, np.ones((2, 2, 5, 5), np.uint8)))


def compare(case: Case, packed: bool = False) -> int:
    """Everything that the kernels say of a case against the twin; returns its passes, 0 if it cannot be mapped."""
    try:
        weights, inputs, outputs = case.on_chip
        twin = reference.SpikeArray(
            case.machine, case.task, weights_there=weights, inputs_there=inputs, outputs_stay=outputs
        )
        spikes = twin.run(case.inputs)
    except CannotMap:
        with pytest.raises(MappingError, match=r"^layer 'generated' cannot be mapped on machine 'generated': "):
            run(case, packed)
        return 0
    passes = run(case, packed)
    assert np.stack(list(passes.work.places.values()), axis=1).tolist() == [
        list(record.label) for record in twin.records
    ]
    assert passes.work.breakdown.tolist() == rows(twin.records, "breakdown", CYCLE_CATEGORIES)
    assert passes.moves.load_bits.tolist() == rows(twin.records, "loads", OPERANDS)
    assert passes.moves.store_bits.tolist() == rows(twin.records, "stores", OPERANDS)
    counters = [counter.name for counter in SpikeArrayPlan(case.machine, case.task).counters]
    assert set(twin.counts) <= set(counters)
    assert {name: passes.counts[name] for name in counters} == {name: twin.counts[name] for name in counters}
    assert passes.synaptic_operations == twin.counts["accumulator.add"]
    assert passes.busy["pe"] == twin.busy_pe_cycles
    assert passes.busy_by_pe is not None
    assert passes.busy_by_pe.tolist() == twin.served_cycles
    assert passes.accesses_by_bank["potentials"].tolist() == twin.bank_accesses
    # the twin adds real weights to real potentials: three independent models agree on what the array computes
    assert np.array_equal(spikes, replayed(case.task, case.inputs).outputs)
    storage = SpikeArrayPlan(case.machine, case.task).storage
    payload_bits, metadata_bits, stored_bits = twin.cut.storage()
    assert (storage.payload_bits, storage.stored_bits) == (payload_bits, stored_bits)
    # offset pairs are an upper rank of the whole set of fibers, and no fiber's own
    assert storage.metadata_bits == metadata_bits or twin.weight_format.offset_pairs
    return len(twin.records)


def test_the_dataflow_is_found_by_its_name() -> None:
    assert type(DATAFLOWS.lookup("spike_array")) is SpikeArray
