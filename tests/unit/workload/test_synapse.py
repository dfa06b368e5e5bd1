"""A synapse's workload: by hand, and against the twin."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.workload import FIBER_AXES, SynapseWorkload
from spikecycle.traces import LayerShape
from tests.reference import workload as reference
from tests.unit.workload.cases import Case, cases


def hand_made() -> SynapseWorkload:
    """A 2 x 2 kernel on one 3 x 3 map without padding, two timesteps, two output channels.

    t = 0: 1 0 0     t = 1: 0 0 0     weights of output channel 0: 2 0    of 1: 0 0
           0 1 0            0 0 0                                  0 3          1 1
           0 0 0            1 1 0
    """
    inputs = np.zeros((2, 1, 3, 3), np.uint8)
    inputs[0, 0, 0, 0] = inputs[0, 0, 1, 1] = inputs[1, 0, 2, 0] = inputs[1, 0, 2, 1] = 1
    weights = np.array([[[[2, 0], [0, 3]]], [[[0, 0], [1, 1]]]], np.int32)
    return SynapseWorkload(LayerShape("conv2d", C=1, H=3, W=3, M=2, R=2, S=2), inputs, 1, weights, 4)


def test_sizes_and_spikes() -> None:
    work = hand_made()
    assert (work.T, work.positions, work.fan_in, work.output_channels, work.groups) == (2, 4, 4, 2, 1)
    assert work.non_zero_inputs.tolist() == [2, 2]
    assert (work.input_spikes, work.input_ones) == (4, 4)


def test_every_window_and_every_tap() -> None:
    """Windows begin at (0, 0), (0, 1), (1, 0), (1, 1). The spike in the middle is in all four, the corner in one."""
    work = hand_made()
    # columns of the matrix: taps (0, 0), (0, 1), (1, 0), (1, 1)
    assert work.im2col().tolist() == [[[[0b1001], [0b0100], [0b0010], [0b0001]], [[0], [0], [0b1100], [0b0100]]]]
    assert work.row_ones.tolist() == [[[2, 1, 1, 1], [0, 0, 2, 1]]]
    assert work.tap_counts.tolist() == [[[2, 1], [3, 2]]]
    assert work.im2col_ones == 8


def test_synaptic_operations_count_weights_that_are_not_zero() -> None:
    """Taps (0, 0) and (1, 1) of output channel 0, (1, 0) and (1, 1) of 1: 2 + 2 and 3 + 2."""
    work = hand_made()
    assert work.non_zero_weights.tolist() == [[[1, 0], [1, 2]]]
    assert work.synaptic_operations == 4 + 5
    assert work.dense_synaptic_operations == 2 * 2 * 4 * 4


def test_bit_planes_are_timesteps_bit_by_bit() -> None:
    """Inputs 2 and 1, then 3 and 0: planes of t = 0 (bit 0, bit 1), then of t = 1; input k is bit k of a row."""
    inputs = np.array([[2, 1], [3, 0]], np.uint8).reshape(2, 2, 1, 1)
    work = SynapseWorkload(LayerShape.linear(2, 1), inputs, 2, np.ones((1, 2, 1, 1), np.int32), 2)
    assert work.bit_planes().tolist() == [[[[0b10]], [[0b01]], [[0b01]], [[0b01]]]]
    assert np.array_equal(hand_made().bit_planes(), hand_made().im2col())


def test_planes_are_the_same_wherever_their_words_lie() -> None:
    (planes,) = hand_made().plane_blocks(word_major=True)
    assert np.array_equal(planes, hand_made().im2col())


def test_a_value_of_several_bits_counts_its_set_bits() -> None:
    """5 = 101 and 3 = 11 in two bit planes of a linear layer; 0b111 << 13 needs uint16."""
    inputs = np.array([[5, 3, 0, 7 << 13]], np.uint16).reshape(1, 4, 1, 1)
    weights = np.ones((2, 4, 1, 1), np.int32)
    weights[1, 0] = 0
    work = SynapseWorkload(LayerShape.linear(4, 2), inputs, 16, weights, 2)
    assert (work.input_spikes, work.input_ones) == (3, 7)
    assert work.tap_counts.reshape(-1).tolist() == [2, 2, 0, 3]
    assert work.im2col(0).tolist() == [[[[0b0011]]]]
    assert work.im2col(2).tolist() == [[[[0b0001]]]]
    assert work.im2col(15).tolist() == [[[[0b1000]]]]
    assert work.synaptic_operations == 7 + 5


def test_groups_have_matrices_of_their_own() -> None:
    """Two groups of one channel: rows of group 1 see channel 1 only."""
    inputs = np.array([[[[1, 1]], [[0, 1]]]], np.uint8)
    weights = np.ones((2, 1, 1, 2), np.int32)
    shape = LayerShape("conv2d", C=2, H=1, W=2, M=2, R=1, S=2, groups=2)
    work = SynapseWorkload(shape, inputs, 1, weights, 2)
    assert work.im2col().tolist() == [[[[0b11]]], [[[0b10]]]]
    assert work.row_ones.tolist() == [[[2]], [[1]]]
    assert work.synaptic_operations == 3


def test_padding_makes_zeros_and_stride_leaves_inputs_out() -> None:
    """A 1-D row of four spikes, kernel 3, padding 1: windows begin at -1, 0, ... and at stride 2 at -1 and 1."""
    inputs = np.ones((1, 1, 1, 4), np.uint8)
    weights = np.ones((1, 1, 1, 3), np.int32)
    every = SynapseWorkload(LayerShape("conv2d", C=1, H=1, W=4, M=1, R=1, S=3, padding=(0, 1)), inputs, 1, weights, 2)
    assert every.row_ones.tolist() == [[[2, 3, 3, 2]]]
    assert every.im2col().reshape(-1).tolist() == [0b110, 0b111, 0b111, 0b011]
    shape = LayerShape("conv2d", C=1, H=1, W=4, M=1, R=1, S=3, stride=(1, 2), padding=(0, 1))
    second = SynapseWorkload(shape, inputs, 1, weights, 2)
    assert second.row_ones.tolist() == [[[2, 3]]]
    assert second.tap_counts.tolist() == [[[1, 2, 2]]]


def test_results_are_computed_once() -> None:
    work = hand_made()
    assert work.tap_counts is work.tap_counts
    assert work.row_ones is work.row_ones
    assert work.im2col() is work.im2col(0)
    bitmask = WEIGHT_FORMATS.lookup("bitmask")
    assert work.weight_sizes(bitmask, "fan_in") is work.weight_sizes(bitmask, "fan_in")


def test_bits_of_weights_by_fiber() -> None:
    """4-bit weights, a bitmask of each fiber: along the fan-in 2 * (4 + 2 * 4); along the output channels four fibers
    of 2 positions with 1, 0, 1 and 2 weights, of which the empty one is not stored."""
    work = hand_made()
    bitmask = WEIGHT_FORMATS.lookup("bitmask")
    assert work.weight_bits_in(bitmask, "fan_in") == 2 * (4 + 2 * 4)
    assert work.weight_bits_in(bitmask, "output_channel") == 3 * 2 + 4 * 4
    assert work.weight_bits_in(WEIGHT_FORMATS.lookup("uncompressed"), "kernel") == 8 * 4
    # csr: two offsets and one more, which tell 0 to 4 values apart
    assert work.weight_bits_in(WEIGHT_FORMATS.lookup("csr"), "fan_in") == 4 * (4 + 2) + 3 * 3
    # the values 0, 1, 2 and 3 as indices of 4 bits, and a table of 16 values of 4 bits
    assert work.weight_bits_in(WEIGHT_FORMATS.lookup("codebook"), "fan_in") == 8 * 4 + 16 * 4
    # fibers of a single input channel: groups of 1, which have an index of 2 bits all the same
    assert work.weight_bits_in(WEIGHT_FORMATS.lookup("n_of_m"), "input_channel") == 8 * (4 + 2)
    with pytest.raises(UsageError, match="weight format 'n_of_m': its groups of 4 weights lie along input_channel"):
        work.weight_bits_in(WEIGHT_FORMATS.lookup("n_of_m"), "fan_in")
    with pytest.raises(UsageError, match="weight format 'trits': value 2 is no trit"):
        work.weight_bits_in(WEIGHT_FORMATS.lookup("trits"), "fan_in")
    with pytest.raises(UsageError, match="unknown fiber axis 'rows'"):
        work.weight_bits_in(bitmask, "rows")


def test_bits_of_spikes() -> None:
    """Nine positions: a bit each per timestep, or two addresses of 4 bits."""
    work = hand_made()
    assert work.spike_bits_in(SPIKE_FORMATS.lookup("bitmap")) == 2 * 9
    assert work.spike_bits_in(SPIKE_FORMATS.lookup("bitmap"), word_bits=8) == 2 * 16
    assert work.spike_bits_in(SPIKE_FORMATS.lookup("aer")) == 4 * 4
    # runs of 5 bits, a spike each
    assert work.spike_bits_in(SPIKE_FORMATS.lookup("run_length")) == 4 * 5
    # nine rows of one channel: a mask bit each, two timesteps of each of the four neurons that fire, and pointers to
    # 0 to 4 words, of 3 bits
    assert work.spike_bits_in(SPIKE_FORMATS.lookup("firing_words")) == 9 + 4 * 2 + 9 * 3
    # a tick of 1 bit for every spike; ten offsets of 0 to 4 entries
    assert work.spike_bits_in(SPIKE_FORMATS.lookup("time_sorted")) == 4 * 1 + 10 * 3


@settings(max_examples=150, deadline=None, derandomize=True)
@given(cases())
def test_a_workload_equals_the_twin(case: Case) -> None:
    geometry = case.geometry
    shape = LayerShape("conv2d", **asdict(geometry))
    work = SynapseWorkload(shape, case.inputs, case.bits, case.weights, 3)
    twin = reference.tap_counts(geometry, case.inputs, case.bits)
    assert work.im2col_ones == work.row_ones.sum() == sum(twin.values())
    assert work.im2col_ones == sum(int(np.bitwise_count(work.im2col(bit)).sum()) for bit in range(case.bits))
    operations = reference.synaptic_operations(geometry, case.inputs, case.bits, case.weights)
    assert work.synaptic_operations == operations
    for axis in FIBER_AXES:
        values, starts = work.weight_fibers(axis)
        fibers = [values[start:stop].tolist() for start, stop in pairwise(starts)]
        assert fibers == reference.fibers(geometry, case.weights, axis), axis


@pytest.mark.parametrize(
    ("inputs", "weights", "what"),
    [
        (np.zeros((2, 4, 1, 2), np.uint8), np.zeros((2, 4, 1, 1), np.int32), "inputs"),
        (np.zeros((2, 4, 1, 1), np.uint8), np.zeros((2, 4, 1, 2), np.int32), "weights"),
        (np.full((2, 4, 1, 1), 2, np.uint8), np.zeros((2, 4, 1, 1), np.int32), "does not fit in 1 bits"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(inputs: np.ndarray, weights: np.ndarray, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        SynapseWorkload(LayerShape.linear(4, 2), inputs, 1, weights, 2)


def test_a_bit_that_inputs_do_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="no bit 1"):
        hand_made().im2col(1)
