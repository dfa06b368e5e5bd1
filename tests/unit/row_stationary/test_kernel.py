"""The kernels against the literal twin: every cycle, category, count, load and store; and the twin against the
layer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import event, given, settings

from spikecycle.simulator.activity import OPERANDS
from spikecycle.simulator.dataflows.layer import LayerSample
from spikecycle.simulator.dataflows.row_stationary import RowStationary, RowStationaryPlan
from spikecycle.simulator.dataflows.row_stationary.kernel_types import CYCLE_CATEGORIES
from spikecycle.simulator.formats import weight_format
from tests.reference import replay
from tests.reference import row_stationary as reference
from tests.unit.activities import places
from tests.unit.row_stationary.cases import Case, cases

DATAFLOW = RowStationary()


def rows(records: list[reference.Record], part: str, names: tuple[str, ...]) -> list[list[int]]:
    """A part of the twin's passes as rows of numbers."""
    found: list[Any] = [getattr(record, part) for record in records]
    assert all(set(counter) <= set(names) for counter in found)
    return [[counter[name] for name in names] for counter in found]


@pytest.mark.kernel
@settings(max_examples=300, deadline=None, derandomize=True)
@given(cases())
def test_kernel_is_the_twin(case: Case) -> None:
    weights, inputs, outputs = case.on_chip
    twin = reference.RowStationary(
        case.machine, case.task, case.mapping, weight_format(case.machine.formats.weights),
        weights_there=weights, inputs_there=inputs, outputs_stay=outputs,
    )  # fmt: skip
    twin.run(case.inputs, case.outputs)
    sample = LayerSample(case.inputs, case.outputs, None, *case.on_chip)
    passes = RowStationaryPlan(case.machine, case.task, case.mapping).run(sample)
    event(f"on chip: {case.on_chip}")
    event(f"passes: {min(len(twin.records) // 4 * 4, 16)} or more")
    assert places(passes) == [list(record.label) for record in twin.records]
    assert passes.work.breakdown.tolist() == rows(twin.records, "breakdown", CYCLE_CATEGORIES)
    assert passes.moves.load_bits.tolist() == rows(twin.records, "loads", OPERANDS)
    assert passes.moves.store_bits.tolist() == rows(twin.records, "stores", OPERANDS)
    counters = [counter.name for counter in RowStationaryPlan(case.machine, case.task, case.mapping).counters]
    assert set(twin.counts) <= set(counters)
    assert dict(passes.counts) == {name: twin.counts[name] for name in counters}
    assert passes.busy["pe"] == twin.useful_cycles
    assert passes.synaptic_operations == twin.operations
    # the twin's sums are those of the layer: the mapping is legal
    shape = case.task.shape
    assert not twin.partial
    for (t, m, p, q), total in twin.sums.items():
        assert total == replay.gather(shape, case.task.weights, case.inputs[t], m, p, q)[0]
    assert len(twin.sums) == case.task.timesteps * shape.output_count
