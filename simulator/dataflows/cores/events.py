"""What a sample comes to on every core in every timestep of the chip: spikes in, synapses passed, spikes out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from spikecycle.simulator import activity
from spikecycle.simulator.array_types import Frames, Int32, Int64
from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork, SpikeInput
from spikecycle.simulator.dataflows.cores.fan_out import (
    KEPT_ENTRIES,
    FanOut,
    OneToOne,
    Projection,
    SpikeTargets,
    count_by_core,
    deliver,
)
from spikecycle.simulator.dataflows.cores.placement import Placement, place
from spikecycle.simulator.dataflows.cores.schema import CorePlacement
from spikecycle.simulator.dataflows.cores.through_synapse import ThroughSynapse
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample
from spikecycle.simulator.errors import MappingError
from spikecycle.traces.frames import block_timesteps, blocks, frame_shape

UNPACKED_VALUES = 2**19
"""Of a tensor at a time, if it has fewer in a timestep: many tensors may be gone through side by side."""


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
    targets: SpikeTargets


@dataclass(frozen=True, eq=False)
class PlacedNetwork:
    """A network on cores. axons: by tensor and population; a neuron reaches each core of a population once.

    axons_of_core: neurons that reach each core, int64 (cores,).
    """

    chip: ChipNetwork
    placement: Placement
    axons: tuple[Axons, ...]
    axons_of_core: Int64
    timesteps: int

    @classmethod
    def of(cls, network: Network, rule: CorePlacement, machine: str, skips_zeros: bool) -> PlacedNetwork:
        """Place a network; raises MappingError where it does not fit.

        skips_zeros: whether weights of 0 are no synapses.
        """
        chip = ChipNetwork(network, machine)
        placement = place(chip, network, rule, machine)
        axons, reaching, left = [], np.zeros(placement.cores, np.int64), KEPT_ENTRIES

        def count(values: Int64, parts: Sequence[FanOut], table: FanOut) -> None:
            reaching[...] += np.bincount(table.cores, minlength=placement.cores)

        for population in chip.populations:
            ranks = placement.ranks[population.output.name]
            together: dict[tuple[str, int], list[SpikeInput]] = defaultdict(list)
            for spikes in chip.inputs[population.name]:
                together[spikes.tensor, spikes.delay].append(spikes)
            for (tensor, delay), all_spikes in together.items():
                projections: list[Projection] = [
                    OneToOne(ranks) if spikes.synapse is None else ThroughSynapse(spikes.synapse, ranks, skips_zeros)
                    for spikes in all_spikes
                ]
                values = network.tensors[tensor].spec.count
                targets = SpikeTargets(values, projections, [1] * len(projections), placement.cores)
                targets = targets.looked_through(left, count)
                left -= targets.kept_entries
                axons.append(Axons(tensor, delay, population.output.name, targets))
        most = rule.axons_per_core
        if most is not None and reaching.max(initial=0) > most:
            fullest = int(reaching.argmax())
            raise MappingError(
                f"machine {machine!r}: {reaching[fullest]} neurons reach core {fullest}, which has room for the axons "
                f"of {most} (dataflow.mapping.axons_per_core)"
            )
        return cls(chip, placement, tuple(axons), reaching, network.timesteps)

    def events(self, sample: StageSample) -> Iterator[CoreEvents]:
        """All cores of one sample, some timesteps of the chip after the other.

        A population takes the spikes of timestep t of the sample in timestep t + d - 1 of the chip, d its depth, and
        fires in the same one; those who take its own do so in the next.
        """
        steps, cores = self.chip.chip_steps - 1, self.placement.cores
        leaving = self._leaving(sample, steps)
        behind = {tensor: depth - 1 for tensor, depth in self.chip.depth.items()}
        arriving = [(axons, InTurn(sample.frames(axons.tensor))) for axons in self.axons]
        together = max(1, activity.ROWS_AT_ONCE // max(1, cores))
        for first in range(0, steps, together):
            count = min(together, steps - first)
            arrived, passed = np.zeros((2, count, cores), np.int64)
            found = CoreEvents(arrived, passed, leaving[first : first + count].astype(np.int64))
            for axons, spikes in arriving:
                late = behind[axons.receiver]
                begin, end = max(first, late + axons.delay), min(first + count, late + self.timesteps)
                step = begin - first
                for values in spikes.take(end - begin):
                    here = slice(step, step + len(values))
                    _deliver(values, axons.targets, found.arriving[here], found.synapses[here])
                    step += len(values)
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
                ranks, behind = self.placement.ranks[tensor], self.chip.depth[tensor] - 1
                first = behind
                for fired in InTurn(sample.frames(tensor)).take(self.timesteps):
                    count_by_core((fired != 0).view(np.uint8), ranks, leaving[first : first + len(fired)])
                    first += len(fired)
                if tensor not in wanted:
                    sample.tensors.let_go(tensor)
        return leaving


def _deliver(values: npt.NDArray[Any], targets: SpikeTargets, arriving: Int64, synapses: Int64) -> None:
    """Add what the values of some timesteps, (timesteps, n), bring to every core, int64 (timesteps, cores) each."""
    if targets.kept is not None:
        table = targets.kept
        deliver(values.astype(np.int64), table.starts, table.cores, table.synapses, arriving, synapses)
        return
    spiking = np.flatnonzero(values.any(axis=0))
    for first in range(0, len(spiking), targets.together):
        some = spiking[first : first + targets.together]
        table = targets.of(some)
        deliver(values[:, some].astype(np.int64), table.starts, table.cores, table.synapses, arriving, synapses)


class InTurn:
    """The values of a tensor, timestep by timestep, for somebody who takes some of them at a time."""

    def __init__(self, frames: Frames) -> None:
        self._blocks = blocks(frames, _together(frames))
        self._left: npt.NDArray[Any] = np.empty((0, 0), np.uint8)

    def take(self, timesteps: int) -> Iterator[npt.NDArray[Any]]:
        """The next timesteps, unpacked, (n, C x H x W) at a time."""
        while timesteps > 0:
            if not len(self._left):
                block = next(self._blocks)
                self._left = block.reshape(len(block), -1)
            some, self._left = self._left[:timesteps], self._left[timesteps:]
            timesteps -= len(some)
            yield some


def every_timestep(frames: Frames) -> Iterator[npt.NDArray[Any]]:
    """The values of each timestep, (C x H x W,)."""
    return (values.reshape(-1) for block in blocks(frames, _together(frames)) for values in block)


def _together(frames: Frames) -> int:
    """Timesteps that are unpacked together."""
    count = math.prod(frame_shape(frames))
    return min(block_timesteps(count), max(1, UNPACKED_VALUES // max(1, count)))


def whole_network(network: Network, free: frozenset[str]) -> list[Stage]:
    """All operators that are not of the kinds `free` as one stage."""
    operators = tuple(operator for operator in network.operators if operator.kind not in free)
    return [Stage("network", operators)] if operators else []
