"""Excitatory neurons that inhibit each other directly and learn by STDP, with fixed-point weights; in NumPy.

Sources: Diehl and Cook 2015 for adaptive thresholds, the normalization of a neuron's weights and answers by the class
for which a neuron fires most; Putra and Shafique 2020 (`memory`) for direct inhibition, and for updates once per
timestep, at most, of the neuron that fires. Its weights change then: up by how recent the input's spikes are, down
where it had none. Fixed-point weights are rounded stochastically, or small changes would never come through: Gupta,
Agrawal, Gopalakrishnan, Narayanan, "Deep Learning with Limited Numerical Precision", ICML 2015 (arXiv 1502.02551).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikecycle.models.data.frames import FrameSet

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StdpRule:
    """How it learns. Weights lie in 0 to 1; potentials count in weights.

    sum_weights: to which the weights of a neuron are normalized after every sample, per input. leak: share of a
    potential that stays after a timestep; trace_leak: of the trace of an input. threshold: of a neuron that never
    fired, in sums of weights; adaptation: added to it with each spike; adaptation_leak: share of what was added that
    stays after a sample. learning_rate: of a weight per spike.
    """

    sum_weights: float = 0.1
    leak: float = 0.9
    trace_leak: float = 0.8
    threshold: float = 0.1
    adaptation: float = 0.02
    adaptation_leak: float = 0.995
    learning_rate: float = 0.02


class StdpNetwork:
    """Neurons (inputs, neurons), from random weights.

    weight_bits: of fixed-point weights, all of them after the point; None for floating point.
    """

    def __init__(self, inputs: int, neurons: int, weight_bits: int | None, rule: StdpRule, seed: int) -> None:
        self.rule = rule
        self.weight_bits = weight_bits
        self._random = np.random.default_rng(seed)
        self.weights: Floats = self._random.uniform(0, 1, (inputs, neurons))
        self._normalize(slice(None))
        self.adapted: Floats = np.zeros(neurons)

    @property
    def step(self) -> float:
        """Value of one code of a weight; 0 in floating point."""
        return 0.0 if self.weight_bits is None else 2.0**-self.weight_bits

    def learn(self, samples: FrameSet, epochs: int) -> None:
        """Show every sample so often, in random order."""
        spikes = binary(samples)
        for _ in range(epochs):
            for sample in self._random.permutation(len(spikes)):
                self._show(spikes[sample], learns=True)
                self.adapted *= self.rule.adaptation_leak

    def counts(self, samples: FrameSet) -> npt.NDArray[np.int64]:
        """Spikes of every neuron for every sample, int64 (N, neurons); nothing is learned."""
        return np.stack([self._show(one, learns=False) for one in binary(samples)])

    def _show(self, spikes: npt.NDArray[np.bool_], learns: bool) -> npt.NDArray[np.int64]:
        """One sample, bool (T, inputs), from potential 0; the spikes of every neuron."""
        rule, neurons = self.rule, self.weights.shape[1]
        thresholds = rule.threshold * rule.sum_weights * len(self.weights) + self.adapted
        potentials, trace = np.zeros(neurons), np.zeros(len(self.weights))
        counts = np.zeros(neurons, np.int64)
        fired: set[int] = set()
        for arriving in spikes:
            trace *= rule.trace_leak
            trace[arriving] = 1.0
            potentials = rule.leak * potentials + self.weights[arriving].sum(axis=0)
            winner = int(np.argmax(potentials - thresholds))
            if potentials[winner] < thresholds[winner]:
                continue
            counts[winner] += 1
            potentials[:] = 0.0  # it resets itself and inhibits all others
            if learns:
                thresholds[winner] += rule.adaptation * rule.sum_weights * len(self.weights)
                self._change(winner, trace)
                fired.add(winner)
        if learns:
            self.adapted = thresholds - rule.threshold * rule.sum_weights * len(self.weights)
            for neuron in sorted(fired):
                self._normalize(neuron)
        return counts

    def _change(self, neuron: int, trace: Floats) -> None:
        """Weights of a neuron that fires: towards 1 by the trace of their input, towards 0 where there is none."""
        weights = self.weights[:, neuron]
        up = self.rule.learning_rate * trace * (1 - weights)
        down = self.rule.learning_rate * (trace == 0) * weights
        self._store(neuron, weights + up - down)

    def _normalize(self, neuron: int | slice) -> None:
        """Scale the weights of a neuron, or of all, to their sum."""
        chosen = self.weights[:, neuron]
        target = self.rule.sum_weights * len(self.weights)
        self._store(neuron, chosen * (target / np.maximum(chosen.sum(axis=0), 1e-9)))

    def _store(self, neuron: int | slice, values: Floats) -> None:
        """Round to codes, up with a probability that is the distance to the code below, and clip."""
        if self.weight_bits is None:
            self.weights[:, neuron] = np.clip(values, 0, 1)
            return
        codes = np.floor(values / self.step + self._random.random(values.shape))
        self.weights[:, neuron] = np.clip(codes, 0, 2**self.weight_bits - 1) * self.step


def binary(samples: FrameSet) -> npt.NDArray[np.bool_]:
    """Frames as spikes, bool (N, T, inputs): one wherever an event came."""
    return samples.frames.reshape(*samples.frames.shape[:2], -1) > 0


def classes_of(counts: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.int64]:
    """The class for which each neuron fired most per sample of it, int64 (neurons,); -1 for one that never fired."""
    rates = np.stack([counts[labels == label].mean(axis=0) for label in range(classes)])
    found: npt.NDArray[np.int64] = np.where(counts.sum(axis=0) > 0, rates.argmax(axis=0), -1)
    return found


def answers(counts: npt.NDArray[np.int64], of_neuron: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.int64]:
    """The class whose neurons fired most on average, int64 (N,); a tie goes to the lower class."""
    rates = [
        counts[:, of_neuron == label].mean(axis=1) if (of_neuron == label).any() else np.full(len(counts), -1.0)
        for label in range(classes)
    ]
    winners: npt.NDArray[np.int64] = np.stack(rates, axis=1).argmax(axis=1)
    return winners
