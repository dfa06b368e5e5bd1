"""By hand: weights streamed anew for every timestep, potentials in DRAM, words for spikes, zeros that stay behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.activity import OUTPUTS, POTENTIALS, SPIKES, WEIGHTS
from spikecycle.simulator.dataflows.layer import LayerSample
from spikecycle.simulator.dataflows.row_stationary.plan import RowStationaryPlan
from spikecycle.simulator.dataflows.row_stationary.weight_streams import WeightStreams
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import WEIGHT_FORMATS
from spikecycle.traces import LayerShape
from tests.unit.activities import places
from tests.unit.row_stationary.cases import machine
from tests.unit.row_stationary.test_edges import breakdown, one_pe, replay
from tests.unit.spike_array.cases import buffer, layer

KERNEL = LayerShape("conv2d", C=1, H=3, W=3, M=1, R=3, S=3)
WEIGHTS_OF_KERNEL = [0, 5, 0, 0, 0, -3, 0, 0, 0]


def stream_bits(name: str, weights: Any, shape: LayerShape) -> int:
    """What moves of a layer's weights without their zeros, in bits."""
    streams = WeightStreams(layer(shape, weights, weight_bits=4), WEIGHT_FORMATS.lookup(name), zeros_left_out=True)
    return int(streams.fold_bits(shape.M, shape.C).sum())


@pytest.mark.parametrize("batching", [True, False])
def test_without_batching_a_pass_has_one_timestep(batching: bool) -> None:
    chosen = machine(
        dataflow__rows=1, dataflow__columns=2, dataflow__time_batching=batching, buffers__psum_pad=buffer(1, 16)
    )
    passes, counts = replay(chosen, layer(LayerShape.linear(1, 2), [1, 1], timesteps=2), [1, 1])
    if batching:  # both timesteps side by side, one filter after the other
        assert places(passes) == [[0, 0, 0, 0], [0, 1, 0, 0]]
    else:
        assert places(passes) == [
            [0, 0, 0, 0],
            [0, 1, 0, 0],
            [0, 0, 0, 1],
            [0, 1, 0, 1],
        ]
    assert passes.moves.load_bits[:, WEIGHTS].tolist() == [4] * len(passes.work.cycles)
    assert passes.moves.load_bits[:, SPIKES].sum() == 2  # no input is loaded twice
    assert counts["weight_pad.write"] == 4


@pytest.mark.parametrize(("wait_in", "words", "bits"), [("global_buffer", 1, 0), ("dram", 0, 24)])
def test_potentials_wait_in_the_buffer_or_in_dram(wait_in: str, words: int, bits: int) -> None:
    chosen = one_pe(dataflow__potentials_wait_in=wait_in, dataflow__time_batching=False)
    task = layer(LayerShape.linear(1, 2), [1, 1], timesteps=3)  # potentials of 12 bits, two to a word
    passes, counts = replay(chosen, task, [1, 1, 1])
    assert passes.moves.load_bits[:, POTENTIALS].tolist() == [0, bits, bits]  # the first timestep starts at rest
    assert passes.moves.store_bits[:, POTENTIALS].tolist() == [bits, bits, 0]  # nobody needs those of the last
    assert counts["global_buffer.potentials.read"] == counts["global_buffer.potentials.write"] == 2 * words
    assert counts["dram_wire.potentials"] == 4 * bits


@pytest.mark.parametrize(
    ("least", "input_bits", "stored_input", "stored_output"),
    [(1, 1, 1, 1), (8, 1, 8, 8), ("as_weights", 1, 4, 4), (2, 3, 3, 2)],
)
def test_spikes_take_words_in_dram(least: Any, input_bits: int, stored_input: int, stored_output: int) -> None:
    chosen = one_pe(dataflow__activation_bits=least, buffers__global_buffer=buffer(4096, 24))
    task = layer(LayerShape.linear(3, 2), [1] * 6, input_bits=input_bits)
    passes, counts = replay(chosen, task, [1, 0, 1])
    assert passes.moves.load_bits[:, SPIKES].sum() == 3 * stored_input
    assert passes.moves.store_bits[:, OUTPUTS].sum() == 2 * stored_output
    assert counts["trunk.spikes"] == 3 * input_bits  # on chip they are as wide as they are


