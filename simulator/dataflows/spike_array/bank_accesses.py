"""Which bank of its potentials an array accesses how often: MICROARCHITECTURE.md, section 4, "Accumulators".

In which order events come changes no number of accesses, and the bank of a potential follows from where its neuron lies
in its PE's part of the tile alone. So events are summed over timesteps, by tap, for all output positions together whose
potentials lie in the same banks. Where those are all positions, the replay has counted already how often each tap case
occurred, and spikes need not be looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.spike_array.axes import FIRST_TAP, LAST_TAP, PHASE, AxisTile
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.neuron_words import NeuronWords
from spikecycle.simulator.dataflows.spike_array.tiling import Tiling
from spikecycle.traces import LayerShape
from spikecycle.traces.frames import blocks

WEIGHTS_AT_ONCE = 2**20
"""Weights that are compared with 0 together, so that of a large layer no copy is made."""


def potential_accesses(
    machine: SpikeArrayMachine, task: LayerTask, tiling: Tiling, sample: LayerSample, occurrences: Int64, accesses: int
) -> Int64:
    """Reads and writes of the banks of `buffers.potentials` with the same number in all PEs, int64 (banks,).

    occurrences: int64 (tap cases,), how often events met a block in each. accesses: reads and writes in all, which is
    what each bank has where an access is one of a row.
    """
    banks = machine.buffers.potentials.banks
    if machine.dataflow.potential_access == "row" or banks == 1:
        return np.full(banks, accesses, np.int64)
    words, own_local = NeuronWords.of(machine, task), _owners(tiling)
    of_neurons = _places(tiling, banks, task.pool)
    by_bank = _by_bank(_of_neurons(machine, task, words, sample, *of_neurons), own_local, banks)
    places, count = _places(tiling, banks, (1, 1))
    taps = _taps_of_cases(task.shape, tiling, occurrences) if count == 1 else _taps(task, sample, places, count)
    accesses_by_place = 2 * _accumulates(task, taps)  # each read is followed by a write
    if words.sums_apart:  # all are read, and cleared, in every timestep
        accesses_by_place += 2 * task.timesteps * np.bincount(places.reshape(-1), minlength=count)[:, None]
    return by_bank + _by_bank(accesses_by_place, own_local, banks)


def _by_bank(accesses_by_place: Int64, own_local: tuple[Int64, Int64], banks: int) -> Int64:
    """int64 (banks,) of int64 (places, M); own_local: see `_owners`."""
    own, local = own_local
    by_bank = np.zeros(banks, np.int64)
    np.add.at(by_bank, (np.arange(len(accesses_by_place))[:, None] * own + local) % banks, accesses_by_place)
    return by_bank


def _of_neurons(
    machine: SpikeArrayMachine, task: LayerTask, words: NeuronWords, sample: LayerSample, places: Int64, count: int
) -> Int64:
    """Accesses of the words of neurons by place and output channel, int64 (places, M)."""
    of_update = words.read + words.states  # what is read, and what of it is written back
    accesses = of_update * _updates(machine, task, sample, places, count)
    written = words.parameters + int(task.neuron.start_potential.any())  # once, before the first timestep
    return np.asarray(accesses + written * np.bincount(places.reshape(-1), minlength=count)[:, None], np.int64)


def _places(tiling: Tiling, banks: int, pool: tuple[int, int]) -> tuple[Int64, int]:
    """Number of each output position in its PE's part of the tile, modulo banks, int64 (P, Q), and how many there are.

    Where the channels of every PE fill whole rows of banks, all positions are alike, and have number 0. pool: rows and
    columns of sums for each position: (1, 1), or those of a pool for the places of neurons.
    """
    own = {int(channels) for tile in tiling.channel_tiles for channels in tile.own_channels}
    shape = (tiling.map.rows[-1].stop // pool[0], tiling.map.columns[-1].stop // pool[1])
    if all(channels % banks == 0 for channels in own):
        return np.zeros(shape, np.int64), 1
    numbers = np.zeros(shape, np.int64)
    for rows in tiling.map.rows:
        for columns in tiling.map.columns:
            for top, bottom in _blocks(rows, pool[0]):
                for left, right in _blocks(columns, pool[1]):
                    size = (bottom - top, right - left)
                    numbers[top:bottom, left:right] = np.arange(size[0] * size[1]).reshape(size) % banks
    return numbers, banks


def _blocks(tile: AxisTile, pooled: int) -> Iterator[tuple[int, int]]:
    ends = ((tile.start + tile.block_starts) // pooled).tolist()
    return pairwise(ends)


def _owners(tiling: Tiling) -> tuple[Int64, Int64]:
    """How many output channels the PE of each one owns of the tile, and its number among them, int64 (M,) each."""
    own, local = [], []
    for tile in tiling.channel_tiles:
        sharing, offsets = len(tile.own_channels), np.arange(tile.channels)
        own.append(tile.own_channels[offsets % sharing])
        local.append(offsets // sharing)
    return np.concatenate(own), np.concatenate(local)


def _accumulates(task: LayerTask, taps: Int64) -> Int64:
    """Accumulates by place and output channel, int64 (places, M). taps: see `_taps`."""
    shape, count = task.shape, len(taps)
    taps = taps.reshape(count, shape.groups, -1)
    kernels = task.weights.reshape(shape.groups, shape.M // shape.groups, -1)
    found = np.zeros((count, *kernels.shape[:2]), np.int64)
    rows = max(1, WEIGHTS_AT_ONCE // (shape.groups * shape.fan_in))
    for first in range(0, kernels.shape[1], rows):
        own = slice(first, first + rows)
        np.einsum("pgk,gmk->pgm", taps, kernels[:, own] != 0, out=found[:, :, own])
    return found.reshape(count, shape.M)


def _taps_of_cases(shape: LayerShape, tiling: Tiling, occurrences: Int64) -> Int64:
    """Events that meet each tap, all places together, int64 (1, C, R, S): those of every tap case with this tap."""
    cases = occurrences.reshape(shape.C, len(tiling.map.row_classes), len(tiling.map.column_classes))
    rows = _taps_of_classes(tiling.map.row_classes, shape.R, shape.stride[0])
    columns = _taps_of_classes(tiling.map.column_classes, shape.S, shape.stride[1])
    taps: Int64 = (rows @ cases @ columns.T)[None]
    return taps


def _taps_of_classes(classes: Int64, taps: int, stride: int) -> Int64:
    """int64 (taps, classes): 1 where an input of the class meets the tap."""
    of_phase, phase = np.divmod(np.arange(taps)[:, None], stride)
    first, last = classes[:, FIRST_TAP], classes[:, LAST_TAP]
    met: npt.NDArray[np.bool_] = (classes[:, PHASE] == phase) & (first <= of_phase) & (of_phase <= last)
    return met.astype(np.int64)


def _taps(task: LayerTask, sample: LayerSample, places: Int64, count: int) -> Int64:
    """Events that meet each tap, by the place that they land on, int64 (places, C, R, S)."""
    shape = task.shape
    events = np.zeros(shape.input_shape, np.int64)
    together = 255 // task.input_bits  # frames whose events a byte can count: bytes are added many at a time
    for first in range(0, task.timesteps, together):
        frames = sample.inputs[first : first + together]
        set_bits = frames.astype(np.uint8, copy=False) if task.input_bits == 1 else np.bitwise_count(frames)
        events += np.add.reduce(set_bits, axis=0, dtype=np.uint8)
    rows = (shape.P - 1) * shape.stride[0] + (shape.R - 1) * shape.dilation[0] + 1
    columns = (shape.Q - 1) * shape.stride[1] + (shape.S - 1) * shape.dilation[1] + 1
    padded = max(rows, shape.padding_top + shape.H), max(columns, shape.padding_left + shape.W)
    around = np.zeros((shape.C, *padded), np.int64)
    around[:, shape.padding_top :, shape.padding_left :][:, : shape.H, : shape.W] = events
    taps = np.zeros((count, shape.C, shape.R, shape.S), np.int64)
    for r in range(shape.R):
        for s in range(shape.S):
            top, left = r * shape.dilation[0], s * shape.dilation[1]
            seen = around[:, top :: shape.stride[0], left :: shape.stride[1]][:, : shape.P, : shape.Q]
            for place in range(count):
                taps[place, :, r, s] = seen.sum(axis=(1, 2), where=places == place)
    return taps


def _updates(machine: SpikeArrayMachine, task: LayerTask, sample: LayerSample, places: Int64, count: int) -> Int64:
    """Updates of neurons by place and output channel, int64 (places, M)."""
    if machine.dataflow.update == "dense":
        of_places = np.bincount(places.reshape(-1), minlength=count) * task.timesteps
        return np.repeat(of_places[:, None], task.shape.M, axis=1)
    assert sample.active is not None, "a sparse update needs to know which neurons are active"
    updated = np.zeros(task.shape.output_shape, np.int64)
    for active in blocks(sample.active):
        updated += np.sum(active, axis=0, dtype=np.int64)
    by_channel = updated.reshape(task.shape.M, -1)
    return np.stack([by_channel[:, (places == place).reshape(-1)].sum(axis=1) for place in range(count)])
