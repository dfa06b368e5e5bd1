"""What messages on a mesh take of the computer's memory at most, from sizes alone."""

from __future__ import annotations

from dataclasses import dataclass

from spikecycle.simulator.dataflows.cores.chip_steps import ChipNetwork
from spikecycle.simulator.dataflows.cores.fan_out import ENTRIES_AT_ONCE, ENTRY_BYTES, KEPT_ENTRIES
from spikecycle.simulator.dataflows.cores.placement import Placement
from spikecycle.simulator.dataflows.cores.through_synapse import most_reached
from spikecycle.simulator.dataflows.routed_cores.machine import RoutedCoresMachine
from spikecycle.simulator.dataflows.routed_cores.mesh import IN_FLIGHT_BYTES
from spikecycle.simulator.dataflows.routed_cores.messages import SKIPS_ZEROS, synapse_kind
from spikecycle.simulator.dataflows.stage import Network
from spikecycle.simulator.memory import Need

COPIES = 2  # of entries of a timestep: as they are found, and behind those that are kept
ORDER_BYTES = 8  # of a value: who sends it, and which value comes at its place by senders
DIFFERENT_BYTES = 24  # of a value that reaches others than all before: synapses by kind, where its entries begin
PLANNED_BYTES = 24  # of a value while its senders are put in order
SPIKE_BYTES = 48  # of a spike: its sender, entries and times, and what those are made of
NEURON_BYTES = 16  # of a neuron: its number, its mark, and what marks are made of
ROOMS = 3  # for messages in flight: where there is no room for another, the old one and one of twice its size
OVERFLOW = 4  # messages in flight on a place that is taken to hold back more of them, of those that it buffers
LINK_BYTES = 32  # of a tile: its four links
CORE_BYTES = 300  # of a core: what it sends and takes next, in order of time


@dataclass(frozen=True)
class _Sent:
    """What values of a tensor send at most. different: values that reach different cores or synapses. most: cores that
    a value reaches."""

    values: int
    spikes: int
    different: int
    most: int


def message_needs(
    machine: RoutedCoresMachine, chip: ChipNetwork, placement: Placement, network: Network
) -> tuple[Need, ...]:
    """What there is of every value and neuron, and of the messages of a timestep in which all neurons fire.

    Entries of spikes are there for a timestep, unless they are kept, or messages take no time. How many messages are in
    flight follows from how long they hold each other back: no more, it is taken, than some times the buffers of all
    places, or `RoutedCoresMachine.held_in_flight` on each; there is more room if there are more.
    """
    sent = _sent(machine, chip, placement, network)
    values = sum(each.values for each in sent)
    left, passing = KEPT_ENTRIES, 0
    for each in sent:
        entries = each.different * each.most
        if entries <= left:
            left -= entries
        else:
            passing += entries
    messages = sum(each.spikes * each.most for each in sent)
    mesh = machine.dataflow.mesh
    if machine.messages_take_no_time:
        passing = min(passing, max(ENTRIES_AT_ONCE, *(each.most for each in sent)))
        in_flight = 0
    else:
        places = 4 * mesh.width * mesh.height + placement.cores
        held = machine.held_in_flight
        in_flight = messages if held is None else min(messages, max(OVERFLOW * mesh.link_buffer, held) * places)
    kept = KEPT_ENTRIES if passing else 0
    neurons = sum(ranks.neurons for ranks in placement.ranks.values())
    return (
        Need(
            COPIES * ENTRY_BYTES * passing + ENTRY_BYTES * kept,
            f"{passing} entries of a timestep in which all neurons fire (values x cores that each reaches)",
            is_kept=False,
        ),
        Need(ROOMS * IN_FLIGHT_BYTES * in_flight, f"{in_flight} messages in flight", is_kept=False),
        Need(SPIKE_BYTES * values, f"{values} values that all are spikes (C x H x W)", is_kept=False),
        Need(
            ORDER_BYTES * values + DIFFERENT_BYTES * sum(each.different for each in sent),
            f"{values} values (C x H x W), their neurons and synapses",
        ),
        Need(
            PLANNED_BYTES * max((each.values for each in sent), default=0), "values by their senders", is_kept=False
        ),
        Need(NEURON_BYTES * neurons, f"{neurons} neurons on cores"),
        Need(
            LINK_BYTES * mesh.width * mesh.height + CORE_BYTES * placement.cores,
            f"a mesh of {mesh.width} x {mesh.height} tiles", is_kept=False,
        ),
    )  # fmt: skip


def _sent(machine: RoutedCoresMachine, chip: ChipNetwork, placement: Placement, network: Network) -> list[_Sent]:
    """Of all tensors that somebody takes, in the order in which they are planned."""
    most: dict[str, int] = {}
    by_place: dict[str, bool] = {}
    for population in chip.populations:
        ranks = placement.ranks[population.output.name]
        for spikes in chip.inputs[population.name]:
            name, synapse = spikes.tensor, spikes.synapse
            reached = 1 if synapse is None else most_reached(synapse.shape, ranks)
            alike = (
                synapse is not None and synapse.shape.groups == 1 and not SKIPS_ZEROS[synapse_kind(synapse, machine)]
            )
            most[name] = most.get(name, 0) + reached
            by_place[name] = by_place.get(name, True) and alike
    specs = {name: network.tensors[name].spec for name in most}
    return [
        _Sent(
            spec.count,
            spec.count * ((1 << spec.bits) - 1),
            spec.count // spec.shape[0] if by_place[name] else spec.count,
            most[name],
        )
        for name, spec in specs.items()
    ]
