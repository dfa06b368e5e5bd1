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

Read the files in this order: `machine` (the machine file), `kernel_types` (layer, array and mapping as integers),
`weight_streams` (encoded weights), `mapping` (how a layer is cut), `counts` (tables of weights, active inputs at every
tap), `passes` (their order), `global_buffer`, `updates` and `slowest_pe` (what happens in each), `pass_records` (all
of that, pass by pass), `replay` (a sample in all passes), `plan` (all of it together: a layer on a machine), `counters`
(what is counted), `memory` (what a run takes of the computer's memory).
"""

from __future__ import annotations

from typing import cast

from spikecycle.simulator.array_types import Frames
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.layer import LayerPlan, check_layer, layer_of
from spikecycle.simulator.dataflows.memory import layer_sizes, outline
from spikecycle.simulator.dataflows.neuron_unit import NEURON_DEMANDS, NEURON_EXTRAS
from spikecycle.simulator.dataflows.row_stationary.machine import (
    RowStationaryMachine,
    check_sizes,
    chosen_weight_format,
    spike_format_problem,
    weight_format_problem,
)
from spikecycle.simulator.dataflows.row_stationary.memory import needs
from spikecycle.simulator.dataflows.row_stationary.plan import RowStationaryPlan
from spikecycle.simulator.dataflows.stage import Network, Stage, layers
from spikecycle.simulator.dataflows.support import Support
from spikecycle.simulator.machine.schema import AUTO, Machine
from spikecycle.simulator.memory import Need
from spikecycle.traces import TensorSpec

__all__ = ["RowStationary", "RowStationaryMachine", "RowStationaryPlan"]


class RowStationary:
    """The dataflow; see `spikecycle.simulator.dataflows.base.Dataflow`."""

    name = "row_stationary"
    summary = "Eyeriss: filter rows stay in PEs, partial sums go up the columns"
    machine_type: type[Machine] = RowStationaryMachine
    supports = Support(
        operators=frozenset({"conv1d", "conv2d", "linear", "neuron"}),
        free=frozenset({"add", "pool", "concatenate"}),
        demands=frozenset({"groups", "dilation", "a delayed input", "several inputs", "an input without weights"})
        | NEURON_DEMANDS,
        input_bits=16,
        weight_format_problem=weight_format_problem,
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
        """Formats, neurons, widths and the kernel's size."""
        chosen, task = cast(RowStationaryMachine, machine), outline(stage, network)
        check_layer(stage, network)
        if task is not None:
            if chosen.formats.weights_of(task.name).format != AUTO:
                chosen_weight_format(chosen, task)
            check_sizes(chosen, task)

    def memory(self, machine: Machine, stage: Stage, network: Network) -> tuple[Need, ...]:
        """Fibers, tables and passes, at most."""
        sizes = layer_sizes(stage, network)
        return () if sizes is None else needs(cast(RowStationaryMachine, machine), sizes)

    def plan(self, machine: Machine, stage: Stage, network: Network) -> LayerPlan:
        """Map a layer; raises MappingError naming machine and layer where it can't."""
        task, connections, population = layer_of(stage, network)
        return LayerPlan(task, connections, population, RowStationaryPlan(cast(RowStationaryMachine, machine), task))

    def keeps(self, machine: Machine, tensor: TensorSpec, values: Frames) -> bool:
        """All timesteps of a tensor must fit a quarter of the global buffer, a row of the map from a word on."""
        buffer = cast(RowStationaryMachine, machine).buffers.global_buffer
        channels, rows, columns = tensor.shape
        words = len(values) * channels * rows * -(-columns * tensor.bits // buffer.width_bits)
        return bool(words <= buffer.words // 4)


DATAFLOWS.register("row_stationary", RowStationary())
