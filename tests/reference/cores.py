"""A network on cores in plain Python: neurons placed one by one, synapses listed one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import product
from typing import Any

import numpy as np

from tests.reference.expected import Sample

Neuron = tuple[str, int, int, int]
"""The tensor that it makes, channel, row, column."""


class Chip:
    """A network on the cores of a machine, by the rule of the machine file alone (no placements of single populations).

    neurons: by core, in the order in which they were placed. core: of every neuron. depth: of every tensor.
    """

    def __init__(self, mapping: Any, network: Any, inputs_too: bool = False) -> None:
        self.network = network
        self.makers = {operator.output.name: operator for operator in network.operators}
        self.populations = [operator for operator in network.operators if operator.kind == "neuron"]
        self.depth = dict.fromkeys(network.tensors, 0)
        for operator in network.operators:
            ahead = [self.depth[source.tensor] for source in operator.inputs if source.delay == 0]
            self.depth[operator.output.name] = max([*ahead, 0]) + (operator.kind == "neuron")
        self.neurons: list[list[Neuron]] = []
        self.core: dict[Neuron, int] = {}
        placed = [operator.output.name for operator in self.populations]
        if inputs_too:
            placed = [name for name in network.tensors if name not in self.makers] + placed
        for tensor in placed:
            channels, rows, columns = network.tensors[tensor].spec.shape
            if mapping.order == "position":
                waiting = [(m, p, q) for p in range(rows) for q in range(columns) for m in range(channels)]
            else:
                waiting = list(product(range(channels), range(rows), range(columns)))
            while waiting:
                own, waiting = waiting[: mapping.neurons_per_core], waiting[mapping.neurons_per_core :]
                self.neurons.append([(tensor, *place) for place in own])
                for place in own:
                    self.core[tensor, *place] = len(self.neurons) - 1

    @property
    def steps(self) -> int:
        """Timesteps of the chip in which something can be under way."""
        return int(self.network.timesteps) + max(self.depth.values())

    def connections(self, population: Any) -> Any:
        """What reaches a population: by tensor and delay, then place in it, (neuron, weight, synapse) one by one."""
        found: Any = defaultdict(lambda: defaultdict(list))
        name = population.output.name
        for source in population.inputs:
            maker = self.makers.get(source.tensor)
            if maker is None or maker.kind not in ("conv1d", "conv2d", "linear"):
                for m, p, q in np.ndindex(*population.output.shape):
                    found[source.tensor, source.delay][m, p, q].append(((name, m, p, q), 1, None))
                continue
            (spikes,) = maker.inputs
            spec = self.network.tensors[spikes.tensor].spec.shape
            key = (spikes.tensor, spikes.delay + source.delay)
            for place, neuron, weight in synapses(maker, spec):
                found[key][place].append(((name, *neuron), weight, maker))
        return found


def synapses(operator: Any, input_shape: tuple[int, int, int]) -> Any:
    """(place in the input, place in the output, weight) of every synapse, zeros included."""
    shape, weights = operator.shape, operator.weights()
    per_group_in, per_group_out = shape.C // shape.groups, shape.M // shape.groups
    for m, p, q in product(range(shape.M), range(shape.P), range(shape.Q)):
        for c, r, s in product(range(per_group_in), range(shape.R), range(shape.S)):
            h = p * shape.stride[0] + r * shape.dilation[0] - shape.padding_top
            w = q * shape.stride[1] + s * shape.dilation[1] - shape.padding_left
            if 0 <= h < shape.H and 0 <= w < shape.W:
                channel = m // per_group_out * per_group_in + c
                flat = (channel * shape.H + h) * shape.W + w
                yield tuple(int(i) for i in np.unravel_index(flat, input_shape)), (m, p, q), int(weights[m, c, r, s])


def events(chip: Chip, sample: Sample) -> tuple[Counter[Any], Counter[Any], Counter[Any]]:
    """Spikes that arrive, synapses that they pass (weights of 0 are none), spikes that leave, by timestep and core."""
    arriving: Counter[Any] = Counter()
    passed: Counter[Any] = Counter()
    leaving: Counter[Any] = Counter()
    timesteps = chip.network.timesteps
    for population in chip.populations:
        behind = chip.depth[population.output.name] - 1
        for (tensor, delay), places in chip.connections(population).items():
            for place, targets in places.items():
                on_core = Counter(chip.core[neuron] for neuron, weight, _ in targets if weight != 0)
                for t in range(delay, timesteps):
                    spikes = int(sample[tensor][(t - delay, *place)])
                    for core, count in on_core.items():
                        arriving[t + behind, core] += spikes
                        passed[t + behind, core] += spikes * count
        if population.neuron.fires:
            for t, m, p, q in np.argwhere(sample[population.output.name]).tolist():
                leaving[t + behind, chip.core[population.output.name, m, p, q]] += 1
    return arriving, passed, leaving
