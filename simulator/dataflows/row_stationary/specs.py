"""Layer, array and mapping as the integers that kernels take."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from spikecycle.simulator.workload import Windows


class Zero(IntEnum):
    """What becomes of a zero, in the order of `machine.ZERO_HANDLING`."""

    NONE = 0
    GATE = 1
    SKIP = 2


class Kept(IntEnum):
    """How long inputs stay in the global buffer."""

    TILE = 0
    """Until a tile is finished."""
    GROUP = 1
    """Until a time group of a tile is finished."""
    PASS = 2
    """For one pass."""


class PadLayout(IntEnum):
    """How the weight pad's contents are stored: what is read to serve a tap."""

    IMPLICIT = 0
    """Values in place, nothing tells which are zero."""
    MASKED = 1
    """Values in place and a mask."""
    PACKED = 2
    """Non-zero values, with a tag or a mask."""


class LayerSpec(NamedTuple):
    """Shape and widths of a layer (usual letters)."""

    T: int
    C: int
    H: int
    W: int
    M: int
    P: int
    Q: int
    R: int
    S: int
    windows: Windows
    """Where rows and columns of windows lie in the map."""
    groups: int
    input_bits: int
    weight_bits: int
    psum_bits: int
    potential_bits: int
    stored_input_bits: int
    """Of an input in DRAM."""
    stored_output_bits: int
    """Of an output in DRAM."""

    @property
    def group_channels(self) -> int:
        """Input channels of a channel group."""
        return self.C // self.groups

    @property
    def group_filters(self) -> int:
        """Filters of a channel group."""
        return self.M // self.groups


class ArraySpec(NamedTuple):
    """The machine: sizes in PEs, entries, words and bits."""

    rows: int
    columns: int
    word_bits: int
    """Of the global buffer."""
    buffer_words: int
    """Words in the global buffer."""
    words_per_cycle: int
    weight_bus_bits: int
    accumulator_bits: int
    update_lanes: int
    bypass: int
    """1 if weights bypass the global buffer."""
    input_entries: int
    input_width: int
    weight_entries: int
    weight_width: int
    psum_entries: int
    psum_width: int
    input_zeros: int
    """A `Zero` code: inputs at the input pad."""
    weight_zeros: int
    """A `Zero` code: weights at the weight pad."""
    row_zeros: int
    """A `Zero` code: input rows at the global buffer."""
    psums_in_pads: int
    """1 if psums wait for the next channel fold in the psum pads, 0 if in the global buffer."""
    time_batching: int
    """1 if a column fold may have pairs of several timesteps, 0 if it has those of one."""
    potentials_in_dram: int
    """1 if potentials wait for the next time group in DRAM, 0 if in the global buffer."""


class Storage(NamedTuple):
    """The weight format, as pads and streams see it."""

    layout: int
    """A `PadLayout` code: what a tap of the weight pad holds."""
    masked: int
    """1 if a tap has mask bits."""
    tagged: int
    """1 if an entry carries the number of its filter."""
    droppable: int
    """1 if an empty fiber is not stored."""
    skippable: int
    """1 if positions of zeros are known: `skip` skips single weights."""


class ArrayMapping(NamedTuple):
    """How a layer is cut (MICROARCHITECTURE.md, section 2)."""

    filters_per_pe: int
    channels_per_pe: int
    filter_sets: int
    channel_sets: int
    tile_rows: int
    tile_columns: int
    folds_per_group: int
    """Column folds of a time group."""
    kept: int
    """A `Kept` code."""
    resident: int
    """1 if all weights stay in the global buffer."""

    @property
    def fold_filters(self) -> int:
        """Filters of a filter fold, if there are enough."""
        return self.filters_per_pe * self.filter_sets

    @property
    def fold_channels(self) -> int:
        """Input channels of a channel fold, if there are enough."""
        return self.channels_per_pe * self.channel_sets
