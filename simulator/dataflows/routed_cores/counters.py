"""What cores on a mesh count: events, each with an entry of the energy table."""

from __future__ import annotations

from collections.abc import Collection

from spikecycle.simulator.activity import Counter, Resource
from spikecycle.simulator.dataflows.routed_cores.machine import KINDS

_EVENTS = (
    *((f"synapse_{kind}", "synapse", "weights", f"a spike passes a synapse stored as {kind}") for kind in KINDS),
    ("neuron_access", "neuron", "potentials", "a neuron is looked at"),
    ("neuron_update", "neuron", "potentials", "a neuron is updated"),
    ("neuron_spike", "neuron", "outputs", "a neuron fires"),
    ("axon_in", "axon", "spikes", "a message arrives at a core"),
    ("axon_out", "axon", "outputs", "a message leaves a core"),
    ("hop_east_west", "mesh", "spikes", "a message goes one tile along x"),
    ("hop_north_south", "mesh", "spikes", "a message goes one tile along y"),
)


def counters(unpriced: Collection[str]) -> tuple[Counter, ...]:
    """One counter for each kind of event; those of `unpriced` cost nothing."""
    found = []
    for event, component, operand, meaning in _EVENTS:
        resource: Resource = "none" if event in unpriced else "logic"
        found.append(Counter(event, component, operand, event, resource, "events", meaning))
    return tuple(found)
