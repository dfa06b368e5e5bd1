"""What kernels read of a sample and what they fill in: arrays, and the numbers of their columns."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.activity import OPERANDS, Phase
from spikecycle.simulator.array_types import Int64

CAUSES = ("compute", "reduction", "weight_fill", "global_buffer", "update")
PHASES = (
    Phase("fill", ("weight_fill",), ("weight bus",)),
    Phase("work", ("compute", "reduction", "global_buffer"), ("PEs", "global buffer")),
    Phase("update", ("update",), ("neuron unit",)),
)
"""A pass in order of time; what the global buffer takes beyond the update is drawn with the work."""
PLACES = ("tile", "filter_fold", "channel_fold", "column_fold")


class Cause(IntEnum):
    """Columns of the causes, in the order of CAUSES."""

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


class RowBits(NamedTuple):
    """Bits of a row in DRAM in a spike format.

    explicit: 1 = an entry a non-zero, behind a count of them; 0 = an entry a position.
    entry_bits: of an entry. count_bits: of the count, 0 without one.
    """

    explicit: int
    entry_bits: int
    count_bits: int


class Sample(NamedTuple):
    """A sample's spikes as the columns of one map tile see them; see `windows`.

    met: int64 (T, H, C * S). spikes: int64 (T, H, C). outputs: int64 (T, M, P), zeros where not needed.
    loaded: int64 (T, H, C), the load unit (`schedule.Step`) in which an input row was last loaded.
    inputs_on_chip, outputs_on_chip: 1 where the tensor waits in the global buffer and is not moved from or to DRAM.
    """

    met: Int64
    spikes: Int64
    outputs: Int64
    loaded: Int64
    inputs_on_chip: int
    outputs_on_chip: int


class Records(NamedTuple):
    """What kernels fill in; n passes.

    causes: int64 (n, 5). loads, stores: int64 (n, 4). counts: int64 (len(Count),).
    useful: int64 (2,), useful PE cycles and synaptic operations.
    """

    causes: Int64
    loads: Int64
    stores: Int64
    counts: Int64
    useful: Int64


def empty_records(passes: int) -> Records:
    """Records of zeros."""
    return Records(
        causes=np.zeros((passes, len(CAUSES)), np.int64),
        loads=np.zeros((passes, len(OPERANDS)), np.int64),
        stores=np.zeros((passes, len(OPERANDS)), np.int64),
        counts=np.zeros(len(Count), np.int64),
        useful=np.zeros(2, np.int64),
    )
