"""Spike formats: how the activity of neurons lies in memory.

A format has a scope. Formats of scope "timestep" store the inputs of one timestep, one value per position, as a list of
entries; of n positions of b-bit values, z of them non-zero (b = 1 for binary spikes):

    bitmap        n entries of b bits, in the order of the positions
    aer           z entries of ⌈log2 n⌉ bits (the address), and b more if values are wider than 1 bit
    run_length    entries of r bits, the silent positions since the entry before, and b more if values are wider than
                  1 bit; r = 5. Values wider than 1 bit: z entries, and one of value 0 for every full 2^r silent
                  positions ahead of an active one. Binary spikes have no value that could be 0: a run of 2^r - 1 (all
                  ones) says that so many positions are silent and no spike follows. Silent positions behind the last
                  active one are not stored.

An entry never straddles words: a word holds as many as fit, and an entry wider than a word takes whole words. An entry
has at least 1 bit (binary AER with a single position would need none, and a word could not hold a number of those).

Formats of scope "window" store all T timesteps together, row by row; see `spikecycle.simulator.formats.windows`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from spikecycle.simulator.array_types import UInt8, UInt16
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats.bits import read_bits, write_bits
from spikecycle.simulator.jit import lean_kernel
from spikecycle.simulator.registry import Registry


class SpikeLayout(NamedTuple):
    """A spike format for a given number of positions, width of values and width of words, as kernels take it.

    explicit: 1 if entries tell their position and zeros are not stored. address_bits, value_bits: of an entry; values
    of 0 bits are all 1. entry_bits: of both. entries_per_word: of a word, if an entry fits, else 1. words_per_entry: 1
    if an entry fits in a word. longest_run: silent positions that an entry without a spike stands for, 0 if entries
    tell their position by an address.
    """

    explicit: int
    address_bits: int
    value_bits: int
    entry_bits: int
    entries_per_word: int
    words_per_entry: int
    word_bits: int
    longest_run: int = 0

    def words(self, entries: int) -> int:
        """Words that hold `entries` entries."""
        return -(-entries // self.entries_per_word) * self.words_per_entry


@dataclass(frozen=True)
class SpikeFormat:
    """How spikes lie in memory.

    name: as machine files call it. title: the field's term. source: where it is described.
    positions: "implicit" = every position has an entry; "coordinate" = non-zero positions have, with their address;
        "run" = they have, with the silent positions since the one before; "firing_mask" = a mask of the neurons that
        fire at least once, a word of all timesteps for each of them; "time_sorted" = an entry per spike: address and
        timestep, sorted by timestep.
    run_bits: bits of a run; 0 unless positions are runs.
    """

    name: str
    title: str
    source: str
    positions: Literal["implicit", "coordinate", "run", "firing_mask", "time_sorted"]
    run_bits: int = 0

    def __post_init__(self) -> None:
        if (self.run_bits > 0) != (self.positions == "run"):
            raise ValueError(f"format {self.name!r}: run_bits go with positions 'run', and only with them")

    @property
    def scope(self) -> Literal["timestep", "window"]:
        """What is stored together: the positions of one timestep, or rows of neurons with all their timesteps."""
        return "window" if self.positions in ("firing_mask", "time_sorted") else "timestep"

    @property
    def sized_by_count(self) -> bool:
        """Whether the number of non-zero positions tells the number of entries, wherever they are."""
        return self.positions in ("implicit", "coordinate")

    def entry_bits(self, positions: int, input_bits: int) -> int:
        """Bits of one entry, for values of `input_bits` bits at `positions` positions."""
        return self.layout(positions, input_bits, word_bits=1).entry_bits

    def entries(self, positions: int, non_zeros: int) -> int:
        """Entries that are stored for `positions` positions of which `non_zeros` are not zero.

        Only for formats that are sized by count; `count_entries` counts those of the others.
        """
        if not self.sized_by_count:
            raise AssertionError(f"the entries of {self.name!r} depend on where the spikes are")
        return positions if self.positions == "implicit" else non_zeros

    def bits(self, positions: int, non_zeros: int, input_bits: int) -> int:
        """Bits of all entries, the padding of words not counted; only for formats that are sized by count."""
        return self.entries(positions, non_zeros) * self.entry_bits(positions, input_bits)

    def words(self, positions: int, non_zeros: int, input_bits: int, word_bits: int) -> int:
        """Words of `word_bits` bits that hold all entries; only for formats that are sized by count."""
        return self.layout(positions, input_bits, word_bits).words(self.entries(positions, non_zeros))

    def layout(self, positions: int, input_bits: int, word_bits: int) -> SpikeLayout:
        """How the entries of a timestep lie in words of `word_bits` bits.

        Raises UsageError for a format of scope "window".
        """
        if self.scope != "timestep":
            raise UsageError(f"spike format {self.name!r} stores all timesteps together, none by itself")
        explicit = self.positions != "implicit"
        address_bits = {"coordinate": max(0, positions - 1).bit_length(), "run": self.run_bits}.get(self.positions, 0)
        value_bits = 0 if explicit and input_bits == 1 else input_bits
        entry_bits = max(1, address_bits + value_bits)
        longest_run = (1 << self.run_bits) - (1 if value_bits == 0 else 0) if self.positions == "run" else 0
        return SpikeLayout(
            explicit=int(explicit),
            address_bits=address_bits,
            value_bits=value_bits,
            entry_bits=entry_bits,
            entries_per_word=max(1, word_bits // entry_bits),
            words_per_entry=-(-entry_bits // word_bits),
            word_bits=word_bits,
            longest_run=longest_run,
        )


SPIKE_FORMATS: Registry[SpikeFormat] = Registry(
    "spike format", "spikecycle.simulator.formats", SpikeFormat, "spikecycle.spike_formats"
)

for _format in (
    SpikeFormat(
        name="bitmap",
        title="bitmap",
        source="one bit per neuron and timestep, the baseline of LoAS (Yin et al., MICRO 2024)",
        positions="implicit",
    ),
    SpikeFormat(
        name="aer",
        title="address events (AER)",
        source="address-event representation (Boahen, IEEE TCAS-II 47(5), 2000)",
        positions="coordinate",
    ),
    SpikeFormat(
        name="run_length",
        title="run-length",
        source="run-length coding (Golomb, IEEE Trans. Inf. Theory 12(3), 1966) with counters of fixed width; 5-bit "
        "runs as Eyeriss (Chen et al., JSSC 2017)",
        positions="run",
        run_bits=5,
    ),
    SpikeFormat(
        name="firing_words",
        title="packed firing words (LoAS)",
        source="LoAS (Yin et al., MICRO 2024), section III: a mask of the neurons that are not silent, a T-bit word "
        "for each of them",
        positions="firing_mask",
    ),
    SpikeFormat(
        name="time_sorted",
        title="time-sorted spikes (SpinalFlow)",
        source="SpinalFlow (Narayanan et al., ISCA 2020): (neuron, tick) entries sorted by tick",
        positions="time_sorted",
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


@lean_kernel
def entry_first_bit(entry: int, layout: SpikeLayout) -> int:
    """Where in memory entry number `entry` begins."""
    word = entry // layout.entries_per_word * layout.words_per_entry
    return word * layout.word_bits + entry % layout.entries_per_word * layout.entry_bits


@lean_kernel
def silent_entries(run: int, layout: SpikeLayout) -> int:
    """Entries without a spike ahead of a spike after `run` silent positions: 0 unless entries are runs."""
    return run // layout.longest_run if layout.longest_run > 0 else 0


@lean_kernel
def count_entries(values: UInt8 | UInt16, layout: SpikeLayout) -> int:
    """Entries that the values, (positions,), of one timestep take."""
    if layout.explicit == 0:
        return len(values)
    entries = 0
    run = 0
    for position in range(len(values)):
        if values[position] == 0:
            run += 1
        else:
            entries += silent_entries(run, layout) + 1
            run = 0
    return entries


@lean_kernel
def encode_positions(values: UInt8 | UInt16, layout: SpikeLayout, stream: UInt8) -> int:
    """Write the values, (positions,), into a stream of zeros; returns the entries written."""
    entries = 0
    run = 0
    for position in range(len(values)):
        value = np.int64(values[position])
        if layout.explicit == 1 and value == 0:
            run += 1
            continue
        address = position
        if layout.longest_run > 0:
            for _ in range(silent_entries(run, layout)):
                # all ones; the value behind them, if there is one, stays 0
                write_bits(stream, entry_first_bit(entries, layout), layout.address_bits, -1)
                entries += 1
            address = run % layout.longest_run
        bit = entry_first_bit(entries, layout)
        bit = write_bits(stream, bit, layout.address_bits, address)
        write_bits(stream, bit, layout.value_bits, value)
        entries += 1
        run = 0
    return entries


@lean_kernel
def decode_positions(stream: UInt8, entries: int, layout: SpikeLayout, values_out: UInt16) -> None:
    """Read the entries back into `values_out`, uint16 (positions,), which holds zeros."""
    position = -1
    for entry in range(entries):
        bit = entry_first_bit(entry, layout)
        address = read_bits(stream, bit, layout.address_bits)
        value = read_bits(stream, bit + layout.address_bits, layout.value_bits)
        if layout.value_bits == 0:
            value = 1
        if layout.longest_run > 0:
            if layout.value_bits == 0 and address == layout.longest_run:
                position += address
                continue
            position += address + 1
        else:
            position = address if layout.explicit == 1 else entry
        values_out[position] = value


def check_values(values: npt.NDArray[np.generic], input_bits: int) -> None:
    """UsageError for a value that `input_bits` bits do not hold."""
    most = int(values.max()) if values.size else 0
    if most >> input_bits:
        raise UsageError(f"input value {most} does not fit in {input_bits} bits")


def encode_spikes(values: UInt8 | UInt16, spike_format: SpikeFormat, input_bits: int, word_bits: int) -> EncodedSpikes:
    """Encode one timestep for words of `word_bits` bits: values uint8 or uint16 (positions,), 0 .. 2^input_bits - 1.

    Raises UsageError for a value that `input_bits` bits do not hold and a format of scope "window".
    """
    check_values(values, input_bits)
    layout = spike_format.layout(len(values), input_bits, word_bits)
    words = layout.words(count_entries(values, layout))
    stream = np.zeros(-(-words * word_bits // 8), dtype=np.uint8)
    entries = encode_positions(values, layout, stream)
    return EncodedSpikes(layout, len(values), stream, entries)


def decode_spikes(encoded: EncodedSpikes) -> UInt16:
    """The values, uint16 (positions,)."""
    values = np.zeros(encoded.positions, dtype=np.uint16)
    decode_positions(encoded.words, encoded.entries, encoded.layout, values)
    return values
