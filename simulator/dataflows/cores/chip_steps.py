"""When the populations of a network work on a chip whose spikes take effect in the next timestep, and who sends what.

**Timesteps of the chip.** A spike that is sent in one timestep of the chip is in the sums of its receivers in the next
one. A population is therefore one timestep behind those that feed it: it does timestep t of the sample in timestep
t + d of the chip, its *depth* d being 0 for what enters the network, else one more than that of its deepest input. A
sample of T timesteps takes T + D timesteps of the chip, D being the largest depth; one less on chips of `events`, whose
first timestep, in which the network's inputs would only be sent, is left out. An input with a delay of 1 takes that
timestep from the sample's own; it cannot come from a population that is deeper than the one that takes it.

**Senders.** Pooling, addition and concatenation of spikes are done by the synapses behind them: their spikes are sent
by the neurons in front of them. Of a tensor of another shape than the neurons', (c, h, w) is sent by the neuron that
lies there in proportion; of one whose channels are those of several inputs side by side, by the input that they come
from; of any other with several inputs, by the first. A value of v is v spikes.

Traces of version 1 do not say which tensors join their layers: a layer is taken to make what the next one takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.stage import Network
from spikecycle.simulator.errors import MappingError
from spikecycle.traces import Operator, Population, Synapse

Shape = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class SpikeInput:
    """Spikes that a population takes. tensor: their name. delay: 0, or 1 if they are those of the timestep before.
    synapse: the weights that they pass, None where they are added as they are."""

    tensor: str
    delay: int
    synapse: Synapse | None


class ChipNetwork:
    """Populations, what they take, and when they work.

    populations: in the order of the network. inputs: what each takes, by its name. external: names of the tensors that
    enter the network from outside. depth: timesteps of the chip that a tensor is behind the sample, by its name.
    """

    def __init__(self, network: Network, machine: str) -> None:
        self._network = network
        self._makers: dict[str, Operator] = {operator.output.name: operator for operator in network.operators}
        self._joined = _joined(network)
        self.populations = [operator for operator in network.operators if isinstance(operator, Population)]
        self.inputs = {population.name: self._inputs(population) for population in self.populations}
        self.depth: dict[str, int] = {}
        for operator in network.operators:
            ahead = [self._depth(source.tensor) for source in operator.inputs if not source.delay]
            self.depth[operator.output.name] = max(ahead, default=0) + isinstance(operator, Population)
        self._check_delays(machine)
        self.external = [name for name in network.tensors if name not in self._makers and name not in self._joined]

    @property
    def chip_steps(self) -> int:
        """Timesteps of the chip that a sample takes."""
        return self._network.timesteps + max(self.depth.values(), default=0)

    def senders(self, tensor: str, numbers: Mapping[str, Int64]) -> Int64:
        """The neuron that sends each value of a tensor, int64 (C x H x W,); numbers: those of the neurons, (M, P, Q),
        by the tensor that they make."""
        return self._senders(tensor, numbers).reshape(-1)

    def _senders(self, tensor: str, numbers: Mapping[str, Int64]) -> Int64:
        root = self._joined.get(tensor, tensor)
        shape = self._network.tensors[tensor].spec.shape
        if root in numbers:
            return in_proportion(numbers[root], shape)
        sources = [self._senders(source.tensor, numbers) for source in self._makers[root].inputs]
        side_by_side = len(sources) > 1 and sum(len(source) for source in sources) == shape[0]
        return in_proportion(np.concatenate(sources) if side_by_side else sources[0], shape)

    def _inputs(self, population: Population) -> list[SpikeInput]:
        found = []
        for source in population.inputs:
            maker = self._makers.get(source.tensor)
            if isinstance(maker, Synapse):
                (spikes,) = maker.inputs
                found.append(SpikeInput(spikes.tensor, spikes.delay + source.delay, maker))
            else:
                found.append(SpikeInput(source.tensor, source.delay, None))
        return found

    def _depth(self, tensor: str) -> int:
        return self.depth.get(self._joined.get(tensor, tensor), 0)

    def depth_of(self, tensor: str) -> int:
        """Timesteps of the chip that a tensor, of the network or from outside, is behind the sample."""
        return self._depth(tensor)

    def _check_delays(self, machine: str) -> None:
        for population in self.populations:
            for source in self.inputs[population.name]:
                behind = self._depth(source.tensor) - source.delay + 1 - self.depth[population.output.name]
                if behind > 0:
                    raise MappingError(
                        f"operator {population.name!r} cannot be mapped on machine {machine!r}: its delayed input "
                        f"{source.tensor!r} arrives {behind} timesteps late, as every population on the way takes one"
                    )


def in_proportion(numbers: Int64, shape: Shape) -> Int64:
    """What lies at every place of a map of `shape` (C, H, W), taken from a map of another shape, (C', H', W')."""
    if numbers.shape == shape:
        return numbers
    count = int(np.prod(shape))
    if numbers.size == count or shape[1:] == (1, 1):
        return numbers.reshape(-1)[np.arange(count) * numbers.size // count].reshape(shape)
    places = [np.arange(size) * there // size for size, there in zip(shape, numbers.shape, strict=True)]
    return numbers[np.ix_(*places)]


def _joined(network: Network) -> dict[str, str]:
    """In a trace of version 1, what each layer takes, and what the layer before makes of it; else nothing."""
    if network.version != 1:
        return {}
    made: Sequence[Operator] = [operator for operator in network.operators if isinstance(operator, Population)]
    taken = [operator.inputs[0].tensor for operator in network.operators if isinstance(operator, Synapse)]
    return {tensor: before.output.name for before, tensor in zip(made, taken[1:], strict=False)}
