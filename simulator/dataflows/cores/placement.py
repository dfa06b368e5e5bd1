"""Neurons on cores, by the rule of the machine file or as it says of single populations.

Neurons are placed in an order that follows from their coordinates, so many to a core: where one is, is arithmetic, and
no list of neurons is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork
from spikecycle.simulator.dataflows.cores.schema import CorePlacement, NeuronOrder, PopulationPlacement
from spikecycle.simulator.dataflows.stage import Network
from spikecycle.simulator.errors import MappingError
from spikecycle.suggestions import known_names


class CoreRanks(NamedTuple):
    """Where the neurons of a population are, as kernels take it.

    A neuron's rank, when it is placed, is channel x channel_rank + place x place_rank, a place being row x columns +
    column. The first `per_core` ranks are on core `first_core`, the next ones on the next. cores: in use.
    """

    channels: int
    places: int
    channel_rank: int
    place_rank: int
    per_core: int
    first_core: int
    cores: int

    @classmethod
    def of(cls, shape: tuple[int, int, int], order: NeuronOrder, per_core: int, first_core: int) -> CoreRanks:
        """Those of a population (M, P, Q)."""
        channels, places = shape[0], shape[1] * shape[2]
        channel_rank, place_rank = (1, channels) if order == "position" else (places, 1)
        cores = -(-channels * places // per_core)
        return cls(channels, places, channel_rank, place_rank, per_core, first_core, cores)

    @property
    def neurons(self) -> int:
        """Neurons of the population."""
        return self.channels * self.places

    @property
    def end(self) -> int:
        """The core behind the last one."""
        return self.first_core + self.cores

    def core_of(self, neurons: Int64) -> Int64:
        """The cores of neurons by their flat index (channel, place), int64."""
        channel, place = np.divmod(neurons, self.places)
        ranks: Int64 = channel * self.channel_rank + place * self.place_rank
        return self.first_core + ranks // self.per_core

    def on_core(self, number: int) -> int:
        """Neurons on the core of that number, counted from the first one of the population."""
        return max(0, min(self.per_core, self.neurons - number * self.per_core))


@dataclass(frozen=True, eq=False)
class Placement:
    """Where all neurons are.

    cores: in use, from 0 on. ranks: by the tensor that the neurons make, in the order in which they are placed.
    """

    cores: int
    ranks: Mapping[str, CoreRanks]
    _shapes: Mapping[str, tuple[int, int, int]]

    @property
    def neurons(self) -> Int64:
        """Neurons on each core, int64 (cores,)."""
        return np.diff(self.first_neuron)

    @cached_property
    def first_neuron(self) -> Int64:
        """int64 (cores + 1,), the number of each core's first neuron: neurons are counted core by core."""
        on_core = np.zeros(self.cores, np.int64)
        for ranks in self.ranks.values():
            on_core[ranks.first_core : ranks.end] += _on_cores(ranks)
        return np.concatenate([[0], np.cumsum(on_core)])

    @cached_property
    def numbers_by_rank(self) -> dict[str, slice | Int64]:
        """By tensor, the number of each neuron on the chip, int64 (neurons,), or all of them as a slice where their
        cores are theirs alone. On a core, neurons are counted in the order in which they were placed."""
        filled = np.zeros(self.cores, np.int64)
        found: dict[str, slice | Int64] = {}
        for tensor, ranks in self.ranks.items():
            here = slice(ranks.first_core, ranks.end)
            first, count = self.first_neuron[here] + filled[here], _on_cores(ranks)
            filled[here] += count
            if (first[1:] == first[:-1] + count[:-1]).all():
                found[tensor] = slice(int(first[0]), int(first[0]) + ranks.neurons)
            else:
                numbers = np.arange(ranks.neurons, dtype=np.int64)
                found[tensor] = numbers + np.repeat(first - np.arange(ranks.cores) * ranks.per_core, count)
        return found

    @property
    def numbers(self) -> Mapping[str, Int64]:
        """The number of every neuron on the chip, int64 (M, P, Q), by the tensor that the neurons make."""
        return _Numbers(self)

    def in_order(self, tensor: str, values: np.ndarray) -> np.ndarray:
        """Values of the neurons that make a tensor, (M, P, Q), in the order in which they were placed, (neurons,)."""
        by_place = self.ranks[tensor].channel_rank == 1
        return (values.transpose(1, 2, 0) if by_place else values).reshape(-1)

    def as_map(self, tensor: str, values: Int64) -> Int64:
        """The other way round."""
        channels, rows, columns = self._shapes[tensor]
        if self.ranks[tensor].channel_rank == 1:
            return values.reshape(rows, columns, channels).transpose(2, 0, 1)
        return values.reshape(channels, rows, columns)