def test_what_moves_of_a_kernel_without_its_zeros() -> None:
    values = 2 * 4
    assert stream_bits("ubm", WEIGHTS_OF_KERNEL, KERNEL) == 9 + values
    assert stream_bits("uop", WEIGHTS_OF_KERNEL, KERNEL) == 10 * 4 + values  # 0 to 9 values: offsets of 4 bits
    assert stream_bits("uncompressed", WEIGHTS_OF_KERNEL, KERNEL) == 9 * 4  # nothing tells which are zeros
    dense = LayerShape.linear(5, 2)
    assert stream_bits("uop", [0, 1, 0, 0, 2, 0, 0, 0, 0, 0], dense) == 10 * 2 * 1 + values  # kernels of one weight


def test_zeros_that_are_not_moved_are_not_served_either() -> None:
    # 2 channels with a spike each; the first filter is all zeros, the second has one zero
    task = layer(LayerShape.linear(2, 2), [0, 0, 3, 0])
    for skip, cycles, bits in (("none", 2, 2 * 4 + 3 * 2), ("skip", 1, 4 * 2 + 4)):
        chosen = one_pe(formats__weights__format="uop", dataflow__zeros__weights_at_dram=skip)
        passes, _ = replay(chosen, task, [1, 1])
        assert breakdown(passes)["compute"] == cycles
        assert passes.moves.load_bits[:, WEIGHTS].sum() == bits


def test_without_batching_weights_stream_again_for_every_timestep_and_tile() -> None:
    random = np.random.default_rng(3)
    shape = LayerShape("conv2d", C=3, H=6, W=6, M=4, R=3, S=3, padding=(1, 1))
    task = layer(shape, random.integers(-7, 8, shape.weight_shape), timesteps=3)
    chosen = machine(dataflow__time_batching=False, buffers__weight_pad=buffer(24, 16))
    plan = RowStationaryPlan(chosen, task)
    passes = plan.run(
        LayerSample(np.ones((3, *shape.input_shape), np.uint8), np.zeros((3, *shape.output_shape), np.uint8))
    )
    tiling = plan.tiling()
    assert tiling["tile_rows"] <= 2
    assert passes.moves.load_bits[:, WEIGHTS].sum() == 3 * tiling["map_tiles"] * plan.storage.stored_bits


def fold_bits(name: str, weights: Any, shape: LayerShape, fold_channels: int, **settings: Any) -> list[int]:
    """Bits of the channel folds of all filters, 4-bit weights."""
    chosen = replace(WEIGHT_FORMATS.lookup(name), **settings)
    return WeightStreams(layer(shape, weights, weight_bits=4), chosen).fold_bits(shape.M, fold_channels)[0].tolist()


def test_groups_along_input_channels_are_stored_together_though_filters_run_by_kernel() -> None:
    """6 channels of 1x2 kernels, 2:4 along the channels of each tap, not along the fiber."""
    shape = LayerShape("conv2d", C=6, H=1, W=2, M=1, R=1, S=2)
    weights = np.array([[1, 1], [1, 1], [0, 0], [0, 0], [1, 0], [0, 1]])
    # 2 taps of groups of 4 and 2 channels: 2 + 2 slots of 4 + 2 bits each
    assert fold_bits("n_of_m", weights, shape, 6) == [2 * (2 + 2) * 6]
    # folds of 3 channels: groups of 3 and 3
    assert fold_bits("n_of_m", weights, shape, 3) == [2 * 2 * 6, 2 * 2 * 6]
    streams = WeightStreams(layer(shape, weights, weight_bits=4), WEIGHT_FORMATS.lookup("n_of_m"))
    assert streams.refusal(6) is None
    by_kernel = replace(WEIGHT_FORMATS.lookup("n_of_m"), group_axis="fan_in")
    assert WeightStreams(layer(shape, weights, weight_bits=4), by_kernel).refusal(6) == (
        "weight format 'n_of_m': not 2:4 along fan_in: fiber 0 has 4 non-zero values in weights 0..3"
    )
    by_filter = replace(by_kernel, group_axis="output_channel")
    assert WeightStreams(layer(shape, weights, weight_bits=4), by_filter).refusal(6) == (
        "weight format 'n_of_m': its groups of 4 weights lie along output_channel, the machine's fibers run along "
        "input_channel, kernel_row, kernel_column"
    )


