"""What dataflows have in common that run a network on cores, each core by a rule over its spikes.

    class MyMachine(CoreMachine): ...

    @dataclass(frozen=True)
    class MyCores(CoreDataflow):
        def work(self, machine, neurons, events): ...      # cycles by category and counts, of all cores and timesteps

    DATAFLOWS.register("my_cores", MyCores("my_cores", "...", MyMachine, counters))

Cores work side by side within a timestep and meet at its end (overlap policy `step_barrier`). The whole network is one
stage.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np

from spikecycle.simulator.activity import OPERANDS, Activity, Counter, Moves, Work, WorkRows
from spikecycle.simulator.array_types import Frames, Int64
from spikecycle.simulator.dataflows.base import Plan, WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork
from spikecycle.simulator.dataflows.cores.events import CoreEvents, PlacedNetwork, whole_network
from spikecycle.simulator.dataflows.cores.memory import entry_needs, operations_need, row_needs
from spikecycle.simulator.dataflows.cores.placement import place
from spikecycle.simulator.dataflows.cores.schema import CorePlacement
from spikecycle.simulator.dataflows.cores.step_table import StepTable
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample
from spikecycle.simulator.dataflows.support import Support
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import Buffers, DataflowParameters, Machine
from spikecycle.simulator.memory import Need
from spikecycle.traces import TensorSpec
from spikecycle.traces.operators.extras import PARAMETERS

FREE = frozenset({"add", "concatenate", "pool"})
"""Operators whose work synapses do: see `spikecycle.simulator.dataflows.cores.chip_steps`."""
SUPPORTS = Support(
    operators=frozenset({"conv1d", "conv2d", "linear", "neuron"}),
    free=FREE,
    demands=frozenset({
        "groups", "dilation", "a delayed input", "several inputs", "an input without weights", "a neuron of two states",
        "a neuron that does not fire", "a leak per neuron", "a threshold per neuron", "a start potential",
        "a reset in the next timestep",
    }),
    input_bits=16,
    layers_only=True,
    packed_spikes=True,
    accounts_for=PARAMETERS,
)  # fmt: skip
"""Layers of any geometry; a value of several bits is as many spikes. Parameters are on chip for good, as weights."""


class CoreParameters(DataflowParameters):
    """The section `dataflow` of a machine of cores."""

    mapping: CorePlacement
    """How neurons are placed."""


class CoreMachine(Machine):
    """A machine of cores that are all alike."""

    dataflow: CoreParameters
    buffers: Buffers = Buffers()

    @property
    def pe_count(self) -> int:
        """Cores."""
        return self.dataflow.mapping.cores

    def instances(self, buffer: str) -> int:
        """Every core has all memories."""
        return self.dataflow.mapping.cores

    def units(self) -> tuple[LogicUnit, ...]:
        """What a core's logic is made of is not known."""
        return ()


