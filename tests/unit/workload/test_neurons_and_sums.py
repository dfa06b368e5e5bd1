"""Leaks, and words wide enough for an exact sum, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecycle.simulator.workload import largest_sum, leak_action, leaks, signed_bits
from spikecycle.traces import Neuron


@pytest.mark.parametrize(
    ("numerator", "shift", "leaking", "action"),
    [(3, 2, True, "multiply"), (2, 2, True, "shift"), (4, 2, False, "shift"), (0, 0, False, "shift")],
)
def test_a_leak_is_a_shift_or_a_multiplication(numerator: int, shift: int, leaking: bool, action: str) -> None:
    kind = "lif" if numerator != 1 << shift else "if"
    neuron = Neuron(kind, np.array([5], np.int32), potential_bits=8, leak_numerator=numerator, leak_shift=shift)
    assert leaks(neuron) is leaking
    assert leak_action(neuron) == action


def test_neurons_of_a_layer_may_leak_differently() -> None:
    """Factors 1, 1/2 and 0: one of them leaks, by a shift; with 3/4 a multiplication is needed."""
    threshold = np.array([5], np.int32)
    some = Neuron("lif", threshold, potential_bits=8, leak_numerator=[4, 2, 0], leak_shift=2)
    assert (leaks(some), leak_action(some)) == (True, "shift")
    none = Neuron("lif", threshold, potential_bits=8, leak_numerator=[4, 0, 4], leak_shift=2)
    assert not leaks(none)
    other = Neuron("lif", threshold, potential_bits=8, leak_numerator=[4, 2, 3], leak_shift=2)
    assert leak_action(other) == "multiply"


def test_the_largest_sum_is_that_of_the_output_channel_with_most() -> None:
    """|-3| + |2| = 5 and |4| = 4; inputs up to 3; with biases 0 and -8: 15, or 12 + 8."""
    weights = np.array([[-3, 2], [4, 0]], np.int32).reshape(2, 2, 1, 1)
    assert largest_sum(weights, 1) == 5
    assert largest_sum(weights, 2) == 15
    assert largest_sum(weights, 2, np.array([0, -8], np.int32)) == 20


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
@pytest.mark.parametrize("block_bytes", [1, 48, 2**19])
def test_magnitudes_do_not_wrap_however_many_rows_are_summed_together(
    monkeypatch: pytest.MonkeyPatch, dtype: type[np.signedinteger[Any]], block_bytes: int
) -> None:
    """Seven output channels of five weights, the fifth of which has the lowest code that there is everywhere."""
    monkeypatch.setattr("spikecycle.simulator.workload.sums._BLOCK_BYTES", block_bytes)
    lowest = int(np.iinfo(dtype).min)
    weights = np.arange(-17, 18).reshape(7, 5, 1, 1).astype(dtype)
    assert largest_sum(weights, 3) == 7 * (17 + 16 + 15 + 14 + 13)
    weights[4] = lowest
    assert largest_sum(weights, 3) == 7 * 5 * -lowest
    assert largest_sum(weights, 1, np.full(7, lowest, np.int32)) == 6 * -lowest


def test_a_word_of_w_bits_holds_one_negative_number_more() -> None:
    assert signed_bits(-128, 127) == 8
    assert signed_bits(-128, 128) == 9
    assert signed_bits(-129, 127) == 9
    assert signed_bits(0, 0) == 1


@given(st.integers(-(2**40), 0), st.integers(0, 2**40))
def test_a_word_is_wide_enough_and_no_wider(lowest: int, highest: int) -> None:
    def holds(bits: int) -> bool:
        return -(1 << bits - 1) <= lowest and highest < 1 << bits - 1 if bits else lowest == highest == 0

    bits = signed_bits(lowest, highest)
    assert holds(bits)
    assert bits == 1 or not holds(bits - 1)
