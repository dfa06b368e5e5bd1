"""The spikes of a timestep of the chip, in the order of the neurons that send them, and whom they reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, Integers
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

    def sort(self, spiking: Int64) -> tuple[Int32, Int64]:
        """The senders of some values, ascending, and the values in that order."""
        senders = self.senders[spiking]
        if self.ascends:
            return senders, spiking
        if self.values is None:
            order = np.argsort(senders, kind="stable")
            return senders[order], spiking[order]
        senders.sort()
        return senders, self.values[senders - self._first].astype(np.int64)

    @cached_property
    def _first(self) -> int:
        return int(self.senders.min())

    @cached_property
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

    def alike(self, values: Int64) -> Int64:
        """The values of which `targets` tells instead of others."""
        return values if len(self.order.senders) == self.targets.values else values % self.targets.values


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

    in_parts: whether a part of a timestep may be gone through after the other. synapses: passed until now, by kind.
    """

    tensors: Sequence[SpikeTensor]
    kept: KeptTables
    in_parts: bool
    synapses: dict[SynapseKind, int]
    _room: Reached = field(init=False)

    def __post_init__(self) -> None:
        self._room = self.kept.reached

    def of(self, values: dict[str, Integers]) -> tuple[Spikes, Iterator[SpikePart]]:
        """Of a timestep; values: (C x H x W,) of each tensor that has some now. Parts have to be gone through in turn,
        before the next timestep: entries of spikes are found for each."""
        found = [_TensorSpikes.of(tensor, values[tensor.name]) for tensor in self.tensors if tensor.name in values]
        found = [each for each in found if len(each.senders)]
        for each in found:
            for kind, passed in each.tensor.synapses.items():
                self.synapses[kind] += int(each.copies @ passed[each.alike])
        found.sort(key=lambda each: int(each.senders[0]))
        apart = all(before.senders[-1] < after.senders[0] for before, after in pairwise(found))
        if self.in_parts and apart:
            return self._in_parts(found)
        return self._at_once(found, apart)

    def _in_parts(self, found: Sequence[_TensorSpikes]) -> tuple[Spikes, Iterator[SpikePart]]:
        count = sum(len(each.senders) for each in found)
        none = np.zeros(count, np.int64)
        spikes = Spikes(
            _joined([each.senders for each in found]), _joined([each.copies for each in found]), none, none.copy()
        )
        return spikes, self._parts(found, spikes)

    def _parts(self, found: Sequence[_TensorSpikes], spikes: Spikes) -> Iterator[SpikePart]:
        begin = 0
        for each in found:
            starts = self.kept.starts.get(each.tensor.name)
            together = each.tensor.targets.together if starts is None else len(each.alike)
            for first in range(0, len(each.alike), together):
                some = each.alike[first : first + together]
                stop = begin + len(some)
                if starts is None:
                    table = each.tensor.targets.of(some)
                    spikes.first[begin:stop], spikes.stop[begin:stop] = table.starts[:-1], table.starts[1:]
                    yield SpikePart(begin, stop, Reached(table.cores, table.synapses))
                else:
                    spikes.first[begin:stop], spikes.stop[begin:stop] = starts[some], starts[some + 1]
                    yield SpikePart(begin, stop, self.kept.reached)
                begin = stop
        if not begin:
            yield SpikePart(0, 0, self.kept.reached)

    def _at_once(self, found: Sequence[_TensorSpikes], apart: bool) -> tuple[Spikes, Iterator[SpikePart]]:
        first, stop, tables = [], [], []
        begin = len(self.kept.reached.cores)
        for each in found:
            starts = self.kept.starts.get(each.tensor.name)
            if starts is not None:
                first.append(starts[each.alike])
                stop.append(starts[each.alike + 1])
                continue
            table = each.tensor.targets.of(each.alike)
            first.append(table.starts[:-1] + begin)
            stop.append(table.starts[1:] + begin)
            begin += len(table.cores)
            tables.append(table)
        spikes = Spikes(
            _joined([each.senders for each in found]), _joined([each.copies for each in found]), _joined(first),
            _joined(stop),
        )  # fmt: skip
        if not apart:
            order = np.argsort(spikes.senders, kind="stable")
            spikes = Spikes(*(part[order] for part in spikes))
        reach = spikes.stop > spikes.first
        if not reach.all():
            spikes = Spikes(*(part[reach] for part in spikes))
        return spikes, iter([SpikePart(0, len(spikes.senders), self._with(tables, begin))])

    def _with(self, tables: Sequence[FanOut], size: int) -> Reached:
        """The entries that are kept, and those of some tables behind them, `size` in all."""
        kept = len(self.kept.reached.cores)
        if size > len(self._room.cores):
            self._room = Reached(np.empty(size, np.int32), np.empty(size, np.int64))
            self._room.cores[:kept], self._room.cycles[:kept] = self.kept.reached
        begin = kept
        for table in tables:
            here = slice(begin, begin + len(table.cores))
            self._room.cores[here], self._room.cycles[here] = table.cores, table.synapses
            begin = here.stop
        return self._room


@dataclass(frozen=True, eq=False)
class _TensorSpikes:
    """The spikes of a tensor in a timestep, by their senders. alike: values that reach the same as these."""

    tensor: SpikeTensor
    senders: Int32
    copies: Int64
    alike: Int64

    @classmethod
    def of(cls, tensor: SpikeTensor, values: Integers) -> _TensorSpikes:
        """Of the values (C x H x W,) of a tensor."""
        senders, spiking = tensor.order.sort(np.flatnonzero(values))
        return cls(tensor, senders, values[spiking].astype(np.int64), tensor.alike(spiking))


def _joined(parts: Sequence[Integers]) -> Int64:
    """One array, int64, of several."""
    return np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64, copy=False)
