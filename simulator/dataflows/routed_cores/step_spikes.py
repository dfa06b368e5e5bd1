"""The spikes of a timestep of the chip, in the order of the neurons that send them, and whom they reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, Integers
from spikecycle.simulator.computed_once import computed_once
from spikecycle.simulator.dataflows.cores.fan_out import FanOut, SpikeTargets, joined
from spikecycle.simulator.dataflows.routed_cores.machine import SynapseKind
from spikecycle.simulator.dataflows.routed_cores.mesh import Reached, Spikes


@dataclass(frozen=True, eq=False)
class SenderOrder:
    """The values of a tensor by the neurons that send them, of equals by their own numbers.

    senders: int32 (n,), of each value. values: int32 (n,), the value that each neuron sends, from the first one on,
    where each sends one; None where senders ascend, or where several values have the same.
    """

    senders: Int32
    values: Int32 | None
    ascends: bool

    @classmethod
    def of(cls, senders: Int64) -> SenderOrder:
        """Of the sender of each value."""
        narrow = senders.astype(np.int32)
        if (narrow[1:] >= narrow[:-1]).all():
            return cls(narrow, None, True)
        first, last = int(narrow.min()), int(narrow.max())
        if last - first + 1 == len(narrow):
            values = np.full(len(narrow), -1, np.int32)
            values[narrow - first] = np.arange(len(narrow), dtype=np.int32)
            if values.min() >= 0:
                return cls(narrow, values, False)
        return cls(narrow, None, False)

    def sort(self, spiking: Int32) -> tuple[Int32, Int32]:
        """The senders of some values, ascending, and the values in that order."""
        senders = self.senders[spiking]
        if self.ascends:
            return senders, spiking
        if self.values is None:
            order = np.argsort(senders, kind="stable")
            return senders[order], spiking[order]
        senders.sort()
        return senders, self.values[senders - self._first]

    @computed_once
    def _first(self) -> int:
        return int(self.senders.min())

    @computed_once
    def ends(self) -> tuple[int, int]:
        """The first and the last sender."""
        return self._first, int(self.senders.max())


@dataclass(frozen=True, eq=False)
class SpikeTensor:
    """What the values of one tensor send, whoever takes it.

    order: the neuron of each value. targets: whom each reaches, over all populations, and cycles of the receiving core
    for all synapses there; of the first values only, where those of all channels reach the same: value v is as
    v modulo their number. synapses: int64 by kind, those that a spike of these passes on all cores. behind: timesteps
    of the chip that it is behind the sample. most_messages: of a spike.
    """

    name: str
    order: SenderOrder
    targets: SpikeTargets
    synapses: dict[SynapseKind, Int64]
    behind: int
    most_messages: int

    @property
    def repeats(self) -> bool:
        """Whether several values reach the same."""
        return len(self.order.senders) > self.targets.values

    def alike(self, values: Int32) -> Int32:
        """The values of which `targets` tells instead of others."""
        return values % np.int32(self.targets.values) if self.repeats else values


class SpikePart(NamedTuple):
    """Spikes from `first` to `stop` - 1 of a timestep, and what they reach."""

    first: int
    stop: int
    reached: Reached


@dataclass(frozen=True, eq=False)
class KeptTables:
    """The entries of all tensors whose tables are kept, and where those of each begin."""

    reached: Reached
    starts: dict[str, Int64]

    @classmethod
    def of(cls, tensors: Sequence[SpikeTensor]) -> KeptTables:
        """Those of some tensors."""
        tables = {tensor.name: tensor.targets.kept for tensor in tensors if tensor.targets.kept is not None}
        if not tables:
            return cls(Reached(np.zeros(0, np.int32), np.zeros(0, np.int64)), {})
        together = joined(list(tables.values()))
        behind = np.cumsum([0, *(len(table.cores) for table in tables.values())])
        starts = {name: table.starts + begin for (name, table), begin in zip(tables.items(), behind, strict=False)}
        return cls(Reached(together.cores, together.synapses), starts)


@dataclass(eq=False)
class StepSpikes:
    """Spikes of one sample, timestep by timestep.

    in_parts: whether a part of a timestep may be gone through after the other, so that entries of all are never there
    at once. synapses: passed until now, by kind.
    """

    tensors: Sequence[SpikeTensor]
    kept: KeptTables
    in_parts: bool
    synapses: dict[SynapseKind, int]
    _room: Reached = field(init=False)

    def __post_init__(self) -> None:
        self._room = self.kept.reached

    def of(self, values: Mapping[str, Integers]) -> tuple[Spikes, Iterator[SpikePart]]:
        """Of a timestep; values: (C x H x W,) of each tensor that has some now. Parts have to be gone through in turn,
        before the next timestep: entries of spikes are found for each."""
        found = [_TensorSpikes.of(tensor, values[tensor.name]) for tensor in self.tensors if tensor.name in values]
        found = sorted((each for each in found if len(each.senders)), key=lambda each: int(each.senders[0]))
        for each in found:
            for kind, passed in each.tensor.synapses.items():
                self.synapses[kind] += int(each.copies.astype(np.int64) @ passed[each.alike])
        ends = np.cumsum([0, *(len(each.senders) for each in found)])
        count = int(ends[-1])
        spikes = Spikes(
            _joined([each.senders for each in found]), _joined([each.copies for each in found]),
            np.zeros(count, np.int64), np.zeros(count, np.int32),
        )  # fmt: skip
        placed = [
            _Placed(each.tensor, each.alike, begin) for each, begin in zip(found, ends[:-1].tolist(), strict=True)
        ]
        if any(before.senders[-1] >= after.senders[0] for before, after in pairwise(found)):
            order = np.argsort(spikes.senders, kind="stable")
            spikes = Spikes(spikes.senders[order], spikes.copies[order], spikes.first, spikes.entries)
            places = np.empty(count, np.int32)
            places[order] = np.arange(count, dtype=np.int32)
            placed = [each.at(places) for each in placed]
        if self.in_parts:
            return spikes, self._parts(placed, spikes)
        reached = self._reached(placed, spikes, 0, count)
        reach = spikes.entries > 0
        if not reach.all():
            spikes = Spikes(spikes.senders[reach], spikes.copies[reach], spikes.first[reach], spikes.entries[reach])
        return spikes, iter([SpikePart(0, len(spikes.senders), reached)])

    def _parts(self, found: Sequence[_Placed], spikes: Spikes) -> Iterator[SpikePart]:
        count = len(spikes.senders)
        passing = [each.tensor.targets.together for each in found if each.tensor.targets.kept is None]
        together = min(passing, default=max(1, count))
        for first in range(0, max(1, count), together):
            stop = min(first + together, count)
            yield SpikePart(first, stop, self._reached(found, spikes, first, stop))

    def _reached(self, found: Sequence[_Placed], spikes: Spikes, first: int, stop: int) -> Reached:
        """What the spikes from `first` to `stop` - 1 reach; says of each where its entries are."""
        tables: list[FanOut] = []
        begin = len(self.kept.reached.cores)
        for each in found:
            here, alike = each.between(first, stop)
            starts = self.kept.starts.get(each.tensor.name)
            if starts is not None:
                spikes.first[here] = starts[alike]
                spikes.entries[here] = starts[alike + 1] - starts[alike]
            elif len(alike):
                apart, which = np.unique(alike, return_inverse=True) if each.tensor.repeats else (alike, slice(None))
                table = each.tensor.targets.of(apart.astype(np.int64))
                spikes.first[here] = table.starts[:-1][which] + begin
                spikes.entries[here] = np.diff(table.starts)[which]
                begin += len(table.cores)
                tables.append(table)
        return self._with(tables, begin)

    def _with(self, tables: Sequence[FanOut], size: int) -> Reached:
        """The entries that are kept, and those of some tables behind them, `size` in all."""
        begin = len(self.kept.reached.cores)
        if size > len(self._room.cores):
            self._room = Reached(np.empty(size, np.int32), np.empty(size, np.int64))
            self._room.cores[:begin], self._room.cycles[:begin] = self.kept.reached
        for table in tables:
            here = slice(begin, begin + len(table.cores))
            self._room.cores[here], self._room.cycles[here] = table.cores, table.synapses
            begin = here.stop
        return self._room


@dataclass(frozen=True, eq=False)
class _TensorSpikes:
    """The spikes of a tensor in a timestep, by their senders, int32 (n,) each. alike: values that reach the same as
    these."""

    tensor: SpikeTensor
    senders: Int32
    copies: Int32
    alike: Int32

    @classmethod
    def of(cls, tensor: SpikeTensor, values: Integers) -> _TensorSpikes:
        """Of the values (C x H x W,) of a tensor."""
        senders, spiking = tensor.order.sort(np.flatnonzero(values).astype(np.int32))
        return cls(tensor, senders, values[spiking].astype(np.int32), tensor.alike(spiking))


@dataclass(frozen=True, eq=False)
class _Placed:
    """What the spikes of a tensor reach the same as, and where they are among those of the timestep: from `begin` on,
    or at `places`, ascending."""

    tensor: SpikeTensor
    alike: Int32
    begin: int
    places: Int32 | None = None

    def at(self, places: Int32) -> _Placed:
        """The same at other places, where `places` says for all of the timestep."""
        return replace(self, places=places[self.begin : self.begin + len(self.alike)])

    def between(self, first: int, stop: int) -> tuple[slice | Int32, Int32]:
        """Those of the spikes from `first` to `stop` - 1 of the timestep: where they are, and `alike`."""
        if self.places is not None:
            some = slice(*np.searchsorted(self.places, (first, stop)).tolist())
            return self.places[some], self.alike[some]
        here = slice(max(first, self.begin), max(first, min(stop, self.begin + len(self.alike))))
        return here, self.alike[max(0, here.start - self.begin) : max(0, here.stop - self.begin)]


def _joined(parts: Sequence[Int32]) -> Int32:
    """One array of several."""
    return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.int32), *parts])
