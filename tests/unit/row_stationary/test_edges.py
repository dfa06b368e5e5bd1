"""Small cases worked out by hand: cycles at their edges, zeros in every way, where psums and weights wait."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.activity import OUTPUTS, SPIKES, WEIGHTS, Activity
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.row_stationary import RowStationary, RowStationaryMachine
from spikecycle.simulator.dataflows.row_stationary.kernel_types import CYCLE_CATEGORIES
from spikecycle.simulator.dataflows.row_stationary.plan import RowStationaryPlan
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.traces import LayerShape
from tests.unit.activities import assert_same, places
from tests.unit.row_stationary.cases import machine
from tests.unit.spike_array.cases import buffer, layer

DATAFLOW = RowStationary()


def replay(chosen: RowStationaryMachine, task: LayerTask, inputs: Any) -> tuple[Activity, dict[str, int]]:
    """A sample whose inputs are given flat, without output spikes; its passes and its counts by name."""
    values = np.array(inputs, np.uint8).reshape(task.timesteps, *task.shape.input_shape)
    outputs = np.zeros((task.timesteps, *task.shape.output_shape), np.uint8)
    passes = RowStationaryPlan(chosen, task).run(LayerSample(values, outputs, None))
    return passes, dict(passes.counts)


def breakdown(passes: Activity, index: int = 0) -> dict[str, int]:
    """Categories of one pass by name."""
    return dict(zip(CYCLE_CATEGORIES, passes.work.breakdown[index].tolist(), strict=True))


def one_pe(**changes: Any) -> RowStationaryMachine:
    """A machine of one PE."""
    return machine(dataflow__rows=1, dataflow__columns=1, **changes)


def test_one_pass_by_hand() -> None:
    passes, counts = replay(one_pe(), layer(LayerShape.linear(2, 2), [1, 1, 1, 1]), [1, 1])
    assert breakdown(passes) == {
        "weight_fill": 2,  # 4 weights of 4 bits, 8 bits per cycle
        "compute": 4,  # 2 inputs met by 2 weights
        "reduction": 3,  # 2 psums handed over, 1 PE in the chain
        "global_buffer": 0,
        "update": 3,  # 2 neurons in 2 lanes, and 2
    }
    assert passes.moves.load_bits.tolist() == [[16, 2, 0, 0]]
    assert passes.moves.store_bits.tolist() == [[0, 0, 0, 2]]
    assert counts["accumulator.add"] == counts["psum_pad.write"] == counts["weight_pad.read"] == 4
    assert counts["psum_pad.read"] == 4 + 2
    assert counts["chain.add"] == counts["chain_wire.potentials"] == 0
    assert counts["trunk.potentials"] == 2 * 3  # psums of -2 to 2 have 3 bits
    assert passes.busy["pe"] == passes.synaptic_operations == 4


@pytest.mark.parametrize(
    ("inputs", "weights", "cycles", "adds", "gated", "weights_read", "inputs_read"),
    [
        ("none", "none", 8, 8, 0, 8, 4),
        ("gate", "none", 8, 6, 2, 6, 4),
        ("skip", "none", 6, 6, 0, 6, 3),
        ("none", "gate", 8, 4, 4, 4, 4),
        ("gate", "gate", 8, 3, 5, 3, 4),
        ("skip", "gate", 6, 3, 3, 3, 3),
        ("none", "skip", 4, 4, 0, 4, 3),
        ("gate", "skip", 4, 3, 1, 3, 3),
        ("skip", "skip", 3, 3, 0, 3, 2),
    ],
)
def test_zeros_in_every_way(
    inputs: str, weights: str, cycles: int, adds: int, gated: int, weights_read: int, inputs_read: int
) -> None:
    # 4 channels, the second without spike, 2 filters; non-zero weights per channel: 2, 1, 1, 0
    task = layer(LayerShape.linear(4, 2), [1, 1, 0, 0, 1, 0, 1, 0])
    chosen = one_pe(
        dataflow__zeros__inputs_at_input_pad=inputs,
        dataflow__zeros__weights_at_weight_pad=weights,
        formats__weights__format="ubm",
    )
    passes, counts = replay(chosen, task, [1, 0, 1, 1])
    mask_reads = 0 if weights == "none" else 4 if inputs == "none" else 3
    assert breakdown(passes)["compute"] == cycles
    assert counts["accumulator.add"] == adds
    assert counts["accumulator.gated"] == gated == cycles - adds
    assert counts["weight_pad.read"] == weights_read + mask_reads
    assert counts["weight_pad.gated"] == cycles - weights_read
    assert counts["input_pad.read"] == inputs_read
    assert passes.synaptic_operations == 3


@pytest.mark.parametrize(
    ("format_name", "cycles", "read"),
    [("uncompressed", 4, 4), ("uop", 2, 2), ("cp", 1, 1), ("csr", 1, 1), ("rle", 1, 1), ("bitmask", 1, 3)],
)
def test_only_positions_make_zero_weights_skippable(format_name: str, cycles: int, read: int) -> None:
    # 2 channels with a spike each; the first filter is all zeros, the second has one zero
    chosen = one_pe(formats__weights__format=format_name)
    passes, counts = replay(chosen, layer(LayerShape.linear(2, 2), [0, 0, 3, 0]), [1, 1])
    assert breakdown(passes)["compute"] == cycles
    assert counts["weight_pad.read"] == read  # bitmask: the mask of either tap as well
    assert counts["accumulator.add"] == passes.synaptic_operations == 1


@pytest.mark.parametrize(("banks", "stall"), [(1, 2), (2, 1), (3, 0)])
def test_global_buffer_holds_up_a_pass_for_exactly_what_it_lacks(banks: int, stall: int) -> None:
    # nothing to add, one psum to hand over: 1 cycle; an input word written and read, a psum word written: 3 words
    chosen = one_pe(buffers__global_buffer=buffer(4096, 32, banks=banks))
    passes, _ = replay(chosen, layer(LayerShape.linear(1, 1), [1]), [0])
    assert breakdown(passes)["compute"] == 0
    # the update's 3 words (a psum, an output word written and read) are hidden behind its 3 cycles
    assert breakdown(passes)["global_buffer"] == stall


@pytest.mark.parametrize(
    ("switch", "read", "gated", "words"), [("none", 2, 0, 2), ("gate", 1, 1, 2), ("skip", 1, 0, 1)]
)
def test_input_rows_without_weights_are_not_delivered(switch: str, read: int, gated: int, words: int) -> None:
    # a word of 12 bits holds 12 of 16 channels; channels 6 to 15 have no weights, so the second word is not needed
    chosen = one_pe(
        dataflow__zeros__inputs_at_global_buffer=switch,
        dataflow__accumulator_bits=12,
        buffers__global_buffer=buffer(4096, 12),
        buffers__input_pad=buffer(16, 8),
    )
    _, counts = replay(chosen, layer(LayerShape.linear(16, 1), [1] * 6 + [0] * 10), [1] * 16)
    assert counts["global_buffer.spikes.read"] == read
    assert counts["global_buffer.spikes.gated"] == gated
    assert counts["global_buffer.spikes.read"] + counts["global_buffer.spikes.gated"] == words
    assert counts["trunk.spikes"] == (16 if switch == "none" else 6)


def test_timesteps_fill_the_columns_of_a_linear_layer() -> None:
    chosen = machine(dataflow__rows=1, dataflow__columns=2, dataflow__objective="energy")
    passes, counts = replay(chosen, layer(LayerShape.linear(1, 1), [1], timesteps=3), [1, 1, 1])
    assert places(passes) == [
        [0, 0, 0, 0],
        [0, 0, 0, 1],
    ]  # timesteps 0 and 1 side by side, then 2
    assert passes.moves.load_bits[:, WEIGHTS].tolist() == [4, 0]
    assert passes.moves.load_bits[:, SPIKES].tolist() == [2, 1]
    assert passes.moves.store_bits[:, OUTPUTS].sum() == 3
    assert counts["weight_pad.write"] == 2  # once for each column


@pytest.mark.parametrize(
    ("wait_in", "to_buffer", "from_buffer", "handed_over"), [("global_buffer", 3, 2, 3), ("psum_pad", 1, 0, 1)]
)
def test_psums_wait_in_the_buffer_or_in_the_pads(
    wait_in: str, to_buffer: int, from_buffer: int, handed_over: int
) -> None:
    # 3 channels, one at a time: 3 channel folds
    chosen = one_pe(dataflow__psums_wait_in=wait_in, buffers__input_pad=buffer(1, 8))
    passes, counts = replay(chosen, layer(LayerShape.linear(3, 1), [1, 1, 1]), [1, 1, 1])
    assert len(passes.work.breakdown) == 3
    assert counts["global_buffer.psums.write"] == to_buffer
    assert counts["global_buffer.psums.read"] == from_buffer + 1  # and once by the update
    assert counts["psum_pad.read"] == 3 + handed_over
    assert counts["chain.add"] == from_buffer
    assert [breakdown(passes, index)["reduction"] for index in range(3)] == ([2] * 3 if handed_over == 3 else [0, 0, 2])


def test_the_chain_adds_filter_rows_up_the_column() -> None:
    shape = LayerShape("conv2d", C=1, H=3, W=1, M=1, R=3, S=1)
    passes, counts = replay(machine(), layer(shape, [1, 2, 3]), [1, 1, 1])
    assert counts["chain.add"] == 2
    assert counts["chain_wire.potentials"] == 2 * 4  # sums of -6 to 6 have 4 bits
    assert breakdown(passes)["reduction"] == 1 + 3


def test_resident_weights_come_from_dram_once() -> None:
    shape = LayerShape("conv2d", C=1, H=1, W=2, M=2, R=1, S=1)
    task = layer(shape, [1, 1], timesteps=2)
    tight = {"buffers__psum_pad": buffer(1, 16), "dataflow__psums_wait_in": "psum_pad"}
    passes, counts = replay(one_pe(**tight), task, [1] * 4)
    # a tile a column, in it a filter after the other: 4 loads of 4 bits; the second timestep finds its weights there
    assert passes.moves.load_bits[:, WEIGHTS].tolist() == [4, 0] * 4
    through = one_pe(**tight, dataflow__weights_bypass_global_buffer=False)
    passes, counts = replay(through, task, [1] * 4)
    assert passes.moves.load_bits[:, WEIGHTS].tolist() == [4, 0] * 2 + [0] * 4
    assert counts["global_buffer.weights.write"] == 2
    assert counts["global_buffer.weights.read"] == 4


def test_multi_bit_inputs_are_multiplied() -> None:
    passes, counts = replay(one_pe(), layer(LayerShape.linear(2, 1), [1, 1], input_bits=3), [7, 4])
    assert breakdown(passes)["compute"] == counts["accumulator.multiply"] == counts["accumulator.add"] == 2
    assert passes.synaptic_operations == 4  # three set bits and one


def test_replaying_again_gives_the_same_and_changes_nothing() -> None:
    shape = LayerShape("conv2d", C=2, H=4, W=4, M=3, R=3, S=3, padding=(1, 1))
    random = np.random.default_rng(1)
    task = layer(shape, random.integers(-7, 8, shape.weight_shape), timesteps=2)
    inputs = random.integers(0, 2, (2, *shape.input_shape)).astype(np.uint8)
    outputs = random.integers(0, 2, (2, *shape.output_shape)).astype(np.uint8)
    plan, before = RowStationaryPlan(machine(), task), inputs.copy()
    first, second = plan.run(LayerSample(inputs, outputs, None)), plan.run(LayerSample(inputs, outputs, None))
    assert np.array_equal(inputs, before)
    assert_same(first, second)


def test_the_machine_says_what_it_has() -> None:
    chosen = load_machine("eyeriss_snn")
    assert isinstance(chosen, RowStationaryMachine)
    assert chosen.pe_count == 168
    assert {name: chosen.instances(name) for name in chosen.buffer_items()} == {
        "global_buffer": 1, "input_pad": 168, "weight_pad": 168, "psum_pad": 168,
    }  # fmt: skip
    assert [chosen.entries(pad) for pad in ("input_pad", "weight_pad", "psum_pad")] == [12, 224, 24]
    assert chosen.buffers.global_buffer.capacity_bits == 12800 * 64
    assert chosen.words_per_cycle == 4
    assert [(unit.component, unit.action, unit.count) for unit in chosen.units()] == [
        ("accumulator", "multiply", 168), ("accumulator", "add", 168), ("chain", "add", 168),
        ("neuron", "add", 14), ("neuron", "multiply", 14), ("neuron", "compare", 14),
    ]  # fmt: skip


def test_sums_must_fit_a_word_of_the_global_buffer() -> None:
    changes = {"dataflow.accumulator_bits": 48, "buffers.global_buffer.width_bits": 40}
    with pytest.raises(MachineError, match=r"accumulator_bits must be at most .*width_bits, found 48 > 40"):
        load_machine("eyeriss_snn", overrides=changes)
