"""Neuron sweep: a core with one row of synapses per source neuron; every event updates all of its neurons in turn.

The rule is that of tinyODIN, the open crossbar core of 256 LIF neurons and 64k synapses of 4 bits that its authors
derived from ODIN (Frenkel et al., IEEE TBioCAS 13(1), 2019), as its controller counts (its documentation, section
2.2.1, and its public RTL). N neurons of a core are active.

- A neuron event takes 2 N cycles: each neuron is read in one and written in the next; a word of 8 synapses is read in
  both cycles of each of its neurons' first. Around it: 1 cycle to push it on the queue, 4 for the request to go, 1 to
  pop it, and a wait of 1 before either.
- A time reference (leak) of all neurons takes 2 N cycles, one of a single neuron 2; 4 for the request to go, and a
  wait of 4 until the next request is there, or of 1 if an event waits in the queue meanwhile.
- The first request of a run waits 2 cycles more; behind a time reference that ends it, a run does not wait for the
  next.
- Each spike that a neuron sends stalls the sweep for the handshake of 8 cycles and the receiver's delay. If the
  controller sends instead (spikes_sent_by: controller), each popped event waits for that handshake.

With traces: in each timestep a core takes the events of the timestep's spikes, then one time reference; it sends the
spikes that the trace has (the RTL's neurons fire as soon as an event takes them over the threshold). All events come
over its input, also those of its own neurons. How a network is spread over cores is not tinyODIN's, which is one core:
see `spikecycle.simulator.dataflows.cores`. Its limit of 256 source neurons per core holds only where
`mapping.axons_per_core` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, cast

import numpy as np
from pydantic import Field

from spikecycle.simulator.activity import Counter
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.cores.dataflow import CoreDataflow, CoreMachine, CoreParameters, CoreWork
from spikecycle.simulator.dataflows.cores.events import CoreEvents
from spikecycle.simulator.machine.schema import LARGEST_INT, Buffer, Buffers, Machine

SYNAPSES_PER_WORD = 8
UPDATE_CYCLES = 2
"""Of one neuron: read, write."""
HANDSHAKE_CYCLES = 8
"""Of a spike that is sent, the receiver acknowledging at once."""
QUEUE_CYCLES = 2
"""Of an event: push and pop."""
REQUEST_CYCLES = 4
"""From an input's acknowledgement until its request is gone."""
WAIT_CYCLES = 1
"""Of the controller before everything that it does."""
LATE_CYCLES = 3
"""More, where it is ready before the next request is."""
FIRST_CYCLES = 2
"""More, before the first request of a run: its synchronisation."""


class SweepRun(NamedTuple):
    """What a core is given, and sends.

    neurons: active on it. events: neuron events from outside. own_events: those that its own neurons push. references:
    time references of all neurons; single_references: of one. met_by_events: references behind which an event waited in
    the queue. ends_with_reference: whether nothing is left to do behind the last one. spikes: that its neurons send.
    """

    neurons: int
    events: int = 0
    own_events: int = 0
    references: int = 0
    single_references: int = 0
    met_by_events: int = 0
    ends_with_reference: bool = False
    spikes: int = 0


def run_cycles(
    run: SweepRun, acknowledge_cycles: int = 0, sent_by: Literal["neurons", "controller"] = "neurons"
) -> int:
    """Cycles of a run of one core, from its first request on."""
    popped = run.events + run.own_events
    all_references = run.references + run.single_references
    sweep = UPDATE_CYCLES * run.neurons
    done = popped * (WAIT_CYCLES + sweep + 1) + run.events * (WAIT_CYCLES + 1 + REQUEST_CYCLES)
    done += run.references * sweep + run.single_references * UPDATE_CYCLES
    done += all_references * (WAIT_CYCLES + REQUEST_CYCLES) + (all_references - run.met_by_events) * LATE_CYCLES
    sent = run.spikes if sent_by == "neurons" else popped
    last = FIRST_CYCLES if run.ends_with_reference else 0
    return FIRST_CYCLES - last + done + sent * (HANDSHAKE_CYCLES + acknowledge_cycles)


class NeuronSweepParameters(CoreParameters):
    """The section `dataflow`."""

    kind: Literal["neuron_sweep"]
    spikes_sent_by: Literal["neurons", "controller"] = "neurons"
    """Who sends spikes: neurons as they fire, or the controller as it pops events."""
    acknowledge_cycles: Annotated[int, Field(ge=0, le=LARGEST_INT)] = 0
    """Until a receiver acknowledges a spike."""


class NeuronSweepBuffers(Buffers):
    """The memories of a core."""

    synapses: Buffer
    neurons: Buffer


class NeuronSweepMachine(CoreMachine):
    """Cores that sweep their neurons."""

    dataflow: NeuronSweepParameters
    buffers: NeuronSweepBuffers

    def unmodelled(self) -> tuple[str, ...]:
        """What has no count."""
        return ("queues and links of the cores", "configuration", "synapse memories that are too small")


COUNTERS = (
    Counter("synapses.read", "synapses", "weights", "read", "sram", "words", "a word of synapses is read"),
    Counter("neurons.read", "neurons", "potentials", "read", "sram", "words", "a neuron's state is read"),
    Counter("neurons.write", "neurons", "potentials", "write", "sram", "words", "a neuron's state is written"),
    Counter("neuron.add", "neuron", "potentials", "add", "logic", "operations", "a weight or leak is added", bits=12),
    Counter("queue.event", "queue", "spikes", "push", "none", "events", "an event enters the queue of a core"),
    Counter("output.spike", "output", "outputs", "send", "none", "events", "a spike leaves a core"),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class NeuronSweep(CoreDataflow):
    """See the module."""

    def work(self, machine: Machine, neurons: Int64, events: CoreEvents) -> CoreWork:
        """Events and one time reference in every timestep of every core."""
        parameters = cast(NeuronSweepMachine, machine).dataflow
        by_controller = parameters.spikes_sent_by == "controller"
        sent = events.arriving if by_controller else events.leaving
        sweep = UPDATE_CYCLES * neurons
        around = 2 * WAIT_CYCLES + QUEUE_CYCLES + REQUEST_CYCLES
        around_reference = WAIT_CYCLES + REQUEST_CYCLES + LATE_CYCLES
        ones = np.ones_like(events.arriving)
        updates = int(((events.arriving + 1) * neurons).sum())
        words = -(-neurons // SYNAPSES_PER_WORD)
        return CoreWork(
            {
                "compute": events.arriving * sweep,
                "time_reference": ones * sweep,
                "control": events.arriving * around + around_reference,
                "output": sent * (HANDSHAKE_CYCLES + parameters.acknowledge_cycles),
            },
            {
                "synapses.read": int((events.arriving * UPDATE_CYCLES * words).sum()),
                "neurons.read": updates,
                "neurons.write": updates,
                "neuron.add": updates,
                "queue.event": int(events.arriving.sum()),
                "output.spike": int(sent.sum()),
            },
        )


DATAFLOWS.register(
    "neuron_sweep",
    NeuronSweep("neuron_sweep", "every event updates all neurons of a core (tinyODIN)", NeuronSweepMachine, COUNTERS),
)
