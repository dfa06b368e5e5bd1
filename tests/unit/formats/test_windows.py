"""Spike formats of a window of timesteps: the kernels against their twin, and bits by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats import SPIKE_FORMATS, decode_rows, encode_rows, encode_spikes, measure_rows
from tests.reference import formats_spikes
from tests.reference import formats_windows as reference
from tests.reference.formats import ceil_log2, digits
from tests.unit.formats.test_codec import memories, string_of

WINDOWS = [name for name, spike_format in SPIKE_FORMATS.items() if spike_format.scope == "window"]
TIMESTEPS = [name for name, spike_format in SPIKE_FORMATS.items() if spike_format.scope == "timestep"]


@st.composite
def blocks(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Values (T, rows, n), many of them zero, and their width."""
    input_bits = draw(st.sampled_from([1, 1, 2, 9]))
    timesteps, rows, neurons = draw(st.integers(1, 9)), draw(st.integers(0, 4)), draw(st.integers(1, 9))
    value = st.one_of(st.just(0), st.just(0), st.integers(0, 2**input_bits - 1))
    size = timesteps * rows * neurons
    values = draw(st.lists(value, min_size=size, max_size=size))
    kind = np.uint8 if input_bits <= 8 else np.uint16
    return np.array(values, dtype=kind).reshape(timesteps, rows, neurons), input_bits


def rows_of(values: np.ndarray) -> list[reference.Row]:
    """Row by row, timestep by timestep."""
    return [values[:, row].tolist() for row in range(values.shape[1])]


@pytest.mark.kernel
@settings(max_examples=300, deadline=None, derandomize=True)
@given(blocks(), st.sampled_from(WINDOWS), memories())
def test_memory_is_that_of_the_twin_and_decodes(
    block: tuple[np.ndarray, int], name: str, memory: tuple[int, int]
) -> None:
    values, input_bits = block
    word_bits, alignment_bits = memory
    spike_format, rows = SPIKE_FORMATS.lookup(name), rows_of(values)
    encoded = encode_rows(values, spike_format, input_bits, word_bits, alignment_bits)
    sizes = measure_rows(values, spike_format, input_bits)
    image, starts = "", []
    for row in rows:
        starts.append(len(image))
        image += reference.encode(name, row, input_bits)
        image += "0" * (-len(image) % alignment_bits)
    starts.append(len(image))
    image += "0" * (-len(image) % word_bits)
    assert encoded.first_bits.tolist() == starts
    assert string_of(encoded.words) == image + "0" * (-len(image) % 8)
    assert sizes.bits.tolist() == [len(reference.encode(name, row, input_bits)) for row in rows]
    assert sizes.entries.tolist() == encoded.entries.tolist() == [reference.entries(name, row) for row in rows]
    assert sizes.pointer_bits == reference.pointer_bits(name, rows)
    assert np.array_equal(decode_rows(encoded), values)
    timesteps, _, neurons = values.shape
    for row, start, stored in zip(rows, starts, sizes.entries.tolist(), strict=False):
        assert reference.decode(name, image[start:], stored, timesteps, neurons, input_bits) == row


@pytest.mark.kernel
@settings(max_examples=200, deadline=None, derandomize=True)
@given(blocks(), st.sampled_from(TIMESTEPS))
def test_a_format_of_a_timestep_is_a_list_for_every_row_and_timestep(block: tuple[np.ndarray, int], name: str) -> None:
    values, input_bits = block
    sizes = measure_rows(values, SPIKE_FORMATS.lookup(name), input_bits)
    lists = [
        [formats_spikes.entries(name, timestep, input_bits) for timestep in row] for row in rows_of(values)
    ]  # fmt: skip
    assert sizes.bits.tolist() == [sum(len(entry) for found in row for entry in found) for row in lists]
    assert sizes.entries.tolist() == [sum(len(found) for found in row) for row in lists]
    stored, timesteps = int(sizes.entries.sum()), values.shape[0]
    offsets = 0 if name == "bitmap" else (len(lists) * timesteps + 1) * ceil_log2(stored + 1)
    assert sizes.pointer_bits == offsets


