"""What is on chip already and so is not moved: worked out by hand on both arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikecycle.simulator.activity import OUTPUTS, SPIKES, WEIGHTS, Activity
from spikecycle.simulator.dataflows.layer import LayerSample
from spikecycle.simulator.dataflows.row_stationary.kernel_types import CYCLE_CATEGORIES as ROW_STATIONARY_CATEGORIES
from spikecycle.simulator.dataflows.row_stationary.plan import RowStationaryPlan
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.traces import LayerShape
from tests.unit.row_stationary.cases import machine as row_stationary_machine
from tests.unit.spike_array.cases import buffer, layer
from tests.unit.spike_array.cases import machine as spike_array_machine

TWO_TO_TWO = layer(LayerShape.linear(2, 2), np.array([[1, 1], [1, 1]]))
INPUTS, OUTPUT_SPIKES = np.ones((1, 2, 1, 1), np.uint8), np.ones((1, 2, 1, 1), np.uint8)

Counts = dict[str, int]
Bits = tuple[int, int, int]


def _spike_array(**on_chip: bool) -> tuple[Activity, Counts, Bits]:
    """One PE, words of 16 bits for weights, 10 for input spikes, 16 for output spikes; bitmask fibers from a word on.

    Loads and stores: bits of weights, input spikes and output spikes.
    """
    chosen = spike_array_machine(dataflow__pes=1, formats__weights__format="bitmask", buffers__spikes=buffer(64, 10))
    plan = SpikeArrayPlan(chosen, TWO_TO_TWO)
    found = plan.run(LayerSample(INPUTS, OUTPUT_SPIKES, None, **on_chip))
    return found, {counter.name: found.counts[counter.name] for counter in plan.counters}, _bits(found)


def _row_stationary(**on_chip: bool) -> tuple[Activity, Counts, Bits]:
    """One PE, a global buffer of 32-bit words through which weights pass, one of them a cycle."""
    chosen = row_stationary_machine(
        dataflow__rows=1, dataflow__columns=1, dataflow__weights_bypass_global_buffer=False,
        buffers__global_buffer=buffer(64, 32),
    )  # fmt: skip
    plan = RowStationaryPlan(chosen, TWO_TO_TWO)
    found = plan.run(LayerSample(INPUTS, OUTPUT_SPIKES, None, **on_chip))
    return found, dict(found.counts), _bits(found)


def _bits(found: Activity) -> Bits:
    loads, stores = found.moves.load_bits.sum(axis=0), found.moves.store_bits.sum(axis=0)
    assert loads[OUTPUTS] == stores[WEIGHTS] == stores[SPIKES] == 0
    return int(loads[WEIGHTS]), int(loads[SPIKES]), int(stores[OUTPUTS])


def _changed(run: Any, **on_chip: bool) -> tuple[Counts, Bits]:
    """Counts that differ from those of a run with nothing on chip, as they are now, and the bits moved."""
    _, before, _ = run()
    _, after, bits = run(**on_chip)
    return {name: count for name, count in after.items() if count != before[name]}, bits


def test_a_spike_array_with_nothing_on_chip() -> None:
    found, counts, bits = _spike_array()
    # 2 fibers of 2 mask bits and 2 x 4 bits each, from a word on: 2 words. Directory entries: the start, 0 to 2 words,
    # and up to 2 values: 2 + 2 bits each
    assert bits == (2 * 16 + 2 * 4, 10, 16)
    assert (counts["weights.write"], counts["directory.write"]) == (2, 2)
    assert (counts["weights.read"], counts["directory.read"]) == (2, 2)
    assert (counts["spikes.write"], counts["spikes.read"]) == (1, 1)
    assert (counts["outputs.write"], counts["outputs.read"]) == (1, 1)
    assert len(found.work.cycles) == 1


def test_a_spike_array_finds_its_weights() -> None:
    counts, bits = _changed(_spike_array, weights_on_chip=True)
    assert counts == {"weights.write": 0, "directory.write": 0}
    assert bits == (0, 10, 16)


def test_a_spike_array_finds_its_inputs() -> None:
    counts, bits = _changed(_spike_array, inputs_on_chip=True)
    assert counts == {"spikes.write": 0}
    assert bits == (40, 0, 16)


def test_a_spike_array_leaves_its_outputs() -> None:
    counts, bits = _changed(_spike_array, outputs_on_chip=True)
    assert counts == {"spikes.write": 1 + 2}  # a word of 16 bits takes two of 10
    assert bits == (40, 10, 0)


def test_a_row_stationary_array_with_nothing_on_chip() -> None:
    _, counts, bits = _row_stationary()
    # 4 weights of 4 bits in one word, 2 inputs of one bit from a word on, 2 output spikes
    assert bits == (16, 2, 2)
    assert (counts["global_buffer.weights.write"], counts["global_buffer.weights.read"]) == (1, 1)
    assert (counts["global_buffer.spikes.write"], counts["global_buffer.spikes.read"]) == (1, 1)
    assert (counts["global_buffer.outputs.write"], counts["global_buffer.outputs.read"]) == (1, 1)
    assert (counts["dram_wire.weights"], counts["dram_wire.spikes"], counts["dram_wire.outputs"]) == (16, 2, 2)


def test_a_row_stationary_array_finds_its_weights() -> None:
    counts, bits = _changed(_row_stationary, weights_on_chip=True)
    assert counts == {"global_buffer.weights.write": 0, "dram_wire.weights": 0}
    assert bits == (0, 2, 2)


def test_a_row_stationary_array_finds_its_inputs() -> None:
    counts, bits = _changed(_row_stationary, inputs_on_chip=True)
    assert counts == {"global_buffer.spikes.write": 0, "dram_wire.spikes": 0}
    assert bits == (16, 0, 2)


def test_a_row_stationary_array_leaves_its_outputs() -> None:
    counts, bits = _changed(_row_stationary, outputs_on_chip=True)
    assert counts == {"global_buffer.outputs.read": 0, "dram_wire.outputs": 0}
    assert bits == (16, 2, 0)


def test_passes_of_a_spike_array_take_as_long_as_before() -> None:
    before, _, _ = _spike_array()
    after, _, _ = _spike_array(weights_on_chip=True, inputs_on_chip=True, outputs_on_chip=True)
    assert after.work.breakdown.tolist() == before.work.breakdown.tolist()


def test_a_global_buffer_that_does_not_keep_up_has_fewer_words_to_serve() -> None:
    """40 outputs: an update reads their psums and writes their spikes, and reads them again if they go to DRAM."""
    chosen = row_stationary_machine(
        dataflow__rows=1, dataflow__columns=1, dataflow__update_lanes=16, dataflow__accumulator_bits=12,
        buffers__global_buffer=buffer(640, 12),
    )  # fmt: skip
    shape = LayerShape("conv2d", C=1, H=1, W=40, M=1, R=1, S=1)
    task = layer(shape, np.ones(shape.weight_shape, np.int64))
    maps = np.ones((1, 1, 1, 40), np.uint8)
    plan = RowStationaryPlan(chosen, task)
    assert (plan.tiling()["map_tiles"], plan.tiling()["passes"]) == (1, 1)
    # psums of -1 to 1 take 2 bits, 6 in a word: 7 words; output spikes, 12 in a word: 4 words, twice. The update itself
    # takes 40 neurons / 16 lanes + 2 = 5 cycles
    words = {"stored": 7 + 4 + 4, "kept": 7 + 4}
    waits = {
        name: int(
            plan.run(LayerSample(maps, maps, None, outputs_on_chip=name == "kept")).work.breakdown[
                0, ROW_STATIONARY_CATEGORIES.index("global_buffer")
            ]
        )
        for name in words
    }
    assert waits["stored"] - waits["kept"] == 4
    assert waits["kept"] == words["kept"] - 5
