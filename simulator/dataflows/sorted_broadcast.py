"""Time-sorted broadcast: the spikes of a receptive field, merged in the order of time, go to all PEs one by one.

SpinalFlow (Narayanan et al., ISCA 2020, sections III and IV). A *spine* is the list of spikes (time, channel) of one
position of the input map, sorted by time. For an output position the spines of its receptive field are loaded, merged,
and broadcast, one spike per cycle; each of the PEs, an output channel each, adds its own weight out of the row that the
spike selects in the filter buffer. All timesteps of a group of neurons are done before the next group, so that
potentials never leave a PE. Output channels beyond the PEs are further tiles, one after the other, for which the spines
are loaded again. Output spikes are merged into a spine and stored.

Cycles, as the public re-implementation counts them (SangYukekeaiai/spinalflow-sim, read and written anew), for output
position by position and tile by tile:

- load: weights of a tile that are not in the filter buffer (it takes in as many tiles as fit, from the one that is
  needed on), less the cycles that were computed since the load before; then the first batch of spines, in full;
- compute: a cycle per spike, and `pipeline_cycles` for the stages merge, add, send;
- store: a cycle per output spike for the sorter, then its bytes, spine by spine (category `store` of the population).

Bytes come and go at `dram_bytes_per_cycle`. With an ideal memory they take no time: no cycles of load are left, and of
store those of the sorter.

More than `spines_per_batch` spines do not fit the merger: each further batch is loaded after the one before has been
merged into an intermediate FIFO, a cycle per spike, less the cycles of that merge; the last batch is merged while the
FIFOs are (`merge_ways` of them), and batches beyond that are merged in passes of a cycle per spike ahead. The
re-implementation never runs that case, so this part is after the paper's text; FIFOs are taken to be large enough.
Assumed as well: a value of several bits is as many spikes as it has set bits; weights of a fan-in that exceeds the
filter buffer are loaded anew for every position; a group of channels has spines of its own; the spines of a linear
operator are the positions of the tensor that it takes. The machine was made for codes of one spike per neuron; as in
that re-implementation, neurons may spike at every timestep.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.dataflows.rule_memory import rows_in_blocks
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import Buffer, Buffers, DataflowParameters, Dram, PositiveInt
from spikecycle.simulator.workload import Windows
from spikecycle.simulator.workload.spike_counts import spikes_by_place
from spikecycle.traces import LayerShape
from spikecycle.traces.frames import blocks, pack_frames
from spikecycle.traces.packing import PackedSpikes

POTENTIAL_BITS = 16
"""Width of a PE's adder and potential: assumed, 8-bit weights summed over thousands of inputs."""


class SortedBroadcastParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["sorted_broadcast"]
    pes: PositiveInt
    """PEs, an output channel each."""
    spines_per_batch: PositiveInt
    """Spines that are merged at once."""
    merge_ways: PositiveInt
    """Batches whose intermediate FIFOs are merged at once."""
    filter_rows: PositiveInt
    """Rows of the filter buffer, a weight of each PE in each."""
    output_spine_entries: PositiveInt
    """Spikes that are collected before they are stored."""
    entry_bits: PositiveInt
    """Of a spike in a spine."""
    dram_bytes_per_cycle: PositiveInt
    pipeline_cycles: PositiveInt
    """Cycles that a tile takes beyond one per spike."""


class SortedBroadcastBuffers(Buffers):
    """The section `buffers`."""

    filters: Buffer
    """Rows of weights."""
    input_spines: Buffer
    """Spines that are merged."""


class SortedBroadcastMachine(RuleMachine):
    """A machine that broadcasts spikes in the order of time."""

    dataflow: SortedBroadcastParameters
    buffers: SortedBroadcastBuffers
    dram: Dram

    @property
    def pe_count(self) -> int:
        """PEs."""
        return self.dataflow.pes

    def units(self) -> tuple[LogicUnit, ...]:
        """An adder per PE."""
        return (LogicUnit("pe", "add", bits=POTENTIAL_BITS, count=self.dataflow.pes),)

    def unmodelled(self) -> tuple[str, ...]:
        """What has no count."""
        return ("mergers and sorters", "FIFOs", "neuron logic")


