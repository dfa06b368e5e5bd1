"""What the spikes of a network send over the mesh: whom they reach, and how the synapses there are stored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork, SpikeInput
from spikecycle.simulator.dataflows.cores.fan_out import (
    FanOut,
    OneToOne,
    Projection,
    SpikeTargets,
)
from spikecycle.simulator.dataflows.cores.placement import Placement, place, refuse_unknown
from spikecycle.simulator.dataflows.cores.through_synapse import ThroughSynapse
from spikecycle.simulator.dataflows.routed_cores.machine import RoutedCoresMachine, SynapseKind
from spikecycle.simulator.dataflows.routed_cores.step_spikes import SenderOrder, SpikeTensor
from spikecycle.simulator.dataflows.stage import Network
from spikecycle.traces import Population, Synapse

SKIPS_ZEROS = {"sparse": True, "dense": False, "convolution": False}
"""Whether weights of 0 are no synapses."""


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


def placed(machine: RoutedCoresMachine, network: Network) -> tuple[ChipNetwork, Placement]:
    """A network on the cores of a machine; MappingError where it does not fit, or has no synapses that the machine file
    names."""
    synapses = [operator.name for operator in network.operators if isinstance(operator, Synapse)]
    refuse_unknown(machine.name, "dataflow.synapses_of", machine.dataflow.synapses_of, synapses, "synapse")
    chip = ChipNetwork(network, machine.name)
    return chip, place(chip, network, machine.dataflow.mapping, machine.name, inputs_too=True)


def spike_tensor(
    name: str,
    values: int,
    uses: list[tuple[Population, SpikeInput]],
    machine: RoutedCoresMachine,
    chip: ChipNetwork,
    placement: Placement,
    kept_entries: int,
) -> SpikeTensor:
    """All populations that take a tensor of so many values, together: a spike sends one message to each core.

    kept_entries: how many of them may be kept.
    """
    latency = machine.dataflow.latency_ns
    projections: list[Projection] = []
    kinds: list[SynapseKind] = []
    for population, spikes in uses:
        ranks = placement.ranks[population.output.name]
        if spikes.synapse is None:
            kinds.append("sparse")
            projections.append(OneToOne(ranks))
        else:
            kinds.append(synapse_kind(spikes.synapse, machine))
            projections.append(ThroughSynapse(spikes.synapse, ranks, SKIPS_ZEROS[kinds[-1]]))
    factors = [machine.cycles(getattr(latency.synapse, kind)) for kind in kinds]
    different = max(min(projection.different, values) for projection in projections)
    synapses = {kind: np.zeros(different, np.int64) for kind in kinds}
    most = 0

    def look(some: Int64, parts: Sequence[FanOut], table: FanOut) -> None:
        nonlocal most
        most = max(most, int(np.diff(table.starts).max(initial=0)))
        for kind, part in zip(kinds, parts, strict=True):
            synapses[kind][some] += part.passed()

    targets = SpikeTargets(different, projections, factors, placement.cores).looked_through(kept_entries, look)
    order = SenderOrder.of(chip.senders(name, placement.numbers))
    return SpikeTensor(name, order, targets, synapses, chip.depth_of(name), most)
