"""Host memory that a layer takes on a row-stationary array, by the keys that decide it; see `simulator.memory`.

The arrays are those of `weight_streams`, `counts`, `passes` and `replay`; their bytes stand behind them.
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.activity import ROWS_AT_ONCE
from spikecycle.simulator.dataflows.memory import LayerSizes
from spikecycle.simulator.dataflows.row_stationary.kernel_types import LayerSpec, PadLayout, Storage
from spikecycle.simulator.dataflows.row_stationary.machine import RowStationaryMachine, lower_array
from spikecycle.simulator.dataflows.row_stationary.mapping import CANDIDATES_AT_ONCE, filters_of_pe, most_filters
from spikecycle.simulator.dataflows.row_stationary.replay import BLOCK_BYTES
from spikecycle.simulator.dataflows.row_stationary.weight_streams import FIBERS_AT_ONCE
from spikecycle.simulator.memory import Need
from spikecycle.simulator.schedule.double_buffering import DoubleBuffering
from spikecycle.simulator.workload import Windows

FIBER_BYTES = 5  # its stored bits, int32, and whether it is stored
LONG_FIBER_BYTES = 9  # the same with int64
MEASURED_FIBER_BYTES = 130  # its start, four sizes and what is made of them while it is measured
LONG_FAN_IN = 2**23  # weights of a fiber from which its bits may need int64
WEIGHT_BYTES = 4  # a copy of the weights
TABLE_BYTES = 90  # of a filter set's tap: non-zeros, takes, served, and what is multiplied with them, int64
INPUT_BYTES = 16  # of a sample: windows of a tap, and spikes of a row, at most int64
BIT_BYTES, WIDE_BYTES = 1, 8  # of an input: its bit in words, or its bits taken apart
OUTPUT_BYTES = 8
ROUNDED = 2  # folds and tiles have remainders
PASS_BYTES = 16  # cycles of taps and of handing over, spikes that are loaded and that are stored, at most int32
CANDIDATE_BYTES = 400  # of a mapping that may be chosen: its numbers, and what is estimated of it, int64
FOLD_BYTES = 400  # ten numbers of a column fold, which are copied and sorted, its rows, group and pattern
ROW_BYTES = 144  # of a pass as a row: cycles by category, traffic, a timestep, and what double buffering makes of them
TRAFFIC_BYTES = 140  # the same, where traffic is rounded to bursts, or waits for rows, operand by operand
TIMELINE_BYTES = 240  # of a pass in a timeline: the same numbers, when it happens, and where it lies in the stage
OF_PADS = {*"TCHWMPQRS", "windows", "groups", "input_bits", "weight_bits", "psum_bits"}
"""Fields of a layer that decide on what fits the pads."""


def needs(machine: RowStationaryMachine, layer: LayerSizes) -> tuple[Need, ...]:
    """Upper bounds, from the sizes of the layer and the machine's keys alone."""
    shape, array = layer.shape, machine.dataflow
    channels = shape.C // shape.groups
    fibers = shape.M * channels  # of folds of one channel; the search keeps fibers of one size of folds at a time
    measured = min(fibers, max(FIBERS_AT_ONCE, channels))
    weights = shape.M * shape.fan_in
    together = min(layer.timesteps, max(1, BLOCK_BYTES // (16 * shape.H * shape.C * shape.S)))
    rows = together * shape.H * shape.C * shape.S
    inputs = together * shape.input_count
    input_bytes = BIT_BYTES if layer.input_bits == 1 else WIDE_BYTES
    outputs = layer.timesteps * shape.M * shape.P
    sets = max(1, min(array.rows // shape.R, shape.M // shape.groups))
    # A pass has some filters of each set, whose psums have to fit the pad: at one position, or at all of its tile.
    positions = shape.Q if array.psums_wait_in == "psum_pad" else 1
    perfect = array.tile_factors == "perfect"
    filter_folds = _folds(shape.M * positions, sets * max(1, machine.entries("psum_pad")), perfect)
    channel_folds = shape.groups * _folds(channels, max(1, machine.entries("input_pad") // shape.S), perfect)
    if array.time_batching:
        folds = ROUNDED * _folds_of_pairs(layer.timesteps, shape.P, array.columns)
    else:
        folds = ROUNDED * layer.timesteps * _folds(shape.P, array.columns, perfect)
    passes = folds * filter_folds * channel_folds
    served = _most_filter_sets(machine, layer) * shape.fan_in
    row_bytes = _row_bytes(machine)
    fibers_of = f"{fibers} fibers (M x C/groups)"
    of_passes = f"{passes} passes (T = {layer.timesteps} timesteps x folds of P, Q, M and C)"
    return (
        Need(fibers * (FIBER_BYTES if shape.fan_in < LONG_FAN_IN else LONG_FIBER_BYTES), fibers_of, is_kept=False),
        Need(measured * MEASURED_FIBER_BYTES + WEIGHT_BYTES * weights, fibers_of, is_kept=False),
        Need(CANDIDATES_AT_ONCE * CANDIDATE_BYTES, f"{CANDIDATES_AT_ONCE} mappings to choose from", is_kept=False),
        Need(served * TABLE_BYTES, f"the tables of {served} weights of filter sets (M x C/groups x R x S)"),
        Need(rows * INPUT_BYTES, f"{rows} inputs by tap (T x H x C x S)", is_kept=False),
        Need(inputs * input_bytes, f"{inputs} inputs (T x C x H x W)", is_kept=False),
        Need(outputs * OUTPUT_BYTES, f"{outputs} rows of outputs (T x M x P)", is_kept=False),
        Need(folds * FOLD_BYTES, f"{folds} column folds (T = {layer.timesteps} timesteps x folds of P)"),
        Need(passes * PASS_BYTES, of_passes),
        Need(min(passes, ROWS_AT_ONCE) * row_bytes, of_passes, is_kept=False),
        Need(passes * TIMELINE_BYTES, of_passes, is_of_timeline=True),
        Need(passes * row_bytes, of_passes, is_kept=False, is_of_timeline=True),
    )


def _row_bytes(machine: RowStationaryMachine) -> int:
    """Of a pass while it is a row of work, by what works out when it happens."""
    dram = machine.dram
    is_plain = machine.overlap.get("policy", DoubleBuffering.name) == DoubleBuffering.name and (
        dram is None or (dram.burst_bits.bit_count() == 1 and not dram.row_miss_ns and not dram.turnaround_ns)
    )
    return ROW_BYTES if is_plain else ROW_BYTES + TRAFFIC_BYTES


def _most_filter_sets(machine: RowStationaryMachine, layer: LayerSizes) -> int:
    """Filter sets of all filter folds, whatever mapping is chosen: PEs take as many filters as their pads hold, and at
    least those that fit with the widest sums and the most that a format can add to a weight."""
    array, shape = lower_array(machine), layer.shape
    most_sum = shape.fan_in * ((1 << layer.input_bits) - 1) << (layer.weight_bits - 1)
    of_neurons = set(LayerSpec._fields) - OF_PADS  # what pads do not depend on
    spec = LayerSpec(
        **{name: getattr(shape, name) for name in "CHWMPQRS"},
        T=layer.timesteps,
        windows=Windows.of(shape),
        groups=shape.groups,
        input_bits=layer.input_bits,
        weight_bits=layer.weight_bits,
        psum_bits=min(array.accumulator_bits, 1 + most_sum.bit_length()),
        **dict.fromkeys(of_neurons, 1),
    )
    storage = Storage(layout=int(PadLayout.PACKED), masked=1, tagged=1, droppable=1, skippable=1)
    windows = 1  # whose psums wait in the pads
    if array.psums_in_pads:
        windows = array.psum_entries if array.time_batching else max(1, min(array.psum_entries, shape.Q))
    most = 0
    for q in range(1, min(spec.group_channels, max(1, array.input_entries // shape.S)) + 1):
        fitting = max(1, most_filters(spec, array, storage, q, windows))
        for sets in range(1, max(1, min(array.rows // shape.R, spec.group_filters)) + 1):
            filters = max(1, filters_of_pe(spec, array, sets, fitting))
            most = max(most, shape.groups * sets * -(-spec.group_filters // (sets * filters)))
    return most


def _folds_of_pairs(timesteps: int, rows: int, columns: int) -> int:
    """Column folds of the pairs (timestep, output row) of all tiles, whatever height of a tile is chosen."""
    heights = np.arange(1, rows + 1)
    return int((-(-rows // heights) * -(-timesteps * heights // columns)).max())


def _folds(size: int, most: int, perfect: bool) -> int:
    """Folds of at most so many items each; if perfect, of as many as divide the size."""
    if perfect:
        return size // max(part for part in range(1, min(size, most) + 1) if size % part == 0)
    return -(-size // most)