# T = 4; neurons 1 and 3 of 5 fire, in timesteps 0 and 2, and in timestep 3.
BLOCK = np.array([[[0, 1, 0, 0, 0]], [[0, 0, 0, 0, 0]], [[0, 1, 0, 0, 0]], [[0, 0, 0, 1, 0]]], dtype=np.uint8)
BY_HAND = [
    # 5 mask bits, the words 1010 and 0001 (timestep 0 first): N + f·T = 5 + 2·4
    ("firing_words", "01010 1010 0001", 2, 1 * 2),  # 0 to 2 words: a pointer of 2 bits
    # neuron (3 bits), timestep (2 bits): (1, 0), (1, 2), (3, 3)
    ("time_sorted", "100 00 100 01 110 11", 3, 2 * 2),  # 0 to 3 entries: two offsets of 2 bits
]


@pytest.mark.parametrize(("name", "bits", "entries", "pointer_bits"), BY_HAND)
def test_bits_by_hand(name: str, bits: str, entries: int, pointer_bits: int) -> None:
    expected = bits.replace(" ", "")
    encoded = encode_rows(BLOCK, SPIKE_FORMATS.lookup(name), 1, word_bits=1, alignment_bits=1)
    assert string_of(encoded.words)[: len(expected)] == expected
    assert encoded.first_bits.tolist() == [0, len(expected)]
    sizes = measure_rows(BLOCK, SPIKE_FORMATS.lookup(name), 1)
    assert (sizes.entries.tolist(), sizes.bits.tolist(), sizes.pointer_bits) == (
        [entries],
        [len(expected)],
        pointer_bits,
    )


def test_every_format_of_a_window_has_bits_by_hand() -> None:
    assert {name for name, *_ in BY_HAND} == set(WINDOWS)


def test_the_example_of_loas() -> None:
    """Four timesteps, 70 % of the neurons silent: 2.2 bits per neuron instead of 4."""
    values = np.zeros((4, 1, 1000), dtype=np.uint8)
    values[0, 0, :300] = 1
    assert measure_rows(values, SPIKE_FORMATS.lookup("firing_words"), 1).bits[0] == 2200
    assert measure_rows(values, SPIKE_FORMATS.lookup("bitmap"), 1).bits[0] == 4000


def test_a_second_spike_of_a_neuron_costs_a_sorted_list_an_entry_and_a_word_nothing() -> None:
    once = np.zeros((8, 1, 16), dtype=np.uint8)
    once[5, 0, 3] = 1
    twice = once.copy()
    twice[1, 0, 3] = 1
    for name, more in (("firing_words", 0), ("time_sorted", 4 + 3)):
        first, second = (measure_rows(values, SPIKE_FORMATS.lookup(name), 1) for values in (once, twice))
        assert second.bits[0] - first.bits[0] == more
    bits = string_of(encode_rows(twice, SPIKE_FORMATS.lookup("time_sorted"), 1, 1, 1).words)
    assert bits[:14] == digits(3, 4) + digits(1, 3) + digits(3, 4) + digits(5, 3)  # sorted by timestep


def test_a_format_of_another_scope_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="spike format 'aer' stores every timestep by itself"):
        encode_rows(BLOCK, SPIKE_FORMATS.lookup("aer"), 1, 8, 8)
    with pytest.raises(UsageError, match="spike format 'firing_words' stores all timesteps together"):
        encode_spikes(BLOCK[0, 0], SPIKE_FORMATS.lookup("firing_words"), 1, 8)


def test_values_and_alignments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="input value 2 does not fit in 1 bits"):
        measure_rows(BLOCK * 2, SPIKE_FORMATS.lookup("firing_words"), 1)
    with pytest.raises(UsageError, match="an alignment of 3 bits does not divide words of 8 bits"):
        encode_rows(BLOCK, SPIKE_FORMATS.lookup("firing_words"), 1, 8, 3)
