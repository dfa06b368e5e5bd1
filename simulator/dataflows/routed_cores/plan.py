"""A network on cores of a mesh, ready to replay samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import numpy as np

from spikecycle.simulator import activity
from spikecycle.simulator.activity import OPERANDS, Activity, Counter, Moves, Work, WorkRows
from spikecycle.simulator.array_types import Bools, Int32, Int64, Integers, UInt8
from spikecycle.simulator.dataflows.base import WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork, SpikeInput
from spikecycle.simulator.dataflows.cores.dataflow import counted_operations
from spikecycle.simulator.dataflows.cores.events import every_timestep
from spikecycle.simulator.dataflows.cores.fan_out import KEPT_ENTRIES, joined
from spikecycle.simulator.dataflows.cores.placement import Placement
from spikecycle.simulator.dataflows.cores.step_table import StepTable
from spikecycle.simulator.dataflows.routed_cores.counters import counters
from spikecycle.simulator.dataflows.routed_cores.machine import KINDS, RoutedCoresMachine, SynapseKind
from spikecycle.simulator.dataflows.routed_cores.mesh import MeshTiming, Messages, StepTimes, run_step
from spikecycle.simulator.dataflows.routed_cores.messages import SpikeTensor, placed, spike_tensor
from spikecycle.simulator.dataflows.stage import Network, StageSample
from spikecycle.simulator.replay.steps import PopulationStep
from spikecycle.traces import Population

ACCESSED, UPDATED, FIRED = 1, 2, 4
"""Marks of what happens to a neuron in a timestep."""


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

    def add(self, timesteps: Sequence[StepTimes]) -> None:
        """The next timesteps."""
        on_cores = np.array([np.maximum(times.sending, times.receiving) for times in timesteps], np.int64)
        self.ends.add(np.array([times.end for times in timesteps], np.int64))
        self.on_cores.add(on_cores)
        self.busy += int(on_cores.sum())
        self.messages += sum(times.messages for times in timesteps)
        self.east_west += sum(times.east_west for times in timesteps)
        self.north_south += sum(times.north_south for times in timesteps)


@dataclass(frozen=True, eq=False)
class RoutedPlan:
    """See `spikecycle.simulator.dataflows.base.Plan`."""

    machine: RoutedCoresMachine
    network: Network
    chip: ChipNetwork
    placement: Placement
    tensors: tuple[SpikeTensor, ...]

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
        return cls(machine, network, chip, placement, tuple(tensors))

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
        marks = enumerate(self._marks(sample, counts))
        values = {tensor.name: every_timestep(sample.frames(tensor.name)) for tensor in self.tensors}
        mesh, costs, first_neuron = self._mesh(), self._costs(), self.placement.first_neuron
        together = max(1, activity.ROWS_AT_ONCE // max(1, self.placement.cores))
        while True:
            done = [
                run_step(now, costs, first_neuron, self._messages(step, values, counts), mesh)
                for step, now in islice(marks, together)
            ]
            if not done:
                return self._activity(sample, counts)
            counts.add(done)

    @property
    def _tiles(self) -> int:
        used = np.flatnonzero(self.placement.neurons) // self.machine.dataflow.mesh.cores_per_tile
        return len(np.unique(used))

    def _mesh(self) -> MeshTiming:
        machine, mesh, latency = self.machine, self.machine.dataflow.mesh, self.machine.dataflow.latency_ns
        return MeshTiming(
            mesh.width, mesh.height, mesh.cores_per_tile, mesh.link_buffer,
            machine.cycles(latency.axon_in), machine.cycles(latency.axon_out), machine.cycles(latency.hop_east_west),
            machine.cycles(latency.hop_north_south),
        )  # fmt: skip

    def _costs(self) -> Int64:
        """Cycles of a neuron in a timestep, by its mark."""
        latency, costs = self.machine.dataflow.latency_ns, np.zeros(2 * FIRED, np.int64)
        for mark, ns in (
            (ACCESSED, latency.neuron_access), (UPDATED, latency.neuron_update), (FIRED, latency.neuron_spike)
        ):  # fmt: skip
            costs[(np.arange(len(costs)) & mark) != 0] += self.machine.cycles(ns)
        return costs

    def _marks(self, sample: StageSample, counts: _Counts) -> Iterator[UInt8]:
        """What happens to every neuron, uint8 (neurons,), in each timestep of the chip; the next one overwrites it."""
        marks = np.zeros(int(self.placement.first_neuron[-1]), np.uint8)
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
                    updated, fired = next(states)
                    now = UPDATED * updated.view(np.uint8) + FIRED * fired.view(np.uint8) + ACCESSED
                    marks[numbers[name]] = self.placement.in_order(name, now)
                    counts.updates += int(np.count_nonzero(updated))
                    counts.spikes += int(np.count_nonzero(fired))
            yield marks

    def _states(self, population: Population, sample: StageSample) -> Iterator[tuple[Bools, Bools]]:
        """Which neurons are updated, from the first timestep of the sample until the chip ends, and which fire: bool
        (M, P, Q) each."""
        biased = np.zeros((population.output.shape[0], 1, 1), bool)
        for spikes in self.chip.inputs[population.name]:
            if spikes.synapse is not None:
                biased |= (spikes.synapse.bias() != 0)[:, None, None]
        nothing = np.broadcast_to(np.zeros(1, bool), population.output.shape)
        now: PopulationStep | None = None
        for t, now in enumerate(sample.tensors.steps(population, track_active=True)):
            assert t < self.network.timesteps, "the sample has another number of timesteps"
            yield (now.active != 0) | biased, now.outputs != 0 if population.neuron.fires else nothing
        assert now is not None, "there is at least one timestep"
        last = self.chip.chip_steps - self.chip.depth[population.output.name] - self.network.timesteps
        for potentials in leaking(population, now.potentials, now.outputs, last):
            yield potentials != 0, nothing

    def _messages(self, step: int, values: Mapping[str, Iterator[Integers]], counts: _Counts) -> Messages:
        """What is sent in a timestep of the chip."""
        senders, first, stop, tables, offset = [], [], [], [], 0
        for tensor in self.tensors:
            t = step - tensor.behind
            if 0 <= t < self.network.timesteps:
                values_now = next(values[tensor.name])
                spiking = np.flatnonzero(values_now)
                spikes = values_now[spiking].astype(np.int64)
                for kind, synapses in tensor.synapses.items():
                    counts.synapses[kind] += int(spikes @ synapses[spiking])
                table = tensor.targets.of(spiking)
                sending = np.repeat(np.arange(len(spiking)), spikes * (np.diff(table.starts) > 0))
                senders.append(tensor.senders[spiking[sending]])
                first.append(table.starts[sending] + offset)
                stop.append(table.starts[sending + 1] + offset)
                tables.append(table)
                offset += len(table.cores)
        if not tables:
            none = np.zeros(0, np.int64)
            return Messages(none, none, none, none.astype(np.int32), none)
        order = np.argsort(np.concatenate(senders), kind="stable")
        together = joined(tables)
        by_sender, begin, end = (np.concatenate(parts)[order] for parts in (senders, first, stop))
        return Messages(by_sender, begin, end, together.cores, together.synapses)

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
            ("mesh", *(f"core {core}" for core in range(cores))),
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
