"""Operators of a sample, computed by kernels; events of synapses go straight to the neurons that they feed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Protocol

import numpy as np

from spikecycle.simulator.array_types import Int64, Integers
from spikecycle.simulator.replay.steps import PopulationStep, SynapseStep
from spikecycle.traces import Operator, Population, Source, Synapse
from spikecycle.traces.evaluation import KnownTensors, OperatorNode, PlainNode


class ProducedTensors(KnownTensors, Protocol):
    """Tensors of a sample, and who makes them; `SampleTensors` are."""

    def producer(self, name: str) -> Operator | None:
        """The operator that makes a tensor; None for an input of the network."""


class SynapseNode:
    """A synaptic operator in the kernels."""

    def __init__(self, operator: Synapse, tensors: KnownTensors) -> None:
        self.sources = operator.inputs
        self._synapse = _start_synapse(operator, tensors)
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
    """Neurons in the kernels, together with the synapses that feed them.

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
def start_node(operator: Operator, tensors: ProducedTensors) -> OperatorNode:
    """The operator before the first timestep: in the kernels if there are some for its class."""
    return PlainNode(operator)


@start_node.register
def _(operator: Synapse, tensors: ProducedTensors) -> OperatorNode:
    return SynapseNode(operator, tensors)


@start_node.register
def _(operator: Population, tensors: ProducedTensors) -> OperatorNode:
    return start_population(operator, tensors)


@singledispatch
def as_synapse(operator: Operator | None) -> Synapse | None:
    """The operator, if it can be replayed as part of the population that it feeds."""
    return None


@as_synapse.register
def _(operator: Synapse) -> Synapse | None:
    return operator


def start_population(operator: Population, tensors: ProducedTensors, track_active: bool = False) -> PopulationNode:
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
            synapses.append(_start_synapse(synapse, tensors))
            bias += synapse.bias()
    neurons = PopulationStep(operator.neuron, operator.output.shape, bias, track_active)
    return PopulationNode(neurons, tuple(sources), synapses)


def _start_synapse(operator: Synapse, tensors: KnownTensors) -> SynapseStep:
    values = tensors.spec(operator.inputs[0].tensor).range
    held = operator.held_weights()
    weights = operator.codes() if held is None else held
    return SynapseStep(operator.shape, weights, operator.weight_bits, values)
