"""Evaluation of operators timestep by timestep, from known tensors to those that are wanted.

Recurrence needs no special case, and memory holds one timestep of everything in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from spikecycle.traces.array_types import Integers
from spikecycle.traces.errors import TraceError
from spikecycle.traces.frames import Frames, block_timesteps
from spikecycle.traces.operators.base import Operator
from spikecycle.traces.tensors import Source, TensorSpec


class KnownTensors(Protocol):
    """What an evaluation starts from."""

    def is_known(self, name: str) -> bool:
        """Whether a tensor need not be computed."""

    def frames(self, name: str) -> Frames:
        """All timesteps of a known tensor."""

    def spec(self, name: str) -> TensorSpec:
        """A tensor, known or not."""


class OperatorNode(Protocol):
    """An operator on its way through the timesteps."""

    sources: tuple[Source, ...]

    def step(self, inputs: Sequence[Integers]) -> Integers:
        """One timestep: what arrives, (C, H, W) per source, to the output, which the next may overwrite."""


class PlainNode:
    """An operator by its own semantics."""

    def __init__(self, operator: Operator) -> None:
        self.sources = operator.inputs
        self._step = operator.start()

    def step(self, inputs: Sequence[Integers]) -> Integers:
        """One timestep."""
        return self._step([values.astype(np.int64, copy=False) for values in inputs])


class Evaluation:
    """Iterating advances the targets, and what they need, by a timestep and yields what they make, by tensor.

    operators: of the network, in topological order. targets: started operators by their names; others are started
    by `start` when a target needs them. What is yielded may be overwritten by the next timestep.
    """

    def __init__(
        self,
        operators: Sequence[Operator],
        timesteps: int,
        tensors: KnownTensors,
        targets: Mapping[str, OperatorNode],
        start: Callable[[Operator], OperatorNode] = PlainNode,
    ) -> None:
        self._timesteps = timesteps
        self._tensors = tensors
        producers = {operator.output.name: operator for operator in operators}
        nodes = dict(targets)
        waiting = list(nodes)
        while waiting:
            for source in nodes[waiting.pop()].sources:
                producer = None if tensors.is_known(source.tensor) else producers[source.tensor]
                if producer is not None and producer.name not in nodes:
                    nodes[producer.name] = start(producer)
                    waiting.append(producer.name)
        self._nodes = [(each.output.name, nodes[each.name]) for each in operators if each.name in nodes]
        self._delayed = {source.tensor for _, each in self._nodes for source in each.sources if source.delay}
        self._now: dict[str, Integers] = {}
        self._before: dict[str, Integers] = {}
        self._read: dict[str, tuple[int, Integers]] = {}

    def __iter__(self) -> Iterator[dict[str, Integers]]:
        for t in range(self._timesteps):
            for made, node in self._nodes:
                self._now[made] = node.step([self._value(source, t) for source in node.sources])
            yield self._now
            self._before = {name: self._now[name].copy() for name in self._delayed & self._now.keys()}

    def _value(self, source: Source, t: int) -> Integers:
        if t < source.delay:
            return np.zeros(self._tensors.spec(source.tensor).shape, np.uint8)
        if self._tensors.is_known(source.tensor):
            return self._known(source.tensor, t - source.delay)
        return (self._before if source.delay else self._now)[source.tensor]

    def _known(self, name: str, t: int) -> Integers:
        """One timestep of a known tensor, of which a block of timesteps is unpacked."""
        first, block = self._read.get(name, (0, None))
        if block is None or not first <= t < first + len(block):
            first = t
            block = self._tensors.frames(name)[t : t + block_timesteps(self._tensors.spec(name).count)]
            self._read[name] = first, block
        now: Integers = block[t - first]
        return now


def checked(operator: Operator, steps: Evaluation) -> Iterator[Integers]:
    """What an operator makes, timestep by timestep, (C, H, W); TraceError where it leaves the range of its tensor."""
    for t, now in enumerate(steps):
        values = now[operator.output.name]
        _check_range(operator, values, t)
        yield values


def collect(operators: Sequence[Operator], timesteps: int, steps: Evaluation) -> dict[str, Integers]:
    """All timesteps of what operators make, by tensor, (T, C, H, W) in the smallest dtype.

    TraceError where values leave the range of their tensor.
    """
    made: dict[str, Integers] = {
        operator.output.name: np.empty((timesteps, *operator.output.shape), operator.output.dtype)
        for operator in operators
    }
    for t, now in enumerate(steps):
        for operator in operators:
            values = now[operator.output.name]
            _check_range(operator, values, t)
            made[operator.output.name][t] = values
    return made


def _check_range(operator: Operator, values: Integers, t: int) -> None:
    spec = operator.output
    smallest, largest = int(values.min()), int(values.max())
    if smallest < spec.range.lowest or largest > spec.range.highest:
        raise TraceError(
            f"operator {operator.name} makes values {smallest} to {largest} in timestep {t}, "
            f"but tensor {spec.name} holds {spec.range.lowest} to {spec.range.highest}"
        )
