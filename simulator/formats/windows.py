"""Spikes of a window of timesteps: values (T, rows, n), row by row.

A row is what is fetched together: the n inputs under one output position (a row of the im2col matrix), or the n
channels of one place of the map. Bits of a row whose n neurons have z values (of b bits, over T timesteps) that are not
zero, f of the neurons having at least one:

    firing_words   n + f·T·b: a mask of the neurons that fire at least once, then their values of all timesteps, neuron
                   by neuron; for the set, a pointer per row of ⌈log2(all f + 1)⌉ bits, as f follows from the mask.
                   Exact for any activity; a neuron that fires more than once takes no more than one that fires once.
    time_sorted    z·(⌈log2 n⌉ + ⌈log2 T⌉), and b more each if values are wider than 1 bit: an entry (neuron, timestep)
                   for every spike, sorted by timestep, then by neuron; an entry has at least 1 bit. For the set, rows +
                   1 offsets of ⌈log2(all z + 1)⌉ bits. Made for temporal codes, in which a neuron fires once; one that
                   fires several times has so many entries, and comes back as exactly, but is no longer cheap.

Formats of scope "timestep" store every row and timestep as a list of its own: T lists a row, their sizes as in
`spikecycle.simulator.formats.spikes` (words not counted), and, unless lists are all as long, rows·T + 1 offsets of
⌈log2(all entries + 1)⌉ bits. So all spike formats can be measured on the same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64, UInt8, UInt16
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats.bits import bits_for, read_bits, write_bits
from spikecycle.simulator.formats.sizes import offset_bits
from spikecycle.simulator.formats.spikes import SpikeFormat, check_values, count_entries
from spikecycle.simulator.jit import lean_kernel


class WindowLayout(NamedTuple):
    """A spike format of scope "window" for rows of a given length and number of timesteps, as kernels take it.

    masked: 1 if a mask tells the neurons that fire, 0 if every entry names its neuron and timestep. mask_bits: of a
    row. address_bits, tick_bits, value_bits: of an entry with a name; values of 0 bits are all 1. With a mask,
    value_bits is the width of one timestep's value. entry_bits: of all that an entry has.
    """

    masked: int
    mask_bits: int
    address_bits: int
    tick_bits: int
    value_bits: int
    entry_bits: int


@dataclass(frozen=True, eq=False)
class RowSizes:
    """What rows of spikes take in a format.

    entries: int64 (rows,), what the format counts: positions, spikes, runs, or neurons that fire.
    bits: int64 (rows,), of all timesteps, words and alignment not counted.
    pointer_bits: of the whole set, what tells where rows (or their timesteps) begin.
    """

    entries: Int64
    bits: Int64
    pointer_bits: int


def window_layout(spike_format: SpikeFormat, timesteps: int, neurons: int, input_bits: int) -> WindowLayout:
    """How a format of scope "window" lays out rows of `neurons` neurons; UsageError for another format."""
    if spike_format.scope != "window":
        raise UsageError(f"spike format {spike_format.name!r} stores every timestep by itself")
    if spike_format.positions == "firing_mask":
        return WindowLayout(1, neurons, 0, 0, input_bits, timesteps * input_bits)
    address_bits, tick_bits = bits_for(max(1, neurons)), bits_for(max(1, timesteps))
    value_bits = 0 if input_bits == 1 else input_bits
    return WindowLayout(0, 0, address_bits, tick_bits, value_bits, max(1, address_bits + tick_bits + value_bits))


@lean_kernel
def count_row_entries(values: UInt8 | UInt16, masked: int, entries_out: Int64) -> None:
    """Fill `entries_out`, int64 (rows,): of values (T, rows, n), neurons that fire (masked = 1) or spikes (0)."""
    timesteps, rows, neurons = values.shape
    for row in range(rows):
        entries = 0
        for neuron in range(neurons):
            spikes = 0
            for timestep in range(timesteps):
                if values[timestep, row, neuron] != 0:
                    spikes += 1
            entries += min(spikes, 1) if masked == 1 else spikes
        entries_out[row] = entries


@lean_kernel
def encode_rows_of(values: UInt8 | UInt16, layout: WindowLayout, first_bits: Int64, stream: UInt8) -> None:
    """Write rows into a stream of zeros: values (T, rows, n); first_bits int64 (rows,), where each row begins."""
    timesteps, rows, neurons = values.shape
    for row in range(rows):
        bit = first_bits[row]
        if layout.masked == 0:
            for timestep in range(timesteps):
                for neuron in range(neurons):
                    value = np.int64(values[timestep, row, neuron])
                    if value != 0:
                        end = write_bits(stream, bit, layout.address_bits, neuron)
                        end = write_bits(stream, end, layout.tick_bits, timestep)
                        write_bits(stream, end, layout.value_bits, value)
                        bit += layout.entry_bits
            continue
        word = bit + layout.mask_bits
        for neuron in range(neurons):
            fires = False
            for timestep in range(timesteps):
                value = np.int64(values[timestep, row, neuron])
                if value != 0:
                    fires = True
                    write_bits(stream, word + timestep * layout.value_bits, layout.value_bits, value)
            if fires:
                write_bits(stream, bit + neuron, 1, 1)
                word += layout.entry_bits


@lean_kernel
def decode_rows_of(stream: UInt8, layout: WindowLayout, first_bits: Int64, entries: Int64, values_out: UInt16) -> None:
    """Read rows back into `values_out`, uint16 (T, rows, n), which holds zeros; with a mask, `entries` is not read."""
    timesteps, rows, neurons = values_out.shape
    for row in range(rows):
        bit = first_bits[row]
        if layout.masked == 0:
            for _ in range(entries[row]):
                neuron = read_bits(stream, bit, layout.address_bits)
                timestep = read_bits(stream, bit + layout.address_bits, layout.tick_bits)
                value = read_bits(stream, bit + layout.address_bits + layout.tick_bits, layout.value_bits)
                values_out[timestep, row, neuron] = value if layout.value_bits > 0 else 1
                bit += layout.entry_bits
            continue
        word = bit + layout.mask_bits
        for neuron in range(neurons):
            if read_bits(stream, bit + neuron, 1) == 1:
                for timestep in range(timesteps):
                    value = read_bits(stream, word + timestep * layout.value_bits, layout.value_bits)
                    values_out[timestep, row, neuron] = value
                word += layout.entry_bits


def measure_rows(values: UInt8 | UInt16, spike_format: SpikeFormat, input_bits: int) -> RowSizes:
    """Measure rows of spikes in any spike format: values uint8 or uint16 (T, rows, n), 0 .. 2^input_bits - 1.

    Raises UsageError for a value that `input_bits` bits do not hold.
    """
    check_values(values, input_bits)
    timesteps, rows, neurons = values.shape
    if spike_format.scope == "window":
        layout = window_layout(spike_format, timesteps, neurons, input_bits)
        entries = np.zeros(rows, dtype=np.int64)
        count_row_entries(values, layout.masked, entries)
        pointers = rows if layout.masked else rows + 1
        bits = layout.mask_bits + entries * layout.entry_bits
        return RowSizes(entries, bits, pointers * offset_bits(int(entries.sum())))
    lists = spike_format.layout(neurons, input_bits, word_bits=1)
    if spike_format.sized_by_count:
        non_zeros = np.count_nonzero(values, axis=2).sum(axis=0)
        entries = np.asarray(non_zeros if lists.explicit else np.full(rows, timesteps * neurons), dtype=np.int64)
    else:
        counts = [[count_entries(values[t, row], lists) for t in range(timesteps)] for row in range(rows)]
        entries = np.array(counts, dtype=np.int64).reshape(rows, timesteps).sum(axis=1)
    offsets = rows * timesteps + 1 if lists.explicit else 0
    return RowSizes(entries, entries * lists.entry_bits, offsets * offset_bits(int(entries.sum())))


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """Rows of spikes, all timesteps together, as they lie in a memory of words.

    shape: (T, rows, n) of the values. words: uint8, the memory's bits: word w holds bits w·word_bits ..
    (w + 1)·word_bits - 1, bit i in byte i // 8.
    first_bits: int64 (rows + 1,), multiples of the alignment: where each row begins, and where the last one ends.
    entries: int64 (rows,), neurons that fire, or spikes.
    """

    layout: WindowLayout
    shape: tuple[int, int, int]
    words: UInt8
    first_bits: Int64
    entries: Int64


def encode_rows(
    values: UInt8 | UInt16, spike_format: SpikeFormat, input_bits: int, word_bits: int, alignment_bits: int
) -> EncodedRows:
    """Encode rows for words of `word_bits` bits: values uint8 or uint16 (T, rows, n), 0 .. 2^input_bits - 1.

    alignment_bits: rows begin at its multiples. Raises UsageError for a value that `input_bits` bits do not hold, an
    alignment that does not divide words, and a format of scope "timestep".
    """
    if word_bits % alignment_bits:
        raise UsageError(f"an alignment of {alignment_bits} bits does not divide words of {word_bits} bits")
    timesteps, rows, neurons = values.shape
    layout = window_layout(spike_format, timesteps, neurons, input_bits)
    sizes = measure_rows(values, spike_format, input_bits)
    ends = np.cumsum(-(-sizes.bits // alignment_bits)) * alignment_bits
    first_bits = np.concatenate((np.zeros(1, np.int64), ends))
    word_count = -(-int(first_bits[-1]) // word_bits)
    stream = np.zeros(-(-word_count * word_bits // 8), dtype=np.uint8)
    encode_rows_of(values, layout, first_bits[:-1], stream)
    return EncodedRows(layout, (timesteps, rows, neurons), stream, first_bits, sizes.entries)


def decode_rows(encoded: EncodedRows) -> UInt16:
    """The values, uint16 (T, rows, n)."""
    values = np.zeros(encoded.shape, dtype=np.uint16)
    decode_rows_of(encoded.words, encoded.layout, encoded.first_bits[:-1], encoded.entries, values)
    return values
