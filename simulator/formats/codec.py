"""Real encoding of weight fibers, and its exact inverse.

Layout, least significant bit first: mask formats put the whole mask ahead of the values (bit i: position i is not
zero); coordinate formats a coordinate ahead of each value; run formats the number of zeros since the entry before.
Fibers follow each other; each starts at the next multiple of the alignment, whatever words that divides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats.base import WeightFormat
from spikecycle.simulator.formats.bits import bits_for, read_bits, read_numbers, read_signed, write_bits, write_numbers
from spikecycle.simulator.formats.levels import FormatSpec, Positions, Values
from spikecycle.simulator.formats.sizes import check_fibers, measure, offset_bits
from spikecycle.simulator.jit import kernel

UInt8 = npt.NDArray[np.uint8]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class EncodedFibers:
    """Fibers as they lie in a memory of words, with what tells them apart.

    words: uint8, the memory's bits: word w holds bits w·word_bits .. (w + 1)·word_bits - 1, bit i in byte i // 8.
    first_bits: int64 (F + 1,), multiples of alignment_bits: where each fiber begins, and where the last one ends.
    entries: int64 (F,), values stored by each fiber: with first_bits, what a directory holds.
    offsets: uint8, for formats with offset pairs the F + 1 packed offsets of the fibers, in values, else empty.
    starts: int64 (F + 1,), the fibers' positions in the decoded values: their lengths are known, not stored.
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


@kernel
def encode_fibers(
    values: Int32, starts: Int64, spec: FormatSpec, first_bits: Int64, entries: Int64, stream: UInt8
) -> None:
    """Write every fiber into `stream`, which holds zeros.

    values: int32 (total,); starts: int64 (F + 1,). first_bits: int64 (F,), where each fiber begins in the stream.
    entries: int64 (F,) as measured; a fiber without entries is not written.
    """
    for fiber in range(len(starts) - 1):
        if entries[fiber] == 0:
            continue
        start, stop = starts[fiber], starts[fiber + 1]
        coordinate_bits = bits_for(stop - start)
        bit = first_bits[fiber]
        if spec.positions == Positions.MASK:
            for i in range(start, stop):
                bit = write_bits(stream, bit, 1, 1 if values[i] != 0 else 0)
        run = 0
        for i in range(start, stop):
            value = np.int64(values[i])
            if value == 0 and spec.values == Values.PACKED:
                run += 1
                continue
            if spec.positions == Positions.COORDINATE:
                bit = write_bits(stream, bit, coordinate_bits, i - start)
            elif spec.positions == Positions.RUN:
                while run >> spec.run_bits:
                    bit = write_bits(stream, bit, spec.run_bits, -1)
                    bit = write_bits(stream, bit, spec.value_bits, 0)
                    run -= 1 << spec.run_bits
                bit = write_bits(stream, bit, spec.run_bits, run)
                run = 0
            bit = write_bits(stream, bit, spec.value_bits, value)


@kernel
def decode_fibers(
    stream: UInt8, starts: Int64, spec: FormatSpec, first_bits: Int64, entries: Int64, values_out: Int32
) -> None:
    """Read every fiber back into `values_out`, int32 (total,), which holds zeros; arguments as for encode_fibers."""
    for fiber in range(len(starts) - 1):
        start, stop = starts[fiber], starts[fiber + 1]
        coordinate_bits = bits_for(stop - start)
        mask = first_bits[fiber]
        bit = mask + (stop - start if spec.positions == Positions.MASK else 0)
        position = -1
        for _ in range(entries[fiber]):
            position += 1
            if spec.positions == Positions.MASK and spec.values == Values.PACKED:
                while read_bits(stream, mask + position, 1) == 0:
                    position += 1
            elif spec.positions == Positions.COORDINATE:
                position = read_bits(stream, bit, coordinate_bits)
                bit += coordinate_bits
            elif spec.positions == Positions.RUN:
                position += read_bits(stream, bit, spec.run_bits)
                bit += spec.run_bits
            values_out[start + position] = read_signed(stream, bit, spec.value_bits)
            bit += spec.value_bits


def encode(
    values: Int32, starts: Int64, weight_format: WeightFormat, value_bits: int, word_bits: int, alignment_bits: int
) -> EncodedFibers:
    """Encode fibers for a memory of `word_bits`-bit words: values int32 (total,), starts int64 (F + 1,).

    alignment_bits: fibers begin at its multiples; a fiber of no bits takes nothing.
    Raises UsageError for a value that `value_bits` bits do not hold and an alignment that does not divide words.
    """
    if word_bits % alignment_bits:
        raise UsageError(f"an alignment of {alignment_bits} bits does not divide words of {word_bits} bits")
    check_fibers(values, starts)
    limit = 1 << (value_bits - 1)
    wrong = np.flatnonzero((values < -limit) | (values >= limit))
    if len(wrong):
        raise UsageError(f"weight code {values[wrong[0]]} does not fit in {value_bits} bits")
    sizes = measure(values, starts, weight_format, value_bits)
    first_bits = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes.units(alignment_bits)))) * alignment_bits
    word_count = -(-int(first_bits[-1]) // word_bits)
    words = np.zeros(-(-word_count * word_bits // 8), dtype=np.uint8)
    encode_fibers(values, starts, weight_format.spec(value_bits), first_bits[:-1], sizes.entries, words)
    offsets = np.zeros(-(-sizes.offsets_bits // 8), dtype=np.uint8)
    if weight_format.offset_pairs:
        stored = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes.entries)))
        write_numbers(offsets, offset_bits(int(stored[-1])), stored)
    return EncodedFibers(
        weight_format, value_bits, word_bits, alignment_bits, words, first_bits, sizes.entries, offsets, starts.copy()
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
    decode_fibers(encoded.words, encoded.starts, spec, encoded.first_bits[:-1], entries, values)
    return values
