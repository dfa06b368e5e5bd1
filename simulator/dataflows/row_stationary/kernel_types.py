"""Types of a mapped layer: layer and array as integers, the mapping, tables of weights, and the records filled in.

All are named tuples of integers and arrays, and numbers of columns; nothing here computes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from spikecycle.simulator.activity import Phase
from spikecycle.simulator.array_types import Int64
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
    current_bits: int
    """Of a synaptic current; 0 where neurons have none."""
    parameter_bits: int
    """Of the thresholds and leaks that every neuron has for itself, which come from DRAM; 0 if none do."""
    stored_input_bits: int
    """Of an input in DRAM."""
    output_bits: int
    """Of an output in the global buffer: a spike, or a potential of neurons that do not fire."""
    stored_output_bits: int
    """Of an output in DRAM."""
    pool_rows: int
    """Rows of sums in a window of which a neuron takes the largest; 1 without a pool."""
    pool_columns: int
    """Columns of them."""
    starts_in_dram: int
    """1 if every neuron has a start potential of its own, which comes from DRAM."""

    @property
    def states(self) -> int:
        """Of a neuron: its potential, and its synaptic current if it has one."""
        return 2 if self.current_bits else 1

    @property
    def window(self) -> int:
        """Sums of a window."""
        return self.pool_rows * self.pool_columns

    @property
    def neuron_rows(self) -> int:
        """Rows of the map of neurons."""
        return self.P // self.pool_rows

    @property
    def neuron_columns(self) -> int:
        """Columns of it."""
        return self.Q // self.pool_columns

    @property
    def unit_cycles(self) -> int:
        """Of a lane for an update: one for each sum of its window, and one for each further state."""
        return self.window + self.states - 1

    @property
    def state_bits(self) -> int:
        """Of all states of a neuron."""
        return self.potential_bits + self.current_bits

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
    """1 if potentials wait for the next time group in DRAM, 2 if they are only written there, 0 if in the buffer."""
    perfect_factors: int
    """1 if tiles and folds divide their dimensions, 0 if the last ones may be smaller."""


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


CYCLE_CATEGORIES = ("compute", "reduction", "weight_fill", "global_buffer", "update")
PHASES = (
    Phase("fill", ("weight_fill",), ("weight bus",)),
    Phase("work", ("compute", "reduction", "global_buffer"), ("PEs", "global buffer")),
    Phase("update", ("update",), ("neuron unit",)),
)
"""A pass in order of time; what the global buffer takes beyond the update is drawn with the work."""
PLACES = ("tile", "filter_fold", "channel_fold", "column_fold")


class WeightTables(NamedTuple):
    """Tables that kernels look up; F filter folds, J filter sets, K channel folds.

    group: int64 (F,), channel group of a filter fold. filters: int64 (F, J), filters of a set (0 = takes no part).
    non_zeros: int64 (F, J, C', R, S), non-zero weights of a tap over the filters of a set.
    stored: int64 (F, J, K), filters of a set whose fiber of the channel fold is stored.
    takes: int64 (F, J, C', R), 1 if the array row of a set takes input rows of the channel.
    receiving_rows: int64 (F, C', R), how many sets do.
    fold_bits: int64 (F, K), encoded bits that are loaded. pad_entries: int64 (F, K), entries written into the pads of
    one column when they are filled.
    """

    group: Int64
    filters: Int64
    non_zeros: Int64
    stored: Int64
    takes: Int64
    receiving_rows: Int64
    fold_bits: Int64
    pad_entries: Int64


class Widths(NamedTuple):
    """Accesses and words that follow from widths.

    entries_per_weight: of the weight pad. psums_per_word, potentials_per_word, currents_per_word: of the global buffer;
    0 currents where neurons have none.
    pad_psum_bits: of psums in pads. tag_bits: of the filter number beside a weight.
    """

    entries_per_weight: int
    psums_per_word: int
    potentials_per_word: int
    currents_per_word: int
    pad_psum_bits: int
    tag_bits: int


class CycleCategory(IntEnum):
    """Columns of the categories, in the order of CYCLE_CATEGORIES."""

    COMPUTE = 0
    REDUCTION = 1
    WEIGHT_FILL = 2
    GLOBAL_BUFFER = 3
    UPDATE = 4


class Operand(IntEnum):
    """Columns of loads and stores, in the order of OPERANDS."""

    WEIGHTS = 0
    SPIKES = 1
    POTENTIALS = 2
    OUTPUTS = 3


class Count(IntEnum):
    """Columns of what is counted; `counters.counters` says what each means."""

    INPUT_WORDS_WRITTEN = 0
    INPUT_WORDS_READ = 1
    INPUT_WORDS_GATED = 2
    PSUM_WORDS_WRITTEN = 3
    PSUM_WORDS_READ = 4
    POTENTIAL_WORDS_WRITTEN = 5
    POTENTIAL_WORDS_READ = 6
    OUTPUT_WORDS_WRITTEN = 7
    OUTPUT_WORDS_READ = 8
    WEIGHT_WORDS_WRITTEN = 9
    WEIGHT_WORDS_READ = 10
    INPUT_PAD_WRITES = 11
    INPUT_PAD_READS = 12
    WEIGHT_PAD_WRITES = 13
    WEIGHT_PAD_READS = 14
    WEIGHT_PAD_GATED = 15
    PSUM_PAD_WRITES = 16
    PSUM_PAD_READS = 17
    ACCUMULATES = 18
    MULTIPLICATIONS = 19
    GATED = 20
    CHAIN_ADDITIONS = 21
    UPDATES = 22
    LEAKS = 23
    NEURON_ADDITIONS = 24
    DRAM_WIRE_WEIGHTS = 25
    DRAM_WIRE_SPIKES = 26
    DRAM_WIRE_POTENTIALS = 27
    DRAM_WIRE_OUTPUTS = 28
    TRUNK_WEIGHTS = 29
    TRUNK_SPIKES = 30
    TRUNK_PSUMS = 31
    BRANCH_WEIGHTS = 32
    BRANCH_SPIKES = 33
    BRANCH_PSUMS = 34
    CHAIN_PSUMS = 35
    PE_WIRE_WEIGHTS = 36
    PE_WIRE_SPIKES = 37
    PE_WIRE_PSUMS = 38
    CURRENT_LEAKS = 39
    POOL_COMPARISONS = 40


class RowBits(NamedTuple):
    """Bits of a row in DRAM in a spike format.

    explicit: 1 = an entry a non-zero, behind a count of them; 0 = an entry per position.
    entry_bits: of an entry. count_bits: of the count, 0 without one.
    """

    explicit: int
    entry_bits: int
    count_bits: int


class Sums(NamedTuple):
    """What a sample comes to. counts: int64 (len(Count),). useful: int64 (2,), useful PE cycles and synaptic
    operations."""

    counts: Int64
    useful: Int64


class LayerOnArray(NamedTuple):
    """Everything about a layer on an array that does not depend on the sample.

    applied_weights: int64 (F, J, R, C' * S), `weights_applied` with the taps of an array row side by side; 0 where
    inputs are skipped and the row is not delivered.
    """

    layer: LayerSpec
    array: ArraySpec
    storage: Storage
    mapping: ArrayMapping
    widths: Widths
    tables: WeightTables
    input_row: RowBits
    output_row: RowBits
    applied_weights: Int64