def test_a_fold_that_cuts_groups_elsewhere_is_not_chosen() -> None:
    """Channels 2 to 5 hold four values in a row: groups of 4 from channel 0 on have two each, those of folds of 3 do
    not. A PE takes 3 channels, so that folds of 3 would be the widest."""
    shape = LayerShape.linear(8, 1)
    task = layer(shape, [0, 0, 1, 1, 1, 1, 0, 0], weight_bits=4)
    streams = WeightStreams(task, WEIGHT_FORMATS.lookup("n_of_m"))
    assert [size for size in range(1, 9) if streams.refusal(size) is not None] == [3]
    for name, folds in (("cp", 3), ("n_of_m", 4)):
        chosen = one_pe(
            formats__weights__format=name, dataflow__weight_decoders=DECODERS, buffers__input_pad=buffer(3, 8)
        )
        assert RowStationaryPlan(chosen, task).tiling()["channel_folds"] == folds


def test_trits_and_code_words_in_streams() -> None:
    shape = LayerShape.linear(7, 2)
    trits = [1, 0, -1, 0, 0, 1, 0] * 2
    assert fold_bits("trits", trits, shape, 7) == [2 * 16]  # 7 trits are 2 bytes
    assert fold_bits("trits", trits, shape, 5) == [2 * 8, 2 * 8]
    # words of 7 pairs; one bit ahead of each says that there is one
    assert fold_bits("rlc", trits, shape, 7) == [2 * (1 + 64)]
    assert fold_bits("rlc", [0] * 14, shape, 7) == [2 * 1]


DECODERS = ["mask", "coordinate", "run", "group_index", "code_words", "trits"]


@pytest.mark.parametrize(
    ("changes", "weights", "problem"),
    [
        ({"formats__weights__format": "trits"}, [1, 1], "'trits': it needs 'trits' among dataflow.weight_decoders"),
        ({"formats__weights__format": "n_of_m"}, [1, 1], "it needs 'group_index' among dataflow.weight_decoders"),
        ({"formats__weights__format": "rlc"}, [1, 1], "it needs 'code_words' among dataflow.weight_decoders"),
        ({"formats__weights__format": "codebook"}, [1, 1], "it needs 'codebook' among dataflow.weight_decoders"),
        (
            {"formats__weights__format": "trits", "dataflow__weight_decoders": DECODERS},
            [1, 2],
            "weight format 'trits': value 2 is no trit",
        ),
    ],
)
def test_formats_that_the_array_cannot_take_are_refused_by_name(
    changes: dict[str, Any], weights: list[int], problem: str
) -> None:
    with pytest.raises(MappingError, match=r"^layer 'generated' cannot be mapped on machine 'generated': ") as error:
        RowStationaryPlan(one_pe(**changes), layer(LayerShape.linear(2, 1), weights))
    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        # 9 positions, 18 weights in all, 3 of them not 0: ceil(9 * 3 / 18) = 2 coordinates of 5 bits in either fiber,
        # whether it has one non-zero or two; values of 4 bits
        ("cp", [4 + 2 * 5, 2 * 4 + 2 * 5]),
        # a run of 5 bits for each non-zero
        ("rle", [4 + 5, 2 * (4 + 5)]),
    ],
)
def test_metadata_as_expected_of_the_density(name: str, bits: list[int]) -> None:
    shape = LayerShape("conv2d", C=1, H=3, W=3, M=2, R=3, S=3)
    task = layer(shape, np.array([0, 5, 0, 0, 0, 0, 0, 0, 0, *WEIGHTS_OF_KERNEL]), weight_bits=4)
    streams = WeightStreams(task, WEIGHT_FORMATS.lookup(name), coordinate_bits=5, entries_expected=True)
    count_bits = 4  # of a fiber: 0 to 9 entries
    assert [int(streams.fold_bits(1, 1)[m].sum()) - count_bits for m in range(2)] == bits


def test_runs_that_are_expected_do_not_overflow() -> None:
    shape = LayerShape.linear(40, 1)
    task = layer(shape, np.array([0] * 39 + [3]), weight_bits=4)  # 39 zeros ahead: a padding entry if stored
    chosen = WEIGHT_FORMATS.lookup("rle")
    stored, expected = (WeightStreams(task, chosen, entries_expected=wanted) for wanted in (False, True))
    assert int(stored.fold_bits(1, 40).sum()) - int(expected.fold_bits(1, 40).sum()) == 4 + 5


