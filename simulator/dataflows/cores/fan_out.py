"""Whom a spike reaches: the cores, and the synapses there, worked out for some neurons at a time.

What all neurons of a network reach can be many times what the network and its spikes take: each of hundreds of
thousands of neurons may reach hundreds of cores. But it follows from geometry, from where neurons are placed, and from
which weights are 0; so it is worked out for those neurons that fire, when they do, and kept only where it is little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt8
from spikecycle.simulator.dataflows.cores.placement import CoreRanks
from spikecycle.simulator.jit import kernel

ENTRIES_AT_ONCE = 2**19
"""Entries that are worked out together at most, if they are those of several neurons."""
KEPT_ENTRIES = 2**20
"""Entries of all tables that are kept at most."""
ENTRY_BYTES = 12
"""Of an entry: its core, and synapses."""


@dataclass(frozen=True, eq=False)
class FanOut:
    """Entries of some neurons, one for each core that a neuron reaches, cores ascending.

    starts: int64 (n + 1,), a neuron's first entry. cores: int32 (entries,). synapses: int64 (entries,), those on the
    core that the spike passes.
    """

    starts: Int64
    cores: Int32
    synapses: Int64

    def senders(self) -> Int64:
        """The neuron of each entry, int64 (entries,)."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def passed(self) -> Int64:
        """Synapses that a spike of each neuron passes, int64 (n,)."""
        until: Int64 = np.concatenate([[0], np.cumsum(self.synapses)])
        passed: Int64 = until[self.starts[1:]] - until[self.starts[:-1]]
        return passed

    def of(self, neurons: Int64) -> FanOut:
        """Those of some of these neurons, in that order."""
        starts = np.concatenate([[0], np.cumsum(self.starts[neurons + 1] - self.starts[neurons])])
        cores, synapses = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.int64)
        pick(neurons, self.starts, self.cores, self.synapses, cores, synapses)
        return FanOut(starts, cores, synapses)


class Projection(Protocol):
    """What the values of a tensor go through to the neurons of one population."""

    @property
    def most(self) -> int:
        """Cores that a value reaches at most."""

    @property
    def different(self) -> int:
        """How many values reach different cores or synapses: value v reaches what v modulo this number does."""

    def of(self, values: Int64) -> FanOut:
        """What some values reach, by their flat indices (C, H, W)."""


@dataclass(frozen=True, eq=False)
class OneToOne:
    """Values that are added to the neurons at their own places, (M, P, Q), where these are: one synapse each."""

    ranks: CoreRanks

    @property
    def most(self) -> int:
        """One neuron."""
        return 1

    @property
    def different(self) -> int:
        """All of them."""
        return self.ranks.neurons

    def of(self, values: Int64) -> FanOut:
        """See `Projection`."""
        ones = np.ones(len(values), np.int64)
        return FanOut(np.arange(len(values) + 1), self.ranks.core_of(values).astype(np.int32), ones)


