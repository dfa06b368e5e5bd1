"""Cores on a routed mesh that meet at a barrier after every timestep: Loihi, and TrueNorth's tick.

In a timestep, a core goes through its neurons (each is looked at; updated, if there is something to update; and sends
a message to every core that its spike reaches) and takes the messages that arrive, passing each through the synapses
that it names. Messages go along x, then along y, and compete for places on their way: a message in flight lies with
equal shares on the port of its core and the links that it crosses; beyond the buffers of its way it blocks the sender,
and it arrives later the more lies there. The timestep ends with a barrier, or with a tick. Every event has a latency
and an energy, from the machine file and its table.

Sources: Loihi (Davies et al., IEEE Micro 38(1), 2018); the semi-analytical timing of messages of SANA-FE (Boyle et al.,
IEEE TCAD 2025); TrueNorth (Merolla et al., Science 345, 2014). MICROARCHITECTURE.md beside this file has the equations.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from spikecycle.simulator.array_types import Frames
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.base import Plan
from spikecycle.simulator.dataflows.cores.dataflow import FREE, SUPPORTS
from spikecycle.simulator.dataflows.cores.events import whole_network
from spikecycle.simulator.dataflows.cores.memory import entry_needs, operations_need, row_needs
from spikecycle.simulator.dataflows.routed_cores.machine import RoutedCoresMachine
from spikecycle.simulator.dataflows.routed_cores.memory import message_needs
from spikecycle.simulator.dataflows.routed_cores.messages import placed
from spikecycle.simulator.dataflows.routed_cores.plan import RoutedPlan
from spikecycle.simulator.dataflows.stage import Network, Stage
from spikecycle.simulator.dataflows.support import Support
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.memory import Need
from spikecycle.traces import TensorSpec
from spikecycle.traces.operators.extras import SYNAPTIC_CURRENTS

MESH_SUPPORT = replace(SUPPORTS, accounts_for=SUPPORTS.accounts_for | {SYNAPTIC_CURRENTS})
"""A neuron is updated as long as its current is not 0, and an update of Loihi's compartments is one of both states."""


@dataclass(frozen=True)
class RoutedCores:
    """The dataflow; MICROARCHITECTURE.md beside this file has its rules."""

    name: str = "routed_cores"
    summary: str = "cores on a mesh, messages routed in x and y, a barrier or a tick (Loihi, TrueNorth)"
    machine_type: type[Machine] = RoutedCoresMachine
    supports: Support = MESH_SUPPORT
    overlaps: tuple[str, ...] = ("step_barrier",)

    def stages(self, machine: Machine, network: Network) -> list[Stage]:
        """The whole network."""
        return whole_network(network, FREE)

    def check(self, machine: Machine, stage: Stage, network: Network) -> None:
        """Whether the network fits the cores, and has the synapses that the machine file names."""
        placed(cast(RoutedCoresMachine, machine), network)

    def memory(self, machine: Machine, stage: Stage, network: Network) -> tuple[Need, ...]:
        """Fan-outs, what every core does in every timestep of the chip, and messages of the fullest timestep."""
        of_cores = cast(RoutedCoresMachine, machine)
        chip, placement = placed(of_cores, network)
        return (
            *entry_needs(chip, placement.ranks, skips_zeros=True),
            *row_needs(chip.chip_steps, placement),
            *message_needs(of_cores, chip, placement, network),
            operations_need(stage),
        )

    def plan(self, machine: Machine, stage: Stage, network: Network) -> Plan:
        """Neurons on cores."""
        return RoutedPlan.of(cast(RoutedCoresMachine, machine), network)

    def keeps(self, machine: Machine, tensor: TensorSpec, values: Frames) -> bool:
        """Nothing goes through DRAM."""
        return False


DATAFLOWS.register("routed_cores", RoutedCores())
