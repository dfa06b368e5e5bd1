"""The chosen mapping against the rule tried out by brute force, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from spikecycle.simulator import simulate
from spikecycle.simulator.dataflows.row_stationary import RowStationary
from spikecycle.simulator.dataflows.row_stationary.kernel_types import Kept
from spikecycle.simulator.dataflows.row_stationary.plan import RowStationaryPlan
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import weight_format
from spikecycle.traces import LayerShape
from tests.reference import row_stationary as reference
from tests.reference.row_stationary_mapping import Chooser
from tests.unit.row_stationary.cases import machine, machines
from tests.unit.spike_array.cases import buffer, layer, layers

DATAFLOW = RowStationary()
CONV = LayerShape("conv2d", C=2, H=4, W=4, M=2, R=3, S=3, padding=(1, 1))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from((4096, 120, 60, 40, 30, 24, 18, 12)).flatmap(machines), layers(always_at_rest=False))
def test_mapping_is_the_first_of_the_least(chosen, task) -> None:  # type: ignore[no-untyped-def]
    chooser = Chooser(chosen, task, weight_format(chosen.formats.weights))
    best = chooser.choose()
    if best is None:
        event("cannot be mapped")
        with pytest.raises(MappingError, match=r"^layer 'generated' cannot be mapped on machine 'generated': "):
            RowStationaryPlan(chosen, task)
        return
    mapping = RowStationaryPlan(chosen, task).mapped.mapping
    event(f"inputs kept for a {best.kept}, resident {best.resident}, psums in pads {chooser.in_pads}")
    assert mapping == (
        best.p, best.q, best.filter_sets, best.channel_sets, best.h, best.w, best.G,
        ("tile", "group", "pass").index(best.kept), best.resident,
    )  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from((4096, 100, 40)).flatmap(machines), layers(always_at_rest=False))
def test_global_buffer_holds_what_the_rule_says(chosen, task) -> None:  # type: ignore[no-untyped-def]
    try:
        mapping = RowStationaryPlan(chosen, task).mapped.mapping
    except MappingError:
        return
    chooser = Chooser(chosen, task, weight_format(chosen.formats.weights))
    space = chooser.space(chooser.choose())
    twin = reference.RowStationary(chosen, task, mapping, chooser.format)
    shape = (task.timesteps, *task.shape.input_shape)
    twin.run(np.ones(shape, np.uint8), np.ones((task.timesteps, *task.shape.output_shape), np.uint8))
    assert twin.most_input_words <= space["inputs"]
    if mapping.kept != Kept.PASS:
        assert twin.most_new_input_words <= space["next inputs"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dataflow__rows": 2}, "its kernel has 3 rows, dataflow.rows is 2"),
        (
            {"dataflow__accumulator_bits": 4},
            "the exact sum of a timestep needs 8 bits, dataflow.accumulator_bits is 4; "
            "set it to 8, 2.00 times the bits of each",
        ),
        (
            {"buffers__global_buffer": buffer(4096, 10), "dataflow__accumulator_bits": 10},
            "a potential has 12 bits, buffers.global_buffer.width_bits is 10; "
            "set it to 12, 1.20 times the bits of each",
        ),
        (
            {"buffers__input_pad": buffer(2, 8)},
            "a filter row of one channel does not fit buffers.input_pad, weight_pad and psum_pad",
        ),
        (
            {"buffers__weight_pad": buffer(2, 8)},
            "a filter row of one channel does not fit buffers.input_pad, weight_pad and psum_pad",
        ),
        (
            {"buffers__psum_pad": buffer(1, 4)},
            "a filter row of one channel does not fit buffers.input_pad, weight_pad and psum_pad",
        ),
        ({"buffers__global_buffer": buffer(4, 32)}, "not even its smallest tile fits buffers.global_buffer"),
    ],
)
def test_refusals_name_machine_layer_and_key(changes, reason) -> None:  # type: ignore[no-untyped-def]
    task = layer(CONV, np.full(CONV.weight_shape, 5), weight_bits=4)
    with pytest.raises(MappingError) as caught:
        RowStationaryPlan(machine(**changes), task)
    assert str(caught.value) == f"layer 'generated' cannot be mapped on machine 'generated': {reason}"


@pytest.mark.parametrize("name", ["eyeriss_snn", "eyeriss_sparseloop"])
def test_a_pad_without_an_entry_is_refused_where_psums_wait_in_it(name: str) -> None:
    settings = {
        "buffers.psum_pad.size_kib": 0.001,
        "dataflow.psums_wait_in": "psum_pad",
        "dataflow.time_batching": True,
    }
    with pytest.raises(MappingError, match=r"a filter row of one channel does not fit buffers\.input_pad, weight_pad"):
        simulate("digits-4bit", name, settings=settings)


def test_wide_operands_need_a_multiplier_as_wide() -> None:
    chosen = machine(dataflow__multiplier_bits=3, buffers__input_pad=buffer(24, 8))
    weights = np.ones(CONV.weight_shape)
    RowStationaryPlan(chosen, layer(CONV, weights, input_bits=1, weight_bits=4))  # spikes are added: no multiplier
    with pytest.raises(MappingError, match=r"2-bit inputs and 4-bit weights are multiplied, .*multiplier_bits is 3$"):
        RowStationaryPlan(chosen, layer(CONV, weights, input_bits=2, weight_bits=4))
