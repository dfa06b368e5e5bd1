"""Spike formats: how the inputs of one timestep, one value a position, lie in memory.

- bitmap: one entry a position, in order: its value, `input_bits` bits (1 for binary spikes);
- aer (address-event representation): one entry a non-zero position, in order: its address, ⌈log2 positions⌉ bits, and
  its value if it is wider than 1 bit.

An entry never straddles words: a word holds as many as fit, and an entry wider than a word takes whole words. An entry
has at least 1 bit (binary AER with a single position would need none, and a word could not hold a number of those).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats.bits import read_bits, write_bits
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.registry import Registry

UInt8 = npt.NDArray[np.uint8]
UInt16 = npt.NDArray[np.uint16]
Int64 = npt.NDArray[np.int64]


class SpikeLayout(NamedTuple):
    """A spike format for a given number of positions, width of values and width of words, as kernels take it.

    explicit: 1 if entries carry addresses and zeros are not stored. address_bits, value_bits: of an entry; values of 0
    bits are all 1. entry_bits: of both. entries_per_word: of a word, if an entry fits, else 1. words_per_entry: 1 if
    an entry fits in a word.
    """

    explicit: int
    address_bits: int
    value_bits: int
    entry_bits: int
    entries_per_word: int
    words_per_entry: int
    word_bits: int

    def words(self, entries: int) -> int:
        """Words that hold `entries` entries."""
        return -(-entries // self.entries_per_word) * self.words_per_entry


@dataclass(frozen=True)
class SpikeFormat:
    """How spikes lie in memory.

    name: as machine files call it. title: the field's term. source: where it is described.
    positions: "implicit" = every position has an entry; "coordinate" = non-zero positions have, with their address.
    """

    name: str
    title: str
    source: str
    positions: Literal["implicit", "coordinate"]

    def entry_bits(self, positions: int, input_bits: int) -> int:
        """Bits of one entry, for values of `input_bits` bits at `positions` positions."""
        return self.layout(positions, input_bits, word_bits=1).entry_bits

    def entries(self, positions: int, non_zeros: int) -> int:
        """Entries that are stored for `positions` positions of which `non_zeros` are not zero."""
        return positions if self.positions == "implicit" else non_zeros

    def bits(self, positions: int, non_zeros: int, input_bits: int) -> int:
        """Bits of all entries, the padding of words not counted."""
        return self.entries(positions, non_zeros) * self.entry_bits(positions, input_bits)

    def words(self, positions: int, non_zeros: int, input_bits: int, word_bits: int) -> int:
        """Words of `word_bits` bits that hold all entries."""
        return self.layout(positions, input_bits, word_bits).words(self.entries(positions, non_zeros))

    def layout(self, positions: int, input_bits: int, word_bits: int) -> SpikeLayout:
        """How entries lie in words of `word_bits` bits."""
        explicit = self.positions == "coordinate"
        address_bits = max(0, positions - 1).bit_length() if explicit else 0
        value_bits = 0 if explicit and input_bits == 1 else input_bits
        entry_bits = max(1, address_bits + value_bits)
        return SpikeLayout(
            explicit=int(explicit),
            address_bits=address_bits,
            value_bits=value_bits,
            entry_bits=entry_bits,
            entries_per_word=max(1, word_bits // entry_bits),
            words_per_entry=-(-entry_bits // word_bits),
            word_bits=word_bits,
        )


SPIKE_FORMATS: Registry[SpikeFormat] = Registry("spike format", "spikecycle.simulator.formats")

for _format in (
    SpikeFormat(
        name="bitmap",
        title="bitmap",
        source="one bit a neuron and timestep, the baseline of LoAS (Yin et al., MICRO 2024)",
        positions="implicit",
    ),
    SpikeFormat(
        name="aer",
        title="address events (AER)",
        source="address-event representation (Boahen, IEEE TCAS-II 47(5), 2000)",
        positions="coordinate",
    ),
):
    SPIKE_FORMATS.register(_format.name, _format)


@dataclass(frozen=True, eq=False)
class EncodedSpikes:
    """One timestep's spikes as they lie in memory.

    words: uint8, the memory's bits: word w holds bits w·word_bits .. (w + 1)·word_bits - 1, bit i in byte i // 8.
    entries: how many are stored.
    """

    layout: SpikeLayout
    positions: int
    words: UInt8
    entries: int


@kernel
def entry_first_bit(entry: int, layout: SpikeLayout) -> int:
    """Where in memory entry number `entry` begins."""
    word = entry // layout.entries_per_word * layout.words_per_entry
    return word * layout.word_bits + entry % layout.entries_per_word * layout.entry_bits


@kernel
def encode_positions(values: UInt8 | UInt16, layout: SpikeLayout, stream: UInt8) -> int:
    """Write the values, (positions,), into a stream of zeros; returns the entries written."""
    entries = 0
    for position in range(len(values)):
        value = np.int64(values[position])
        if layout.explicit == 1 and value == 0:
            continue
        bit = entry_first_bit(entries, layout)
        bit = write_bits(stream, bit, layout.address_bits, position)
        write_bits(stream, bit, layout.value_bits, value)
        entries += 1
    return entries


@kernel
def decode_positions(stream: UInt8, entries: int, layout: SpikeLayout, values_out: UInt16) -> None:
    """Read the entries back into `values_out`, uint16 (positions,), which holds zeros."""
    for entry in range(entries):
        bit = entry_first_bit(entry, layout)
        position = read_bits(stream, bit, layout.address_bits) if layout.explicit == 1 else entry
        value = read_bits(stream, bit + layout.address_bits, layout.value_bits)
        values_out[position] = value if layout.value_bits > 0 else 1


def encode_spikes(values: UInt8 | UInt16, spike_format: SpikeFormat, input_bits: int, word_bits: int) -> EncodedSpikes:
    """Encode one timestep for words of `word_bits` bits: values uint8 or uint16 (positions,), 0 .. 2^input_bits - 1.

    Raises UsageError for a value that `input_bits` bits do not hold.
    """
    if len(values) and int(values.max()) >> input_bits:
        raise UsageError(f"input value {values.max()} does not fit in {input_bits} bits")
    layout = spike_format.layout(len(values), input_bits, word_bits)
    words = layout.words(spike_format.entries(len(values), int(np.count_nonzero(values))))
    stream = np.zeros(-(-words * word_bits // 8), dtype=np.uint8)
    entries = encode_positions(values, layout, stream)
    return EncodedSpikes(layout, len(values), stream, entries)


def decode_spikes(encoded: EncodedSpikes) -> UInt16:
    """The values, uint16 (positions,)."""
    values = np.zeros(encoded.positions, dtype=np.uint16)
    decode_positions(encoded.words, encoded.entries, encoded.layout, values)
    return values