@dataclass(frozen=True, eq=False)
class CoreWork:
    """Of all cores in some timesteps of the chip. breakdown: int64 (timesteps, cores) each, by category, among them
    "compute". counts: of these timesteps together."""

    breakdown: Mapping[str, Int64]
    counts: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class CoreDataflow(ABC):
    """See the module; the rest is as `spikecycle.simulator.dataflows.base.Dataflow` says."""

    name: str
    summary: str
    machine_type: type[Machine]
    counters: tuple[Counter, ...]

    @abstractmethod
    def work(self, machine: Machine, neurons: Int64, events: CoreEvents) -> CoreWork:
        """What all cores do in some timesteps, and how long it takes, whatever other timesteps bring.

        neurons: int64 (cores,), those on each core.
        """

    @property
    def supports(self) -> Support:
        """Layers of spikes."""
        return SUPPORTS

    @property
    def overlaps(self) -> tuple[str, ...]:
        """Cores meet at the end of a timestep."""
        return ("step_barrier",)

    def stages(self, machine: Machine, network: Network) -> list[Stage]:
        """The whole network."""
        return whole_network(network, FREE)

    def check(self, machine: Machine, stage: Stage, network: Network) -> None:
        """Whether the network fits the cores."""
        place(ChipNetwork(network, machine.name), network, cast(CoreMachine, machine).dataflow.mapping, machine.name)

    def memory(self, machine: Machine, stage: Stage, network: Network) -> tuple[Need, ...]:
        """Fan-outs, and what every core does in every timestep of the chip."""
        chip = ChipNetwork(network, machine.name)
        placement = place(chip, network, cast(CoreMachine, machine).dataflow.mapping, machine.name)
        return (
            *entry_needs(chip, placement.ranks, skips_zeros=True),
            *row_needs(chip.chip_steps, placement),
            operations_need(stage),
        )

    def plan(self, machine: Machine, stage: Stage, network: Network) -> Plan:
        """Neurons on cores."""
        mapping = cast(CoreMachine, machine).dataflow.mapping
        return CorePlan(self, machine, PlacedNetwork.of(network, mapping, machine.name, skips_zeros=True))

    def keeps(self, machine: Machine, tensor: TensorSpec, values: Frames) -> bool:
        """Nothing goes through DRAM."""
        return False


@dataclass(frozen=True, eq=False)
class CorePlan:
    """A network on cores."""

    dataflow: CoreDataflow
    machine: Machine
    placed: PlacedNetwork

    @property
    def storage(self) -> WeightStorage:
        """Cores have a format of their own."""
        return WeightStorage()

    @property
    def footprint(self) -> WeightFootprint:
        """Synapses are on chip for good."""
        return WeightFootprint()

    @property
    def counters(self) -> tuple[Counter, ...]:
        """What cores count."""
        return self.dataflow.counters

    def tiling(self) -> Mapping[str, int]:
        """Cores in use, the fullest one, and the one that most neurons reach."""
        placement = self.placed.placement
        return {
            "cores": placement.cores,
            "most_neurons_per_core": int(placement.neurons.max()),
            "most_axons_per_core": int(self.placed.axons_of_core.max()),
        }

    def run(self, sample: StageSample) -> Activity:
        """One sample: a row of work for each core and timestep; what is kept are events, of which rows are made."""
        neurons, cores = self.placed.placement.neurons, self.placed.placement.cores
        resources = tuple(f"core {core}" for core in range(cores))
        table, counts, busy = StepTable(), Tally[str](), 0
        for events in self.placed.events(sample):
            work = self.dataflow.work(self.machine, neurons, events)
            for name, count in work.counts.items():
                counts[name] += count
            busy += sum(int(cycles.sum()) for cycles in work.breakdown.values())
            table.add(np.stack(events, axis=1))

        def rows(first: int, stop: int) -> tuple[Work, Moves]:
            events = CoreEvents(*table.between(first, stop).swapaxes(0, 1))
            return _rows(self.dataflow.work(self.machine, neurons, events), first, resources)

        return Activity(
            WorkRows.made(len(table), cores, rows, table.nbytes, by_timestep=True),
            dict(counts),
            {"pe": busy},
            counted_operations(sample),
        )


def _rows(work: CoreWork, first: int, resources: tuple[str, ...]) -> tuple[Work, Moves]:
    """A row for each core and timestep, from timestep `first` on."""
    names = ("compute", *(name for name in work.breakdown if name != "compute"))
    breakdown = np.stack([work.breakdown[name].reshape(-1) for name in names], axis=1)
    step, resource = np.divmod(np.arange(len(breakdown)), len(resources))
    none = np.broadcast_to(np.int64(0), (len(breakdown), len(OPERANDS)))
    return Work(breakdown.sum(axis=1), names, breakdown, step + first, resource, resources), Moves(none, none)


def counted_operations(sample: StageSample) -> int:
    """Synaptic operations of the whole network."""
    return sample.synaptic_operations
