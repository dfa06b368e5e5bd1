"""Whom a spike reaches: for every neuron that sends, the cores that it reaches and its synapses there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.workload import Windows
from spikecycle.traces import Synapse

FIRST_ROOM = 1024
"""Entries that a table has room for at first; it doubles when they are used up."""


@dataclass(frozen=True, eq=False)
class FanOut:
    """Entries of all neurons of a tensor, one for each core that a neuron reaches, cores ascending.

    starts: int64 (n + 1,), a neuron's first entry. cores: int64 (entries,). synapses: int64 (entries,), those on the
    core that the spike passes.
    """

    starts: Int64
    cores: Int64
    synapses: Int64

    @property
    def neurons(self) -> int:
        """Neurons that send."""
        return len(self.starts) - 1

    def senders(self) -> Int64:
        """The neuron of each entry, int64 (entries,)."""
        return np.repeat(np.arange(self.neurons), np.diff(self.starts))


def fan_out(synapse: Synapse, core: Int64, cores: int, skips_zeros: bool) -> FanOut:
    """What the values that enter a synapse reach.

    core: int64 (M x P x Q,), where the neurons behind it are, of `cores` cores. skips_zeros: whether weights of 0 are
    no synapses.
    """
    shape = synapse.shape
    _, inputs, height, width = shape.weight_shape
    until = np.zeros((inputs, height, width, shape.M + 1), np.int32)
    if skips_zeros:
        np.cumsum((synapse.weights() != 0).transpose(1, 2, 3, 0), axis=3, out=until[..., 1:])
    else:
        until[...] = np.arange(shape.M + 1)
    by_place = np.ascontiguousarray(core.reshape(shape.M, -1).T).astype(np.int32)
    starts = np.zeros(shape.C * shape.H * shape.W + 1, np.int64)
    found, counts = connect(
        until, Windows.of(shape), (shape.C, shape.H, shape.W), shape.groups, _runs(by_place), cores, starts
    )
    return FanOut(starts, found.astype(np.int64), counts.astype(np.int64))


class Runs(NamedTuple):
    """Output channels of the same place that are on the same core and follow each other.

    first: int64 (places + 1,), the first run of each place. stop: int32 (runs,), the channel behind each. core: int32
    (runs,).
    """

    first: Int64
    stop: Int32
    core: Int32


def _runs(by_place: Int32) -> Runs:
    """The runs of cores, int32 (places, M)."""
    last = np.ones(by_place.shape, bool)
    last[:, :-1] = by_place[:, 1:] != by_place[:, :-1]
    place, channel = np.nonzero(last)
    first = np.searchsorted(place, np.arange(len(by_place) + 1)).astype(np.int64)
    return Runs(first, (channel + 1).astype(np.int32), by_place[last])


def one_to_one(core: Int64) -> FanOut:
    """What values reach that are added to the neurons at their own places: one synapse each."""
    count = len(core)
    return FanOut(np.arange(count + 1, dtype=np.int64), core, np.ones(count, np.int64))


def merged(tables: Iterable[FanOut], cores: int) -> FanOut:
    """One table of all: entries of the same neuron and core are one, with the synapses of both."""
    parts = list(tables)
    if len(parts) == 1:
        return parts[0]
    keys = np.concatenate([part.senders() * cores + part.cores for part in parts])
    found, entry = np.unique(keys, return_inverse=True)
    synapses = np.zeros(len(found), np.int64)
    np.add.at(synapses, entry, np.concatenate([part.synapses for part in parts]))
    starts = np.searchsorted(found // cores, np.arange(parts[0].neurons + 1)).astype(np.int64)
    return FanOut(starts, found % cores, synapses)


def scaled(table: FanOut, factor: int) -> FanOut:
    """The same table, each synapse counted `factor` times."""
    return FanOut(table.starts, table.cores, table.synapses * factor)


@kernel
def connect(
    until: Int32,
    windows: Windows,
    input_shape: tuple[int, int, int],
    groups: int,
    runs: Runs,
    cores: int,
    starts_out: Int64,
) -> tuple[Int32, Int32]:
    """The cores that each value (C, H, W) reaches, ascending, and its synapses there, both int32 (entries,).

    until: int32 (C / groups, R, S, M + 1), synapses to output channels ahead of each. starts_out: int64 (C x H x W +
    1,), all zeros.
    """
    rows, columns = windows.rows, windows.columns
    channels, height, width = input_shape
    group_inputs = channels // groups
    group_outputs = (until.shape[3] - 1) // groups
    on_core = np.zeros(cores, np.int32)
    reached = np.zeros(cores, np.int32)
    cores_found, counts_found = np.empty(FIRST_ROOM, np.int32), np.empty(FIRST_ROOM, np.int32)
    entries = 0
    value = 0
    for c in range(channels):
        begin = c // group_inputs * group_outputs
        end = begin + group_outputs
        for h in range(height):
            for w in range(width):
                many = 0
                for r in range(rows.taps):
                    p, off_row = divmod(h + rows.padding - r * rows.dilation, rows.stride)
                    if off_row != 0 or p < 0 or p >= rows.outputs:
                        continue
                    for s in range(columns.taps):
                        q, off_column = divmod(w + columns.padding - s * columns.dilation, columns.stride)
                        if off_column != 0 or q < 0 or q >= columns.outputs:
                            continue
                        own, place, here = until[c % group_inputs, r, s], p * columns.outputs + q, begin
                        for run in range(runs.first[place], runs.first[place + 1]):
                            stop = min(runs.stop[run], end)
                            count = own[stop] - own[here] if stop > here else 0
                            here = max(here, stop)
                            if count > 0:
                                there = runs.core[run]
                                if on_core[there] == 0:
                                    reached[many] = there
                                    many += 1
                                on_core[there] += count
                while entries + many > len(cores_found):
                    cores_found = np.concatenate((cores_found, np.empty_like(cores_found)))
                    counts_found = np.concatenate((counts_found, np.empty_like(counts_found)))
                reached[:many].sort()
                for i in range(many):
                    cores_found[entries + i] = reached[i]
                    counts_found[entries + i] = on_core[reached[i]]
                    on_core[reached[i]] = 0
                entries += many
                value += 1
                starts_out[value] = entries
    return cores_found[:entries].copy(), counts_found[:entries].copy()


@kernel
def deliver(
    values: Int64, starts: Int64, cores: Int64, synapses: Int64, spikes_out: Int64, synapses_out: Int64
) -> None:
    """Add what a timestep's values bring to every core: spikes that arrive, and synapses that they pass.

    values: int64 (n,), as many spikes each. spikes_out, synapses_out: int64 (cores,).
    """
    for neuron in range(len(values)):
        if values[neuron] != 0:
            for entry in range(starts[neuron], starts[neuron + 1]):
                spikes_out[cores[entry]] += values[neuron]
                synapses_out[cores[entry]] += values[neuron] * synapses[entry]
