"""What every registered format promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats import (
    SPIKE_FORMATS,
    WEIGHT_FORMATS,
    count_entries,
    decode,
    decode_rows,
    decode_schedule,
    decode_spikes,
    encode,
    encode_rows,
    encode_spikes,
    goes_by,
    measure,
    measure_rows,
    missing_rate,
    needed_kinds,
    slots_per_step,
)
from spikecycle.simulator.formats.decoder import RATE_KEYS
from tests.unit.formats.cases import Fibers, fibers

many = settings(max_examples=200, deadline=None, derandomize=True)
weight_formats = pytest.mark.parametrize("name", WEIGHT_FORMATS.names())
spike_formats = pytest.mark.parametrize("name", SPIKE_FORMATS.names())
TIMESTEPS = [name for name, spike_format in SPIKE_FORMATS.items() if spike_format.scope == "timestep"]
WINDOWS = [name for name, spike_format in SPIKE_FORMATS.items() if spike_format.scope == "window"]


def test_the_registries_hold_the_formats_of_the_field() -> None:
    assert set(WEIGHT_FORMATS.names()) >= {"uncompressed", "ubm", "bitmask", "cp", "rle", "uop", "csr"}
    assert set(WEIGHT_FORMATS.names()) >= {"n_of_m", "trits", "codebook", "eie", "rlc"}
    assert set(TIMESTEPS) >= {"bitmap", "aer", "run_length"}
    assert set(WINDOWS) >= {"firing_words", "time_sorted"}


@weight_formats
def test_a_weight_format_says_what_it_is_and_whence(name: str) -> None:
    weight_format = WEIGHT_FORMATS.lookup(name)
    assert weight_format.name == name
    assert weight_format.title
    assert weight_format.source


@pytest.mark.kernel
@weight_formats
@many
@given(data=st.data(), alignment_bits=st.sampled_from([1, 8, 13, 32]), units_a_word=st.sampled_from([1, 2, 5]))
def test_weights_come_back_exactly_from_as_many_bits_as_were_measured(
    name: str, data: st.DataObject, alignment_bits: int, units_a_word: int
) -> None:
    word_bits = units_a_word * alignment_bits
    weight_format = WEIGHT_FORMATS.lookup(name)
    case: Fibers = data.draw(fibers(weight_format))
    assert weight_format.accepts(case.values, case.starts, segments=case.segments) is None
    sizes = measure(case.values, case.starts, weight_format, case.value_bits, case.segments)
    encoded = encode(
        case.values, case.starts, weight_format, case.value_bits, word_bits, alignment_bits, segments=case.segments
    )
    assert np.array_equal(decode(encoded), case.values)
    assert np.array_equal(np.diff(encoded.first_bits), sizes.units(alignment_bits) * alignment_bits)
    assert np.array_equal(encoded.entries, sizes.entries)
    words = -(-int(sizes.units(alignment_bits).sum()) // units_a_word)
    assert len(encoded.words) == -(-words * word_bits // 8)
    assert len(encoded.offsets) == -(-sizes.offsets_bits // 8)
    stored = sizes.entries > 0
    assert np.array_equal(sizes.stored_bits[stored], (sizes.payload_bits + sizes.metadata_bits)[stored])
    assert weight_format.located == "fixed" or not sizes.stored_bits[~stored].any()
    assert sizes.table_bits == weight_format.table_bits(case.value_bits) == len(encoded.codebook) * case.value_bits


@pytest.mark.kernel
@weight_formats
@many
@given(values=st.lists(st.integers(-128, 127), max_size=40))
def test_what_a_format_accepts_comes_back_and_what_it_refuses_is_not_encoded(name: str, values: list[int]) -> None:
    weight_format = WEIGHT_FORMATS.lookup(name)
    weights, starts = np.array(values, dtype=np.int32), np.array([0, len(values)], dtype=np.int64)
    problem = weight_format.accepts(weights, starts)
    if problem is None:
        assert np.array_equal(decode(encode(weights, starts, weight_format, 8, 8, 8)), weights)
    else:
        with pytest.raises(UsageError) as error:
            encode(weights, starts, weight_format, 8, 8, 8)
        assert str(error.value) == f"weight format {name!r}: {problem}"


@weight_formats
def test_a_decoder_that_gives_every_rate_decodes_every_format(name: str) -> None:
    weight_format = WEIGHT_FORMATS.lookup(name)
    rates = dict.fromkeys(RATE_KEYS.values(), 1)
    assert missing_rate(weight_format, rates) is None
    assert slots_per_step(weight_format, 8, 1, rates) == 1
    assert (missing_rate(weight_format, {}) is None) == (not needed_kinds(weight_format))


@pytest.mark.kernel
@weight_formats
@many
@given(data=st.data(), rate=st.integers(1, 5), mask_window=st.integers(1, 20))
def test_skipping_and_gating_deliver_the_non_zeros_in_order(
    name: str, data: st.DataObject, rate: int, mask_window: int
) -> None:
    weight_format = WEIGHT_FORMATS.lookup(name)
    case: Fibers = data.draw(fibers(weight_format, most=1).filter(lambda case: case.lists))
    spec, values, segment = weight_format.spec(case.value_bits), case.values, case.segment_lists[0]
    delivered = []
    for skip in (0, 1):
        outs = [np.zeros(len(values), dtype=np.int64) for _ in range(3)]
        entries, _ = decode_schedule(
            values, 0, len(values), segment, spec, rate, mask_window, skip, *outs, *goes_by(spec, skip)
        )
        delivered.append(outs[0][:entries][outs[0][:entries] >= 0].tolist())
    assert delivered[0] == delivered[1] == np.flatnonzero(values).tolist()


@spike_formats
def test_a_spike_format_says_what_it_is_and_whence(name: str) -> None:
    spike_format = SPIKE_FORMATS.lookup(name)
    assert spike_format.name == name
    assert spike_format.title
    assert spike_format.source


@pytest.mark.kernel
@pytest.mark.parametrize("name", TIMESTEPS)
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
    layout = spike_format.layout(len(spikes), input_bits, word_bits)
    words = layout.words(count_entries(spikes, layout))
    assert len(encoded.words) == -(-words * word_bits // 8)
    if spike_format.sized_by_count:
        assert spike_format.words(len(spikes), int(np.count_nonzero(spikes)), input_bits, word_bits) == words


@pytest.mark.kernel
@pytest.mark.parametrize("name", WINDOWS)
@many
@given(data=st.data(), wide=st.booleans(), alignment_bits=st.sampled_from([1, 8, 13]))
def test_rows_come_back_exactly_from_as_many_bits_as_were_measured(
    name: str, data: st.DataObject, wide: bool, alignment_bits: int
) -> None:
    shape = tuple(data.draw(st.tuples(st.integers(1, 6), st.integers(0, 3), st.integers(1, 9))))
    most, size = (3 if wide else 1), int(np.prod(shape))
    spikes = np.array(data.draw(st.lists(st.integers(0, most), min_size=size, max_size=size)), np.uint8).reshape(shape)
    spike_format, input_bits = SPIKE_FORMATS.lookup(name), 2 if wide else 1
    encoded = encode_rows(spikes, spike_format, input_bits, 2 * alignment_bits, alignment_bits)
    assert np.array_equal(decode_rows(encoded), spikes)
    sizes = measure_rows(spikes, spike_format, input_bits)
    assert np.array_equal(encoded.entries, sizes.entries)
    assert np.array_equal(np.diff(encoded.first_bits), -(-sizes.bits // alignment_bits) * alignment_bits)


@spike_formats
def test_every_spike_format_can_be_measured_on_the_same_rows(name: str) -> None:
    silent = np.zeros((4, 3, 10), dtype=np.uint8)
    busy = np.ones_like(silent)
    spike_format = SPIKE_FORMATS.lookup(name)
    few, many_bits = (measure_rows(values, spike_format, 1) for values in (silent, busy))
    assert few.bits.shape == few.entries.shape == (3,)
    assert (few.bits <= many_bits.bits).all()
    assert many_bits.bits.all()
