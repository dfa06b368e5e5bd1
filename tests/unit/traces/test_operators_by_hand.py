"""Every kind of operator on numbers that were worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.traces import (
    Add,
    AttentionProduct,
    Concatenate,
    LayerShape,
    Neuron,
    Operator,
    Pool,
    Population,
    Source,
    Synapse,
    TensorSpec,
)

IN = (Source("in"),)


def tensor(shape: tuple[int, int, int], bits: int = 32, signed: bool = True) -> TensorSpec:
    return TensorSpec("out", shape, bits, signed)


def step(operator: Operator, *inputs: Any) -> Any:
    return operator.start()([np.array(each, np.int64) for each in inputs]).tolist()


def synapse(shape: LayerShape, weights: Any, bias: list[int] | None = None) -> Synapse:
    codes = np.array(weights, np.int32).reshape(shape.weight_shape)
    offset = None if bias is None else lambda: np.array(bias, np.int32)
    return Synapse("op", IN, tensor(shape.output_shape), shape, 32, lambda: codes, offset)


def test_conv2d_with_unequal_padding() -> None:
    """A 2 x 2 kernel on a 2 x 2 map with a row of zeros above and a column of zeros at the right."""
    shape = LayerShape("conv2d", C=1, H=2, W=2, M=1, R=2, S=2, padding=(1, 0, 0, 1))
    # Padded map: 0 0 0 / 1 2 0 / 3 4 0; kernel 1 10 / 100 1000.
    expected = [[100 + 2000, 200], [1 + 20 + 300 + 4000, 2 + 400]]
    assert step(synapse(shape, [1, 10, 100, 1000]), [[[1, 2], [3, 4]]]) == [expected]


def test_conv2d_with_dilation_stride_and_bias() -> None:
    """Taps two columns apart, windows that start at columns 0 and 2 of 1 2 3 4 5."""
    shape = LayerShape("conv2d", C=1, H=1, W=5, M=1, R=1, S=2, stride=(1, 2), dilation=(1, 2))
    assert step(synapse(shape, [1, 10], bias=[7]), [[[1, 2, 3, 4, 5]]]) == [[[1 + 30 + 7, 3 + 50 + 7]]]


def test_conv2d_with_groups() -> None:
    shape = LayerShape("conv2d", C=2, H=1, W=1, M=4, R=1, S=1, groups=2)
    assert step(synapse(shape, [1, 2, 3, 4]), [[[10]], [[100]]]) == [[[10]], [[20]], [[300]], [[400]]]


def test_conv1d_pads_along_its_row_only() -> None:
    shape = LayerShape("conv1d", C=1, H=1, W=3, M=1, R=1, S=3, padding=(0, 0, 2, 0))
    assert step(synapse(shape, [1, 10, 100]), [[[1, 2, 3]]]) == [[[100, 10 + 200, 1 + 20 + 300]]]


def test_linear_flattens_channel_row_column() -> None:
    shape = LayerShape.linear(4, 1)
    assert step(synapse(shape, [1, 10, 100, 1000]), [[[1, 2]], [[3, 4]]]) == [[[1 + 20 + 300 + 4000]]]


def test_sums_beyond_what_floats_hold() -> None:
    """2^31 - 1 times 2^31 + 1 is 2^62 - 1, which float64 would round to 2^62."""
    shape = LayerShape.linear(1, 1)
    assert step(synapse(shape, [2**31 - 1]), [[[2**31 + 1]]]) == [[[2**62 - 1]]]


def spikes_of(neuron: Neuron, *currents: int) -> list[int]:
    """Outputs of one neuron for a current per timestep."""
    population = Population("op", IN, tensor((1, 1, 1)), neuron)
    return [int(each) for each in population.run([np.array(currents).reshape(-1, 1, 1, 1)]).ravel()]


def test_leak_threshold_and_hard_reset() -> None:
    """Potentials: 3; floor(3 / 2) + 4 = 5 fires, reset to -1; floor(-1 / 2) + 6 = 5 fires again."""
    neuron = Neuron("lif", 5, potential_bits=8, leak_numerator=1, leak_shift=1, reset_value=-1)
    assert spikes_of(neuron, 3, 4, 6) == [0, 1, 1]


def test_soft_reset_keeps_the_rest() -> None:
    """7 fires and leaves 2; 2 + 3 = 5 fires and leaves 0; 4 does not fire."""
    assert spikes_of(Neuron("if", 5, potential_bits=8, reset="soft"), 7, 3, 4) == [1, 1, 0]


def test_a_late_soft_reset_comes_after_the_leak() -> None:
    """Potentials: 8 fires; 8 / 2 - 6 + 8 = 6 fires; 6 / 2 - 6 + 5 = 2. At once: 8 -> 2, 1 + 8 = 9 -> 3, 1 + 5 = 6."""
    parameters: dict[str, Any] = {"potential_bits": 8, "leak_numerator": 1, "leak_shift": 1, "reset": "soft"}
    assert spikes_of(Neuron("lif", 6, **parameters, reset_timing="next"), 8, 8, 5) == [1, 1, 0]
    assert spikes_of(Neuron("lif", 6, **parameters), 8, 8, 5) == [1, 1, 1]


def test_a_late_hard_reset_replaces_what_is_left() -> None:
    """Potentials: 9 fires; 1 + 4 = 5; floor(5 / 2) + 4 = 6 fires."""
    neuron = Neuron(
        "lif", 6, potential_bits=8, leak_numerator=1, leak_shift=1, reset_value=1, reset_timing="next"
    )  # fmt: skip
    assert spikes_of(neuron, 9, 4, 4) == [1, 0, 1]


def test_a_synaptic_current_is_a_second_state() -> None:
    """Currents 8, 4, 2, 1; potentials 8, 8/2 + 4 = 8, 8/2 + 2 = 6, 6/2 + 1 = 4: a readout shows them."""
    neuron = Neuron(
        "readout", potential_bits=8, leak_numerator=1, leak_shift=1, current_leak_numerator=1, current_leak_shift=1,
        current_bits=8,
    )  # fmt: skip
    assert spikes_of(neuron, 8, 0, 0, 0) == [8, 8, 6, 4]


def test_a_synaptic_neuron_fires_on_its_current() -> None:
    """Currents 4, 2, 1; potentials 4, 6 fires and leaves 1, 1 + 1 = 2."""
    neuron = Neuron(
        "synaptic", 5, potential_bits=8, reset="soft", current_leak_numerator=1, current_leak_shift=1, current_bits=8
    )  # fmt: skip
    assert spikes_of(neuron, 4, 0, 0) == [0, 1, 0]


def test_both_states_saturate_once() -> None:
    """Current 100 saturates to 7 in 4 bits, potential 7 + 7 = 14 to 7: the sum -200 then brings both to -8."""
    neuron = Neuron("readout", potential_bits=4, current_leak_numerator=1, current_bits=4)
    assert spikes_of(neuron, 100, 0, -200) == [7, 7, -1]


def test_start_potential_and_parameters_of_each_neuron() -> None:
    """Two channels of two neurons: thresholds per neuron, leaks per channel, one start potential for all."""
    neuron = Neuron(
        "lif", np.array([[[5, 6]], [[7, 8]]]), potential_bits=8, leak_numerator=np.array([2, 1]), leak_shift=1,
        start_potential=4,
    )  # fmt: skip
    population = Population("op", IN, tensor((2, 1, 2), 1, False), neuron)
    # Channel 0 keeps all of 4, channel 1 half of it: 4 + 1 = 5 and 2 + 5 = 7.
    assert step(population, [[[1, 1]], [[5, 5]]]) == [[[1, 0]], [[1, 0]]]


def test_a_population_sums_all_that_arrives() -> None:
    population = Population("op", (Source("a"), Source("b")), tensor((1, 1, 2), 1, False), Neuron("if", 3, 8))
    assert step(population, [[[2, 4]]], [[[1, -2]]]) == [[[1, 0]]]


def test_add_and_concatenate() -> None:
    sources = (Source("a"), Source("b"))
    assert step(Add("op", sources, tensor((1, 1, 2))), [[[1, 0]]], [[[1, -5]]]) == [[[2, -5]]]
    joined = step(Concatenate("op", sources, tensor((3, 1, 1))), [[[1]], [[2]]], [[[3]]])
    assert joined == [[[1]], [[2]], [[3]]]


@pytest.mark.parametrize(
    ("mode", "shift", "expected"),
    [
        ("max", None, [[-1, -2], [4, 5]]),  # zeros outside would be larger than -1
        ("sum", None, [[-1, -5], [3, 4]]),  # -1; -2 - 3; -1 + 4; -2 - 3 + 4 + 5
        ("average", None, [[-1, -2], [0, 1]]),  # a quarter of each, rounded down: -0.25, -1.25, 0.75, 1
        ("average", 1, [[-1, -3], [1, 2]]),  # half of each, rounded down
    ],
)
def test_pools_before_a_neuron(mode: Any, shift: int | None, expected: Any) -> None:
    """Windows 2 x 2 side by side on -1 -2 -3 / 4 4 5, with a row outside above and a column at the left.

    The windows have rows {outside, 0} and {0, 1}, and columns {outside, 0} and {1, 2}.
    """
    pool = Pool("op", IN, tensor((1, 2, 2)), mode, (2, 2), (1, 2), (1, 0, 1, 0), shift)
    assert step(pool, [[[-1, -2, -3], [4, 4, 5]]]) == [expected]


QUERIES = [[[1, 0]], [[1, 1]]]  # (features, 1, tokens): tokens (1, 1) and (0, 1)
KEYS = [[[1, 2]], [[0, 3]]]  # tokens (1, 0) and (2, 3)


def attention(shape: tuple[int, int, int], **settings: Any) -> AttentionProduct:
    return AttentionProduct("op", (Source("a"), Source("b")), tensor(shape), **settings)


def test_queries_times_keys_are_scores() -> None:
    """Query tokens by key tokens: 1 5 / 0 3, a channel per key."""
    assert step(attention((2, 1, 2), transpose_right=True), QUERIES, KEYS) == [[[1, 0]], [[5, 3]]]


def test_heads_do_not_mix() -> None:
    """Head 0 has feature 0: 1 x 1, 1 x 2 / 0, 0; head 1 feature 1: 0, 3 / 0, 3."""
    scores = step(attention((4, 1, 2), heads=2, transpose_right=True), QUERIES, KEYS)
    assert scores == [[[1, 0]], [[2, 0]], [[0, 0]], [[3, 3]]]


def test_scores_times_values() -> None:
    """Scores 1 5 / 0 3 times values (1, 0), (2, 3): 11 15 / 6 9."""
    scores = [[[1, 0]], [[5, 3]]]
    assert step(attention((2, 1, 2)), scores, KEYS) == [[[11, 6]], [[15, 9]]]


def test_the_product_of_keys_and_values_comes_first_in_linear_attention() -> None:
    """Keys transposed, (1 2 / 0 3), times themselves (1 0 / 2 3), a quarter of 5 6 / 6 9 rounded down."""
    assert step(attention((2, 1, 2), transpose_left=True, shift=2), KEYS, KEYS) == [[[1, 1]], [[1, 2]]]
