"""Stages: the operators of a network that a dataflow runs together, and what it sees of one sample of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from spikecycle.simulator.array_types import Frames, Int64, Integers
from spikecycle.simulator.replay import SampleTensors
from spikecycle.simulator.spike_record import by_timestep
from spikecycle.simulator.workload import SynapseWorkload
from spikecycle.simulator.workload.non_zero_sums import SummedWeights
from spikecycle.simulator.workload.synapse import non_zero_weights
from spikecycle.traces import Operator, Pool, Population, Source, Synapse, Tensor
from spikecycle.traces.frames import blocks, delayed
from spikecycle.traces.packing import PackedSpikes


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

    @cached_property
    def produced(self) -> frozenset[str]:
        """Names of the tensors that the stage makes."""
        return frozenset(operator.output.name for operator in self.operators)

    @cached_property
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


def layers(network: Network, with_pools: bool = False) -> list[Stage]:
    """Every population of neurons together with the synapses that feed nothing else; other operators one by one.

    A layer with one synapse has the synapse's name, one with several has the population's. with_pools: a layer has the
    pool of its currents as well (`pooled_currents`).
    """
    pools = pooled_currents(network) if with_pools else {}
    producers = {operator.output.name: operator for operator in network.operators}
    joined: dict[str, tuple[Operator, ...]] = {}
    for operator in network.operators:
        if isinstance(operator, Population):
            made_by = (producers.get(source.tensor) for source in operator.inputs if not source.delay)
            joined[operator.name] = tuple(
                synapse
                for synapse in made_by
                if isinstance(synapse, Synapse) and len(consumers(network, synapse.output.name)) == 1
            )
            pool = pools.get(operator.inputs[0].tensor)
            if pool is not None:
                joined[operator.name] = (producers[pool.inputs[0].tensor], pool)
    inside = {feeding.name for layer in joined.values() for feeding in layer}
    stages = []
    for operator in network.operators:
        if operator.name not in inside:
            feeding = joined.get(operator.name, ())
            name = feeding[0].name if feeding and len(operator.inputs) == 1 else operator.name
            stages.append(Stage(name, (*feeding, operator)))
    return stages


def pooled_currents(network: Network) -> dict[str, Pool]:
    """Pools that can be a part of a layer, by the name of what they make: the largest currents of windows that lie side
    by side, between one synapse and neurons that take nothing else."""
    pools = (operator for operator in network.operators if isinstance(operator, Pool))
    return {pool.output.name: pool for pool in pools if not pooling_problems(pool, network)}


def pooling_problems(pool: Pool, network: Network) -> list[str]:
    """Why a pool cannot be a part of a layer, in words that follow its name; none if it can."""
    (source,) = pool.inputs
    followed_by = consumers(network, pool.output.name)
    found = []
    if pool.mode != "max":
        found.append(f"is of mode {pool.mode}, not max")
    if pool.window != pool.stride:
        overlap = any(step < side for side, step in zip(pool.window, pool.stride, strict=True))
        window, stride = (f"{rows} x {columns}" for rows, columns in (pool.window, pool.stride))
        found.append(f"has windows of {window} that {'overlap' if overlap else 'leave gaps'} at a stride of {stride}")
    if any(pool.sides):
        found.append("has padding")
    if source.tensor not in made_by_synapses(network) or source.delay:
        found.append("does not take the currents of an operator with weights as they come")
    elif len(consumers(network, source.tensor)) > 1:
        found.append("is not alone in taking these currents")
    is_ahead = [
        isinstance(taker, Population) and len(taker.inputs) == 1 and not taken.delay for taker, taken in followed_by
    ]
    if is_ahead != [True]:
        found.append("does not go to one population of neurons that takes nothing else")
    return found


def edges(stages: Sequence[Stage], network: Network) -> list[tuple[int, int]]:
    """(producer, consumer) for every stage that takes, in the same timestep, what another one makes.

    Operators of the network that are in no stage (they cost nothing) pass on what they take.
    """
    maker = {name: index for index, stage in enumerate(stages) for name in stage.produced}
    made_by = {operator.output.name: operator for operator in network.operators}
    found = {
        (producer, index)
        for index, stage in enumerate(stages)
        for operator in stage.operators
        for source in operator.inputs
        if not source.delay
        for producer in _makers(source.tensor, maker, made_by)
        if producer != index
    }
    return sorted(found)


def _makers(tensor: str, maker: Mapping[str, int], made_by: Mapping[str, Operator]) -> Iterator[int]:
    """The stages, by `maker`, that make a tensor, or what operators in no stage make it of."""
    seen, waiting = {tensor}, [tensor]
    while waiting:
        name = waiting.pop()
        if name in maker:
            yield maker[name]
        elif name in made_by:
            taken = {source.tensor for source in made_by[name].inputs if not source.delay} - seen
            seen |= taken
            waiting += taken


def consumers(network: Network, tensor: str) -> list[tuple[Operator, Source]]:
    """The operators that take a tensor, each with the input that takes it."""
    return [
        (operator, source) for operator in network.operators for source in operator.inputs if source.tensor == tensor
    ]


LONG_WORK = 2**26
"""Dense work of all timesteps of a sample that takes more than a millisecond or so on every machine, however few spikes
there are (measured: rule-based machines 0.5 to 1.5 ms)."""


def dense_work(operators: Iterable[Operator]) -> int:
    """Values of a timestep that operators work on, whatever they are: every weight for each of its inputs, and outputs
    of operators without weights."""
    return sum(
        operator.shape.dense_sops_per_timestep if isinstance(operator, Synapse) else operator.output.count
        for operator in operators
    )


def made_by_synapses(network: Network) -> frozenset[str]:
    """Names of the tensors that operators with weights make."""
    return frozenset(operator.output.name for operator in network.operators if isinstance(operator, Synapse))


def currents(network: Network) -> frozenset[str]:
    """Names of the tensors that carry currents: what operators with weights make, and what is pooled, added or
    otherwise made of that without neurons in between."""
    found = set(made_by_synapses(network))
    for operator in network.operators:
        if not isinstance(operator, Population) and any(source.tensor in found for source in operator.inputs):
            found.add(operator.output.name)
    return frozenset(found)


@dataclass(frozen=True)
class OnChip:
    """What a stage finds and leaves on chip, so that it does not move it.

    weights: whether the weights were loaded by an earlier inference. tensors: names of the tensors that stay on chip
    between the stage that makes them and those that take them.
    """

    weights: bool = False
    tensors: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class StageWeights:
    """What follows from the weights of a stage alone: worked out for its first sample, and there for all others.

    Two threads that ask first may both work it out, and get one of the two.
    """

    _non_zeros: dict[str, Int64] = field(default_factory=dict)
    _summed: dict[str, SummedWeights | None] = field(default_factory=dict)

    def non_zeros(self, synapse: Synapse) -> Int64:
        """See `spikecycle.simulator.workload.synapse.non_zero_weights`."""
        if synapse.name not in self._non_zeros:
            self._non_zeros.setdefault(synapse.name, non_zero_weights(synapse.shape, synapse.weights()))
        return self._non_zeros[synapse.name]

    def summed(self, synapse: Synapse) -> SummedWeights | None:
        """To count the sums of a synapse that are not 0; None where they must be made for that."""
        if synapse.name not in self._summed:
            found = SummedWeights.of(
                synapse.shape, synapse.weights(), synapse.weight_bits, synapse.bias(), synapse.output.range
            )
            self._summed.setdefault(synapse.name, found)
        return self._summed[synapse.name]


@dataclass(eq=False)
class StageSample:
    """One sample of a stage: the values of its tensors, the workload of its synapses, and what is on chip already."""

    stage: Stage
    tensors: SampleTensors
    on_chip: OnChip = OnChip()
    of_weights: StageWeights = field(default_factory=StageWeights)
    _workloads: dict[str, SynapseWorkload] = field(default_factory=dict)
    _non_zeros: dict[str, Int64] = field(default_factory=dict)
    _operations: dict[str, int] = field(default_factory=dict)

    def values(self, tensor: str) -> Integers:
        """Values of a tensor, integers (T, C, H, W): as recorded, or recomputed where they were not."""
        return self.tensors.values(tensor)

    def frames(self, tensor: str) -> Frames:
        """The same in little memory, to be taken block by block (`spikecycle.traces.frames.blocks`)."""
        return self.tensors.frames(tensor)

    def source(self, source: Source) -> Integers:
        """What an operator takes, integers (T, C, H, W): the tensor, moved on by its delay (zeros before the start)."""
        return self.tensors.source(source)

    def source_frames(self, source: Source) -> Frames:
        """The same, as `frames`."""
        frames = self.frames(source.tensor)
        return delayed(frames) if source.delay else frames

    def non_zeros(self, tensor: str) -> Int64:
        """int64 (T,): values of a tensor that are not 0. Currents that nobody has made yet, and that a synapse of the
        stage makes of spikes, are added up to be counted, and not kept."""
        if self.tensors.is_known(tensor):
            return by_timestep(self.frames(tensor))
        if tensor not in self._non_zeros:
            made_by = next((one for one in self.stage.synapses() if one.output.name == tensor), None)
            counts = None if made_by is None else self._non_zero_currents(made_by)
            self._non_zeros[tensor] = by_timestep(self.frames(tensor)) if counts is None else counts
        return self._non_zeros[tensor]

    def _non_zero_currents(self, synapse: Synapse) -> Int64 | None:
        """The same of what a synapse makes; None where that must be made to be counted."""
        spikes = self.source_frames(synapse.inputs[0])
        if not isinstance(spikes, PackedSpikes):
            return None
        summed = self.of_weights.summed(synapse)
        return None if summed is None else summed.non_zero_sums(spikes)

    def workload(self, synapse: Synapse) -> SynapseWorkload:
        """What follows from the synapse's weights and from the spikes of this sample."""
        if synapse.name not in self._workloads:
            (source,) = synapse.inputs
            self._workloads[synapse.name] = SynapseWorkload(
                synapse.shape,
                self.source_frames(source),
                self.tensors.spec(source.tensor).bits,
                synapse.weights(),
                synapse.weight_bits,
            )
        return self._workloads[synapse.name]

    @property
    def synaptic_operations(self) -> int:
        """Weights that are not 0, once for every set bit of an input that they meet; and set bits of what populations
        take without weights, which are added as they are (spikes and counts: currents cost no operation)."""
        weighted = sum(map(self._operations_of, self.stage.synapses()))
        added = sum(
            int(np.bitwise_count(values).sum())
            for operator in self.stage.operators
            for source in operator.inputs
            if isinstance(operator, Population) and not self._is_current(source.tensor)
            for values in blocks(self.source_frames(source))
        )
        return weighted + added

    def _operations_of(self, synapse: Synapse) -> int:
        if synapse.name not in self._operations:
            non_zero_weights = self.of_weights.non_zeros(synapse)
            self._operations[synapse.name] = self.workload(synapse).operations_with(non_zero_weights)
        return self._operations[synapse.name]

    def _is_current(self, tensor: str) -> bool:
        """Whether it is among `currents`; most are what a synapse makes."""
        return isinstance(self.tensors.producer(tensor), Synapse) or tensor in currents(self.tensors.trace)
