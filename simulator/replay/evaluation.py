"""One operator of a sample and those that it needs, advanced timestep by timestep from what was recorded.

Recurrence needs no special case, and memory holds one timestep of everything in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import singledispatch
from typing import Protocol

import numpy as np

from spikecycle.simulator.activity import Int64
from spikecycle.simulator.replay.kernels import Integers
from spikecycle.simulator.replay.steps import PopulationStep, SynapseStep
from spikecycle.traces import Operator, Population, Source, Synapse, Tensor, Trace


class KnownTensors(Protocol):
    """What an evaluation starts from; `SampleTensors` has it."""

    trace: Trace

    def values(self, name: str) -> Integers:
        """All timesteps (T, C, H, W) of a known tensor."""

    def tensor(self, name: str) -> Tensor:
        """What is known without values."""

    def is_known(self, name: str) -> bool:
        """Whether a tensor need not be recomputed."""

    def producer(self, name: str) -> Operator | None:
        """The operator that makes a tensor."""


class Node(Protocol):
    """An operator on its way through the timesteps."""

    sources: tuple[Source, ...]

    def step(self, inputs: Sequence[Integers]) -> Integers:
        """One timestep: what arrives, (C, H, W) per source, to the output, which the next may overwrite."""


class Evaluation:
    """Iterating advances the target, and what it needs, by a timestep and yields what they make, by tensor."""

    def __init__(self, tensors: KnownTensors, target: Operator, node: Node | None = None) -> None:
        self._tensors = tensors
        nodes = {target.name: node or start_node(target, tensors)}
        waiting = [target.name]
        while waiting:
            for source in nodes[waiting.pop()].sources:
                producer = None if tensors.is_known(source.tensor) else tensors.producer(source.tensor)
                if producer is not None and producer.name not in nodes:
                    nodes[producer.name] = start_node(producer, tensors)
                    waiting.append(producer.name)
        operators = [operator for operator in tensors.trace.operators if operator.name in nodes]
        self._nodes = [(operator.output.name, nodes[operator.name]) for operator in operators]
        self._delayed = {source.tensor for _, each in self._nodes for source in each.sources if source.delay}
        self._now: dict[str, Integers] = {}
        self._before: dict[str, Integers] = {}

    def __iter__(self) -> Iterator[dict[str, Integers]]:
        for t in range(self._tensors.trace.timesteps):
            for made, node in self._nodes:
                self._now[made] = node.step([self._value(source, t) for source in node.sources])
            yield self._now
            self._before = {name: self._now[name].copy() for name in self._delayed & self._now.keys()}

    def _value(self, source: Source, t: int) -> Integers:
        if t < source.delay:
            return np.zeros(self._tensors.tensor(source.tensor).spec.shape, np.uint8)
        if self._tensors.is_known(source.tensor):
            now: Integers = self._tensors.values(source.tensor)[t - source.delay]
            return now
        return (self._before if source.delay else self._now)[source.tensor]


class PlainNode:
    """An operator by its own semantics."""

    def __init__(self, operator: Operator) -> None:
        self.sources = operator.inputs
        self._step = operator.start()

    def step(self, inputs: Sequence[Integers]) -> Integers:
        """One timestep."""
        return self._step([values.astype(np.int64, copy=False) for values in inputs])


class SynapseNode:
    """A synaptic operator in the kernels."""

    def __init__(self, operator: Synapse, tensors: KnownTensors) -> None:
        self.sources = operator.inputs
        self._synapse = start_synapse(operator, tensors)
        self._bias = operator.bias().astype(np.int64)
        m, p, q = operator.output.shape
        self._sums: Int64 = np.empty((p, q, m), np.int64)
        self._no_flags = np.zeros((1, 1, 1), np.uint8)

    def step(self, inputs: Sequence[Integers]) -> Integers:
        """One timestep."""
        self._sums[...] = self._bias
        self._synapse.add(inputs[0], self._sums, self._no_flags, track_active=False)
        return self._sums.transpose(2, 0, 1)


class PopulationNode:
    """Neurons in the kernels, together with the synapses that feed them: their events go straight to the neurons.

    synapses: one per source that is read in place of the current it makes, None where the source arrives as it is.
    """

    def __init__(
        self, neurons: PopulationStep, sources: tuple[Source, ...], synapses: Sequence[SynapseStep | None]
    ) -> None:
        self.neurons = neurons
        self.sources = sources
        self._synapses = synapses

    def step(self, inputs: Sequence[Integers]) -> Integers:
        """One timestep."""
        neurons = self.neurons
        for synapse, values in zip(self._synapses, inputs, strict=True):
            if synapse is None:
                neurons.add(values)
            else:
                synapse.add(values, neurons.sums, neurons.flags, neurons.track_active)
        neurons.advance()
        return neurons.outputs


@singledispatch
def start_node(operator: Operator, tensors: KnownTensors) -> Node:
    """The operator before the first timestep: in the kernels if there are some for its class."""
    return PlainNode(operator)


@start_node.register
def _(operator: Synapse, tensors: KnownTensors) -> Node:
    return SynapseNode(operator, tensors)


@start_node.register
def _(operator: Population, tensors: KnownTensors) -> Node:
    return start_population(operator, tensors)


@singledispatch
def as_synapse(operator: Operator | None) -> Synapse | None:
    """The operator, if it can be replayed as part of the population that it feeds."""
    return None


@as_synapse.register
def _(operator: Synapse) -> Synapse | None:
    return operator


def start_population(operator: Population, tensors: KnownTensors, track_active: bool = False) -> PopulationNode:
    """A population before the first timestep. Currents that are not known, or of which accumulates are asked for, are
    replaced by the synapses that make them."""
    bias = np.zeros(operator.output.shape[0], np.int64)
    sources: list[Source] = []
    synapses: list[SynapseStep | None] = []
    for source in operator.inputs:
        replaced = track_active or not tensors.is_known(source.tensor)
        synapse = as_synapse(tensors.producer(source.tensor)) if replaced and not source.delay else None
        if synapse is None:
            sources.append(source)
            synapses.append(None)
        else:
            sources += synapse.inputs
            synapses.append(start_synapse(synapse, tensors))
            bias += synapse.bias()
    neurons = PopulationStep(operator.neuron, operator.output.shape, bias, track_active)
    return PopulationNode(neurons, tuple(sources), synapses)


def start_synapse(operator: Synapse, tensors: KnownTensors) -> SynapseStep:
    """The weights of a synapse in the kernels' order."""
    return SynapseStep(operator.shape, operator.weights(), tensors.tensor(operator.inputs[0].tensor).spec.range)
