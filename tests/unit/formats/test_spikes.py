"""Spike formats: the kernels against their twin, and sizes by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats import SPIKE_FORMATS, SpikeFormat, count_entries, decode_spikes, encode_spikes
from tests.reference import formats_spikes as reference
from tests.reference.formats import digits


@st.composite
def timesteps(draw: st.DrawFn) -> tuple[list[int], int]:
    """The values of a timestep and their width."""
    input_bits = draw(st.sampled_from([1, 1, 2, 3, 8, 16]))
    value = st.one_of(st.just(0), st.integers(0, 2**input_bits - 1))
    return draw(st.lists(value, max_size=40)), input_bits


TIMESTEPS = [name for name, spike_format in SPIKE_FORMATS.items() if spike_format.scope == "timestep"]


@pytest.mark.kernel
@settings(max_examples=400, deadline=None, derandomize=True)
@given(timesteps(), st.sampled_from(TIMESTEPS), st.integers(1, 40), st.integers(1, 5))
def test_memory_is_that_of_the_twin_and_decodes(
    timestep: tuple[list[int], int], name: str, word_bits: int, run_bits: int
) -> None:
    values, input_bits = timestep
    spike_format = SPIKE_FORMATS.lookup(name)
    if spike_format.run_bits:
        spike_format = replace(spike_format, run_bits=run_bits)
    array = np.array(values, dtype=np.uint8 if input_bits <= 8 else np.uint16)
    encoded = encode_spikes(array, spike_format, input_bits, word_bits)
    memory = reference.words(name, values, input_bits, word_bits, run_bits)
    stream = "".join(digits(int(byte), 8) for byte in encoded.words)
    assert stream[: len(memory) * word_bits] == "".join(memory)
    assert len(encoded.words) == -(-len(memory) * word_bits // 8)
    assert np.array_equal(decode_spikes(encoded), array)
    told = reference.decode(name, memory, encoded.entries, len(values), input_bits, word_bits, run_bits)
    assert told == values

    non_zeros = sum(value != 0 for value in values)
    entries = reference.entries(name, values, input_bits, run_bits)
    width = reference.entry_bits(name, len(values), input_bits, run_bits)
    assert spike_format.entry_bits(len(values), input_bits) == width
    layout = spike_format.layout(len(values), input_bits, word_bits)
    assert count_entries(array, layout) == len(entries) == encoded.entries
    assert layout.words(len(entries)) == len(memory)
    if spike_format.sized_by_count:
        assert spike_format.entries(len(values), non_zeros) == len(entries)
        assert spike_format.bits(len(values), non_zeros, input_bits) == sum(map(len, entries))
        assert spike_format.words(len(values), non_zeros, input_bits, word_bits) == len(memory)


# Runs of 2 bits, least significant first. Binary: 3 (11) is the escape for 3 silent positions without a spike.
RUNS_BY_HAND = [
    ([1, 0, 0, 1, 0], 1, "00 01"),
    ([0, 0, 0, 1], 1, "11 00"),
    ([0] * 7 + [1, 1], 1, "11 11 10 00"),
    ([0, 0, 0, 0], 1, ""),
    # Values of 2 bits: a run is at most 3, behind it a value that may be 0.
    ([0, 0, 0, 2], 2, "11 01"),
    ([0, 0, 0, 0, 3], 2, "11 00 00 11"),
]


@pytest.mark.parametrize(("values", "input_bits", "expected"), RUNS_BY_HAND)
def test_runs_by_hand(values: list[int], input_bits: int, expected: str) -> None:
    two_bit_runs = replace(SPIKE_FORMATS.lookup("run_length"), run_bits=2)
    encoded = encode_spikes(np.array(values, np.uint8), two_bit_runs, input_bits, word_bits=2 if input_bits == 1 else 4)
    bits = "".join(digits(int(byte), 8) for byte in encoded.words)
    assert bits[: len(expected.replace(" ", ""))] == expected.replace(" ", "")
    assert encoded.entries * (2 if input_bits == 1 else 4) == len(expected.replace(" ", ""))


def test_the_size_of_runs_cannot_be_told_from_a_count() -> None:
    with pytest.raises(AssertionError, match="where the spikes are"):
        SPIKE_FORMATS.lookup("run_length").words(8, 2, 1, 16)


def test_run_bits_go_with_runs() -> None:
    with pytest.raises(ValueError, match="format 'mine': run_bits go with positions 'run'"):
        SpikeFormat("mine", "", "", "coordinate", run_bits=3)
    with pytest.raises(ValueError, match="run_bits go with"):
        SpikeFormat("mine", "", "", "run")


@pytest.mark.parametrize(
    ("name", "positions", "non_zeros", "input_bits", "entry_bits", "words_of_16_bits"),
    [
        ("bitmap", 33, 5, 1, 1, 3),
        ("bitmap", 33, 0, 1, 1, 3),
        ("bitmap", 33, 5, 3, 3, 7),
        ("bitmap", 0, 0, 1, 1, 0),
        ("aer", 33, 5, 1, 6, 3),
        ("aer", 32, 5, 1, 5, 2),
        ("aer", 33, 0, 1, 6, 0),
        ("aer", 33, 5, 3, 9, 5),
        ("aer", 2**17, 5, 1, 17, 10),
        ("aer", 1, 1, 1, 1, 1),
        ("aer", 1, 1, 4, 4, 1),
    ],
)
def test_sizes_by_hand(
    name: str, positions: int, non_zeros: int, input_bits: int, entry_bits: int, words_of_16_bits: int
) -> None:
    spike_format = SPIKE_FORMATS.lookup(name)
    assert spike_format.entry_bits(positions, input_bits) == entry_bits
    assert spike_format.words(positions, non_zeros, input_bits, word_bits=16) == words_of_16_bits


@pytest.mark.parametrize("name", TIMESTEPS)
def test_a_value_outside_its_bits_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="input value 4 does not fit in 2 bits"):
        encode_spikes(np.array([0, 4, 3], dtype=np.uint8), SPIKE_FORMATS.lookup(name), input_bits=2, word_bits=16)
