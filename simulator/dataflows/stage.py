"""Stages: the operators of a network that a dataflow runs together, and what it sees of one sample of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from spikecycle.simulator.array_types import Integers, UInt8, UInt16
from spikecycle.simulator.replay import SampleTensors
from spikecycle.simulator.workload import SynapseWorkload
from spikecycle.traces import Operator, Population, Source, Synapse, Tensor


class Network(Protocol):
    """The graph that is simulated; an open `spikecycle.traces.Trace` is one."""

    @property
    def version(self) -> int:
        """Version of the trace format; 1 has layers that nothing joins."""

    @property
    def timesteps(self) -> int:
        """T, of every sample."""

    @property
    def operators(self) -> tuple[Operator, ...]:
        """All operators, producers before consumers (edges of delay 1 do not count)."""

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name."""


@dataclass(frozen=True, eq=False)
class Stage:
    """Operators that a machine runs together.

    name: for results and messages. operators: producers before consumers.
    """

    name: str
    operators: tuple[Operator, ...]

    @property
    def produced(self) -> frozenset[str]:
        """Names of the tensors that the stage makes."""
        return frozenset(operator.output.name for operator in self.operators)

    @property
    def consumed(self) -> tuple[str, ...]:
        """Names of the tensors that the stage takes from elsewhere, or from itself a timestep earlier."""
        sources = (source for operator in self.operators for source in operator.inputs)
        outside = (source.tensor for source in sources if source.delay or source.tensor not in self.produced)
        return tuple(dict.fromkeys(outside))

    def synapses(self) -> Iterator[Synapse]:
        """The operators that have weights."""
        return (operator for operator in self.operators if isinstance(operator, Synapse))


def one_by_one(network: Network) -> list[Stage]:
    """Every operator is a stage of its own."""
    return [Stage(operator.name, (operator,)) for operator in network.operators]


def layers(network: Network) -> list[Stage]:
    """Every population of neurons together with the synapses that feed nothing else; other operators one by one.

    A layer with one synapse has the synapse's name, one with several has the population's.
    """
    consumers = _consumers(network.operators)
    producers = {operator.output.name: operator for operator in network.operators}
    joined: dict[str, tuple[Synapse, ...]] = {}
    for operator in network.operators:
        if isinstance(operator, Population):
            made_by = (producers.get(source.tensor) for source in operator.inputs if not source.delay)
            joined[operator.name] = tuple(
                synapse
                for synapse in made_by
                if isinstance(synapse, Synapse) and consumers[synapse.output.name] == [operator.name]
            )
    inside = {synapse.name for synapses in joined.values() for synapse in synapses}
    stages = []
    for operator in network.operators:
        if operator.name not in inside:
            synapses = joined.get(operator.name, ())
            name = synapses[0].name if len(synapses) == 1 and len(operator.inputs) == 1 else operator.name
            stages.append(Stage(name, (*synapses, operator)))
    return stages


def edges(stages: Sequence[Stage], network: Network) -> list[tuple[int, int]]:
    """(producer, consumer) for every stage that takes, in the same timestep, what another one makes.

    Operators of the network that are in no stage (they cost nothing) pass on what they take.
    """
    maker = {name: index for index, stage in enumerate(stages) for name in stage.produced}
    made_by = {operator.output.name: operator for operator in network.operators}

    def makers(tensor: str) -> Iterator[int]:
        if tensor in maker:
            yield maker[tensor]
        elif tensor in made_by:
            for source in made_by[tensor].inputs:
                if not source.delay:
                    yield from makers(source.tensor)

    found = {
        (producer, index)
        for index, stage in enumerate(stages)
        for operator in stage.operators
        for source in operator.inputs
        if not source.delay
        for producer in makers(source.tensor)
        if producer != index
    }
    return sorted(found)


def _consumers(operators: Sequence[Operator]) -> dict[str, list[str]]:
    """Names of the operators that take a tensor, by tensor."""
    consumers: dict[str, list[str]] = {operator.output.name: [] for operator in operators}
    for operator in operators:
        for source in operator.inputs:
            consumers.setdefault(source.tensor, []).append(operator.name)
    return consumers


@dataclass(frozen=True)
class OnChip:
    """What a stage finds and leaves on chip, so that it does not move it.

    weights: whether the weights were loaded by an earlier inference. tensors: names of the tensors that stay on chip
    between the stage that makes them and those that take them.
    """

    weights: bool = False
    tensors: frozenset[str] = frozenset()


@dataclass(eq=False)
class StageSample:
    """One sample of a stage: the values of its tensors, the workload of its synapses, and what is on chip already."""

    stage: Stage
    tensors: SampleTensors
    on_chip: OnChip = OnChip()
    _workloads: dict[str, SynapseWorkload] = field(default_factory=dict)

    def values(self, tensor: str) -> Integers:
        """Values of a tensor, integers (T, C, H, W): as recorded, or recomputed where they were not."""
        return self.tensors.values(tensor)

    def source(self, source: Source) -> Integers:
        """What an operator takes, integers (T, C, H, W): the tensor, moved on by its delay (zeros before the start)."""
        return self.tensors.source(source)

    def workload(self, synapse: Synapse) -> SynapseWorkload:
        """What follows from the synapse's weights and from the spikes of this sample."""
        if synapse.name not in self._workloads:
            (source,) = synapse.inputs
            inputs = self.source(source)
            self._workloads[synapse.name] = SynapseWorkload(
                synapse.shape,
                cast("UInt8 | UInt16", inputs.reshape(len(inputs), *synapse.shape.input_shape)),
                self.tensors.spec(source.tensor).bits,
                synapse.weights(),
                synapse.weight_bits,
            )
        return self._workloads[synapse.name]
