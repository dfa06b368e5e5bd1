"""The spike array: event-driven, spike-stationary.

One input spike is broadcast to P processing elements (PEs); each adds the spike's weights to the membrane
potentials it owns. Nothing happens for an input that did not spike. In brief (MICROARCHITECTURE.md beside this file
says it to the cycle):

- A dispatcher scans the encoded spikes of one timestep word by word and broadcasts an event per cycle into the PEs'
  FIFOs; a full FIFO holds it up.
- A PE serves one event at a time: it fetches the fiber of the event's channel and phase from its weight memory word
  by word, decodes it at the format's rate, and adds non-zero weights to potentials in banked memory, where conflicts
  take extra cycles.
- At the end of a timestep a barrier; then all potentials (or those not at rest) are updated and spikes encoded.
- A layer that does not fit is cut in tiles of output channels, map rows and map columns, and in input tiles; a tile
  runs through all timesteps before the next, so that potentials never leave the chip.

Read the files in this order: `machine` (the machine file), `coding` (formats that it takes), `fibers`,
`weight_layout` (where fibers lie), `channel_tiles` (what is kept of them), `axes`, `tap_lanes` (tap cases side by
side), `map_cut`, `tiling` (cutting a layer), `full_cut` (the same without weights), `pe_latency` (kernel: how long
a PE takes for an event), `alike_fibers` (which fibers take alike), `latency_tables` (all latencies, some at a time),
`events` (kernel: what the dispatcher sends), `passes` (kernel: the array, event by event), `abreast` (kernel: the
same for channel tiles together), `map_tiles` (all passes of a sample), `update` (kernels: sweep and encode), `frame`
(what a sample does around its events), `replay` (its events, and all together), `bank_accesses`, `plan` (a layer on a
machine), `counters`, `memory` (what all of it takes).
"""

from __future__ import annotations

from typing import cast

import numpy as np

from spikecycle.simulator.array_types import Frames
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.layer import LayerPlan, check_layer, layer_of
from spikecycle.simulator.dataflows.memory import outline
from spikecycle.simulator.dataflows.neuron_unit import NEURON_DEMANDS, NEURON_EXTRAS
from spikecycle.simulator.dataflows.spike_array.coding import chosen_weight_format, spike_format_problem
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.memory import needs, sparse_needs
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan, check_sizes
from spikecycle.simulator.dataflows.spike_array.tiling import check_smallest_tile, words_of
from spikecycle.simulator.dataflows.stage import Network, Stage, layers
from spikecycle.simulator.dataflows.support import Support
from spikecycle.simulator.formats import count_entries, spike_format
from spikecycle.simulator.machine.schema import AUTO, Machine
from spikecycle.simulator.memory import Need
from spikecycle.traces import TensorSpec
from spikecycle.traces.frames import blocks

__all__ = ["SpikeArray", "SpikeArrayMachine", "SpikeArrayPlan"]


class SpikeArray:
    """The dataflow; see `spikecycle.simulator.dataflows.base.Dataflow`."""

    name = "spike_array"
    summary = "event-driven: spikes are broadcast, PEs keep the potentials"
    machine_type: type[Machine] = SpikeArrayMachine
    supports = Support(
        operators=frozenset({"conv1d", "conv2d", "linear", "neuron"}),
        free=frozenset({"add", "pool", "concatenate"}),
        demands=frozenset({"groups", "dilation", "a delayed input", "several inputs", "an input without weights"})
        | NEURON_DEMANDS,
        input_bits=16,
        spike_format_problem=spike_format_problem,
        layers_only=True,
        pools_currents=True,
        packed_spikes=True,
        keeps_tensors=True,
        accounts_for=NEURON_EXTRAS,
    )
    overlaps: tuple[str, ...] = ("double_buffering", "roofline")

    def stages(self, machine: Machine, network: Network) -> list[Stage]:
        """Layer by layer."""
        return layers(network, with_pools=True)

    def check(self, machine: Machine, stage: Stage, network: Network) -> None:
        """Formats, neurons, and the smallest tile of them."""
        chosen, task = cast(SpikeArrayMachine, machine), outline(stage, network)
        check_layer(stage, network)
        if task is not None:
            if chosen.formats.weights_of(task.name).format != AUTO:
                chosen_weight_format(chosen, task)
            check_sizes(chosen, task)
            check_smallest_tile(chosen, task)

    def memory(self, machine: Machine, stage: Stage, network: Network) -> tuple[Need, ...]:
        """Tables, passes and events, at most."""
        task = outline(stage, network)
        if task is None:
            return ()
        chosen = cast(SpikeArrayMachine, machine)
        return (*needs(chosen, task), *sparse_needs(chosen, stage, task))

    def plan(self, machine: Machine, stage: Stage, network: Network) -> LayerPlan:
        """Map a layer; raises MappingError naming machine and layer where it can't."""
        task, connections, population = layer_of(stage, network)
        return LayerPlan(task, connections, population, SpikeArrayPlan(cast(SpikeArrayMachine, machine), task))

    def keeps(self, machine: Machine, tensor: TensorSpec, values: Frames) -> bool:
        """All timesteps of a tensor must fit half the spikes buffer; the other half has what the layer makes."""
        assert machine.formats is not None
        buffer = cast(SpikeArrayMachine, machine).buffers.spikes
        layout = spike_format(machine.formats.spikes).layout(tensor.count, tensor.bits, buffer.width_bits)
        words = 0
        for block in blocks(values):
            for frame in block.reshape(len(block), -1).astype(np.uint16):
                words += layout.words(count_entries(frame, layout))
        return words <= words_of(buffer, parts=2)


DATAFLOWS.register("spike_array", SpikeArray())
