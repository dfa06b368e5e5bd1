"""Which bank of its potentials an array accesses how often: MICROARCHITECTURE.md, section 4, "Accumulators".

In which order events come changes no number of accesses, and the bank of a potential follows from where its neuron lies
in its PE's part of the tile alone. So events are summed over timesteps, by tap, for all output positions together whose
potentials lie in the same banks. Where those are all positions, the replay has counted already how often each tap case
occurred, and spikes need not be looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import cast

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, WeightCodes
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.spike_array.axes import AxisTile
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.neuron_words import NeuronWords
from spikecycle.simulator.dataflows.spike_array.tiling import Tiling
from spikecycle.simulator.jit import lean_kernel
from spikecycle.traces.frames import blocks


class BankAccesses:
    """Reads and writes of the banks of `buffers.potentials` of a mapped layer.

    Output channels whose PE owns as many, and whose number among those has the same remainder by the number of banks,
    have potentials in the same banks: they are one kind, and of the weights only how many of a kind are not 0 is kept.
    Where all output positions are alike, the remainder alone is the bank.
    """

    def __init__(self, machine: SpikeArrayMachine, task: LayerTask, tiling: Tiling) -> None:
        self._machine, self._task = machine, task
        self._banks = machine.buffers.potentials.banks
        self._are_alike = machine.dataflow.potential_access == "row" or self._banks == 1
        if self._are_alike:
            return
        self._count = 1  # of places: the channels of every PE fill whole rows of banks
        if any((tile.own_channels % self._banks).any() for tile in tiling.channel_tiles):
            self._places = _places(tiling, self._banks, (1, 1))
            self._neurons = self._places if task.pool == (1, 1) else _places(tiling, self._banks, task.pool)
            self._count = self._banks if self._places.any() else 1  # one by one: no PE has more than a position
        self._kind_of_channel: Int64 = _local_numbers(tiling) % self._banks
        self._kinds = np.zeros(self._banks, np.int64), np.arange(self._banks)
        if self._count > 1:
            kinds, self._kind_of_channel = np.unique(
                _owned_together(tiling) * self._banks + self._kind_of_channel, return_inverse=True
            )
            self._kinds = np.divmod(kinds, self._banks)
        self._weights: Int32 | Int64 = _non_zeros(task, self._kind_of_channel, len(self._kinds[0]))
        if self._count == 1:  # in the order and the width of what they are multiplied by
            shape = task.shape
            by_channel = self._weights.reshape(-1, shape.C, shape.R, shape.S)
            self._weights = by_channel.transpose(0, 2, 1, 3).astype(np.int64, "C").reshape(len(by_channel), -1)
        self._rows, self._columns = tiling.map.row_taps, tiling.map.column_taps
        self._fixed = self._whatever_spikes()

    def accesses(self, sample: LayerSample, occurrences: Int64, accesses: int) -> Int64:
        """Of the banks with the same number in all PEs, int64 (banks,), in a sample.

        occurrences: int64 (tap cases,), how often events met a block in each. accesses: reads and writes in all, which
        is what each bank has where an access is one of a row.
        """
        if self._are_alike:
            return np.full(self._banks, accesses, np.int64)
        if self._count == 1:
            found = self._weights.dot(self._taps_of_cases(occurrences).reshape(-1))[None]
        else:
            found = np.einsum("pk,ok->po", self._taps(sample).reshape(self._count, -1), self._weights)  # no copy
        by_bank = self._fixed + 2 * self._by_bank(found)  # each read is followed by a write
        return by_bank if self._machine.dataflow.update == "dense" else by_bank + self._of_active(sample)

    def _whatever_spikes(self) -> Int64:
        """int64 (banks,): accesses that are the same in every sample."""
        task, words = self._task, NeuronWords.of(self._machine, self._task)
        channels = np.bincount(self._kind_of_channel, minlength=len(self._weights))
        if self._count == 1:
            rows, columns = task.shape.P, task.shape.Q
            sums = np.array([rows * columns])
            neurons = np.array([(rows // task.pool[0]) * (columns // task.pool[1])])
        else:
            neurons, sums = (
                np.bincount(places.reshape(-1), minlength=self._count) for places in (self._neurons, self._places)
            )
        # once, before the first timestep; and what is read in every update, and what of it is written back
        of_neuron = words.parameters + int(task.neuron.start_potential.any())
        if self._machine.dataflow.update == "dense":
            of_neuron += (words.read + words.states) * task.timesteps
        of_place = of_neuron * neurons
        if words.sums_apart:  # all are read, and cleared, in every timestep
            of_place += 2 * task.timesteps * sums
        return self._by_bank(of_place[:, None] * channels)

    def _by_bank(self, accesses: Int64) -> Int64:
        """int64 (banks,) of int64 (places, kinds)."""
        if self._count == 1:
            alone: Int64 = accesses[0]
            return alone
        own, local = self._kinds
        by_bank = np.zeros(self._banks, np.int64)
        np.add.at(by_bank, (np.arange(len(accesses))[:, None] * own + local) % self._banks, accesses)
        return by_bank

    def _of_active(self, sample: LayerSample) -> Int64:
        """int64 (banks,): accesses of updates of neurons that are active."""
        assert sample.active is not None, "a sparse update needs to know which neurons are active"
        words, shape = NeuronWords.of(self._machine, self._task), self._task.shape
        updated = np.zeros(shape.output_shape, np.int64)
        for active in blocks(sample.active):
            updated += np.sum(active, axis=0, dtype=np.int64)
        by_channel = updated.reshape(shape.M, -1)
        by_place = np.zeros((self._count, len(self._weights)), np.int64)
        for place in range(self._count):
            there = slice(None) if self._count == 1 else (self._neurons == place).reshape(-1)
            of_place = by_channel[:, there].sum(axis=1)
            np.add.at(by_place[place], self._kind_of_channel, of_place)
        return self._by_bank((words.read + words.states) * by_place)

    def _taps_of_cases(self, occurrences: Int64) -> Int64:
        """Events that meet each tap, all places together, int64 (R, C, S): those of every tap case with this tap."""
        rows, columns = self._rows, self._columns
        if rows.size == columns.size == 1:  # a linear layer has one of each
            return occurrences if rows[0, 0] * columns[0, 0] else np.zeros_like(occurrences)
        cases = occurrences.reshape(self._task.shape.C, rows.shape[1], columns.shape[1])
        taps: Int64 = rows.dot(cases.dot(columns.T))  # unlike `@`, it does not hold Python's lock
        return taps

    def _taps(self, sample: LayerSample) -> Int64:
        """Events that meet each tap, by the place that they land on, int64 (places, C, R, S)."""
        task, shape = self._task, self._task.shape
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
        taps = np.zeros((self._count, shape.C, shape.R, shape.S), np.int64)
        for r in range(shape.R):
            for s in range(shape.S):
                top, left = r * shape.dilation[0], s * shape.dilation[1]
                seen = around[:, top :: shape.stride[0], left :: shape.stride[1]][:, : shape.P, : shape.Q]
                for place in range(self._count):
                    taps[place, :, r, s] = seen.sum(axis=(1, 2), where=self._places == place)
        return taps


def _places(tiling: Tiling, banks: int, pool: tuple[int, int]) -> Int64:
    """Number of each output position in its PE's part of the tile, modulo banks, int64 (P, Q).

    pool: rows and columns of sums for each position: (1, 1), or those of a pool for the places of neurons.
    """
    numbers = np.zeros((tiling.map.rows[-1].stop // pool[0], tiling.map.columns[-1].stop // pool[1]), np.int64)
    for rows in tiling.map.rows:
        for columns in tiling.map.columns:
            for top, bottom in _blocks(rows, pool[0]):
                for left, right in _blocks(columns, pool[1]):
                    size = (bottom - top, right - left)
                    numbers[top:bottom, left:right] = np.arange(size[0] * size[1]).reshape(size) % banks
    return numbers


def _blocks(tile: AxisTile, pooled: int) -> Iterator[tuple[int, int]]:
    ends = ((tile.start + tile.block_starts) // pooled).tolist()
    return pairwise(ends)


def _local_numbers(tiling: Tiling) -> Int64:
    """int64 (M,): the number of each output channel among those of its tile that its PE owns."""
    return np.concatenate([np.arange(tile.channels) // len(tile.own_channels) for tile in tiling.channel_tiles])


def _owned_together(tiling: Tiling) -> Int64:
    """int64 (M,): how many output channels of its tile the PE of each one owns."""
    return np.concatenate(
        [tile.own_channels[np.arange(tile.channels) % len(tile.own_channels)] for tile in tiling.channel_tiles]
    )


def _non_zeros(task: LayerTask, kind_of_channel: Int64, kinds: int) -> Int32:
    """How many output channels of each kind have a weight that is not 0 at a tap, int32 (kinds, C · R · S).

    kind_of_channel: int64 (M,).
    """
    shape = task.shape
    found = np.zeros((kinds, shape.C * shape.R * shape.S), np.int32)
    weights = cast("WeightCodes", np.ascontiguousarray(task.weights).reshape(shape.M, -1))
    count_non_zeros(weights, kind_of_channel, shape.M // shape.groups, found)
    return found


@lean_kernel
def count_non_zeros(weights: WeightCodes, kind_of_channel: Int64, channels_of_group: int, found_out: Int32) -> None:
    """Add to found_out, int32 (kinds, groups · fan-in), how many weights, (M, fan-in), are not 0 of all output channels
    of a kind together. kind_of_channel: int64 (M,)."""
    fan_in = weights.shape[1]
    for channel in range(len(weights)):
        first = channel // channels_of_group * fan_in
        own, found = weights[channel], found_out[kind_of_channel[channel], first : first + fan_in]
        for tap in range(fan_in):
            found[tap] += own[tap] != 0
