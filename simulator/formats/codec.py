"""Real encoding of weight fibers, and its exact inverse.

Layout, least significant bit first: mask formats put the whole mask ahead of the values (bit i: position i is not
zero); coordinate formats a coordinate ahead of each value; run formats the number of zeros since the entry before;
formats of groups the index in the group. Code words hold whole entries from their first bit on, zeros where an entry is
missing, and in their last bit whether they are the fiber's last. A byte of trits lacking some at the fiber's end counts
nothing for them. Fibers follow each other; each starts at the next multiple of the alignment, whatever words that
divides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt8
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats.axes import UNKNOWN_AXES, FiberAxes
from spikecycle.simulator.formats.base import WeightFormat
from spikecycle.simulator.formats.bits import bits_for, read_bits, read_numbers, read_signed, write_bits, write_numbers
from spikecycle.simulator.formats.groups import group_end, padding_zeros
from spikecycle.simulator.formats.levels import BYTE_BITS, TRITS_PER_BYTE, Codes, FormatSpec, Positions, Values
from spikecycle.simulator.formats.runs import entries_per_code_word, run_entry_first_bit
from spikecycle.simulator.formats.sizes import check_fibers, measure, offset_bits
from spikecycle.simulator.jit import lean_kernel


@dataclass(frozen=True, eq=False)
class EncodedFibers:
    """Fibers as they lie in a memory of words, with what tells them apart.

    words: uint8, the memory's bits: word w holds bits w·word_bits .. (w + 1)·word_bits - 1, bit i in byte i // 8.
    first_bits: int64 (F + 1,), multiples of alignment_bits: where each fiber begins, and where the last one ends.
    entries: int64 (F,), values stored by each fiber: with first_bits, what a directory holds.
    offsets: uint8, for formats with offset pairs the F + 1 packed offsets of the fibers, in values, else empty.
    starts: int64 (F + 1,), the fibers' positions in the decoded values: their lengths are known, not stored.
    segments: int64 (F,), positions after which groups begin anew: known, not stored.
    codebook: int32 (2^index_bits,), what the indices stand for, entry 0 being zero; empty without one.
    """

    weight_format: WeightFormat
    value_bits: int
    word_bits: int
    alignment_bits: int
    words: UInt8
    first_bits: Int64
    entries: Int64
    offsets: UInt8
    starts: Int64
    segments: Int64
    codebook: Int32


@lean_kernel
def encode_fibers(
    values: Int32,
    starts: Int64,
    segments: Int64,
    spec: FormatSpec,
    first_bits: Int64,
    entries: Int64,
    stream: UInt8,
) -> None:
    """Write every fiber into `stream`, which holds zeros.

    values: int32 (total,), indices into the codebook if there is one; starts: int64 (F + 1,); segments: int64 (F,).
    first_bits: int64 (F,), where each fiber begins in the stream.
    entries: int64 (F,) as measured; a fiber without entries is not written.
    """
    for fiber in range(len(starts) - 1):
        if entries[fiber] == 0:
            continue
        start, stop = starts[fiber], starts[fiber + 1]
        bit = first_bits[fiber]
        if spec.codes == Codes.TRITS:
            _encode_trits(values, start, stop, bit, stream)
        elif spec.positions == Positions.GROUP_INDEX:
            _encode_groups(values, start, stop, segments[fiber], spec, bit, stream)
        elif spec.positions == Positions.RUN:
            _encode_runs(values, start, stop, spec, bit, stream)
        else:
            coordinate_bits = bits_for(stop - start)
            if spec.positions == Positions.MASK:
                for i in range(start, stop):
                    bit = write_bits(stream, bit, 1, 1 if values[i] != 0 else 0)
            for i in range(start, stop):
                value = np.int64(values[i])
                if value == 0 and spec.values == Values.PACKED:
                    continue
                if spec.positions == Positions.COORDINATE:
                    bit = write_bits(stream, bit, coordinate_bits, i - start)
                bit = write_bits(stream, bit, spec.value_bits, value)


@lean_kernel
def _encode_runs(values: Int32, start: int, stop: int, spec: FormatSpec, first_bit: int, stream: UInt8) -> None:
    entry = 0
    run = 0
    for i in range(start, stop):
        if values[i] == 0:
            run += 1
            continue
        while run >> spec.run_bits:
            bit = write_bits(stream, first_bit + run_entry_first_bit(entry, spec), spec.run_bits, -1)
            write_bits(stream, bit, spec.value_bits, 0)
            entry += 1
            run -= 1 << spec.run_bits
        bit = write_bits(stream, first_bit + run_entry_first_bit(entry, spec), spec.run_bits, run)
        write_bits(stream, bit, spec.value_bits, np.int64(values[i]))
        entry += 1
        run = 0
    if spec.code_word_bits > 0:
        words = -(-entry // entries_per_code_word(spec))
        write_bits(stream, first_bit + words * spec.code_word_bits - 1, 1, 1)


@lean_kernel
def _encode_groups(
    values: Int32,
    start: int,
    stop: int,
    segment: int,
    spec: FormatSpec,
    first_bit: int,
    stream: UInt8,
) -> None:
    bit = first_bit
    first = 0
    while first < stop - start:
        end = group_end(first, stop - start, segment, spec.group)
        zeros = padding_zeros(values, start + first, start + end, spec.kept)
        for position in range(first, end):
            value = np.int64(values[start + position])
            if value == 0:
                if zeros <= 0:
                    continue
                zeros -= 1
            bit = write_bits(stream, bit, bits_for(spec.group), position - first)
            bit = write_bits(stream, bit, spec.value_bits, value)
        first = end


@lean_kernel
def _encode_trits(values: Int32, start: int, stop: int, first_bit: int, stream: UInt8) -> None:
    bit = first_bit
    for first in range(start, stop, TRITS_PER_BYTE):
        byte = 0
        for i in range(min(first + TRITS_PER_BYTE, stop) - 1, first - 1, -1):
            byte = 3 * byte + int(np.int64(values[i])) + 1
        bit = write_bits(stream, bit, BYTE_BITS, byte)


@lean_kernel
def decode_fibers(
    stream: UInt8,
    starts: Int64,
    segments: Int64,
    spec: FormatSpec,
    first_bits: Int64,
    entries: Int64,
    values_out: Int32,
) -> None:
    """Read every fiber back into `values_out`, int32 (total,), which holds zeros; arguments as for encode_fibers.

    Of fibers in code words, `entries` only tells whether there is one: their last word says that it is.
    """
    for fiber in range(len(starts) - 1):
        if entries[fiber] == 0:
            continue
        first_bit = first_bits[fiber]
        fiber_out = values_out[starts[fiber] : starts[fiber + 1]]
        if spec.codes == Codes.TRITS:
            _decode_trits(stream, first_bit, fiber_out)
        elif spec.positions == Positions.GROUP_INDEX:
            _decode_groups(stream, first_bit, segments[fiber], spec, fiber_out)
        elif spec.positions == Positions.RUN:
            _decode_runs(stream, first_bit, entries[fiber], spec, fiber_out)
        else:
            _decode_in_order(stream, first_bit, entries[fiber], spec, fiber_out)


@lean_kernel
def _decode_in_order(stream: UInt8, first_bit: int, entries: int, spec: FormatSpec, fiber_out: Int32) -> None:
    coordinate_bits = bits_for(len(fiber_out))
    bit = first_bit + (len(fiber_out) if spec.positions == Positions.MASK else 0)
    position = -1
    for _ in range(entries):
        position += 1
        if spec.positions == Positions.MASK and spec.values == Values.PACKED:
            while read_bits(stream, first_bit + position, 1) == 0:
                position += 1
        elif spec.positions == Positions.COORDINATE:
            position = read_bits(stream, bit, coordinate_bits)
            bit += coordinate_bits
        fiber_out[position] = read_signed(stream, bit, spec.value_bits)
        bit += spec.value_bits


@lean_kernel
def _decode_runs(stream: UInt8, first_bit: int, entries: int, spec: FormatSpec, fiber_out: Int32) -> None:
    if spec.code_word_bits > 0:
        last_bit = first_bit + spec.code_word_bits - 1
        entries = entries_per_code_word(spec)
        while read_bits(stream, last_bit, 1) == 0:
            last_bit += spec.code_word_bits
            entries += entries_per_code_word(spec)
    position = -1
    for entry in range(entries):
        bit = first_bit + run_entry_first_bit(entry, spec)
        position += 1 + read_bits(stream, bit, spec.run_bits)
        if position < len(fiber_out):  # behind the last entry, a code word is filled with zeros
            fiber_out[position] = read_signed(stream, bit + spec.run_bits, spec.value_bits)


@lean_kernel
def _decode_groups(stream: UInt8, first_bit: int, segment: int, spec: FormatSpec, fiber_out: Int32) -> None:
    index_bits = bits_for(spec.group)
    bit = first_bit
    first = 0
    while first < len(fiber_out):
        end = group_end(first, len(fiber_out), segment, spec.group)
        for _ in range(min(spec.kept, end - first)):
            position = first + read_bits(stream, bit, index_bits)
            bit += index_bits
            fiber_out[position] = read_signed(stream, bit, spec.value_bits)
            bit += spec.value_bits
        first = end


@lean_kernel
def _decode_trits(stream: UInt8, first_bit: int, fiber_out: Int32) -> None:
    byte = 0
    for position in range(len(fiber_out)):
        if position % TRITS_PER_BYTE == 0:
            byte = read_bits(stream, first_bit + position // TRITS_PER_BYTE * BYTE_BITS, BYTE_BITS)
        fiber_out[position] = byte % 3 - 1
        byte //= 3


def encode(
    values: Int32,
    starts: Int64,
    weight_format: WeightFormat,
    value_bits: int,
    word_bits: int,
    alignment_bits: int,
    axes: FiberAxes = UNKNOWN_AXES,
    segments: Int64 | None = None,
) -> EncodedFibers:
    """Encode fibers for a memory of `word_bits`-bit words: values int32 (total,), starts int64 (F + 1,).

    alignment_bits: fibers begin at its multiples; a fiber of no bits takes nothing.
    axes: along which the fibers run. segments: int64 (F,), positions after which groups begin anew.
    Raises UsageError for a value that `value_bits` bits do not hold, for values that the format does not accept, and
    an alignment that does not divide words.
    """
    if word_bits % alignment_bits:
        raise UsageError(f"an alignment of {alignment_bits} bits does not divide words of {word_bits} bits")
    segments = check_fibers(values, starts, segments)
    limit = 1 << (value_bits - 1)
    wrong = np.flatnonzero((values < -limit) | (values >= limit))
    if len(wrong):
        raise UsageError(f"weight code {values[wrong[0]]} does not fit in {value_bits} bits")
    problem = weight_format.accepts(values, starts, axes, segments)
    if problem is not None:
        raise UsageError(f"weight format {weight_format.name!r}: {problem}")
    codebook, codes = np.zeros(0, dtype=np.int32), values
    if weight_format.codes == "codebook":
        codebook = np.zeros(1 << weight_format.index_bits, dtype=np.int32)
        different = np.unique(values[values != 0])
        codebook[1 : len(different) + 1] = different
        codes = np.where(values == 0, 0, 1 + np.searchsorted(different, values)).astype(np.int32)
    sizes = measure(values, starts, weight_format, value_bits, segments)
    first_bits = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes.units(alignment_bits)))) * alignment_bits
    word_count = -(-int(first_bits[-1]) // word_bits)
    words = np.zeros(-(-word_count * word_bits // 8), dtype=np.uint8)
    spec = weight_format.spec(value_bits)
    encode_fibers(codes, starts, segments, spec, first_bits[:-1], sizes.entries, words)
    offsets = np.zeros(-(-sizes.offsets_bits // 8), dtype=np.uint8)
    if weight_format.offset_pairs:
        stored = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes.entries)))
        write_numbers(offsets, offset_bits(int(stored[-1])), stored)
    return EncodedFibers(
        weight_format=weight_format,
        value_bits=value_bits,
        word_bits=word_bits,
        alignment_bits=alignment_bits,
        words=words,
        first_bits=first_bits,
        entries=sizes.entries,
        offsets=offsets,
        starts=starts.copy(),
        segments=segments.copy(),
        codebook=codebook,
    )


def decode(encoded: EncodedFibers) -> Int32:
    """The values, int32 (total,): from the bits, the fibers' lengths and their directory (or offsets)."""
    entries = encoded.entries
    if encoded.weight_format.offset_pairs:
        offsets = np.zeros(len(encoded.starts), dtype=np.int64)
        read_numbers(encoded.offsets, offset_bits(int(entries.sum())), offsets)
        entries = np.diff(offsets)
    values = np.zeros(int(encoded.starts[-1]), dtype=np.int32)
    spec = encoded.weight_format.spec(encoded.value_bits)
    decode_fibers(encoded.words, encoded.starts, encoded.segments, spec, encoded.first_bits[:-1], entries, values)
    if len(encoded.codebook):
        # indices were read as signed numbers: their low bits count; what is not stored is 0, entry 0 of the table
        values = encoded.codebook[values & (len(encoded.codebook) - 1)]
    return values