ADD = Counter(
    "pe.add", "pe", "potentials", "add", "logic", "operations", "a PE adds a weight, zero or not", bits=POTENTIAL_BITS
)
FILTER_READ = Counter("filters.read", "filters", "weights", "read", "sram", "words", "rows selected by spikes")
SPINE_READ = Counter("input_spines.read", "input_spines", "spikes", "read", "sram", "words", "spikes broadcast")

SORTED_BROADCAST = rule(
    "sorted_broadcast",
    machine=SortedBroadcastMachine,
    summary="spikes of a receptive field merged in time, one per cycle to all PEs (SpinalFlow)",
    free=("add", "concatenate", "pool"),
    demands=(
        "groups", "dilation", "a delayed input", "several inputs", "a neuron of two states",
        "a neuron that does not fire", "a leak per neuron", "a threshold per neuron", "a start potential",
        "a reset in the next timestep", "an input without weights",
    ),
    counters=(ADD, FILTER_READ, SPINE_READ),
    memory=rows_in_blocks,
)  # fmt: skip


class Broadcast(NamedTuple):
    """What the kernel needs of a machine and one group of a synapse.

    spines, ways: that are merged at once. tiles: of output channels. tiles_held: of them in the filter buffer, 0 if not
    even one fits. weight_bits: of the weights of a tile. entry_bits, bits_per_cycle, pipeline: of the machine.
    """

    spines: int
    ways: int
    tiles: int
    tiles_held: int
    weight_bits: int
    entry_bits: int
    bits_per_cycle: int
    pipeline: int


