"""What every registered format promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.formats import (
    SPIKE_FORMATS,
    WEIGHT_FORMATS,
    decode,
    decode_schedule,
    decode_spikes,
    encode,
    encode_spikes,
    measure,
)
from tests.unit.formats.cases import Fibers, fibers

many = settings(max_examples=200, deadline=None, derandomize=True)
weight_formats = pytest.mark.parametrize("name", WEIGHT_FORMATS.names())
spike_formats = pytest.mark.parametrize("name", SPIKE_FORMATS.names())


def test_the_registries_hold_the_formats_of_the_field() -> None:
    assert set(WEIGHT_FORMATS.names()) >= {"uncompressed", "ubm", "bitmask", "cp", "rle", "uop", "csr"}
    assert set(SPIKE_FORMATS.names()) >= {"bitmap", "aer"}


@weight_formats
def test_a_weight_format_says_what_it_is_and_whence(name: str) -> None:
    weight_format = WEIGHT_FORMATS.lookup(name)
    assert weight_format.name == name
    assert weight_format.title
    assert weight_format.source


@pytest.mark.kernel
@weight_formats
@many
@given(case=fibers(), alignment_bits=st.sampled_from([1, 8, 13, 32]), units_a_word=st.sampled_from([1, 2, 5]))
def test_weights_come_back_exactly_from_as_many_bits_as_were_measured(
    name: str, case: Fibers, alignment_bits: int, units_a_word: int
) -> None:
    word_bits = units_a_word * alignment_bits
    weight_format = WEIGHT_FORMATS.lookup(name)
    sizes = measure(case.values, case.starts, weight_format, case.value_bits)
    encoded = encode(case.values, case.starts, weight_format, case.value_bits, word_bits, alignment_bits)
    assert np.array_equal(decode(encoded), case.values)
    assert np.array_equal(np.diff(encoded.first_bits), sizes.units(alignment_bits) * alignment_bits)
    assert np.array_equal(encoded.entries, sizes.entries)
    words = -(-int(sizes.units(alignment_bits).sum()) // units_a_word)
    assert len(encoded.words) == -(-words * word_bits // 8)
    assert len(encoded.offsets) == -(-sizes.offsets_bits // 8)
    stored = sizes.entries > 0
    assert np.array_equal(sizes.stored_bits[stored], (sizes.payload_bits + sizes.metadata_bits)[stored])
    assert weight_format.located == "fixed" or not sizes.stored_bits[~stored].any()


@pytest.mark.kernel
@weight_formats
@many
@given(case=fibers(most=1), rate=st.integers(1, 5), mask_window=st.integers(1, 20))
def test_skipping_and_gating_deliver_the_non_zeros_in_order(
    name: str, case: Fibers, rate: int, mask_window: int
) -> None:
    spec = WEIGHT_FORMATS.lookup(name).spec(case.value_bits)
    values = case.values
    delivered = []
    for skip in (0, 1):
        outs = [np.zeros(len(values), dtype=np.int64) for _ in range(3)]
        entries, _ = decode_schedule(values, 0, len(values), spec, rate, mask_window, skip, *outs)
        delivered.append(outs[0][:entries][outs[0][:entries] >= 0].tolist())
    assert delivered[0] == delivered[1] == np.flatnonzero(values).tolist()


@pytest.mark.kernel
@spike_formats
@many
@given(values=st.lists(st.integers(0, 3), max_size=60), wide=st.booleans(), word_bits=st.integers(1, 70))
def test_spikes_come_back_exactly_from_as_many_words_as_were_said(
    name: str, values: list[int], wide: bool, word_bits: int
) -> None:
    spike_format = SPIKE_FORMATS.lookup(name)
    spikes = np.array(values if wide else [value & 1 for value in values], dtype=np.uint8)
    input_bits = 2 if wide else 1
    encoded = encode_spikes(spikes, spike_format, input_bits, word_bits)
    assert np.array_equal(decode_spikes(encoded), spikes)
    words = spike_format.words(len(spikes), int(np.count_nonzero(spikes)), input_bits, word_bits)
    assert len(encoded.words) == -(-words * word_bits // 8)
    assert spike_format.title
    assert spike_format.source
