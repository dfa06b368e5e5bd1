"""The row-stationary array: Eyeriss with time as a further loop and a neuron unit.

A processing element (PE) computes the 1-D convolution of one filter row with one input row; the PEs of a column add up
the rows of a filter; columns take output rows of several timesteps. In brief (MICROARCHITECTURE.md beside this file
says it to the cycle and to the access):

- A pass is filters x channels x `columns` pairs (timestep, output row). Its length is that of the slowest PE, whose
  cycles come from the real spikes and the real weights, or of the global buffer if it cannot keep up.
- Partial sums stay in the global buffer between channel folds; a tile of the map is finished for all timesteps before
  the next, so potentials never leave the chip.
- Weights may bypass the global buffer; zeros may be gated or skipped, buffer by buffer; wires are charged by length.
- Which filters, channels, rows and timesteps lie where is chosen by a fixed rule from the relative costs of Eyeriss.

Read the files in this order: `machine` (the machine file), `specs` and `lowering` (integers), `capacity` and `mapping`
(cutting a layer), `streams` (encoded weights), `schedule` (the passes), `tables` and `windows` (what weights and spikes
come to), `pe`, `buffer` and `passes` (kernels), `plan` (a layer on a machine), `counters`.
"""

from __future__ import annotations

from typing import cast

from spikecycle.simulator.activity import Counter
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.base import LayerTask
from spikecycle.simulator.dataflows.row_stationary import counters as counted
from spikecycle.simulator.dataflows.row_stationary.machine import RowStationaryMachine
from spikecycle.simulator.dataflows.row_stationary.plan import RowStationaryPlan
from spikecycle.simulator.dataflows.row_stationary.records import CAUSES, LABEL_NAMES
from spikecycle.simulator.machine.schema import Machine

__all__ = ["RowStationary", "RowStationaryMachine", "RowStationaryPlan"]


class RowStationary:
    """The dataflow; see `spikecycle.simulator.dataflows.base.Dataflow`."""

    name = "row_stationary"
    summary = "Eyeriss: filter rows stay in PEs, partial sums go up the columns"
    machine_type: type[Machine] = RowStationaryMachine
    causes: tuple[str, ...] = CAUSES
    label_names = LABEL_NAMES

    def counters(self, machine: Machine, task: LayerTask) -> tuple[Counter, ...]:
        """What is counted, in the order of Passes.counts."""
        return counted.counters(cast(RowStationaryMachine, machine), task)

    def needs_active(self, machine: Machine) -> bool:
        """Every neuron is updated."""
        return False

    def plan(self, machine: Machine, task: LayerTask) -> RowStationaryPlan:
        """Map a layer; raises MappingError naming machine and layer where it can't."""
        return RowStationaryPlan(cast(RowStationaryMachine, machine), task)


DATAFLOWS.register("row_stationary", RowStationary())
