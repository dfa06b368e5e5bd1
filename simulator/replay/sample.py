"""Every tensor of one sample: recorded where it was recorded, else recomputed from what was."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from spikecycle.simulator.array_types import Frames, Integers
from spikecycle.simulator.computed_once import computed_once
from spikecycle.simulator.replay.layer import Comparison, LayerReplay, collect_replay
from spikecycle.simulator.replay.nodes import start_node, start_population
from spikecycle.simulator.replay.steps import PopulationStep
from spikecycle.simulator.word_sums import add_words
from spikecycle.traces import Operator, Population, Source, Tensor, TensorSpec, Trace, TraceError
from spikecycle.traces.errors import located
from spikecycle.traces.evaluation import Evaluation, OperatorNode, checked
from spikecycle.traces.frames import ComputedFrames, delayed, pack_frames
from spikecycle.traces.packing import PackedSpikes

KEPT_BYTES = 2**24
"""Of one tensor that was recomputed and is no spikes: it is kept, so that nobody computes it again."""


class SampleTensors:
    """The tensors of one sample of a trace by name; each is read or recomputed once, when it is first asked for.

    recorded: the same sample of the same file with other operators, from which recorded tensors are taken.
    shared: whether other runs will ask for the same tensors, so that none is let go.
    """

    def __init__(self, trace: Trace, sample: int, recorded: SampleTensors | None = None) -> None:
        self.trace = trace
        self.sample = sample
        self._recorded = recorded
        self.shared = False
        self._unpacked: dict[str, Integers] = {}
        self._frames: dict[str, Frames] = {}

    def values(self, name: str) -> Integers:
        """All timesteps of a tensor, (T, C, H, W) in its smallest dtype; not to be written to.

        TraceError, naming the tensor, if there is none of this name or if what was recomputed leaves its range.
        """
        if name not in self._unpacked:
            self._unpacked[name] = np.asarray(self.frames(name))
        return self._unpacked[name]

    def frames(self, name: str) -> Frames:
        """The same in little memory, for what goes timestep by timestep: binary spikes packed, an eighth of the size;
        what was not recorded and takes more than KEPT_BYTES is computed anew whenever somebody goes through it."""
        if name not in self._frames:
            tensor = self._tensor(name)
            if tensor.recorded and self._recorded is not None:
                self._frames[name] = self._recorded.frames(name)
            else:
                recorded = tensor.frames(self.sample, add_words)
                self._frames[name] = self._recompute(name) if recorded is None else recorded
        return self._frames[name]

    def let_go(self, name: str) -> None:
        """Nobody is going to ask for a tensor again, so that its memory is free for others; who does, has it read or
        recomputed anew."""
        if self._recorded is not None:
            self._recorded.let_go(name)
        if not self.shared:
            self._frames.pop(name, None)
            self._unpacked.pop(name, None)

    def inputs(self, operator: Operator) -> list[Integers]:
        """What arrives at an operator, one (T, C, H, W) per input, delays applied."""
        return [self.source(source) for source in operator.inputs]

    def source(self, source: Source) -> Integers:
        """What arrives from one source, (T, C, H, W): the tensor, later by its delay, and zeros before the start."""
        return self.values(source.tensor) if not source.delay else np.asarray(delayed(self.frames(source.tensor)))

    def verify(self, operator: Operator) -> Comparison | None:
        """Recompute an operator from what arrives at it and compare with the recording; None if there is none."""
        name = operator.output.name
        if not self._tensor(name).recorded:
            return None
        steps = self._evaluate(operator, start_node(operator, self))
        return Comparison.of(self.frames(name), (now[name] for now in steps))

    def replay(self, population: Population, track_active: bool = False) -> LayerReplay:
        """Outputs, active neurons (where asked for) and last potentials of a population: all `steps`."""
        return collect_replay(self.trace.timesteps, population.output.shape, self.steps(population, track_active))

    def steps(self, population: Population, track_active: bool = False) -> Iterator[PopulationStep]:
        """A population after each timestep; the same object every time.

        Synapses that feed it are replayed event by event with it, so that a neuron is active also where weights add
        up to zero; of other inputs, values that are not zero make it active.
        """
        node = start_population(population, self, track_active)
        return (node.neurons for _ in self._evaluate(population, node))

    def is_known(self, name: str) -> bool:
        """Whether a tensor need not be recomputed."""
        return self._tensor(name).recorded or isinstance(self._frames.get(name), np.ndarray | PackedSpikes)

    def spec(self, name: str) -> TensorSpec:
        """What is known of a tensor without its values."""
        return self._tensor(name).spec

    def producer(self, name: str) -> Operator | None:
        """The operator that makes a tensor; None for an input of the network."""
        return self._producers.get(name)

    @computed_once
    def _producers(self) -> dict[str, Operator]:
        return {operator.output.name: operator for operator in self.trace.operators}

    def _tensor(self, name: str) -> Tensor:
        if name not in self.trace.tensors:
            raise TraceError(f"{self.trace.path}: there is no tensor {name}")
        return self.trace.tensors[name]

    def _recompute(self, name: str) -> Frames:
        operator, spec, timesteps = self._producers[name], self._tensor(name).spec, self.trace.timesteps
        computed = ComputedFrames(lambda: self._computed(operator), timesteps, spec.shape, spec.dtype)
        if spec.is_binary:
            return pack_frames(computed, timesteps, spec.shape)
        return computed if timesteps * spec.count * spec.dtype.itemsize > KEPT_BYTES else computed[:]

    def _computed(self, operator: Operator) -> Iterator[Integers]:
        with located(self.trace.path), located(f"sample {self.sample}"):
            yield from checked(operator, self._evaluate(operator, start_node(operator, self)))

    def _evaluate(self, target: Operator, node: OperatorNode) -> Evaluation:
        start = partial(start_node, tensors=self)
        return Evaluation(self.trace.operators, self.trace.timesteps, self, {target.name: node}, start)


def verify_operator(tensors: SampleTensors, operator: Operator) -> Comparison | None:
    """Recompute one operator of one sample and compare it with the recording; None if its output is not recorded."""
    return tensors.verify(operator)
