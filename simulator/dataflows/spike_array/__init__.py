"""The spike array: event-driven, spike-stationary.

One input spike is broadcast to P processing elements (PEs); each adds the spike's weights to the membrane
potentials it owns. Nothing happens for an input that did not spike. In brief (MICROARCHITECTURE.md beside this file
says it to the cycle):

- A dispatcher scans the encoded spikes of one timestep word by word and broadcasts an event a cycle into the PEs'
  FIFOs; a full FIFO holds it up.
- A PE serves one event at a time: it fetches the fiber of the event's channel and phase from its weight memory word
  by word, decodes it at the format's rate, and adds non-zero weights to potentials in banked memory, where conflicts
  take extra cycles.
- At the end of a timestep a barrier; then all potentials (or those not at rest) are updated and spikes encoded.
- A layer that does not fit is cut in tiles of output channels, map rows and map columns, and in input tiles; a tile
  runs through all timesteps before the next, so that potentials never leave the chip.

Read the files in this order: `machine` (the machine file), `fibers`, `images` (where fibers lie), `axes`, `tiling`
(cutting a layer), `service` (kernel: how long a PE serves an event), `events` (kernel: what the dispatcher sends),
`passes` (kernel: the array, event by event), `update` (kernels: sweep and encode), `replay` (the loop over passes),
`plan` (a layer on a machine), `counters`.
"""

from __future__ import annotations

from typing import cast

from spikecycle.simulator.activity import Counter
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.base import LayerTask
from spikecycle.simulator.dataflows.spike_array import counters as counted
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.passes import CAUSES
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.simulator.dataflows.spike_array.replay import LABEL_NAMES
from spikecycle.simulator.machine.schema import Machine

__all__ = ["SpikeArray", "SpikeArrayMachine", "SpikeArrayPlan"]


class SpikeArray:
    """The dataflow; see `spikecycle.simulator.dataflows.base.Dataflow`."""

    name = "spike_array"
    summary = "event-driven: spikes are broadcast, PEs keep the potentials"
    machine_type: type[Machine] = SpikeArrayMachine
    causes: tuple[str, ...] = CAUSES
    label_names = LABEL_NAMES

    def counters(self, machine: Machine, task: LayerTask) -> tuple[Counter, ...]:
        """What is counted, in the order of Passes.counts."""
        return counted.counters(cast(SpikeArrayMachine, machine), task)

    def needs_active(self, machine: Machine) -> bool:
        """A sparse update has to know which neurons are not at rest."""
        return cast(SpikeArrayMachine, machine).dataflow.update == "sparse"

    def plan(self, machine: Machine, task: LayerTask) -> SpikeArrayPlan:
        """Map a layer; raises MappingError naming machine and layer where it can't."""
        return SpikeArrayPlan(cast(SpikeArrayMachine, machine), task)


DATAFLOWS.register("spike_array", SpikeArray())
