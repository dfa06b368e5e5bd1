"""Balanced rows: each PE adds up the spikes of whole rows of the im2col matrix, dealt out to the least loaded PE.

The rule by which the comparison study of Prosperity (Wei et al., HPCA 2025, section VII, and its public simulator)
times SATO (Liu et al., DAC 2022), whose dispatcher sorts rows of spikes into buckets so that PEs finish together:

- the rows of the im2col matrix (a window of one timestep each, timestep after timestep, and within one the output
  positions in row-major order) go, one after the other, to the PE that has the fewest spikes so far, of equals the
  first. An operator takes the spikes of the fullest PE times the output channels: channels are not shared out;
- a population takes log2(T) + 1 cycles per neuron, the depth of the binary search for the times of its spikes, one
  neuron after the other. The study does not round it; cycles of a population are rounded to the nearest whole one here.

Neurons of two states are refused: the search is one in sums over time, through which a synaptic current with a leak of
its own does not go. A value of several bits counts its set bits. Groups are operators of their own. Attention,
additions, pooling and concatenation cost nothing there, and memory is not counted (but see `traffic`).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.neuron_unit import NEURON_DEMANDS
from spikecycle.simulator.dataflows.once_through import OnceThroughMachine, OnceThroughParameters, once_through
from spikecycle.simulator.dataflows.rule import OperatorRun, rule
from spikecycle.simulator.dataflows.rule_memory import groups_need, some_rows
from spikecycle.simulator.jit import kernel
from spikecycle.simulator.machine.schema import PositiveInt


class BalancedRowsParameters(OnceThroughParameters):
    """The section `dataflow`."""

    kind: Literal["balanced_rows"]
    pes: PositiveInt
    """PEs, one row of spikes each at a time."""


class BalancedRowsMachine(OnceThroughMachine):
    """A machine that deals rows of spikes out."""

    dataflow: BalancedRowsParameters

    @property
    def pe_count(self) -> int:
        """Processing elements."""
        return self.dataflow.pes


BALANCED_ROWS = rule(
    "balanced_rows",
    machine=BalancedRowsMachine,
    summary="rows of spikes dealt out to the least loaded PE (SATO)",
    free=("add", "attention", "concatenate", "pool"),
    demands={"groups", "dilation", "a delayed input", "several inputs", "an input without weights"}
    | NEURON_DEMANDS - {"a neuron of two states"},
    memory=lambda machine, sizes: (some_rows(sizes), groups_need(sizes, 2 * 8 * machine.dataflow.pes)),
)


@kernel
def sift(heap: Int64, shares: Int64, place: int) -> None:
    """Move a PE down a heap of PEs, int64 (PEs,), until none below it has fewer spikes (of equals, a lower number)."""
    pe = heap[place]
    while True:
        child = 2 * place + 1
        if child >= len(heap):
            break
        right = child + 1
        if right < len(heap) and (shares[heap[right]], heap[right]) < (shares[heap[child]], heap[child]):
            child = right
        if (shares[heap[child]], heap[child]) > (shares[pe], pe):
            break
        heap[place] = heap[child]
        place = child
    heap[place] = pe


@kernel
def fullest_share(spikes: Int64, shares: Int64) -> int:
    """Most spikes that a PE gets: each row goes to the PE with the fewest so far, of equals to the first.

    spikes: int64 (rows,). shares: int64 (PEs,), the spikes that each PE has already; what it has afterwards.
    """
    heap = np.arange(len(shares))  # the PE with the fewest spikes (of equals, the first) is on top
    for place in range(len(heap) // 2 - 1, -1, -1):
        sift(heap, shares, place)
    for row in range(len(spikes)):
        if spikes[row] == 0:
            continue
        shares[heap[0]] += spikes[row]
        sift(heap, shares, 0)
    return int(shares.max())


@BALANCED_ROWS.runs("conv1d", "conv2d", "linear")
def synapses(machine: BalancedRowsMachine, run: OperatorRun) -> Activity:
    """Cycles, and traffic if it is counted, of an operator with weights."""
    work = run.workload
    shares = np.zeros((work.groups, machine.dataflow.pes), np.int64)
    for rows in work.row_ones_blocks():
        for of_group, own in zip(rows, shares, strict=True):
            fullest_share(np.ascontiguousarray(of_group).reshape(-1), own)
    fullest = int(shares.max(axis=1).sum())
    return once_through(machine, run, fullest * (work.output_channels // work.groups))


@BALANCED_ROWS.runs("neuron")
def neurons(machine: BalancedRowsMachine, run: OperatorRun) -> int:
    """Cycles of a population."""
    return round(run.outputs * (math.log2(run.timesteps) + 1))