@kernel
def merge_passes(batches: int, ways: int) -> int:
    """Times that every spike is merged ahead of the last merge, where there are `batches` runs and `ways` at once."""
    passes = 0
    while batches > ways:
        batches = -(-batches // ways)
        passes += 1
        if ways == 1:
            break
    return passes


@kernel
def broadcast(ones: Int64, windows: Windows, rule: Broadcast, cycles_out: Int64) -> int:
    """Cycles (load, compute) of all positions and tiles, added to `cycles_out`; returns tiles of weights loaded.

    ones: int64 (H, W), spikes of every spine.
    """
    rows, columns = windows.rows, windows.columns
    batches = np.zeros(rows.taps * columns.taps, np.int64)
    first_held = -1  # tiles [first_held, first_held + tiles_held), counted round the end, are in the filter buffer
    shadow = 0  # cycles that were computed since the last load
    loaded_tiles = 0
    for p in range(rows.outputs):
        for q in range(columns.outputs):
            spines = 0
            for r in range(rows.taps):
                h = p * rows.stride + r * rows.dilation - rows.padding
                for s in range(columns.taps):
                    w = q * columns.stride + s * columns.dilation - columns.padding
                    if 0 <= h < rows.inputs and 0 <= w < columns.inputs:
                        if spines % rule.spines == 0:
                            batches[spines // rule.spines] = 0
                        batches[spines // rule.spines] += ones[h, w]
                        spines += 1
            used = -(-spines // rule.spines)
            for tile in range(rule.tiles):
                if first_held < 0 or (tile - first_held) % rule.tiles >= rule.tiles_held:
                    taken = min(max(1, rule.tiles_held), rule.tiles)
                    cycles_out[0] += max(0, -(-taken * rule.weight_bits // rule.bits_per_cycle) - shadow)
                    loaded_tiles += taken
                    first_held = tile if rule.tiles_held > 0 else -1
                shadow = 0
                total = 0
                for batch in range(used):
                    load = -(-batches[batch] * rule.entry_bits // rule.bits_per_cycle)
                    cycles_out[0] += max(0, load - shadow)
                    total += batches[batch]
                    # all batches but the last are merged on their own
                    shadow = batches[batch] if batch < used - 1 else 0
                    cycles_out[1] += shadow
                ahead = merge_passes(used, rule.ways) * total
                shadow = ahead + total + rule.pipeline
                cycles_out[1] += shadow
    return loaded_tiles


@SORTED_BROADCAST.runs("conv1d", "conv2d", "linear")
def synapses(machine: SortedBroadcastMachine, run: OperatorRun) -> Activity:
    """Load and compute of every group."""
    parameters = machine.dataflow
    work = run.workload
    shape = work.shape
    channels = shape.M // shape.groups
    by_group = work.input_ones_by_place.reshape(shape.groups, shape.C // shape.groups, shape.H, shape.W)
    spines, windows = by_group.sum(axis=1), work.windows
    if run.kind == "linear":
        spines, windows = _linear_spines(run)
    held = parameters.filter_rows // shape.fan_in
    limits = Broadcast(
        spines=parameters.spines_per_batch,
        ways=parameters.merge_ways,
        tiles=-(-channels // parameters.pes),
        tiles_held=held,
        weight_bits=shape.fan_in * parameters.pes * work.weight_bits,
        entry_bits=parameters.entry_bits,
        bits_per_cycle=8 * parameters.dram_bytes_per_cycle,
        pipeline=parameters.pipeline_cycles,
    )
    cycles = np.zeros(2, np.int64)
    loaded = sum(broadcast(np.ascontiguousarray(ones), windows, limits, cycles) for ones in spines)
    broadcasts = work.im2col_ones * limits.tiles
    adds = work.im2col_ones * channels
    return Activity.total(
        {"compute": int(cycles[1]), "load": 0 if machine.dram.is_ideal else int(cycles[0])},
        reads={"weights": loaded * limits.weight_bits, "spikes": broadcasts * parameters.entry_bits},
        counts={ADD.name: adds, FILTER_READ.name: broadcasts, SPINE_READ.name: broadcasts},
        busy={"pe": adds},
    )


def _linear_spines(run: OperatorRun) -> tuple[Int64, Windows]:
    """Spikes of every position of the tensor that a linear operator takes, as one window over all of them."""
    channels, height, width = run.input_spec().shape
    shape = LayerShape("conv2d", C=channels, H=height, W=width, M=1, R=height, S=width)
    ones = run.workload.input_ones_by_place.reshape(channels, height, width).sum(axis=0)
    return ones[None], Windows.of(shape)


@SORTED_BROADCAST.runs("neuron")
def neurons(machine: SortedBroadcastMachine, run: OperatorRun) -> Activity:
    """Output spikes are sorted, one per cycle, and stored spine by spine; potentials of a readout are stored as they
    are."""
    parameters, is_ideal = machine.dataflow, machine.dram.is_ideal
    output = run.operator.output
    per_cycle = 8 * parameters.dram_bytes_per_cycle
    if output.bits > 1 or output.signed:
        bits = run.outputs * run.timesteps * output.bits
        return Activity.total(
            {"compute": 0, "store": 0 if is_ideal else -(-bits // per_cycle)}, writes={"outputs": bits}
        )
    frames = run.sample.frames(output.name)
    packed = frames if isinstance(frames, PackedSpikes) else pack_frames(blocks(frames), run.timesteps, output.shape)
    spikes = spikes_by_place(packed).reshape(output.shape[0], -1).sum(axis=0, dtype=np.int64)
    full, rest = np.divmod(spikes, parameters.output_spine_entries)
    of_full = -(-parameters.output_spine_entries * parameters.entry_bits // per_cycle)
    carried = full * of_full + -(-rest * parameters.entry_bits // per_cycle)
    store = spikes if is_ideal else spikes + carried
    bits = int(spikes.sum()) * parameters.entry_bits
    return Activity.total({"compute": 0, "store": int(store.sum())}, writes={"outputs": bits})
