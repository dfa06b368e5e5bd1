"""What a sample comes to on every core in every timestep of the chip: spikes in, synapses passed, spikes out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecycle.simulator import activity
from spikecycle.simulator.array_types import Frames, Int32, Int64
from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork, SpikeInput
from spikecycle.simulator.dataflows.cores.fan_out import FanOut, deliver, fan_out, merged, one_to_one
from spikecycle.simulator.dataflows.cores.placement import Placement, place
from spikecycle.simulator.dataflows.cores.schema import CorePlacement
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.machine.schema import LARGEST_INT
from spikecycle.simulator.memory import Need
from spikecycle.traces import Population
from spikecycle.traces.frames import block_timesteps, blocks, frame_shape

UNPACKED_VALUES = 2**16
"""Of a tensor at a time, if it has fewer in a timestep."""
ENTRY_BYTES = 64
"""Of an entry of a table of fan-outs while it is made: cores and counts as found, as kept, and copies on the way."""


class CoreEvents(NamedTuple):
    """Of some timesteps of the chip, int64 (timesteps, cores) each.

    arriving: spikes that reach the core. synapses: synapses that they pass. leaving: spikes of its own neurons.
    """

    arriving: Int64
    synapses: Int64
    leaving: Int64


@dataclass(frozen=True, eq=False)
class Axons:
    """The spikes of one tensor on their way to one population. delay: of the tensor, in timesteps. receiver: the
    tensor that the population makes."""

    tensor: str
    delay: int
    receiver: str
    table: FanOut


@dataclass(frozen=True, eq=False)
class PlacedNetwork:
    """A network on cores. axons: by tensor and population; a neuron reaches each core of a population once."""

    chip: ChipNetwork
    placement: Placement
    axons: tuple[Axons, ...]
    timesteps: int

    @classmethod
    def of(cls, network: Network, rule: CorePlacement, machine: str, skips_zeros: bool) -> PlacedNetwork:
        """Place a network; raises MappingError where it does not fit.

        skips_zeros: whether weights of 0 are no synapses.
        """
        chip = ChipNetwork(network, machine)
        placement = place(chip, network, rule, machine)
        axons = []
        for population in chip.populations:
            core = placement.core[population.output.name]
            together: dict[tuple[str, int], list[SpikeInput]] = defaultdict(list)
            for spikes in chip.inputs[population.name]:
                together[spikes.tensor, spikes.delay].append(spikes)
            for (tensor, delay), all_spikes in together.items():
                tables = [
                    one_to_one(core)
                    if spikes.synapse is None
                    else fan_out(spikes.synapse, core, placement.cores, skips_zeros)
                    for spikes in all_spikes
                ]
                axons.append(Axons(tensor, delay, population.output.name, merged(tables, placement.cores)))
        placed = cls(chip, placement, tuple(axons), network.timesteps)
        most = rule.axons_per_core
        if most is not None and placed.axons_of_core.max(initial=0) > most:
            fullest = int(placed.axons_of_core.argmax())
            raise MappingError(
                f"machine {machine!r}: {placed.axons_of_core[fullest]} neurons reach core {fullest}, which has room "
                f"for the axons of {most} (dataflow.mapping.axons_per_core)"
            )
        return placed

    @property
    def axons_of_core(self) -> Int64:
        """Neurons that reach each core, int64 (cores,)."""
        found = np.zeros(self.placement.cores, np.int64)
        for axons in self.axons:
            found += np.bincount(axons.table.cores, minlength=self.placement.cores)
        return found

    def events(self, sample: StageSample) -> Iterator[CoreEvents]:
        """All cores of one sample, some timesteps of the chip after the other.

        A population takes the spikes of timestep t of the sample in timestep t + d - 1 of the chip, d its depth, and
        fires in the same one; those who take its own do so in the next.
        """
        steps, cores = self.chip.chip_steps - 1, self.placement.cores
        leaving = self._leaving(sample, steps)
        behind = {tensor: depth - 1 for tensor, depth in self.chip.depth.items()}
        arriving = [(axons, every_timestep(sample.frames(axons.tensor))) for axons in self.axons]
        together = max(1, activity.ROWS_AT_ONCE // max(1, cores))
        for first in range(0, steps, together):
            count = min(together, steps - first)
            arrived, passed = np.zeros((2, count, cores), np.int64)
            found = CoreEvents(arrived, passed, leaving[first : first + count].astype(np.int64))
            for axons, spikes in arriving:
                table, late = axons.table, behind[axons.receiver]
                begin, end = max(first, late + axons.delay), min(first + count, late + self.timesteps)
                for step, values in zip(range(begin - first, end - first), spikes, strict=False):
                    deliver(
                        values, table.starts, table.cores, table.synapses, found.arriving[step], found.synapses[step]
                    )
            yield found

    def _leaving(self, sample: StageSample, steps: int) -> Int32:
        """Spikes of each core's own neurons, int32 (timesteps of the chip, cores).

        A trace of layers has what a layer puts out beside what the next one takes: long ones would fill the memory
        together, so that those which nobody else looks at are let go one by one.
        """
        leaving = np.zeros((steps, self.placement.cores), np.int32)
        operators = sample.stage.operators
        wanted = {source.tensor for operator in operators for source in operator.inputs} | {operators[-1].output.name}
        wanted |= {axons.tensor for axons in self.axons}
        for population in self.chip.populations:
            if population.neuron.fires:
                tensor = population.output.name
                core, behind = self.placement.core[tensor], self.chip.depth[tensor] - 1
                for step, fired in enumerate(every_timestep(sample.frames(tensor)), behind):
                    leaving[step] += np.bincount(core[np.flatnonzero(fired)], minlength=self.placement.cores)
                if tensor not in wanted:
                    sample.tensors.let_go(tensor)
        return leaving


def every_timestep(frames: Frames) -> Iterator[Int64]:
    """The values of each timestep, int64 (C x H x W,). Little is unpacked at a time: many tensors may be gone through
    side by side."""
    count = math.prod(frame_shape(frames))
    together = min(block_timesteps(count), max(1, UNPACKED_VALUES // max(1, count)))
    return (values.reshape(-1).astype(np.int64) for block in blocks(frames, together) for values in block)


def whole_network(network: Network, free: frozenset[str]) -> list[Stage]:
    """All operators that are not of the kinds `free` as one stage."""
    operators = tuple(operator for operator in network.operators if operator.kind not in free)
    return [Stage("network", operators)] if operators else []


def most_cores(stage: Stage, network: Network, rule: CorePlacement) -> int:
    """Cores that a network and what enters it take at most: those of a population begin on a core of their own."""
    if rule.populations:
        return rule.cores
    made = [operator.output.count for operator in stage.operators if isinstance(operator, Population)]
    counts = [*made, *(network.tensors[name].spec.count for name in stage.consumed)]
    return min(rule.cores, sum(-(-count // rule.neurons_per_core) for count in counts))


def table_need(stage: Stage, rule: CorePlacement) -> Need:
    """What the tables of a network's fan-outs take at most: each value reaches every core of the neurons behind it, or
    each of these is on a core of its own."""
    least = min([rule.neurons_per_core, *(own.neurons_per_core or LARGEST_INT for own in rule.populations.values())])
    entries = sum(operator.output.count for operator in stage.operators if isinstance(operator, Population))
    for synapse in stage.synapses():
        shape = synapse.shape
        receiving = -(-shape.M * shape.P * shape.Q // least)
        entries += shape.C * shape.H * shape.W * min(receiving, shape.M // shape.groups * shape.R * shape.S)
    return Need(ENTRY_BYTES * entries, f"{entries} entries of fan-outs (neurons x cores that each reaches)")