@dataclass(frozen=True)
class _Numbers(Mapping[str, Int64]):
    """Numbers of neurons that are worked out when somebody asks: those of all populations are many."""

    placement: Placement

    def __getitem__(self, tensor: str) -> Int64:
        numbers = self.placement.numbers_by_rank[tensor]
        by_rank = np.arange(numbers.start, numbers.stop) if isinstance(numbers, slice) else numbers
        return self.placement.as_map(tensor, by_rank)

    def __iter__(self) -> Iterator[str]:
        return iter(self.placement.ranks)

    def __len__(self) -> int:
        return len(self.placement.ranks)


def refuse_unknown(machine: str, key: str, named: Iterable[str], known: Iterable[str], what: str) -> None:
    """MappingError, naming the key, where a machine file names parts of a network that the network does not have."""
    there = list(known)
    unknown = sorted(set(named) - set(there))
    if unknown:
        raise MappingError(
            f"machine {machine!r}: {key}.{unknown[0]}: the network has no such {what}"
            f"{known_names(unknown[0], there, 'there are:', '`spikecycle check TRACE`')}"
        )


def place(
    chip: ChipNetwork, network: Network, rule: CorePlacement, machine: str, inputs_too: bool = False
) -> Placement:
    """All populations of a network on cores; inputs_too: also what enters it, as neurons that do nothing but fire.

    Takes no memory to speak of, however many neurons and cores there are. Raises MappingError for placements of
    populations that there are not, for a core that is given more neurons than it holds, and where the cores do not
    suffice.
    """
    named = {population.output.name: population.name for population in chip.populations}
    if inputs_too:
        named = {**{name: name for name in chip.external}, **named}
    refuse_unknown(machine, "dataflow.mapping.populations", rule.populations, named.values(), "population")
    shapes = {tensor: network.tensors[tensor].spec.shape for tensor in named}
    found: dict[str, CoreRanks] = {}
    free = 0
    for tensor, name in named.items():
        own = rule.populations.get(name, PopulationPlacement())
        most = own.neurons_per_core or rule.neurons_per_core
        if most > rule.neurons_per_core:
            raise MappingError(
                f"machine {machine!r}: dataflow.mapping.populations.{name}.neurons_per_core: found {most}, a core has "
                f"room for {rule.neurons_per_core}"
            )
        first = free if own.first_core is None else own.first_core
        found[tensor] = CoreRanks.of(shapes[tensor], own.order or rule.order, most, first)
        free = max(free, found[tensor].end)
    if free > rule.cores:
        raise MappingError(
            f"machine {machine!r}: the network needs {free} cores of {rule.neurons_per_core} neurons, there are "
            f"{rule.cores} (dataflow.mapping.cores)"
        )
    most, fullest = _fullest(list(found.values()))
    if most > rule.neurons_per_core:
        raise MappingError(
            f"machine {machine!r}: dataflow.mapping.populations puts {most} neurons on core {fullest}, which has room "
            f"for {rule.neurons_per_core}"
        )
    return Placement(free, found, shapes)


def _on_cores(ranks: CoreRanks) -> Int64:
    """Neurons of a population on each of its cores, int64 (cores,)."""
    count = np.full(ranks.cores, ranks.per_core, np.int64)
    count[-1:] = ranks.on_core(ranks.cores - 1)
    return count


def _fullest(populations: list[CoreRanks]) -> tuple[int, int]:
    """Most neurons on a core, and the first core that has so many. A core has as many as the one before, unless a
    population begins or ends there."""
    edges = {core for ranks in populations for core in (ranks.first_core, ranks.end - 1, ranks.end)}
    neurons, core = 0, 0
    for edge in sorted(edges):
        there = sum(ranks.on_core(edge - ranks.first_core) for ranks in populations if edge >= ranks.first_core)
        neurons, core = (there, edge) if there > neurons else (neurons, core)
    return neurons, core
