"""Events by receptive field: every input event updates the neurons that see it, tap by tap, in all clusters at once.

SNE (Di Mauro et al., DATE 2022, sections II and III; RTL: pulp-platform/sne, Solderpad 0.51, read, not copied). Neurons
lie in clusters of a square tile of one output channel, whose states one adder updates in turn; a slice is some clusters
with a sequencer. An event is broadcast to all slices, and their sequencers step through the taps of the kernel: each
step, each cluster updates the neuron that meets the tap, if it has one. The published 48 cycles per event of a 3 x 3
kernel are 12 states of the sequencer (INIT, WAIT, 9 x RUN, STOP in the RTL) of `cycles_per_state` = 4 cycles:

    cycles = events x passes x cycles_per_state x (taps + overhead_states)

Leak is applied when a neuron is updated next (by the time of its last update), so that time steps cost nothing, and
neurons fire as they are updated.

Assumed where the publication is silent: kernels of other sizes step through their own number of taps. A layer with more
tiles than there are clusters takes several passes, in each of which all its events come again. A linear operator
spreads its neurons evenly over the clusters, and an event steps through those of a cluster. A value of several bits is
as many events as it has set bits. Events come from memory once per pass, weights once; output events go there.
"""

from __future__ import annotations

from typing import Literal

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.dataflows.rule_memory import rows_in_blocks
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import Buffer, Buffers, DataflowParameters, PositiveInt
from spikecycle.simulator.spike_record import by_timestep


class EventFieldParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["event_field"]
    slices: PositiveInt
    clusters: PositiveInt
    """Of a slice, with an adder each."""
    tile_side: PositiveInt
    """Neurons along a side of a cluster's tile."""
    cycles_per_state: PositiveInt
    """Of the sequencer."""
    overhead_states: PositiveInt
    """Of the sequencer, besides one per tap."""
    state_bits: PositiveInt
    """Of a neuron's potential."""
    event_bits: PositiveInt


class EventFieldBuffers(Buffers):
    """The section `buffers`; instances: one per cluster, and one per slice."""

    states: Buffer
    """Potentials of a cluster."""
    weights: Buffer
    """Weight sets of a slice."""


class EventFieldMachine(RuleMachine):
    """A machine of clusters that events are broadcast to."""

    dataflow: EventFieldParameters
    buffers: EventFieldBuffers

    @property
    def pe_count(self) -> int:
        """Clusters."""
        return self.dataflow.slices * self.dataflow.clusters

    def instances(self, buffer: str) -> int:
        """One of potentials per cluster, one of weights per slice."""
        return self.pe_count if buffer == "states" else self.dataflow.slices

    def units(self) -> tuple[LogicUnit, ...]:
        """An adder per cluster."""
        return (LogicUnit("pe", "add", bits=self.dataflow.state_bits, count=self.pe_count),)

    def unmodelled(self) -> tuple[str, ...]:
        """What has no count."""
        return ("sequencers", "event FIFOs and crossbar", "leak and threshold of neurons", "times of last update")


ADD = Counter(
    "pe.add", "pe", "potentials", "add", "logic", "operations", "a cluster adds a weight, zero or not", bits=8
)
STATE_READ = Counter("states.read", "states", "potentials", "read", "sram", "words", "potentials that are updated")
STATE_WRITE = Counter("states.write", "states", "potentials", "write", "sram", "words", "potentials that were updated")
WEIGHT_READ = Counter("weights.read", "weights", "weights", "read", "sram", "words", "weights that slices step through")

EVENT_FIELD = rule(
    "event_field",
    machine=EventFieldMachine,
    summary="every event updates its receptive field, tap by tap in all clusters (SNE)",
    free=("add", "concatenate", "pool"),
    demands=(
        "groups", "dilation", "a delayed input", "several inputs", "a neuron of two states",
        "a neuron that does not fire", "a leak per neuron", "a threshold per neuron", "a start potential",
        "a reset in the next timestep", "an input without weights",
    ),
    counters=(ADD, STATE_READ, STATE_WRITE, WEIGHT_READ),
    memory=rows_in_blocks,
)  # fmt: skip


@EVENT_FIELD.runs("conv1d", "conv2d", "linear")
def synapses(machine: EventFieldMachine, run: OperatorRun) -> Activity:
    """Every event, in every pass."""
    parameters = machine.dataflow
    shape = run.workload.shape
    clusters = machine.pe_count
    in_cluster = parameters.tile_side**2
    if run.kind == "linear":
        passes = -(-shape.M // (clusters * in_cluster))
        taps = -(-shape.M // (clusters * passes))
    else:
        tiles = shape.M * -(-shape.P // parameters.tile_side) * -(-shape.Q // parameters.tile_side)
        passes = -(-tiles // clusters)
        taps = shape.R * shape.S
    events = run.workload.input_ones
    states = taps + parameters.overhead_states
    updates = run.workload.im2col_ones * (shape.M // shape.groups)
    return Activity.total(
        {"compute": events * passes * parameters.cycles_per_state * states},
        reads={
            "weights": run.workload.weights.size * run.workload.weight_bits,
            "spikes": events * passes * parameters.event_bits,
        },
        counts={
            ADD.name: updates,
            STATE_READ.name: updates,
            STATE_WRITE.name: updates,
            WEIGHT_READ.name: events * passes * taps * parameters.slices,
        },
        busy={"pe": updates},
    )


@EVENT_FIELD.runs("neuron")
def neurons(machine: EventFieldMachine, run: OperatorRun) -> Activity:
    """Neurons fire as they are updated; events are sent, potentials of a readout as they are."""
    output = run.operator.output
    if output.bits > 1 or output.signed:
        bits = run.outputs * run.timesteps * output.bits
    else:
        bits = int(by_timestep(run.sample.frames(output.name)).sum()) * machine.dataflow.event_bits
    return Activity.total({"compute": 0}, writes={"outputs": bits})
