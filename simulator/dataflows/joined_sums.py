"""Sums of currents as inputs of the neurons that take them: one network, written in two ways.

A population adds up its inputs, so that currents that are added first and then go to one population, and to nothing
else, are its inputs as well. Machines that run layers, whose synapses feed neurons and nothing else, run residual sums
this way. What the neurons do is the same: the sum is exact in either case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from spikecycle.simulator.dataflows.stage import Network
from spikecycle.traces import Add, Operator, Population, Source, Synapse, Tensor
from spikecycle.traces.schema import MAX_INPUTS


@dataclass(frozen=True, eq=False)
class JoinedNetwork:
    """The network without those sums, for what looks at operators alone."""

    version: int
    timesteps: int
    operators: tuple[Operator, ...]
    tensors: dict[str, Tensor]

    @classmethod
    def of(cls, network: Network) -> JoinedNetwork:
        """The network in this way."""
        return cls(network.version, network.timesteps, joined_operators(network), network.tensors)


def joined_operators(network: Network) -> tuple[Operator, ...]:
    """The operators, each sum of currents that only one population takes as inputs of that population."""
    made = {operator.output.name: operator for operator in network.operators}
    takers = Counter(source.tensor for operator in network.operators for source in operator.inputs)
    joined: set[str] = set()
    operators: list[Operator] = []
    for operator in network.operators:
        if isinstance(operator, Population):
            sources: list[Source] = []
            sums: list[str] = []
            for source in operator.inputs:
                sources += _parts(source, made, takers, sums)
            if sums and len(sources) <= MAX_INPUTS:
                joined.update(sums)
                operator = replace(operator, inputs=tuple(sources))
        operators.append(operator)
    return tuple(operator for operator in operators if operator.output.name not in joined)


def _parts(source: Source, made: Mapping[str, Operator], takers: Counter[str], sums: list[str]) -> list[Source]:
    """What is added up to a source; the source itself where it is no such sum. sums: tensors that are taken apart."""
    operator = made.get(source.tensor)
    if not isinstance(operator, Add) or not _is_of_currents(source, made, takers):
        return [source]
    sums.append(source.tensor)
    return [part for each in operator.inputs for part in _parts(each, made, takers, sums)]


def _is_of_currents(source: Source, made: Mapping[str, Operator], takers: Counter[str]) -> bool:
    """Whether a source is a current, or a sum of nothing but currents, that nothing else takes."""
    operator = made.get(source.tensor)
    if source.delay or takers[source.tensor] != 1:
        return False
    if isinstance(operator, Add):
        return all(_is_of_currents(each, made, takers) for each in operator.inputs)
    return isinstance(operator, Synapse)
