"""What a layer on a spike array takes of the computer's memory, by the keys that decide on it; see `simulator.memory`.

The arrays are those of `channel_tiles`, `latency_tables`, `passes`, `events` and `replay`; their bytes stand behind
them. Fibers and latencies are there for some channel tiles at a time, so that there is an end to what they take.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spikecycle.simulator import activity
from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.memory import neurons_need, turned_need
from spikecycle.simulator.dataflows.spike_array.abreast import FEW_PES
from spikecycle.simulator.dataflows.spike_array.alike_fibers import remembered_positions, row_bytes
from spikecycle.simulator.dataflows.spike_array.channel_tiles import HELD_BYTES
from spikecycle.simulator.dataflows.spike_array.coding import rates
from spikecycle.simulator.dataflows.spike_array.full_cut import FullCut, cut_if_full
from spikecycle.simulator.dataflows.spike_array.latency_tables import (
    TURNED_TOGETHER,
    tile_bytes,
    tiles_together,
)
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.map_cut import cut_map
from spikecycle.simulator.dataflows.spike_array.pe_latency import WORK_COLUMNS
from spikecycle.simulator.dataflows.stage import Stage
from spikecycle.simulator.formats import candidates, missing_rate, weight_format
from spikecycle.simulator.memory import Need
from spikecycle.simulator.workload import Windows
from spikecycle.traces.packing import packed_bytes
from spikecycle.traces.weights import code_dtype

FIBER_BYTES = 48  # start, segment, four sizes: int64 each
LAID_FIBER_BYTES = 104  # of the tile that is laid: units, first bit, and what these are made of
WORK_BYTES = 136  # of a tap case: nine counts, its occurrences in four places, twice its cases: int64
PASS_BYTES = 176  # cycles by category, loads, stores of a pass, and what is behind it
ROW_BYTES = 400  # of a pass while it is a row of work: the same, with labels, moments, and their sums
TILE_BYTES = 2000  # what is kept of a channel tile or a map tile, as objects
KINDS_OF_BANK = 4  # PEs that own one output channel more or less than others, in the last channel tile and elsewhere
KIND_BYTES = 4  # of a kind of output channels at a tap: how many weights are not 0, int32
KINDS_OF_PLACE = 3  # where all places are alike, a kind is a bank, and that number is turned into one of 64 bits
PLACE_BYTES = 8  # of a bank at a tap: events that it meets, int64
INPUT_BYTES = 24  # events of an input over all timesteps, and again with what is around the map, int64; a sum in bytes
EVENT_BYTES = 16  # four numbers of an event, int32
COUNTED_CELLS = 2**16  # of inputs of an axis in all blocks and map tiles, up to which a map is cut to count tap cases


def needs(machine: SpikeArrayMachine, task: LayerTask) -> tuple[Need, ...]:
    """From the sizes of the layer and the machine's keys alone: of the weight format that takes most, where it is yet
    to be chosen. Upper bounds, unless there are more passes than `full_cut` says."""
    choices = [weight_format(choice) for choice in candidates(machine.formats.weights_of(task.name)).values()]
    known = [chosen for chosen in choices if missing_rate(chosen, rates(machine)) is None]
    of_formats = [_needs(machine, task, cut_if_full(machine, task, chosen)) for chosen in known]
    return max(of_formats, key=lambda found: sum(need.bytes for need in found), default=())


def _needs(machine: SpikeArrayMachine, task: LayerTask, cut: FullCut) -> tuple[Need, ...]:
    passes = task.timesteps * cut.passes * cut.channel_tiles
    return (
        *(
            Need(size, what, is_kept=False)
            for size, what in (*_bytes_of_mapping(machine, task, cut), *_bytes_of_sample(machine, task, cut))
        ),
        Need(ROW_BYTES * passes, f"the passes of T = {task.timesteps} timesteps", is_of_timeline=True),
    )


def _bytes_of_mapping(machine: SpikeArrayMachine, task: LayerTask, cut: FullCut) -> Iterator[tuple[int, str]]:
    """Fibers and latencies. All weights that are laid as one tile, to see whether they fit, take no more than what they
    were read from before (`stage_needs`)."""
    shape, parameters, tiles = task.shape, machine.dataflow, cut.channel_tiles
    pes_per_group, weights = parameters.pes_per_group, shape.M * shape.fan_in
    weight_bytes = np.dtype(code_dtype(task.weight_bits)).itemsize * weights
    fibers = pes_per_group * shape.C * shape.stride[0] * shape.stride[1]
    tap_cases = shape.C * _tap_cases(machine, task, cut)
    bytes_of_tile = tile_bytes(tap_cases, pes_per_group)
    latencies = min(tiles, tiles_together(tiles, bytes_of_tile)) * bytes_of_tile
    if pes_per_group < FEW_PES:  # channel tiles are laid side by side
        latencies += min(latencies, TURNED_TOGETHER * bytes_of_tile)
    held = min(HELD_BYTES, tiles * fibers * FIBER_BYTES + 2 * weight_bytes)
    phases = fibers // (pes_per_group * shape.C)
    places = phases * machine.buffers.weights.width_bits // parameters.fiber_alignment_bits
    cases = tap_cases // shape.C
    positions = remembered_positions(places, cases, WORK_COLUMNS, weights / (tiles * fibers))
    alike = (places << positions) * row_bytes(cases, WORK_COLUMNS) if positions else 0
    pes, where = f"dataflow.pes = {parameters.pes}", f"C = {shape.C} channels"
    yield latencies, f"the latencies of {pes} and {where}"
    yield held + fibers * (FIBER_BYTES + LAID_FIBER_BYTES), f"the fibers of {pes} and {where}"
    yield alike + tap_cases * WORK_BYTES, f"the latencies of {where}"
    yield tiles * TILE_BYTES, f"{tiles} tiles of output channels"


def _bytes_of_sample(machine: SpikeArrayMachine, task: LayerTask, cut: FullCut) -> Iterator[tuple[int, str]]:
    """Events and passes."""
    shape, parameters = task.shape, machine.dataflow
    block_rows, block_columns = parameters.blocks
    events = shape.input_count * task.input_bits
    cells = shape.H * block_rows + shape.W * block_columns
    positions = _tile_inputs(shape.H, shape.P, shape.R) * _tile_inputs(shape.W, shape.Q, shape.S)
    banks, taps = machine.buffers.potentials.banks, shape.C * shape.R * shape.S
    yield (
        8 * cut.channel_tiles * (3 + 2 * parameters.fifo_depth + block_rows * block_columns * parameters.pes_per_group),
        f"the FIFOs of dataflow.pes = {parameters.pes}, dataflow.fifo_depth = {parameters.fifo_depth}",
    )
    yield (
        96 * cells + 4 * block_rows * block_columns * positions,
        f"the tap classes of dataflow.pe_rows = {block_rows}, pe_columns = {block_columns}",
    )
    of_tile = task.timesteps * cut.passes
    passes, at_once = of_tile * cut.channel_tiles, max(of_tile, activity.ROWS_AT_ONCE)
    yield (
        passes * PASS_BYTES + min(passes, at_once) * (ROW_BYTES - PASS_BYTES) + cut.map_tiles * TILE_BYTES,
        f"the passes of T = {task.timesteps} timesteps",
    )
    yield shape.input_count * INPUT_BYTES, f"{shape.input_count} inputs (C x H x W), summed up"
    yield (
        taps * (max(min(shape.M, KINDS_OF_BANK * banks), KINDS_OF_PLACE * banks) * KIND_BYTES + banks * PLACE_BYTES),
        f"which of {shape.M * shape.fan_in} weights are zero, by bank",
    )
    yield events * EVENT_BYTES, f"{events} events of a timestep (C x H x W x input_bits)"


def sparse_needs(machine: SpikeArrayMachine, stage: Stage, task: LayerTask) -> tuple[Need, ...]:
    """Which neurons are active in which timestep, for a sparse update, and what it takes to find out."""
    if machine.dataflow.update == "dense":
        return ()
    size = task.timesteps * packed_bytes(task.shape.output_count)
    active = Need(size, "active neurons for dataflow.update: sparse (T x M x P x Q)", is_kept=False)
    return active, neurons_need(stage), turned_need(stage)


def _tap_cases(machine: SpikeArrayMachine, task: LayerTask, cut: FullCut) -> int:
    """Of an input channel, at most: counted where the map is no large one."""
    shape, blocks = task.shape, machine.dataflow.blocks
    if (shape.H * blocks[0] + shape.W * blocks[1]) * cut.map_tiles <= COUNTED_CELLS:
        return cut_map(Windows.of(shape), (cut.rows, cut.columns), blocks, task.pool).place.cases_of_channel
    rows = _classes(shape.H, shape.R, shape.stride[0], blocks[0], 1)
    return rows * _classes(shape.W, shape.S, shape.stride[1], blocks[1], 2)


def _tile_inputs(inputs: int, outputs: int, taps: int) -> int:
    """Inputs of an axis at most in all tiles of it that differ: those near its ends, and one of the others.

    Tiles overlap by less than a window.
    """
    return inputs + taps * (2 + min(outputs, 2 * taps + 1))


def _classes(inputs: int, taps: int, stride: int, blocks: int, block_sizes: int) -> int:
    """Tap classes of an axis at most: by phase, first and last tap, and none. block_sizes: that have classes apart."""
    most = 0
    for phase in range(min(stride, inputs, taps)):
        of_phase = -(-(taps - phase) // stride)
        most += of_phase * (of_phase + 1) // 2 if blocks > 1 else max(1, 2 * of_phase - 1)
    return 1 + min(most * (block_sizes if blocks > 1 else 1), inputs * blocks)
