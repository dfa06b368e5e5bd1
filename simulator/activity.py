"""What a dataflow reports: passes with their cycles and traffic, and integer counts of everything that happened.

No floating point here and no energy: `spikecycle.simulator.energy` prices the counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]

OPERANDS = ("weights", "spikes", "potentials", "outputs")
"""Columns of every per-operand array: encoded weights, input spikes, potentials or partial sums, output spikes."""
WEIGHTS, SPIKES, POTENTIALS, OUTPUTS = range(4)

Resource = Literal["sram", "logic", "wire", "dram", "none"]


@dataclass(frozen=True)
class Counter:
    """One declared count.

    name: unique within a dataflow, e.g. "weights.read".
    component: the buffer (its key in the machine file) or unit that acts, e.g. "weights", "accumulator".
    operand: what is moved or computed on, for tables ("weights", "spikes", "potentials", "outputs").
    action: what it does; for `resource` "sram" read or write, for "logic" an action of the energy table.
    resource: what prices one action. "sram": one access of the buffer `component` at its full width; "logic":
        the energy table's `action` at `bits`; "wire": one action moves `bits` over `length_um`; "dram": one
        action moves `bits`; "none": counted, costs nothing by itself.
    unit: what is counted, e.g. "words", "operations", "events".
    meaning: one sentence.
    """

    name: str
    component: str
    operand: str
    action: str
    resource: Resource
    unit: str
    meaning: str
    bits: int = 1
    length_um: int = 0


@dataclass(frozen=True)
class Passes:
    """A layer's work on one sample, in execution order: struct of arrays, one entry per pass.

    A pass is the unit between two barriers of the array: what is loaded before it, computed in it, stored after it.

    compute_cycles: int64 (n,), cycles from the start of a pass, its operands being on chip, to its end.
    causes: int64 (n, k), the same cycles by cause, k as the dataflow's `causes`; rows sum to compute_cycles.
    load_bits: int64 (n, 4), bits that must come from DRAM before the pass starts, by operand (OPERANDS).
    store_bits: int64 (n, 4), bits that go to DRAM after the pass, by operand.
    counts: int64 (c,), totals over all passes, one per declared counter.
    busy_pe_cycles: PE-cycles in which a PE did useful work, the numerator of utilization.
    synaptic_operations: weights applied because of a spike (zero weights do not count).
    labels: int64 (n, 4), which part of the layer a pass is, for timelines; columns named by `label_names`.
    """

    compute_cycles: Int64
    causes: Int64
    load_bits: Int64
    store_bits: Int64
    counts: Int64
    busy_pe_cycles: int
    synaptic_operations: int
    labels: Int64
    label_names: tuple[str, str, str, str]

    def __post_init__(self) -> None:
        n = len(self.compute_cycles)
        if not np.array_equal(self.causes.sum(axis=1), self.compute_cycles):
            raise AssertionError("the causes of a pass do not sum to its cycles")
        for array in (self.load_bits, self.store_bits):
            if array.shape != (n, len(OPERANDS)) or (n and array.min() < 0):
                raise AssertionError("traffic must be non-negative, one row per pass and one column per operand")
