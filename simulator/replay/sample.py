"""Every tensor of one sample: recorded where it was recorded, else recomputed from what was."""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.replay.evaluation import Evaluation, start_population
from spikecycle.simulator.replay.kernels import Integers
from spikecycle.simulator.replay.layer import Comparison, LayerReplay, collect_replay
from spikecycle.traces import Operator, Population, Tensor, Trace, TraceError


class SampleTensors:
    """The tensors of one sample of a trace by name; each is read or recomputed once, when it is first asked for."""

    def __init__(self, trace: Trace, sample: int) -> None:
        self.trace = trace
        self.sample = sample
        self._producers = {operator.output.name: operator for operator in trace.operators}
        self._known: dict[str, Integers] = {}

    def values(self, name: str) -> Integers:
        """All timesteps of a tensor, (T, C, H, W) in its smallest dtype; not to be written to.

        TraceError, naming the tensor, if there is none of this name or if what was recomputed leaves its range.
        """
        if name not in self._known:
            tensor = self.tensor(name)
            recorded = tensor.values(self.sample)
            self._known[name] = self._recompute(tensor) if recorded is None else recorded
        return self._known[name]

    def inputs(self, operator: Operator) -> list[Integers]:
        """What arrives at an operator, one (T, C, H, W) per input, delays applied."""
        return [_delayed(self.values(source.tensor), source.delay) for source in operator.inputs]

    def verify(self, operator: Operator) -> Comparison | None:
        """Recompute an operator from what arrives at it and compare with the recording; None if there is none."""
        name = operator.output.name
        if not self.tensor(name).recorded:
            return None
        return Comparison.of(self.values(name), (now[name] for now in Evaluation(self, operator)))

    def replay(self, population: Population, track_active: bool = False) -> LayerReplay:
        """Outputs, active neurons (where asked for) and last potentials of a population.

        Synapses that feed it are replayed event by event with it, so that a neuron is active also where weights add
        up to zero; of other inputs, values that are not zero make it active.
        """
        node = start_population(population, self, track_active)
        steps = (node.neurons for _ in Evaluation(self, population, node))
        return collect_replay(self.trace.timesteps, population.output.shape, steps)

    def tensor(self, name: str) -> Tensor:
        """A tensor of the trace; TraceError if there is none of this name."""
        if name not in self.trace.tensors:
            raise TraceError(f"{self.trace.path}: there is no tensor {name}")
        return self.trace.tensors[name]

    def is_known(self, name: str) -> bool:
        """Whether a tensor need not be recomputed."""
        return name in self._known or self.tensor(name).recorded

    def producer(self, name: str) -> Operator | None:
        """The operator that makes a tensor; None for an input of the network."""
        return self._producers.get(name)

    def _recompute(self, tensor: Tensor) -> Integers:
        spec, operator = tensor.spec, self._producers[tensor.name]
        possible = operator.output_range([self.tensor(source.tensor).spec for source in operator.inputs])
        lowest, highest = spec.range
        may_leave = possible.lowest < lowest or possible.highest > highest
        values: Integers = np.empty((self.trace.timesteps, *spec.shape), spec.dtype)
        for t, now in enumerate(Evaluation(self, operator)):
            made = now[tensor.name]
            if may_leave and (made.min() < lowest or made.max() > highest):
                raise TraceError(
                    f"{self.trace.path}: sample {self.sample}, timestep {t}: operator {operator.name} makes values "
                    f"{made.min()} to {made.max()}, but tensor {tensor.name} holds {lowest} to {highest}"
                )
            values[t] = made
        return values


def verify_operator(tensors: SampleTensors, operator: Operator) -> Comparison | None:
    """Recompute one operator of one sample and compare it with the recording; None if its output is not recorded."""
    return tensors.verify(operator)


def _delayed(values: Integers, delay: int) -> Integers:
    if not delay:
        return values
    shifted = np.zeros_like(values)
    shifted[1:] = values[:-1]
    return shifted
