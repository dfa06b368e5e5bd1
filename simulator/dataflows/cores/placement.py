"""Neurons on cores, by the rule of the machine file or as it says of single populations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork
from spikecycle.simulator.dataflows.cores.schema import CorePlacement, NeuronOrder, PopulationPlacement
from spikecycle.simulator.dataflows.stage import Network
from spikecycle.simulator.errors import MappingError


@dataclass(frozen=True, eq=False)
class Placement:
    """Where all neurons are.

    cores: cores in use, from 0 on. core: int64 (M x P x Q,), by the tensor that the neurons make, flat. number: int64
    (M, P, Q), by the same tensor: the number of a neuron on the chip, counted core by core, on a core in the order in
    which they were placed. first_neuron: int64 (cores + 1,), number of each core's first neuron.
    """

    cores: int
    core: dict[str, Int64]
    number: dict[str, Int64]
    first_neuron: Int64

    @property
    def neurons(self) -> Int64:
        """Neurons on each core, int64 (cores,)."""
        return np.diff(self.first_neuron)


def refuse_unknown(machine: str, key: str, named: Iterable[str], known: Iterable[str], what: str) -> None:
    """MappingError, naming the key, where a machine file names parts of a network that the network does not have."""
    there = list(known)
    unknown = sorted(set(named) - set(there))
    if unknown:
        raise MappingError(
            f"machine {machine!r}: {key}.{unknown[0]}: the network has no such {what}, there are: {', '.join(there)}"
        )


def place(
    chip: ChipNetwork, network: Network, rule: CorePlacement, machine: str, inputs_too: bool = False
) -> Placement:
    """All populations of a network on cores; inputs_too: also what enters it, as neurons that do nothing but fire.

    Raises MappingError for placements of populations that there are not, for a core that is given more neurons than it
    holds, and where the cores do not suffice.
    """
    named = {population.output.name: population.name for population in chip.populations}
    if inputs_too:
        named = {**{name: name for name in chip.external}, **named}
    refuse_unknown(machine, "dataflow.mapping.populations", rule.populations, named.values(), "population")
    core: dict[str, Int64] = {}
    orders: dict[str, Int64] = {}
    free = 0
    for tensor, name in named.items():
        own = rule.populations.get(name, PopulationPlacement())
        most = own.neurons_per_core or rule.neurons_per_core
        if most > rule.neurons_per_core:
            raise MappingError(
                f"machine {machine!r}: dataflow.mapping.populations.{name}.neurons_per_core: found {most}, a core has "
                f"room for {rule.neurons_per_core}"
            )
        shape = network.tensors[tensor].spec.shape
        orders[tensor] = _ranks(shape, own.order or rule.order)
        first = free if own.first_core is None else own.first_core
        core[tensor] = first + orders[tensor] // most
        free = max(free, int(core[tensor].max()) + 1)
    if free > rule.cores:
        raise MappingError(
            f"machine {machine!r}: the network needs {free} cores of {rule.neurons_per_core} neurons, there are "
            f"{rule.cores} (dataflow.mapping.cores)"
        )
    every_core = np.concatenate(list(core.values()))
    on_core = np.bincount(every_core, minlength=free)
    if on_core.max(initial=0) > rule.neurons_per_core:
        fullest = int(on_core.argmax())
        raise MappingError(
            f"machine {machine!r}: dataflow.mapping.populations puts {on_core[fullest]} neurons on core {fullest}, "
            f"which has room for {rule.neurons_per_core}"
        )
    return Placement(free, core, _numbers(core, orders, network), np.concatenate([[0], np.cumsum(on_core)]))


def _ranks(shape: tuple[int, int, int], order: NeuronOrder) -> Int64:
    """When each neuron of a population is placed, int64 (M x P x Q,), flat."""
    ranks = np.arange(int(np.prod(shape)), dtype=np.int64)
    if order == "channel":
        return ranks
    channels, rows, columns = shape
    return np.ascontiguousarray(ranks.reshape(rows, columns, channels).transpose(2, 0, 1)).reshape(-1)


def _numbers(core: dict[str, Int64], orders: dict[str, Int64], network: Network) -> dict[str, Int64]:
    """The number of every neuron on the chip."""
    place = np.concatenate([np.full(len(cores), index) for index, cores in enumerate(core.values())])
    order = np.lexsort((np.concatenate(list(orders.values())), place, np.concatenate(list(core.values()))))
    numbers = np.empty(len(order), np.int64)
    numbers[order] = np.arange(len(order))
    ends = np.cumsum([len(cores) for cores in core.values()])
    parts = np.split(numbers, ends[:-1])
    return {name: part.reshape(network.tensors[name].spec.shape) for name, part in zip(core, parts, strict=True)}
