"""Dual-sparse tile products: both spikes and weights are compressed, and only pairs of non-zeros take cycles.

LoAS (Yin et al., MICRO 2024) and the SNN versions of SparTen, GoSPA and Gamma that it is compared with, as the authors'
public simulator times them. MICROARCHITECTURE.md beside this file has the rules. `machine` is the machine file,
`planes` the weights as kernels take them, `kernels` counts cycles and loads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import Int32, Int64, UInt8, UInt64
from spikecycle.simulator.dataflows.dual_sparse.kernels import (
    ROWS_TOGETHER,
    Visited,
    count_pairs,
    count_weights,
    cycles_along_channels,
    cycles_along_rows,
    tile_ones,
    visit_tiles,
)
from spikecycle.simulator.dataflows.dual_sparse.machine import (
    ACCUMULATOR_BITS,
    CORRECTION_BITS,
    DualSparseMachine,
    DualSparseParameters,
    TensorStorage,
)
from spikecycle.simulator.dataflows.dual_sparse.planes import digit_planes, tile_planes
from spikecycle.simulator.dataflows.memory import LayerSizes
from spikecycle.simulator.dataflows.rule import OperatorRun, rule
from spikecycle.simulator.dataflows.rule_memory import groups_need, some_rows
from spikecycle.simulator.dataflows.stage import Network
from spikecycle.simulator.memory import Need
from spikecycle.simulator.workload import SynapseWorkload
from spikecycle.traces import Synapse
from spikecycle.traces.frames import block_timesteps, blocks, pack_frames
from spikecycle.traces.packing import PackedSpikes

__all__ = ["DUAL_SPARSE", "DualSparseMachine"]

Bits = TypeVar("Bits", UInt64, UInt8)
COUNT_BYTES, VISITED_BYTES, GROUP_BYTES = 12, 16, 1200
"""Of how many weights of an input are not 0 in a tile of output channels; of a tile of spikes; of what is found of a
group."""

ADD = Counter(
    "pe.add", "pe", "potentials", "add", "logic", "operations", "a weight that is not 0 meets a spike word that is not",
    bits=ACCUMULATOR_BITS,
)  # fmt: skip
CORRECT = Counter(
    "correction.add", "correction", "potentials", "add", "logic", "operations",
    "a weight is taken off the sum of a timestep without a spike", bits=CORRECTION_BITS,
)  # fmt: skip
READS = {
    operand: Counter(f"cache.{operand}.read", "cache", operand, "read", "sram", "words", f"{operand} read for the PEs")
    for operand in ("weights", "spikes", "potentials")
}
WRITES = {
    operand: Counter(
        f"cache.{operand}.write", "cache", operand, "write", "sram", "words", f"{operand} put in the cache"
    )
    for operand in ("weights", "spikes", "potentials")
}


def _memory(machine: DualSparseMachine, sizes: LayerSizes) -> Iterator[Need]:
    """Rows of spikes; weights that are not 0 as bits, and how many each tile has; spikes of tiles."""
    shape, parameters = sizes.shape, machine.dataflow
    tile = parameters.tile
    weights = shape.M * shape.fan_in
    of_tiles = shape.groups * -(-shape.M // shape.groups // tile.output_channels) * shape.fan_in
    windows = -(-sizes.timesteps * sizes.input_bits // parameters.timesteps_at_once)
    spikes = windows * -(-shape.P * shape.Q // tile.rows) * -(-shape.fan_in // tile.fan_in) * shape.groups
    yield some_rows(sizes, parameters.timesteps_at_once)
    yield Need(weights + COUNT_BYTES * of_tiles, f"which of {weights} weights are not 0", is_kept=False)
    yield Need(weights // 4 + COUNT_BYTES * of_tiles, f"{weights} weights that are not 0 as bits")
    yield Need(VISITED_BYTES * spikes, f"{spikes} tiles of spikes (T x P x Q x C x R x S)", is_kept=False)
    yield groups_need(sizes, GROUP_BYTES)


DUAL_SPARSE = rule(
    "dual_sparse",
    machine=DualSparseMachine,
    summary="pairs of non-zero spikes and weights, tile by tile (LoAS, SparTen-S, GoSPA-S, Gamma-S)",
    free=("add", "concatenate", "pool"),
    demands=(
        "groups", "dilation", "a delayed input", "several inputs", "a neuron of two states",
        "a neuron that does not fire", "a leak per neuron", "a threshold per neuron", "a start potential",
        "a reset in the next timestep", "an input without weights",
    ),
    counters=(ADD, CORRECT, *READS.values(), *WRITES.values()),
    memory=_memory,
)  # fmt: skip


def spiking_twice(blocks_of_planes: Iterable[Bits]) -> Bits:
    """Where there are spikes at two timesteps at least; a set bit is a spike, in arrays (n, ...), packed or not."""
    once: Bits | None = None
    twice: Bits | None = None
    for block in blocks_of_planes:
        for plane in block:
            if once is None or twice is None:
                once, twice = np.zeros_like(plane), np.zeros_like(plane)
            twice |= once & plane
            once |= plane
    assert twice is not None  # there is at least one timestep
    return twice


def window_words(planes: Bits, parameters: DualSparseParameters) -> Bits:
    """Spikes of whole windows of timesteps, (windows, ...): a bit is set if it is set at any timestep of the window."""
    at_once = parameters.timesteps_at_once
    if at_once == 1:
        return planes
    words = np.empty((-(-len(planes) // at_once), *planes.shape[1:]), planes.dtype)
    whole, rest = divmod(len(planes), at_once)
    of_whole = planes[: whole * at_once].reshape(whole, at_once, *planes.shape[1:])
    np.bitwise_or.reduce(of_whole, axis=1, out=words[:whole])
    if rest:
        np.bitwise_or.reduce(planes[-rest:], axis=0, out=words[-1])
    return words


class _Reads(NamedTuple):
    """How PEs read an operand: times that each tile is read, by all PEs or by one after the other; pairs of non-zeros
    in all tiles."""

    times: int
    pairs: int


@dataclass
class _OperandTraffic:
    """Bits of one operand: loaded from DRAM, and read by the PEs."""

    loaded: int = 0
    read: int = 0

    def add(
        self, storage: TensorStorage, sizes: Int64, non_zeros: Int32, bits: int, visited: Visited, reads: _Reads
    ) -> None:
        """Tiles, of which `non_zeros` have `bits` bits besides their index; the first have `sizes` elements, which all
        others repeat."""
        element_bits = bits + (storage.coordinate_bits or 0)
        is_masked = storage.index == "mask"
        self.loaded += visited.loaded_non_zeros * element_bits + visited.loaded_sizes * is_masked
        if storage.reads == "all":
            masks = int(sizes.sum()) * (non_zeros.size // sizes.size) * is_masked
            self.read += reads.times * (int(non_zeros.sum(dtype=np.int64)) * element_bits + masks)
        else:
            self.read += reads.pairs * element_bits + visited.changed_sizes * is_masked


def _sizes(size: int, tile: int) -> Int64:
    """Sizes of the tiles of a dimension."""
    starts = np.arange(0, size, tile)
    return np.minimum(starts + tile, size) - starts


def _visit(
    parameters: DualSparseParameters,
    counts: dict[str, int],
    tiles_of: tuple[str, ...],
    non_zeros: Int32,
    sizes: Int64,
    resident: int,
) -> Visited:
    """Loads and changes of the tiles of the operand that has the dimensions `tiles_of`, in that order."""
    order = parameters.loop_order
    strides = {name: int(np.prod([counts[n] for n in tiles_of[i + 1 :]])) for i, name in enumerate(tiles_of)}
    steps = np.array([counts[loop] for loop in order], np.int64)
    moves = np.array([strides.get(loop, 0) for loop in order], np.int64)
    return visit_tiles(steps, moves, non_zeros.reshape(-1), sizes.reshape(-1), resident)


@dataclass(frozen=True, eq=False)
class _Weights:
    """The weights of one group, (N, K), as kernels take them.

    planes: of tiles, as PEs along rows or along output channels take them. every_tile: uint64 (words, digits), of the
    number of weights that are not 0 in each column. columns: uint64 (K tiles, words), columns of each tile of the
    fan-in. tiles: int32 (K tiles, N tiles), weights of a tile that are not 0. touched: tiles of the fan-in times
    channels in which there is one.
    """

    shape: tuple[int, int]
    planes: UInt64
    every_tile: UInt64
    columns: UInt64
    tiles: Int32
    touched: int


@DUAL_SPARSE.prepares("conv1d", "conv2d", "linear")
def prepare(machine: DualSparseMachine, operator: Synapse, network: Network) -> list[_Weights]:
    """The weights of every group."""
    tile = machine.dataflow.tile
    shape = operator.shape
    channels, fan_in = shape.M // shape.groups, shape.fan_in
    columns = tile_planes(np.ones((1, fan_in), np.uint8), tile.fan_in)[..., 0]
    found = []
    for weights in operator.weights().reshape(shape.groups, channels, fan_in):
        mask = np.zeros(weights.shape, np.uint8)
        of_tiles = np.zeros((-(-channels // tile.output_channels), fan_in), np.int32)
        touched = count_weights(weights, tile.fan_in, tile.output_channels, mask, of_tiles)
        along_rows = machine.dataflow.pes_along == "rows"
        planes = digit_planes(of_tiles, tile.fan_in) if along_rows else tile_planes(mask, tile.fan_in)
        every_tile = digit_planes(of_tiles.sum(axis=0, dtype=np.int32)[None], fan_in)[0, :, 0]
        tiles = np.add.reduceat(of_tiles, np.arange(0, fan_in, tile.fan_in), axis=1)
        found.append(_Weights((channels, fan_in), planes, every_tile, columns, np.ascontiguousarray(tiles.T), touched))
    return found


def _cycles(parameters: DualSparseParameters, words: UInt64, weights: _Weights) -> tuple[int, list[int]]:
    """Cycles of all tiles of a group, and pairs of a spike word and a weight, both not 0, of every window."""
    tile = parameters.tile
    pairs = np.zeros(len(words), np.int64)
    if parameters.pes_along == "output_channels":
        cycles = cycles_along_channels(words, weights.planes, tile.rows, tile.fan_in, tile.output_channels, pairs)
    else:
        cycles = cycles_along_rows(words, weights.planes, tile.rows, tile.fan_in, ROWS_TOGETHER, pairs)
    return cycles, pairs.tolist()


@dataclass
class _Traffic:
    """Bits that a synapse moves: of both operands, and of partial sums, each of which is read and written."""

    weights: _OperandTraffic = field(default_factory=_OperandTraffic)
    spikes: _OperandTraffic = field(default_factory=_OperandTraffic)
    sums: int = 0

    def add(
        self, parameters: DualSparseParameters, of_spikes: Int32, positions: int, weights: _Weights, weight_bits: int,
        pairs: int,
    ) -> None:  # fmt: skip
        """Those of a group. of_spikes: int32 (windows, row tiles, fan-in tiles), spike words that are not 0. pairs: of
        such a word and a weight that is not 0."""
        tile, sums = parameters.tile, parameters.partial_sums
        rows = _sizes(positions, tile.rows)
        terms = _sizes(weights.shape[1], tile.fan_in)
        channels = _sizes(weights.shape[0], tile.output_channels)
        windows = len(of_spikes)
        counts = {"rows": len(rows), "fan_in": len(terms), "output_channels": len(channels), "timesteps": windows}

        sizes = terms[:, None] * channels[None, :]
        visited = _visit(
            parameters, counts, ("fan_in", "output_channels"), weights.tiles, sizes, parameters.weights.resident
        )
        # every row of a tile is a PE: without a broadcast each reads the weights for itself
        readers = len(rows) if parameters.weights_broadcast else int(rows.sum())
        reads = _Reads(windows * readers, pairs)
        self.weights.add(parameters.weights, sizes, weights.tiles, weight_bits, visited, reads)

        sizes = rows[:, None] * terms[None, :]
        visited = _visit(
            parameters, counts, ("timesteps", "rows", "fan_in"), of_spikes, sizes, parameters.spikes.resident
        )
        reads = _Reads(len(channels), pairs)
        self.spikes.add(parameters.spikes, sizes, of_spikes, parameters.spike_bits, visited, reads)

        leaving = {
            "never": 0,
            "every_output": len(terms) * weights.shape[0],
            "touched_channels": weights.touched,
        }[sums.leave]
        self.sums += windows * positions * leaving * sums.bits


@dataclass
class _GroupWork:
    """What the spikes of a group come to, some timesteps at a time.

    tiles: int32 (windows, row tiles, fan-in tiles), spike words of tiles that are not 0, of the first `windows`. pairs:
    of a spike word and a weight that are not 0. added: the same, at every timestep of the window; kept: those where
    there is a spike.
    """

    tiles: Int32
    windows: int = 0
    cycles: int = 0
    pairs: int = 0
    added: int = 0
    kept: int = 0

    @classmethod
    def of(cls, work: SynapseWorkload, weights: _Weights, parameters: DualSparseParameters) -> _GroupWork:
        """Nothing yet."""
        windows = -(-work.T * work.input_bits // parameters.timesteps_at_once)
        return cls(np.zeros((windows, -(-work.positions // parameters.tile.rows), len(weights.tiles)), np.int32))

    def add(self, planes: UInt64, weights: _Weights, parameters: DualSparseParameters) -> None:
        """Packed rows of some timesteps, uint64 (n, rows, words), whole windows of them but for the last."""
        tile = parameters.tile
        words = window_words(planes, parameters)
        lengths = _sizes(len(planes), parameters.timesteps_at_once).tolist()
        cycles, of_windows = _cycles(parameters, words, weights)
        self.cycles += cycles
        self.pairs += sum(of_windows)
        self.added += sum(count * length for count, length in zip(of_windows, lengths, strict=True))
        self.kept += count_pairs(planes, weights.every_tile) if parameters.timesteps_at_once > 1 else 0
        of_tiles = self.tiles[self.windows : self.windows + len(words)]
        tile_ones(words, weights.columns, tile.rows, tile.fan_in, of_tiles)
        self.windows += len(words)


@DUAL_SPARSE.runs("conv1d", "conv2d", "linear")
def synapses(machine: DualSparseMachine, run: OperatorRun) -> Activity:
    """Cycles, pairs and traffic of an operator with weights, group after group."""
    parameters = machine.dataflow
    work = run.workload
    traffic = _Traffic()
    cycles = pairs = corrections = 0
    prepared: list[_Weights] = run.prepared
    of_groups = [_GroupWork.of(work, weights, parameters) for weights in prepared]
    at_once = parameters.timesteps_at_once
    kept = (
        spiking_twice(block.swapaxes(0, 1) for block in work.plane_blocks()) if parameters.drop_single_spikes else None
    )
    for block in work.plane_blocks(at_once):
        for group, (planes, weights) in enumerate(zip(block, prepared, strict=True)):
            of_groups[group].add(planes if kept is None else planes & kept[group], weights, parameters)
    for found, weights in zip(of_groups, prepared, strict=True):
        cycles += found.cycles
        pairs += found.pairs
        # a pair is added at every timestep of its window, and taken off where there was no spike
        corrections += found.added - found.kept if at_once > 1 else 0
        traffic.add(parameters, found.tiles, work.positions, weights, work.weight_bits, found.pairs)
    percent = parameters.partial_sums.to_dram_percent
    to_dram = traffic.sums * percent // 100
    in_cache = traffic.sums if percent < 100 else 0
    width = machine.buffers.cache.width_bits
    bits = {
        READS["weights"]: traffic.weights.read, WRITES["weights"]: traffic.weights.loaded,
        READS["spikes"]: traffic.spikes.read, WRITES["spikes"]: traffic.spikes.loaded,
        READS["potentials"]: in_cache, WRITES["potentials"]: in_cache,
    }  # fmt: skip
    return Activity.total(
        {"compute": cycles},
        reads={"weights": traffic.weights.loaded, "spikes": traffic.spikes.loaded, "potentials": to_dram},
        writes={"potentials": to_dram},
        counts={ADD.name: pairs, CORRECT.name: corrections}
        | {counter.name: -(-moved // width) for counter, moved in bits.items()},
        busy={"pe": pairs},
    )


@DUAL_SPARSE.runs("neuron")
def neurons(machine: DualSparseMachine, run: OperatorRun) -> Activity:
    """Neurons keep up with the PEs: they take no cycles, and store what they send, potentials of a readout as they
    are."""
    output, parameters = run.operator.output, machine.dataflow
    if output.bits > 1 or output.signed:
        return Activity.total({"compute": 0}, writes={"outputs": run.outputs * run.timesteps * output.bits})
    frames = run.sample.frames(output.name)
    spikes = frames if isinstance(frames, PackedSpikes) else pack_frames(blocks(frames), len(frames), frames.shape[1:])
    kept = spiking_twice([spikes.packed]) if parameters.drop_single_spikes else None
    index_bits = parameters.spikes.coordinate_bits
    stored = 0
    timesteps = block_timesteps(run.outputs, parameters.timesteps_at_once)
    for first in range(0, len(spikes), timesteps):
        packed = spikes.packed[first : first + timesteps]
        words = PackedSpikes(window_words(packed if kept is None else packed & kept, parameters), spikes.shape)
        stored += int(words.counts().sum()) * (parameters.spike_bits + (index_bits or 0))
        stored += len(words) * run.outputs if index_bits is None else 0
    return Activity.total({"compute": 0}, writes={"outputs": stored})
