"""A network on cores of a mesh, ready to replay samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice

import numpy as np

from spikecycle.simulator import activity
from spikecycle.simulator.activity import OPERANDS, Activity, Counter, Moves, Work, WorkRows
from spikecycle.simulator.array_types import Int32, Int64, Integers, UInt8
from spikecycle.simulator.dataflows.base import WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork, SpikeInput
from spikecycle.simulator.dataflows.cores.dataflow import counted_operations
from spikecycle.simulator.dataflows.cores.events import every_timestep
from spikecycle.simulator.dataflows.cores.fan_out import KEPT_ENTRIES
from spikecycle.simulator.dataflows.cores.placement import Placement
from spikecycle.simulator.dataflows.cores.step_table import StepTable
from spikecycle.simulator.dataflows.routed_cores.counters import counters
from spikecycle.simulator.dataflows.routed_cores.links import MeshTiming, Tiles
from spikecycle.simulator.dataflows.routed_cores.machine import KINDS, RoutedCoresMachine, SynapseKind
from spikecycle.simulator.dataflows.routed_cores.mesh import (
    ACCESSED,
    EAST_WEST,
    FIRED,
    FIRINGS,
    LONGEST_BITS,
    MARKS_OF_WORD,
    MESSAGES,
    NORTH_SOUTH,
    UPDATED,
    UPDATES,
    NeuronCycles,
    Spikes,
    StepSums,
    run_step,
)
from spikecycle.simulator.dataflows.routed_cores.messages import placed, spike_tensor
from spikecycle.simulator.dataflows.routed_cores.step_spikes import KeptTables, SpikePart, SpikeTensor, StepSpikes
from spikecycle.simulator.dataflows.stage import Network, StageSample
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.replay.steps import PopulationStep
from spikecycle.traces import Population

SUMS_SHARE = 4
"""Sums of cores take as many times the memory of their rows, until those of several timesteps are put together."""


@dataclass(eq=False)
class _Counts:
    """Events of a sample. ends: how long each timestep of the chip takes; on_cores: (cores,), for how long each core is
    busy in it."""

    ends: StepTable = field(default_factory=StepTable)
    on_cores: StepTable = field(default_factory=StepTable)
    synapses: dict[SynapseKind, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    updates: int = 0
    spikes: int = 0
    messages: int = 0
    east_west: int = 0
    north_south: int = 0
    busy: int = 0

    def add(self, ends: Sequence[int], timesteps: Sequence[StepSums]) -> None:
        """The next timesteps."""
        on_cores = np.array([np.maximum(sums.sending, sums.receiving) for sums in timesteps], np.int64)
        self.ends.add(np.array(ends, np.int64))
        self.on_cores.add(on_cores)
        self.busy += int(on_cores.sum())
        self.messages += sum(int(sums.totals[MESSAGES]) for sums in timesteps)
        self.east_west += sum(int(sums.totals[EAST_WEST]) for sums in timesteps)
        self.north_south += sum(int(sums.totals[NORTH_SOUTH]) for sums in timesteps)
        self.updates += sum(int(sums.totals[UPDATES]) for sums in timesteps)
        self.spikes += sum(int(sums.totals[FIRINGS]) for sums in timesteps)


@dataclass(frozen=True, eq=False)
class RoutedPlan:
    """See `spikecycle.simulator.dataflows.base.Plan`."""

    machine: RoutedCoresMachine
    network: Network
    chip: ChipNetwork
    placement: Placement
    tensors: tuple[SpikeTensor, ...]
    kept: KeptTables

    @classmethod
    def of(cls, machine: RoutedCoresMachine, network: Network) -> RoutedPlan:
        """Place a network and list what its neurons reach; MappingError where it does not fit."""
        chip, placement = placed(machine, network)
        taken: dict[str, list[tuple[Population, SpikeInput]]] = {}
        for population in chip.populations:
            for spikes in chip.inputs[population.name]:
                taken.setdefault(spikes.tensor, []).append((population, spikes))
        tensors: list[SpikeTensor] = []
        left = KEPT_ENTRIES
        for name, uses in taken.items():
            tensors.append(spike_tensor(name, network.tensors[name].spec.count, uses, machine, chip, placement, left))
            left -= tensors[-1].targets.kept_entries
        return cls(machine, network, chip, placement, tuple(tensors), KeptTables.of(tensors))

    @property
    def storage(self) -> WeightStorage:
        """Cores have formats of their own."""
        return WeightStorage()

    @property
    def footprint(self) -> WeightFootprint:
        """Synapses are on chip for good."""
        return WeightFootprint()

    @property
    def counters(self) -> tuple[Counter, ...]:
        """Events."""
        return counters(self.machine.dataflow.unpriced)

    def tiling(self) -> Mapping[str, int]:
        """Cores and tiles in use, and the most messages that a spike sends."""
        return {
            "cores": self.placement.cores,
            "tiles": self._tiles,
            "most_neurons_per_core": int(self.placement.neurons.max()),
            "most_messages_per_spike": max((tensor.most_messages for tensor in self.tensors), default=0),
        }

    def run(self, sample: StageSample) -> Activity:
        """One sample: for each timestep of the chip a row of the whole mesh, and one for each core."""
        counts = _Counts()
        marks = enumerate(self._marks(sample))
        values = {tensor.name: every_timestep(sample.frames(tensor.name)) for tensor in self.tensors}
        spikes = StepSpikes(self.tensors, self.kept, self.machine.messages_take_no_time, counts.synapses)
        together = max(1, activity.ROWS_AT_ONCE // SUMS_SHARE // max(1, self.placement.cores))
        while True:
            done = [self._step(now, spikes.of(self._values(step, values))) for step, now in islice(marks, together)]
            if not done:
                return self._activity(sample, counts)
            ends, sums = zip(*done, strict=True)
            counts.add(ends, sums)

    def _step(self, marks: UInt8, sent: tuple[Spikes, Iterator[SpikePart]]) -> tuple[int, StepSums]:
        """One timestep of the chip: when it ends, and what cores do in it."""
        spikes, parts = sent
        sums, end = StepSums.nothing(self.placement.cores, len(spikes.senders)), 0
        for first, stop, reached in parts:
            end = run_step(
                marks.view(np.uint64), self._costs, self.placement.first_neuron, spikes, (first, stop), reached,
                self._mesh, self._places, sums,
            )  # fmt: skip
        if end < 0:
            raise MachineError(
                f"machine {self.machine.name!r}: a timestep of the chip takes {1 << LONGEST_BITS} cycles or more, too "
                "many for the times of its messages (technology.clock_mhz, dataflow.latency_ns)"
            )
        return end, sums

    def _values(self, step: int, values: Mapping[str, Iterator[Integers]]) -> dict[str, Integers]:
        """What tensors have in a timestep of the chip, (C x H x W,)."""
        timesteps = self.network.timesteps
        return {
            tensor.name: next(values[tensor.name]) for tensor in self.tensors if 0 <= step - tensor.behind < timesteps
        }

    @cached_property
    def _resources(self) -> tuple[str, ...]:
        return ("mesh", *(f"core {core}" for core in range(self.placement.cores)))

    @property
    def _tiles(self) -> int:
        used = np.flatnonzero(self.placement.neurons) // self.machine.dataflow.mesh.cores_per_tile
        return len(np.unique(used))

    @cached_property
    def _mesh(self) -> MeshTiming:
        machine, mesh, latency = self.machine, self.machine.dataflow.mesh, self.machine.dataflow.latency_ns
        return MeshTiming(
            mesh.width, mesh.height, mesh.link_buffer,
            machine.cycles(latency.axon_in), machine.cycles(latency.axon_out), machine.cycles(latency.hop_east_west),
            machine.cycles(latency.hop_north_south),
        )  # fmt: skip

    @cached_property
    def _places(self) -> Tiles:
        return Tiles.of(self.placement.cores, self.machine.dataflow.mesh.cores_per_tile, self._mesh)

    @cached_property
    def _costs(self) -> NeuronCycles:
        latency, cycles = self.machine.dataflow.latency_ns, self.machine.cycles
        return NeuronCycles(cycles(latency.neuron_access), cycles(latency.neuron_update), cycles(latency.neuron_spike))

    def _marks(self, sample: StageSample) -> Iterator[UInt8]:
        """What happens to every neuron, uint8 (neurons,) up to a whole word, in each timestep of the chip; the next one
        overwrites it."""
        neurons = int(self.placement.first_neuron[-1])
        marks = np.zeros(-(-neurons // MARKS_OF_WORD) * MARKS_OF_WORD, np.uint8)
        populations = [
            (each.output.name, self.chip.depth[each.output.name], self._states(each, sample))
            for each in self.chip.populations
        ]
        numbers = self.placement.numbers_by_rank
        for name, _, _ in populations:
            marks[numbers[name]] = ACCESSED
        for step in range(self.chip.chip_steps):
            for name, behind, states in populations:
                if step >= behind:
                    marks[numbers[name]] = self.placement.in_order(name, next(states))
            yield marks

    def _states(self, population: Population, sample: StageSample) -> Iterator[UInt8]:
        """The marks of neurons, from the first timestep of the sample until the chip ends: uint8 (M, P, Q)."""
        biased = np.zeros((population.output.shape[0], 1, 1), bool)
        for spikes in self.chip.inputs[population.name]:
            if spikes.synapse is not None:
                biased |= (spikes.synapse.bias() != 0)[:, None, None]
        always = np.where(biased, np.uint8(ACCESSED | UPDATED), np.uint8(ACCESSED))
        if not biased.any():
            always = always[:1]
        now: PopulationStep | None = None
        for t, now in enumerate(sample.tensors.steps(population, track_active=True)):
            assert t < self.network.timesteps, "the sample has another number of timesteps"
            marks = (now.active * np.uint8(UPDATED)) | always
            if population.neuron.fires:
                marks |= now.spikes * np.uint8(FIRED)
            yield marks
        assert now is not None, "there is at least one timestep"
        last = self.chip.chip_steps - self.chip.depth[population.output.name] - self.network.timesteps
        for potentials in leaking(population, now.potentials, now.outputs, last):
            yield np.where(potentials != 0, np.uint8(ACCESSED | UPDATED), np.uint8(ACCESSED))

    def _activity(self, sample: StageSample, counts: _Counts) -> Activity:
        steps, cores = len(counts.ends), self.placement.cores
        kept_bytes = counts.ends.nbytes + counts.on_cores.nbytes
        rows = WorkRows.made(steps, 1 + cores, partial(self._rows, counts), kept_bytes, by_timestep=True)
        neurons = sum(population.output.count for population in self.chip.populations)
        found = {
            **{f"synapse_{kind}": count for kind, count in counts.synapses.items()},
            "neuron_access": neurons * steps,
            "neuron_update": counts.updates,
            "neuron_spike": counts.spikes,
            "axon_in": counts.messages,
            "axon_out": counts.messages,
            "hop_east_west": counts.east_west,
            "hop_north_south": counts.north_south,
        }
        return Activity(rows, found, {"pe": counts.busy}, counted_operations(sample))

    def _rows(self, counts: _Counts, first: int, stop: int) -> tuple[Work, Moves]:
        """The work of some timesteps of the chip: the mesh first, then all cores."""
        ends, on_cores = counts.ends.between(first, stop), counts.on_cores.between(first, stop)
        steps, cores = on_cores.shape
        slowest = on_cores.max(axis=1)
        barrier = self._barrier
        tick = self.machine.cycles(self.machine.dataflow.tick_ns or 0)
        breakdown = np.zeros((steps * (1 + cores), 4), np.int64)
        of_mesh = breakdown[:steps]
        of_mesh[:, 0], of_mesh[:, 1], of_mesh[:, 2] = slowest, ends - slowest, barrier
        of_mesh[:, 3] = np.maximum(0, tick - ends - barrier)
        breakdown[steps:, 0] = on_cores.reshape(-1)
        step, resource = np.arange(len(breakdown)), np.zeros(len(breakdown), np.int64)
        step[steps:], resource[steps:] = np.divmod(np.arange(steps * cores), cores)
        resource[steps:] += 1
        work = Work(
            breakdown.sum(axis=1),
            ("compute", "mesh", "barrier", "tick"),
            breakdown,
            first + step,
            resource,
            self._resources,
        )
        none = np.broadcast_to(np.int64(0), (len(breakdown), len(OPERANDS)))
        return work, Moves(none, none)

    @property
    def _barrier(self) -> int:
        """Cycles of the end of a timestep."""
        reached = [entry.ns for entry in self.machine.dataflow.barrier if entry.tiles <= self._tiles]
        least = [entry.ns for entry in self.machine.dataflow.barrier[:1]]
        return self.machine.cycles((reached or least or [0])[-1])


def leaking(population: Population, potentials: Int32, outputs: Integers, timesteps: int) -> Iterator[Int64]:
    """The potentials that are there at the beginning of each of so many timesteps without inputs, (M, P, Q).

    potentials, outputs: (M, P, Q), those of the sample's last timestep. Nothing fires any more; of a spike in that
    timestep, a late reset is taken in the first of them.
    """
    neuron = population.neuron
    factor, threshold = (
        (values if values.ndim == 3 else values[:, None, None]).astype(np.int64)
        for values in (neuron.leak_numerator, neuron.threshold)
    )
    late = neuron.reset_timing == "next"
    now = potentials.astype(np.int64)
    for step in range(timesteps):
        yield now
        if neuron.kind != "if":
            now = (now * factor) >> neuron.leak_shift
        if late and step == 0:
            after = now - threshold if neuron.reset == "soft" else neuron.reset_value
            now = np.where(outputs, after, now)