def test_a_fiber_without_weights_has_no_expected_coordinates() -> None:
    shape = LayerShape.linear(2, 2)
    streams = WeightStreams(
        layer(shape, np.array([0, 0, 1, 1]), weight_bits=4),
        WEIGHT_FORMATS.lookup("cp"),
        coordinate_bits=5,
        entries_expected=True,
    )
    assert streams.sizes(2).stored_bits.tolist() == [0, 2 * 4 + 5]  # ceil(2 * 2 / 4) = 1 coordinate


def test_expected_coordinates_need_a_width() -> None:
    with pytest.raises(ValueError, match=r"dataflow.metadata_entries: expected needs dataflow.coordinate_bits"):
        machine(dataflow__metadata_entries="expected", dataflow__coordinate_bits=0)


@pytest.mark.parametrize("zeros_left_out", [False, True])
@pytest.mark.parametrize("name", WEIGHT_FORMATS.names())
def test_the_least_that_weights_take_is_no_more_than_they_take(name: str, zeros_left_out: bool) -> None:
    """The search leaves out what is worse by that bound: the true size must not be below it, however a layer is cut."""
    random = np.random.default_rng(5)
    shape = LayerShape("conv2d", C=6, H=4, W=4, M=5, R=3, S=3)
    cut = []
    for density in (0.0, 0.1, 0.5, 1.0):
        weights = random.choice([-1, 1], shape.weight_shape) * (random.random(shape.weight_shape) < density)
        task = layer(shape, weights, weight_bits=4)
        streams = WeightStreams(task, WEIGHT_FORMATS.lookup(name), zeros_left_out, mask_bits=2, coordinate_bits=3)
        for filters, channels in [(1, 1), (2, 4), (5, 6), (5, 9), (4, 2)]:
            if streams.refusal(channels) is None:
                cut.append((streams.least_bits(channels), int(streams.fold_bits(filters, channels).sum())))
    assert cut and all(least <= bits for least, bits in cut)


@pytest.mark.parametrize(("name", "bits"), [("rle", 3 * (4 + 4) + 2 * 4), ("cp", 3 * 4 + 2 * 4), ("uncompressed", 72)])
def test_the_least_that_weights_take_by_hand(name: str, bits: int) -> None:
    # 2 filters of 9 weights, 3 of them not 0; rle adds runs of 4 bits; a fiber of 9 has 0 to 9 entries: 4 bits
    shape = replace(KERNEL, M=2)
    chosen = WEIGHT_FORMATS.lookup(name)
    chosen = replace(chosen, run_bits=4) if name == "rle" else chosen
    streams = WeightStreams(layer(shape, [*WEIGHTS_OF_KERNEL, *[0] * 8, 1], weight_bits=4), chosen)
    assert streams.least_bits(1) == bits


@pytest.mark.parametrize(
    ("name", "zeros_left_out", "bits"),
    [
        # 9 positions, WEIGHTS_OF_KERNEL has 2 of them not 0: values of 8 bits where the weights have 4
        ("uncompressed", False, 9 * 8),
        ("ubm", True, 2 * 8 + 9),
        ("rle", False, 2 * (8 + 4) + 4),  # and the number of entries, 0 to 9
        ("trits", False, 2 * 8),  # five trits a byte, whatever the word
    ],
)
def test_weights_take_words_of_dram(name: str, zeros_left_out: bool, bits: int) -> None:
    chosen = WEIGHT_FORMATS.lookup(name)
    chosen = replace(chosen, run_bits=4) if name == "rle" else chosen
    weights = np.sign(WEIGHTS_OF_KERNEL)
    streams = WeightStreams(layer(KERNEL, weights, weight_bits=4), chosen, zeros_left_out, word_bits=8)
    assert int(streams.fold_bits(1, 1).sum()) == bits
    assert streams.least_bits(1) <= bits


def test_words_narrower_than_a_weight_change_nothing() -> None:
    task = layer(KERNEL, np.array(WEIGHTS_OF_KERNEL), weight_bits=4)
    streams = WeightStreams(task, WEIGHT_FORMATS.lookup("ubm"), word_bits=3)
    assert int(streams.fold_bits(1, 1).sum()) == 9 + 9 * 4
