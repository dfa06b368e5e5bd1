"""What cannot be mapped, and what does not depend on how a layer is mapped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.spike_array import SpikeArray, SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.replay import replay_layer
from spikecycle.traces import LayerShape, Neuron
from tests.unit.activities import assert_same
from tests.unit.spike_array.cases import WEIGHT_FORMATS, buffer, layer, machine

DATAFLOW = SpikeArray()


def linear(inputs: int, outputs: int, **others: Any) -> LayerTask:
    shape = LayerShape.linear(inputs, outputs)
    return layer(shape, np.ones(shape.weight_shape), **others)


def neuron(outputs: int, **others: Any) -> Neuron:
    return Neuron("if", np.full(outputs, 5, np.int32), **{"potential_bits": 12, **others})


@pytest.mark.parametrize(
    ("task", "changes", "reason"),
    [
        (linear(1, 2), {"buffers__weights": buffer(0.5, 16)}, "1 words of weights in a PE, buffers.weights holds 0"),
        (
            linear(4, 9),
            {"buffers__weights": buffer(2, 2)},
            "2 words of weights in a PE, half of buffers.weights holds 1",
        ),
        (
            layer(LayerShape("conv2d", 1, 4, 4, 2, 2, 2, stride=(2, 2)), np.ones((2, 1, 2, 2))),
            {"formats__weights__format": "cp", "buffers__directory": buffer(3, 24)},
            "4 directory entries in a PE, buffers.directory holds 3",
        ),
        (
            linear(1, 2),
            {"formats__weights__format": "cp", "buffers__directory": buffer(8, 1)},
            "its directory entries take 2 bits, buffers.directory.width_bits is 1",
        ),
        (
            # 2 entries of 1 + 4 bits are 3 units of 4 bits, and one word
            layer(LayerShape("conv2d", 1, 2, 1, 1, 2, 1), np.ones((1, 1, 2, 1))),
            {
                "dataflow__fiber_alignment_bits": 4,
                "formats__weights__format": "cp",
                "buffers__directory": buffer(8, 3),
            },
            "its directory entries take 4 bits, buffers.directory.width_bits is 3",
        ),
        (
            linear(1, 2),
            {"buffers__potentials": buffer(0.5, 24, banks=1, ports=1)},
            "1 potentials of one output position in a PE, buffers.potentials holds 0",
        ),
        (
            linear(1, 2),
            {"buffers__outputs": buffer(1, 16)},
            "1 words of output spikes of one position in a PE, half of buffers.outputs holds 0",
        ),
        (
            # 2^10 + 1024 is 2^11, one more is too much for 12 bits
            linear(1025, 1, neuron=neuron(1, potential_bits=11)),
            {"buffers__potentials": buffer(64, 12)},
            "the exact sum of a timestep needs 13 bits, buffers.potentials.width_bits is 12; set it to 13, and each "
            "word of potentials has 1.08 times the bits",
        ),
        (
            linear(341, 1, neuron=neuron(1, potential_bits=11), input_bits=2, bias=np.array([-2])),
            {"buffers__potentials": buffer(64, 12)},
            "the exact sum of a timestep needs 13 bits, buffers.potentials.width_bits is 12; set it to 13, and each "
            "word of potentials has 1.08 times the bits",
        ),
        (
            linear(1, 2, bias=np.array([0, -1])),
            {"dataflow__update": "sparse"},
            "dataflow.update: sparse needs neurons without bias",
        ),
        (
            linear(1, 2, neuron=neuron(2, reset_value=-3)),
            {"dataflow__update": "sparse"},
            "dataflow.update: sparse needs a reset_value of 0, found -3",
        ),
    ],
)
def test_a_layer_that_does_not_fit_is_refused(task: LayerTask, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(MappingError) as refused:
        SpikeArrayPlan(machine(**{"dataflow__update_lanes": 1, **changes}), task)
    message = str(refused.value)
    assert message.startswith("layer 'generated' cannot be mapped on machine 'generated': ")
    assert message.endswith(reason)
    assert "\n" not in message


@pytest.mark.parametrize(
    ("task", "changes"),
    [
        (linear(1024, 1, neuron=neuron(1, potential_bits=11)), {"buffers__potentials": buffer(64, 12)}),
        (linear(1, 2, neuron=neuron(2, reset="soft", reset_value=-3)), {"dataflow__update": "sparse"}),
        (linear(4, 8), {"buffers__weights": buffer(2, 16)}),
        (linear(1, 2), {"formats__weights__format": "cp", "buffers__directory": buffer(1, 2)}),
        (
            layer(LayerShape("conv2d", 1, 2, 1, 1, 2, 1), np.ones((1, 1, 2, 1))),
            {"formats__weights__format": "cp", "buffers__directory": buffer(8, 3)},
        ),
        (linear(1, 2), {"buffers__outputs": buffer(2, 16)}),
    ],
)
def test_what_just_fits_is_mapped(task: LayerTask, changes: dict[str, Any]) -> None:
    SpikeArrayPlan(machine(**changes), task)


@pytest.mark.parametrize(
    ("weights_format", "alignment", "words", "fits"),
    [
        # 7 fibers of 3 weights of 4 bits in words of 16: 84 bits, 6 words; in bytes 112 bits, 7 words
        ("uncompressed", 4, 6, True),
        ("uncompressed", 4, 5, False),
        ("uncompressed", 8, 7, True),
        ("uncompressed", 8, 6, False),
        # a mask more: 15 bits, 105 bits in all, 7 words
        ("bitmask", 1, 7, True),
        ("bitmask", 1, 6, False),
    ],
)
def test_fibers_are_packed_when_a_tile_is_chosen(weights_format: str, alignment: int, words: int, fits: bool) -> None:
    chosen = machine(
        dataflow__pes=1,
        dataflow__fiber_alignment_bits=alignment,
        formats__weights__format=weights_format,
        buffers__weights=buffer(words, 16),
    )
    tiling = SpikeArrayPlan(chosen, linear(7, 3)).tiling()
    assert (tiling["channel_tiles"] * tiling["input_tiles"] == 1) == fits


@pytest.mark.parametrize(
    ("spikes_format", "channel", "words"),
    # 65 positions are 5 words of a bitmap; 65 events with addresses of 7 bits are 33 words
    [("bitmap", 0, 5), ("aer", 1, 33)],
)
def test_spikes_of_a_channel_that_do_not_fit_are_refused(spikes_format: str, channel: int, words: int) -> None:
    shape = LayerShape("conv2d", 2, 5, 13, 1, 1, 1)
    inputs = np.zeros((1, 2, 5, 13), np.uint8)
    inputs[:, 1] = 1
    chosen = machine(formats__spikes__format=spikes_format, buffers__spikes=buffer(2 * words - 2, 16))
    plan = SpikeArrayPlan(chosen, layer(shape, np.ones(shape.weight_shape)))
    with pytest.raises(
        MappingError, match=rf"channel {channel} in timestep 0 take {words} words, half .* {words - 1}$"
    ):
        plan.run(LayerSample(inputs, np.zeros((1, 1, 5, 13), np.uint8)))
    chosen = machine(formats__spikes__format=spikes_format, buffers__spikes=buffer(2 * words, 16))
    plan = SpikeArrayPlan(chosen, layer(shape, np.ones(shape.weight_shape)))
    passes = plan.run(LayerSample(inputs, np.zeros((1, 1, 5, 13), np.uint8)))
    assert passes.moves.load_bits[:, 1].tolist() == ([5 * 16, 5 * 16] if spikes_format == "bitmap" else [33 * 16])


SHAPE = LayerShape("conv2d", C=6, H=11, W=9, M=12, R=3, S=3, stride=(1, 1), padding=(1, 1))
RANDOM = np.random.default_rng(7)
WEIGHTS = RANDOM.integers(-8, 8, SHAPE.weight_shape) * (RANDOM.random(SHAPE.weight_shape) < 0.4)
INPUTS = (RANDOM.random((3, 6, 11, 9)) < 0.3).astype(np.uint8)
TASK = layer(SHAPE, WEIGHTS, timesteps=3)


def run(chosen: SpikeArrayMachine, task: LayerTask = TASK) -> Activity:
    replay = replay_layer(task, INPUTS, track_active=True)
    return SpikeArrayPlan(chosen, task).run(LayerSample(INPUTS, replay.outputs, replay.active))


def counts(chosen: SpikeArrayMachine, passes: Activity) -> dict[str, int]:
    return {counter.name: passes.counts[counter.name] for counter in SpikeArrayPlan(chosen, TASK).counters}


def test_synaptic_operations_are_those_of_the_layer() -> None:
    """Spikes times non-zero weights that reach an output, by arithmetic on whole arrays, however the layer is cut."""
    padded = np.zeros((6, 13, 11), np.int64)
    padded[:, 1:-1, 1:-1] = INPUTS.sum(axis=0)
    operations = sum(
        int(padded[c, r : r + 11, s : s + 9].sum()) * int(np.count_nonzero(WEIGHTS[:, c, r, s]))
        for c in range(6)
        for r in range(3)
        for s in range(3)
    )
    for changes in (
        {},
        {"dataflow__zero_weights": "gate", "formats__weights__format": "bitmask"},
        {"buffers__potentials": buffer(100, 24, banks=2, ports=1)},
        {"buffers__spikes": buffer(44, 16), "formats__spikes__format": "aer"},
        {"buffers__weights": buffer(50, 16), "formats__weights__format": "rle"},
        {"dataflow__pes": 6, "dataflow__partition": "space", "dataflow__pe_rows": 3, "dataflow__pe_columns": 2},
    ):
        chosen = machine(**changes)
        passes = run(chosen)
        counted = counts(chosen, passes)
        assert passes.synaptic_operations == counted["accumulator.add"] == operations
        assert counted["neuron.compare"] == 3 * SHAPE.output_count
        assert counted["potentials.read"] == operations + 3 * SHAPE.output_count


def test_the_order_of_pes_does_not_matter() -> None:
    """Channels that change places with those of another PE take their work along."""
    swapped = np.arange(12).reshape(3, 4)[:, [2, 0, 3, 1]].reshape(-1)
    task = layer(SHAPE, WEIGHTS[swapped], timesteps=3)
    for weights_format in WEIGHT_FORMATS:
        chosen = machine(dataflow__pes=4, formats__weights__format=weights_format)
        before, after = run(chosen), run(chosen, task)
        assert before.work.cycles.tolist() == after.work.cycles.tolist()
        assert before.counts == after.counts


def test_a_plan_is_not_changed_by_running_it() -> None:
    replay = replay_layer(TASK, INPUTS)
    plan = SpikeArrayPlan(machine(), TASK)
    first = plan.run(LayerSample(INPUTS, replay.outputs, None))
    plan.run(LayerSample(np.ones_like(INPUTS), replay.outputs, None))
    again = plan.run(LayerSample(INPUTS, replay.outputs, None))
    assert_same(first, again)


def test_inputs_that_cannot_be_written_are_fine() -> None:
    replay = replay_layer(TASK, INPUTS)
    inputs, outputs = INPUTS.copy(), replay.outputs.copy()
    inputs.flags.writeable = outputs.flags.writeable = False
    TASK.weights.flags.writeable = False
    passes = SpikeArrayPlan(machine(formats__spikes__format="aer"), TASK).run(LayerSample(inputs, outputs, None))
    TASK.weights.flags.writeable = True
    assert passes.synaptic_operations > 0


def test_space_loads_weights_once_and_writes_them_into_every_pe() -> None:
    dealt = machine(dataflow__pes=4)
    shared = machine(dataflow__pes=4, dataflow__partition="space", dataflow__pe_rows=2, dataflow__pe_columns=2)
    for chosen, copies in ((dealt, 1), (shared, 4)):
        passes = run(chosen)
        words = passes.moves.load_bits[:, 0] // 16
        assert words[1:].tolist() == [0, 0]
        assert counts(chosen, passes)["weights.write"] == copies * words[0]
        assert SpikeArrayPlan(chosen, TASK).storage.stored_bits == passes.moves.load_bits[0, 0]
