"""What a layer on a spike array takes of the computer's memory, by the keys that decide on it; see `simulator.memory`.

The arrays are those of `fibers`, `weight_layout`, `pe_latency`, `passes`, `events` and `replay`; their bytes stand
behind them.
"""

from __future__ import annotations

import math

import numpy as np

from spikecycle.simulator.dataflows.memory import LayerSizes
from spikecycle.simulator.dataflows.spike_array.abreast import FEW_PES
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.memory import Need
from spikecycle.traces.packing import packed_bytes
from spikecycle.traces.weights import code_dtype

FIBER_BYTES = 64  # starts, four sizes, units; first bit and fetched words in its weight layout: int64 each
TRIED_FIBER_BYTES = 40  # of a cut that was tried and did not fit: starts and four sizes
TAP_CASE_BYTES = 16  # of a PE: four numbers of cycles, int32
WORK_BYTES = 80  # of a tap case: nine counts and its occurrences, int64
PASS_BYTES = 1024  # cycles by category, loads, stores and labels of a pass, as objects, then arrays; its place in time
KINDS_OF_BANK = 4  # PEs that own one output channel more or less than others, in the last channel tile and elsewhere
KIND_BYTES = 4  # of a kind of output channels at a tap: how many weights are not 0, int32
INPUT_BYTES = 24  # events of an input over all timesteps, and again with what is around the map, int64; a sum in bytes
EVENT_BYTES = 16  # four numbers of an event, int32


def needs(machine: SpikeArrayMachine, layer: LayerSizes) -> tuple[Need, ...]:
    """Upper bounds, from the sizes of the layer and the machine's keys alone."""
    shape, parameters = layer.shape, machine.dataflow
    pes_per_group = parameters.pes_per_group
    block_rows, block_columns = parameters.blocks
    weights = shape.M * shape.fan_in
    code_bytes = np.dtype(code_dtype(layer.weight_bits)).itemsize
    phases = shape.stride[0] * shape.stride[1]
    # The first cut has all channels; each that does not fit is halved (`tiling`), and is kept until one fits.
    all_own = -(-shape.M // pes_per_group)
    own_bits = shape.fan_in * layer.weight_bits
    fitting = max(1, machine.buffers.weights.capacity_bits // 2 // own_bits)
    tries = 1 + math.ceil(math.log2(max(1.0, all_own / fitting)))
    tiles = min(2 ** (tries - 1), all_own)
    fibers = pes_per_group * shape.C * phases
    classes = _classes(shape.H, shape.R, shape.stride[0], block_rows, 1)
    classes *= _classes(shape.W, shape.S, shape.stride[1], block_columns, 2)
    tap_cases = shape.C * classes
    passes = layer.timesteps * tiles
    pes = f"dataflow.pes = {parameters.pes}"
    where = f"C = {shape.C} channels"
    events = shape.input_count * layer.input_bits
    cells = shape.H * block_rows + shape.W * block_columns
    positions = _tile_inputs(shape.H, shape.P, shape.R) * _tile_inputs(shape.W, shape.Q, shape.S)
    return (
        Need(tiles * fibers * FIBER_BYTES, f"the fibers of {pes} and {where}"),
        Need((tiles - 1) * fibers * TRIED_FIBER_BYTES, f"tries of cuts, {pes} and {where}", is_kept=False),
        Need(code_bytes * weights, f"{weights} weights in fibers (M x C/groups x R x S)"),
        Need(code_bytes * weights, f"{weights} weights in a try of a cut", is_kept=False),
        Need(tiles * tap_cases * pes_per_group * TAP_CASE_BYTES, f"the latencies of {pes} and {where}"),
        Need(tiles * tap_cases * WORK_BYTES, f"the latencies of {where}"),
        Need(  # channel tiles are laid side by side
            tiles * tap_cases * pes_per_group * TAP_CASE_BYTES if pes_per_group < FEW_PES else 0,
            f"the latencies of {pes} and {where} in another order",
            is_kept=False,
        ),
        Need(
            8 * tiles * (3 + 2 * parameters.fifo_depth + block_rows * block_columns * pes_per_group),
            f"the FIFOs of {pes}, dataflow.fifo_depth = {parameters.fifo_depth}",
            is_kept=False,
        ),
        Need(
            96 * cells + 4 * block_rows * block_columns * positions,
            f"the tap classes of dataflow.pe_rows = {block_rows}, pe_columns = {block_columns}",
        ),
        Need(passes * PASS_BYTES, f"the passes of T = {layer.timesteps} timesteps", is_kept=False),
        Need(shape.input_count * INPUT_BYTES, f"{shape.input_count} inputs (C x H x W), summed up", is_kept=False),
        Need(
            min(shape.M, KINDS_OF_BANK * machine.buffers.potentials.banks) * shape.C * shape.R * shape.S * KIND_BYTES,
            f"which of {weights} weights are zero, by bank",
        ),
        Need(events * EVENT_BYTES, f"{events} events of a timestep (C x H x W x input_bits)", is_kept=False),
    )


def sparse_needs(machine: SpikeArrayMachine, layer: LayerSizes) -> tuple[Need, ...]:
    """Which neurons are active in which timestep, for a sparse update."""
    if machine.dataflow.update == "dense":
        return ()
    size = layer.timesteps * packed_bytes(layer.shape.output_count)
    return (Need(size, "active neurons for dataflow.update: sparse (T x M x P x Q)", is_kept=False),)


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
