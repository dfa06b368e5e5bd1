"""The update phase, in the last pass of a timestep: MICROARCHITECTURE.md, section 5."""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int64, UInt8
from spikecycle.simulator.dataflows.spike_array.events import Region
from spikecycle.simulator.formats import SpikeLayout, silent_entries
from spikecycle.simulator.jit import lean_kernel

PIPELINE_CYCLES = 2
"""To fill and drain the update pipeline."""


def dense_sweep_cycles(neurons: int, lanes: int, update_cycles: int) -> int:
    """Cycles to update `neurons` neurons, those of the PE that has most, `lanes` at a time in `update_cycles` each."""
    return -(-neurons // lanes) * update_cycles + PIPELINE_CYCLES


def start_cycles(potentials: int, lanes: int) -> int:
    """Cycles to write a word of each neuron of the PE that has most before it begins: no read, nothing to compute."""
    return -(-potentials // lanes)


@lean_kernel
def sparse_sweep(
    active: UInt8,
    tile: Region,
    pes_per_group: int,
    block_rows: Int64,
    block_columns: Int64,
    flags_per_cycle: int,
    update_cycles: int,
) -> tuple[int, int]:
    """Cycles of the slowest PE to scan its flags in address order and to update its active neurons, each in
    `update_cycles`; all active neurons.

    active: uint8 (M, P, Q). block_rows, block_columns: int64 (blocks + 1,), where the tile's map is cut. A PE among
    `pes_per_group` owns the channels that leave its number modulo `pes_per_group`; the tile begins with one of the
    first.
    """
    slowest = 0
    updates = 0
    for block_row in range(len(block_rows) - 1):
        for block_column in range(len(block_columns) - 1):
            for group_pe in range(pes_per_group):
                cycles = 0
                flags = 0
                found = 0
                for row in range(block_rows[block_row], block_rows[block_row + 1]):
                    for column in range(block_columns[block_column], block_columns[block_column + 1]):
                        for channel in range(tile.first_channel + group_pe, tile.stop_channel, pes_per_group):
                            found += int(np.int64(active[channel, tile.first_row + row, tile.first_column + column]))
                            flags += 1
                            if flags == flags_per_cycle:
                                cycles += max(1, found * update_cycles)
                                updates += found
                                flags = 0
                                found = 0
                if flags > 0:
                    cycles += max(1, found * update_cycles)
                    updates += found
                slowest = max(slowest, cycles)
    return slowest + PIPELINE_CYCLES, updates


def flag_groups(own_channels: Int64, block_rows: Int64, block_columns: Int64, flags_per_cycle: int) -> int:
    """Groups of flags that all PEs scan together in a sparse sweep.

    own_channels: int64 (pes_per_group,), channels of the tile by PE. block_rows, block_columns: as in `sparse_sweep`.
    """
    positions = np.diff(block_rows)[:, None] * np.diff(block_columns)
    flags = positions[..., None] * own_channels
    return int((-(-flags // flags_per_cycle)).sum())


@lean_kernel
def explicit_encode(spikes: UInt8, tile: Region, layout: SpikeLayout) -> tuple[int, int]:
    """Cycles to find and write the spikes of a tile as entries, and their number.

    Entries that lead up to a spike (a run too long for its counter) are written with it.
    spikes: uint8 (M, P, Q), scanned channel by channel, row by row, as many positions at a time as a word has bits.
    """
    cycles = 0
    total = 0
    positions = 0
    found = 0
    run = 0
    for channel in range(tile.first_channel, tile.stop_channel):
        for row in range(tile.first_row, tile.stop_row):
            for column in range(tile.first_column, tile.stop_column):
                if spikes[channel, row, column] == 0:
                    run += 1
                else:
                    found += silent_entries(run, layout) + 1
                    run = 0
                positions += 1
                if positions == layout.word_bits:
                    cycles += max(1, found * layout.words_per_entry)
                    total += found
                    positions = 0
                    found = 0
    if positions > 0:
        cycles += max(1, found * layout.words_per_entry)
        total += found
    return cycles, total
