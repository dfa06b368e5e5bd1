"""A network on cores of a mesh, ready to replay samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import islice

import numpy as np

from spikecycle.simulator.activity import OPERANDS, Activity, Counter, Moves, Work, WorkRows
from spikecycle.simulator.array_types import Bools, Int32, Int64, Integers
from spikecycle.simulator.dataflows.base import WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork, SpikeInput
from spikecycle.simulator.dataflows.cores.dataflow import counted_operations
from spikecycle.simulator.dataflows.cores.events import every_timestep
from spikecycle.simulator.dataflows.cores.fan_out import FanOut, fan_out, merged, one_to_one, scaled
from spikecycle.simulator.dataflows.cores.placement import Placement, place, refuse_unknown
from spikecycle.simulator.dataflows.cores.step_table import StepTable
from spikecycle.simulator.dataflows.routed_cores.counters import counters
from spikecycle.simulator.dataflows.routed_cores.machine import KINDS, RoutedCoresMachine, SynapseKind
from spikecycle.simulator.dataflows.routed_cores.mesh import MeshTiming, Messages, StepTimes, run_step
from spikecycle.simulator.dataflows.stage import Network, StageSample
from spikecycle.simulator.replay.steps import PopulationStep
from spikecycle.traces import Population, Synapse

STEPS_AT_ONCE = 256
"""Timesteps of the chip whose times are kept together."""
SKIPS_ZEROS = {"sparse": True, "dense": False, "convolution": False}
"""Whether weights of 0 are no synapses."""


@dataclass(frozen=True, eq=False)
class SpikeTensor:
    """What the values of one tensor send, whoever takes it.

    senders: int64 (n,), the neuron of each value. table: what each reaches, over all populations. cycles: int64
    (entries,), of the receiving core for a message. synapses: int64 (n,) by kind, those that a spike passes on all
    cores. behind: timesteps of the chip that it is behind the sample.
    """

    name: str
    senders: Int64
    table: FanOut
    cycles: Int64
    synapses: Mapping[SynapseKind, Int64]
    behind: int


@dataclass(frozen=True, eq=False)
class SomaTiming:
    """Cycles of a neuron in a timestep: looked at; more, if it is updated; more, if it fires."""

    access: int
    update: int
    spike: int


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
        synapses = [operator.name for operator in network.operators if isinstance(operator, Synapse)]
        refuse_unknown(machine.name, "dataflow.synapses_of", machine.dataflow.synapses_of, synapses, "synapse")
        chip = ChipNetwork(network, machine.name)
        placement = place(chip, network, machine.dataflow.mapping, machine.name, inputs_too=True)
        taken: dict[str, list[tuple[Population, SpikeInput]]] = {}
        for population in chip.populations:
            for spikes in chip.inputs[population.name]:
                taken.setdefault(spikes.tensor, []).append((population, spikes))
        tensors = tuple(_spike_tensor(name, uses, machine, chip, placement) for name, uses in taken.items())
        return cls(machine, network, chip, placement, tensors)

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
        most = max((int(np.diff(tensor.table.starts).max(initial=0)) for tensor in self.tensors), default=0)
        return {
            "cores": self.placement.cores,
            "tiles": self._tiles,
            "most_neurons_per_core": int(self.placement.neurons.max()),
            "most_messages_per_spike": most,
        }

    def run(self, sample: StageSample) -> Activity:
        """One sample: for each timestep of the chip a row of the whole mesh, and one for each core."""
        counts = _Counts()
        soma = enumerate(self._soma(sample, counts))
        values = {tensor.name: every_timestep(sample.frames(tensor.name)) for tensor in self.tensors}
        mesh = self._mesh()
        while True:
            done = [
                run_step(cycles, self.placement.first_neuron, self._messages(step, values, counts), mesh)
                for step, cycles in islice(soma, STEPS_AT_ONCE)
            ]
            if not done:
                return self._activity(sample, counts)
            counts.add(done)

    @cached_property
    def _entries(self) -> tuple[Int64, Int64]:
        """Receiving cores, and their cycles, of the entries of all tensors."""
        cores = _joined([tensor.table.cores for tensor in self.tensors])
        return cores, _joined([tensor.cycles for tensor in self.tensors])

    @property
    def _tiles(self) -> int:
        used = np.flatnonzero(self.placement.neurons) // self.machine.dataflow.mesh.cores_per_tile
        return len(np.unique(used))

    def _mesh(self) -> MeshTiming:
        machine, mesh, latency = self.machine, self.machine.dataflow.mesh, self.machine.dataflow.latency_ns
        return MeshTiming(
            mesh.width, mesh.height, mesh.cores_per_tile, mesh.link_buffer,
            machine.cycles(latency.axon_out), machine.cycles(latency.hop_east_west),
            machine.cycles(latency.hop_north_south),
        )  # fmt: skip

    def _soma(self, sample: StageSample, counts: _Counts) -> Iterator[Int64]:
        """Cycles of every neuron, int64 (neurons,), in each timestep of the chip."""
        latency = self.machine.dataflow.latency_ns
        access, update, spike = (
            self.machine.cycles(ns) for ns in (latency.neuron_access, latency.neuron_update, latency.neuron_spike)
        )
        populations = [
            (self.placement.number[each.output.name].reshape(-1), self.chip.depth[each.output.name],
             self._states(each, sample))
            for each in self.chip.populations
        ]  # fmt: skip
        for step in range(self.chip.chip_steps):
            soma = np.zeros(int(self.placement.first_neuron[-1]), np.int64)
            for numbers, behind, states in populations:
                soma[numbers] = access
                if step >= behind:
                    updated, fired = next(states)
                    soma[numbers] += update * updated + spike * fired
                    counts.updates += int(np.count_nonzero(updated))
                    counts.spikes += int(np.count_nonzero(fired))
            yield soma

    def _states(self, population: Population, sample: StageSample) -> Iterator[tuple[Bools, Bools]]:
        """Which neurons are updated, from the first timestep of the sample until the chip ends, and which fire: bool
        (neurons,) each."""
        biased = np.zeros(population.output.shape, bool)
        for spikes in self.chip.inputs[population.name]:
            if spikes.synapse is not None:
                biased |= (spikes.synapse.bias() != 0)[:, None, None]
        nothing = np.zeros(population.output.count, bool)
        now: PopulationStep | None = None
        for t, now in enumerate(sample.tensors.steps(population, track_active=True)):
            assert t < self.network.timesteps, "the sample has another number of timesteps"
            fired = (now.outputs != 0).reshape(-1) if population.neuron.fires else nothing
            yield ((now.active != 0) | biased).reshape(-1), fired
        assert now is not None, "there is at least one timestep"
        last = self.chip.chip_steps - self.chip.depth[population.output.name] - self.network.timesteps
        for potentials in leaking(population, now.potentials, now.outputs, last):
            yield (potentials != 0).reshape(-1), nothing

    def _messages(self, step: int, values: Mapping[str, Iterator[Int64]], counts: _Counts) -> Messages:
        """What is sent in a timestep of the chip."""
        senders, first, stop, offset = [], [], [], 0
        for tensor in self.tensors:
            t = step - tensor.behind
            if 0 <= t < self.network.timesteps:
                spikes = next(values[tensor.name])
                for kind, synapses in tensor.synapses.items():
                    counts.synapses[kind] += int(spikes @ synapses)
                starts = tensor.table.starts
                sending = np.flatnonzero(spikes * np.diff(starts))
                repeated = np.repeat(sending, spikes[sending])
                senders.append(tensor.senders[repeated])
                first.append(starts[repeated] + offset)
                stop.append(starts[repeated + 1] + offset)
            offset += len(tensor.cycles)
        order = np.argsort(_joined(senders), kind="stable")
        return Messages(
            _joined(senders)[order],
            _joined(first)[order],
            _joined(stop)[order],
            *self._entries,
        )

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


def synapse_kind(synapse: Synapse, machine: RoutedCoresMachine) -> SynapseKind:
    """How the synapses of an operator are stored."""
    own = machine.dataflow.synapses_of.get(synapse.name)
    if own is not None:
        return own
    if machine.dataflow.synapses != "by_operator":
        return machine.dataflow.synapses
    shape = synapse.shape
    if shape.P * shape.Q * shape.R * shape.S > 1:
        return "convolution"
    weights = synapse.weights()
    return "dense" if 2 * np.count_nonzero(weights) >= weights.size else "sparse"


def _spike_tensor(
    name: str,
    uses: list[tuple[Population, SpikeInput]],
    machine: RoutedCoresMachine,
    chip: ChipNetwork,
    placement: Placement,
) -> SpikeTensor:
    """All populations that take a tensor, together: a spike sends one message to each core."""
    latency = machine.dataflow.latency_ns
    timed: list[FanOut] = []
    synapses: dict[SynapseKind, Int64] = {}
    for population, spikes in uses:
        core = placement.core[population.output.name]
        if spikes.synapse is None:
            kind: SynapseKind = "sparse"
            table = one_to_one(core)
        else:
            kind = synapse_kind(spikes.synapse, machine)
            table = fan_out(spikes.synapse, core, placement.cores, SKIPS_ZEROS[kind])
        timed.append(scaled(table, machine.cycles(getattr(latency.synapse, kind))))
        per_value = np.bincount(table.senders(), weights=table.synapses, minlength=table.neurons).astype(np.int64)
        synapses[kind] = per_value + synapses.get(kind, np.zeros_like(per_value))
    together = merged(timed, placement.cores)
    cycles = together.synapses + machine.cycles(latency.axon_in)
    senders = chip.senders(name, placement.number)
    return SpikeTensor(name, senders, together, cycles, synapses, chip.depth_of(name))


def _joined(parts: list[Int64]) -> Int64:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
