"""Fan-out walk: a core goes through the synapses of each spike that reaches it, then through all of its neurons.

The rule is that of one core of Catalyst N1, an open many-core processor, with learning, delays and compartments off: in
a timestep it pops each spike that was delivered, reads where its synapses lie, and walks through them, then updates all
of its neurons, firing or not. Measured on its public RTL, in every run exactly:

    cycles of a timestep = 4 + 4 x neurons + sum over delivered spikes (3 + 6 x synapses of the spike on this core)

`neurons` are those that the core has, in use or not; skipping idle neurons (`skip_idle` of the RTL) changes nothing
within one core. Per synapse the pool is read once, and an accumulator read and written; per neuron and timestep the
accumulator and the state are read and written. Weights of 0 are no synapses.

How a network is spread over cores, and that the cores meet after every timestep, see
`spikecycle.simulator.dataflows.cores`; the network between them is not modelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from spikecycle.simulator.activity import Counter
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.cores.dataflow import CoreDataflow, CoreMachine, CoreParameters, CoreWork
from spikecycle.simulator.dataflows.cores.events import CoreEvents
from spikecycle.simulator.machine.schema import Buffer, Buffers, Machine

STEP_CYCLES = 4
"""Of a timestep, whatever happens in it."""
NEURON_CYCLES = 4
"""Of a neuron's update."""
SPIKE_CYCLES = 3
"""Of a delivered spike, besides its synapses."""
SYNAPSE_CYCLES = 6
"""Of a synapse."""


def step_cycles(neurons: int, spikes: int, synapses: int) -> int:
    """Cycles of one timestep of a core. synapses: of all delivered spikes together."""
    return STEP_CYCLES + NEURON_CYCLES * neurons + SPIKE_CYCLES * spikes + SYNAPSE_CYCLES * synapses


class FanOutWalkParameters(CoreParameters):
    """The section `dataflow`."""

    kind: Literal["fan_out_walk"]


class FanOutWalkBuffers(Buffers):
    """The memories of a core: synapses, where those of a neuron lie, states, and sums of the timestep."""

    pool: Buffer
    index: Buffer
    states: Buffer
    accumulators: Buffer


class FanOutWalkMachine(CoreMachine):
    """Cores that walk through fan-outs."""

    dataflow: FanOutWalkParameters
    buffers: FanOutWalkBuffers

    def unmodelled(self) -> tuple[str, ...]:
        """What has no count."""
        return ("the network between cores", "processors for management", "synapse memories that are too small")


COUNTERS = (
    Counter("index.read", "index", "weights", "read", "sram", "words", "where a spike's synapses lie is read"),
    Counter("pool.read", "pool", "weights", "read", "sram", "words", "a synapse is read"),
    Counter("accumulators.read", "accumulators", "potentials", "read", "sram", "words", "a sum is read"),
    Counter("accumulators.write", "accumulators", "potentials", "write", "sram", "words", "a sum is written"),
    Counter("states.read", "states", "potentials", "read", "sram", "words", "a potential is read"),
    Counter("states.write", "states", "potentials", "write", "sram", "words", "a potential is written"),
    Counter("core.add", "core", "potentials", "add", "logic", "operations", "a weight or a sum is added", bits=24),
    Counter("output.spike", "output", "outputs", "send", "none", "events", "a neuron fires"),
)


@dataclass(frozen=True, eq=False)
class FanOutWalk(CoreDataflow):
    """See the module."""

    def work(self, machine: Machine, neurons: Int64, events: CoreEvents) -> CoreWork:
        """All cores in use have all of their neurons updated in every timestep."""
        ones = np.ones_like(events.arriving)
        updated = cast(FanOutWalkMachine, machine).dataflow.mapping.neurons_per_core
        updates, synapses = updated * ones.size, int(events.synapses.sum())
        return CoreWork(
            {
                "compute": SYNAPSE_CYCLES * events.synapses + NEURON_CYCLES * updated * ones,
                "spikes": SPIKE_CYCLES * events.arriving,
                "step": STEP_CYCLES * ones,
            },
            {
                "index.read": int(events.arriving.sum()),
                "pool.read": synapses,
                "accumulators.read": synapses + updates,
                "accumulators.write": synapses + updates,
                "states.read": updates,
                "states.write": updates,
                "core.add": synapses + updates,
                "output.spike": int(events.leaving.sum()),
            },
        )


DATAFLOWS.register(
    "fan_out_walk",
    FanOutWalk(
        "fan_out_walk",
        "a core walks each spike's synapses, then all neurons (Catalyst N1)",
        FanOutWalkMachine,
        COUNTERS,
    ),
)
