"""Dual-sparse tile products: both spikes and weights are compressed, and only pairs of non-zeros take cycles.

LoAS (Yin et al., MICRO 2024) and the SNN versions of SparTen, GoSPA and Gamma that it is compared with, as the authors'
public simulator times them. MICROARCHITECTURE.md beside this file has the rules. `machine` is the machine file,
`kernels` counts cycles and loads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import Int32, Int64, Integers, UInt8, UInt64
from spikecycle.simulator.dataflows.dual_sparse.kernels import (
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
from spikecycle.simulator.dataflows.rule import OperatorRun, rule
from spikecycle.simulator.dataflows.stage import Network
from spikecycle.simulator.workload.words import column_ones
from spikecycle.traces import Synapse

__all__ = ["DUAL_SPARSE", "DualSparseMachine"]

Bits = TypeVar("Bits", UInt64, Integers)

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
)  # fmt: skip


def spike_words(planes: Bits, parameters: DualSparseParameters) -> tuple[Bits, Bits]:
    """Spikes as the machine takes them: one array a timestep, and one a window of timesteps.

    planes: (T, ...), packed or not; a set bit is a spike. Returns (T, ...) without the neurons that are dropped, and
    (windows, ...), where a bit is set if it is set at any timestep of the window.
    """
    if parameters.drop_single_spikes:
        once = np.zeros_like(planes[0])
        twice = np.zeros_like(planes[0])
        for plane in planes:
            twice |= once & plane
            once |= plane
        planes = planes & twice
    starts = np.arange(0, len(planes), parameters.timesteps_at_once)
    return planes, np.bitwise_or.reduceat(planes, starts, axis=0)


class _Visits(NamedTuple):
    """What happens to the tiles of an operand: int64, one each a tile, times it is loaded and times it follows another
    tile; times that each is read, by all PEs or by one after the other; pairs of non-zeros in all tiles."""

    loads: Int64
    changes: Int64
    reads: int
    pairs: int


@dataclass
class _OperandTraffic:
    """Bits of one operand: loaded from DRAM, and read by the PEs."""

    loaded: int = 0
    read: int = 0

    def add(self, storage: TensorStorage, sizes: Int64, non_zeros: Int64, bits: int, visits: _Visits) -> None:
        """Tiles of `sizes` elements, of which `non_zeros` have `bits` bits besides their index."""
        coordinate_bits = storage.coordinate_bits or 0
        mask = sizes if storage.index == "mask" else np.zeros_like(sizes)
        stored = non_zeros * (bits + coordinate_bits) + mask
        self.loaded += int((visits.loads * stored).sum())
        if storage.reads == "all":
            self.read += visits.reads * int(stored.sum())
        else:
            self.read += visits.pairs * (bits + coordinate_bits) + int((visits.changes * mask).sum())


def _sizes(size: int, tile: int) -> Int64:
    """Sizes of the tiles of a dimension."""
    starts = np.arange(0, size, tile)
    return np.minimum(starts + tile, size) - starts


def _visit(
    parameters: DualSparseParameters,
    counts: dict[str, int],
    tiles_of: tuple[str, ...],
    non_zeros: Int64,
    resident: int,
) -> tuple[Int64, Int64]:
    """Loads and changes of every tile of the operand that has the dimensions `tiles_of`, in that order."""
    order = parameters.loop_order
    strides = {name: int(np.prod([counts[n] for n in tiles_of[i + 1 :]])) for i, name in enumerate(tiles_of)}
    steps = np.array([counts[loop] for loop in order], np.int64)
    moves = np.array([strides.get(loop, 0) for loop in order], np.int64)
    loads, changes = np.zeros(non_zeros.size, np.int64), np.zeros(non_zeros.size, np.int64)
    visit_tiles(steps, moves, non_zeros.reshape(-1), resident, loads, changes)
    return loads.reshape(non_zeros.shape), changes.reshape(non_zeros.shape)


@dataclass(frozen=True, eq=False)
class _Weights:
    """The weights of one group, as kernels take them.

    mask: uint8 (N, K), 1 where a weight is not 0. of_tiles: int32 (K, N tiles), such weights by tile of channels.
    of_columns: int64 (K,), such weights of all channels. tiles: int64 (K tiles, N tiles), such weights of a tile.
    touched: tiles of the fan-in times channels in which there is one.
    """

    mask: UInt8
    of_tiles: Int32
    of_columns: Int64
    tiles: Int64
    touched: int

    def pairs(self, words: UInt64) -> int:
        """Pairs of a set bit of packed rows, (..., ceil(K / 64)), and a weight that is not 0."""
        ones = np.zeros(len(self.of_columns), np.int64)
        column_ones(np.ascontiguousarray(words).reshape(-1, words.shape[-1]), ones)
        return int((ones * self.of_columns).sum())


@DUAL_SPARSE.prepares("conv1d", "conv2d", "linear")
def prepare(machine: DualSparseMachine, operator: Synapse, network: Network) -> list[_Weights]:
    """The weights of every group."""
    tile = machine.dataflow.tile
    shape = operator.shape
    channels = shape.M // shape.groups
    found = []
    for weights in operator.weights().reshape(shape.groups, channels, shape.fan_in):
        mask = np.zeros(weights.shape, np.uint8)
        of_tiles = np.zeros((-(-channels // tile.output_channels), shape.fan_in), np.int32)
        touched = count_weights(weights, tile.fan_in, tile.output_channels, mask, of_tiles)
        tiles = np.add.reduceat(of_tiles, np.arange(0, shape.fan_in, tile.fan_in), axis=1).astype(np.int64)
        columns = of_tiles.sum(axis=0, dtype=np.int64)
        found.append(_Weights(mask, np.ascontiguousarray(of_tiles.T), columns, np.ascontiguousarray(tiles.T), touched))
    return found


def _cycles(parameters: DualSparseParameters, words: UInt64, weights: _Weights) -> int:
    """Cycles of all tiles of a group."""
    tile = parameters.tile
    if parameters.pes_along == "output_channels":
        return cycles_along_channels(words, weights.mask, tile.rows, tile.fan_in, tile.output_channels)
    return cycles_along_rows(words, weights.of_tiles, tile.rows, tile.fan_in)


@dataclass
class _Traffic:
    """Bits that a synapse moves: of both operands, and of partial sums, each of which is read and written."""

    weights: _OperandTraffic = field(default_factory=_OperandTraffic)
    spikes: _OperandTraffic = field(default_factory=_OperandTraffic)
    sums: int = 0

    def add(
        self, parameters: DualSparseParameters, words: UInt64, weights: _Weights, weight_bits: int, pairs: int
    ) -> None:
        """Those of a group. pairs: of a spike word and a weight that are not 0."""
        tile, sums = parameters.tile, parameters.partial_sums
        rows = _sizes(words.shape[1], tile.rows)
        terms = _sizes(weights.mask.shape[1], tile.fan_in)
        channels = _sizes(len(weights.mask), tile.output_channels)
        windows = len(words)
        counts = {"rows": len(rows), "fan_in": len(terms), "output_channels": len(channels), "timesteps": windows}

        visited = _visit(parameters, counts, ("fan_in", "output_channels"), weights.tiles, parameters.weights.resident)
        # every row of a tile is a PE: without a broadcast each reads the weights for itself
        readers = len(rows) if parameters.weights_broadcast else int(rows.sum())
        visits = _Visits(*visited, windows * readers, pairs)
        self.weights.add(parameters.weights, terms[:, None] * channels[None, :], weights.tiles, weight_bits, visits)

        of_spikes = np.zeros((windows, len(rows), len(terms)), np.int64)
        tile_ones(words, tile.rows, tile.fan_in, of_spikes)
        visited = _visit(parameters, counts, ("timesteps", "rows", "fan_in"), of_spikes, parameters.spikes.resident)
        visits = _Visits(*visited, len(channels), pairs)
        sizes = np.broadcast_to(rows[:, None] * terms[None, :], of_spikes.shape)
        self.spikes.add(parameters.spikes, sizes, of_spikes, parameters.spike_bits, visits)

        leaving = {
            "never": 0,
            "every_output": len(terms) * len(weights.mask),
            "touched_channels": weights.touched,
        }[sums.leave]
        self.sums += windows * words.shape[1] * leaving * sums.bits


@DUAL_SPARSE.runs("conv1d", "conv2d", "linear")
def synapses(machine: DualSparseMachine, run: OperatorRun) -> Activity:
    """Cycles, pairs and traffic of an operator with weights, group after group."""
    parameters = machine.dataflow
    work = run.workload
    traffic = _Traffic()
    cycles = pairs = corrections = 0
    prepared: list[_Weights] = run.prepared
    for planes, weights in zip(work.bit_planes(), prepared, strict=True):
        kept, words = spike_words(planes, parameters)
        of_windows = [weights.pairs(window) for window in words]
        cycles += _cycles(parameters, words, weights)
        pairs += sum(of_windows)
        # a pair is added at every timestep of its window, and taken off where there was no spike
        lengths = _sizes(len(planes), parameters.timesteps_at_once).tolist()
        added = sum(count * length for count, length in zip(of_windows, lengths, strict=True))
        corrections += added - weights.pairs(kept) if parameters.timesteps_at_once > 1 else 0
        traffic.add(parameters, words, weights, work.weight_bits, sum(of_windows))
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
    values = run.sample.values(run.operator.output.name)
    bits = run.operator.output.bits
    if bits > 1 or run.operator.output.signed:
        return Activity.total({"compute": 0}, writes={"outputs": values.size * bits})
    parameters = machine.dataflow
    _, words = spike_words(values, parameters)
    index_bits = parameters.spikes.coordinate_bits
    stored = int(np.count_nonzero(words)) * (parameters.spike_bits + (index_bits or 0))
    return Activity.total({"compute": 0}, writes={"outputs": stored + (words.size if index_bits is None else 0)})