@dataclass(frozen=True, eq=False)
class SpikeTargets:
    """Whom the values of a tensor reach, of which there are `values`, through all of some projections.

    factors: what a synapse of each projection counts. kept: of all values, where it is little.
    """

    values: int
    projections: Sequence[Projection]
    factors: Sequence[int]
    cores: int
    kept: FanOut | None = None

    @property
    def together(self) -> int:
        """Values that are looked at together."""
        return max(1, ENTRIES_AT_ONCE // max(1, sum(projection.most for projection in self.projections)))

    @property
    def kept_entries(self) -> int:
        """Entries of the table that is kept."""
        return 0 if self.kept is None else len(self.kept.cores)

    def blocks(self) -> Iterator[Int64]:
        """All values, some at a time."""
        together = self.together
        return (np.arange(first, min(first + together, self.values)) for first in range(0, self.values, together))

    def looked_through(self, entries: int, look: Callable[[Int64, Sequence[FanOut], FanOut], None]) -> SpikeTargets:
        """The same with a table that is kept, if it has no more entries than that.

        look: called with all values, some at a time, with what each projection leads to, and with their entries.
        """
        tables: list[FanOut] = []
        found = 0
        for values in self.blocks():
            parts = [projection.of(values) for projection in self.projections]
            table = self._together(parts)
            look(values, parts, table)
            found += len(table.cores)
            tables = [*tables, table] if found <= entries else []
        return replace(self, kept=joined(tables)) if found <= entries else self

    def of(self, values: Int64) -> FanOut:
        """Entries of some values, ascending: where projections lead to the same core, one, with the synapses of all."""
        if self.kept is not None:
            return self.kept if len(values) == self.values else self.kept.of(values)
        return self._together([projection.of(values) for projection in self.projections])

    def _together(self, parts: Sequence[FanOut]) -> FanOut:
        return merged([scaled(*part) for part in zip(parts, self.factors, strict=True)], self.cores)


def joined(tables: Sequence[FanOut]) -> FanOut:
    """One table of the neurons of all, one after the other."""
    if len(tables) == 1:
        return tables[0]
    ends = np.cumsum([len(table.cores) for table in tables])
    starts = [table.starts[1:] + end - len(table.cores) for table, end in zip(tables, ends, strict=True)]
    return FanOut(
        np.concatenate([[0], *starts]),
        np.concatenate([table.cores for table in tables]),
        np.concatenate([table.synapses for table in tables]),
    )


def merged(parts: Sequence[FanOut], cores: int) -> FanOut:
    """One table of the same neurons: entries of the same neuron and core are one, with the synapses of both."""
    if len(parts) == 1:
        return parts[0]
    keys = np.concatenate([part.senders() * cores + part.cores for part in parts])
    found, entry = np.unique(keys, return_inverse=True)
    synapses = np.zeros(len(found), np.int64)
    np.add.at(synapses, entry, np.concatenate([part.synapses for part in parts]))
    starts = np.searchsorted(found // cores, np.arange(len(parts[0].starts))).astype(np.int64)
    return FanOut(starts, (found % cores).astype(np.int32), synapses)


def scaled(table: FanOut, factor: int) -> FanOut:
    """The same table, each synapse counted `factor` times."""
    return table if factor == 1 else FanOut(table.starts, table.cores, table.synapses * factor)


@kernel
def pick(neurons: Int64, starts: Int64, cores: Int32, synapses: Int64, cores_out: Int32, synapses_out: Int64) -> None:
    """The entries of some neurons of a table, int32 and int64 (entries,)."""
    place = 0
    for i in range(len(neurons)):
        for entry in range(starts[neurons[i]], starts[neurons[i] + 1]):
            cores_out[place] = cores[entry]
            synapses_out[place] = synapses[entry]
            place += 1


@kernel
def deliver(
    values: Int64, starts: Int64, cores: Int32, synapses: Int64, spikes_out: Int64, synapses_out: Int64
) -> None:
    """Add what the values of some timesteps bring to every core: spikes that arrive, and synapses that they pass.

    values: int64 (timesteps, n), as many spikes each, of the neurons of a table. spikes_out, synapses_out: int64
    (timesteps, cores).
    """
    for step in range(len(values)):
        for neuron in range(values.shape[1]):
            value = values[step, neuron]
            if value != 0:
                for entry in range(starts[neuron], starts[neuron + 1]):
                    spikes_out[step, cores[entry]] += value
                    synapses_out[step, cores[entry]] += value * synapses[entry]


@kernel
def count_by_core(values: UInt8, ranks: CoreRanks, counts_out: Int32) -> None:
    """Add the neurons that are not 0 in some timesteps, uint8 (timesteps, neurons) by their flat indices (channel,
    place), to int32 (timesteps, cores)."""
    for step in range(len(values)):
        for neuron in range(values.shape[1]):
            if values[step, neuron]:
                channel, place = divmod(neuron, ranks.places)
                rank = channel * ranks.channel_rank + place * ranks.place_rank
                counts_out[step, ranks.first_core + rank // ranks.per_core] += 1
