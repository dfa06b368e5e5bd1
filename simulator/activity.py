"""What a dataflow reports of a stage: work, traffic and counts, all integers; pricing and overlap come later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.errors import ContractError

OPERANDS = ("weights", "spikes", "potentials", "outputs")
"""Columns of every per-operand array: encoded weights, input spikes, potentials or partial sums, output spikes."""
WEIGHTS, SPIKES, POTENTIALS, OUTPUTS = range(4)

Resource = Literal["sram", "logic", "control", "crossbar", "clock", "wire", "dram", "none"]


class Counter(NamedTuple):
    """One declared count.

    name: unique within a dataflow, e.g. "weights.read".
    component: the buffer (its key in the machine file) or unit that acts, e.g. "weights", "accumulator".
    operand: what is moved or computed on, for tables ("weights", "spikes", "potentials", "outputs").
    action: what it does; for `resource` "sram" read or write, for "logic" an action of the energy table, for "control"
        a unit of it and what happens in it ("decode_mask.fiber").
    resource: what prices one action (see `spikecycle.simulator.pricing`). "sram": one access of the buffer `component`
        at its full width; "logic": the energy table's `action` at `bits`; "control": one event of a unit;
        "crossbar": a PE cycle of kernels of `bits` positions; "clock": `bits` flip-flops for a cycle; "wire": one
        action moves `bits` over `length_um`; "dram": one action moves `bits`; "none": counted, costs nothing.
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


class Phase(NamedTuple):
    """A part of every row of work: the phases of a row follow each other.

    name: for timelines. categories: those of the row's cycles that fall into it. units: what is at work meanwhile.
    """

    name: str
    categories: tuple[str, ...]
    units: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Work:
    """What occupied the machine's resources, in execution order: struct of arrays, one row per piece of work.

    A row is what lies between two barriers of its resource: a pass of an array, a timestep of a core, a whole operator.

    cycles: int64 (n,), cycles for which the row occupies its resource once its operands are on chip.
    categories: names of the columns of `breakdown`; the first is "compute".
    breakdown: int64 (n, k), the same cycles by category; rows sum to `cycles`.
    step: int64 (n,), the timestep of a row (0 where timesteps are not told apart).
    resource: int64 (n,), index into `resources`.
    resources: names of what works side by side: ("array",), or one name per core.
    places: int64 (n,) by name: which part of the stage a row is (tile, timestep, pass), for timelines.
    phases: what happens in a row, in order of time, each category in one of them; empty where that is not told apart.
    are_sums: that `cycles` were added up from `breakdown` is known, and not checked.
    is_known_sound: that is known of all that is checked here: rows are made some thousands of times in a run.
    """

    cycles: Int64
    categories: tuple[str, ...]
    breakdown: Int64
    step: Int64
    resource: Int64
    resources: tuple[str, ...] = ("array",)
    places: Mapping[str, Int64] = field(default_factory=dict)
    phases: tuple[Phase, ...] = ()
    are_sums: bool = False
    is_known_sound: bool = False

    def __post_init__(self) -> None:
        if not self.is_known_sound:
            self.check()

    def check(self) -> None:
        """Raise ContractError unless the rows are what they are said to be."""
        n = len(self.cycles)
        if self.breakdown.shape != (n, len(self.categories)):
            raise ContractError(f"the breakdown has shape {self.breakdown.shape}, expected {(n, len(self.categories))}")
        if not self.are_sums and not np.array_equal(self.breakdown.sum(axis=1), self.cycles):
            raise ContractError("the breakdown of a row of work does not sum to its cycles")
        if n and (self.breakdown.min() < 0 or (not self.are_sums and self.cycles.min() < 0)):
            raise ContractError("cycles must not be negative")
        if self.step.shape != (n,) or self.resource.shape != (n,):
            raise ContractError(f"step and resource need one entry for each of the {n} rows of work")
        if len(self.resources) == 1:
            are_named = not self.resource.any()
        else:
            are_named = not n or bool(0 <= self.resource.min() <= self.resource.max() < len(self.resources))
        if not are_named:
            raise ContractError("a row of work names a resource that there is not")
        named = sorted(category for phase in self.phases for category in phase.categories)
        if self.phases and named != sorted(self.categories):
            raise ContractError("every category of a row of work needs to be in one of its phases, and in one only")

    @classmethod
    def of(
        cls,
        categories: tuple[str, ...],
        breakdown: Int64,
        *,
        step: Int64 | None = None,
        places: Mapping[str, Int64] | None = None,
        phases: tuple[Phase, ...] = (),
    ) -> Work:
        """Rows of one resource, their cycles being the sums of their breakdowns."""
        n = len(breakdown)
        zeros = np.zeros(n, np.int64)
        steps = zeros if step is None else step
        cycles = breakdown.sum(axis=1)
        return cls(cycles, categories, breakdown, steps, zeros, places=places or {}, phases=phases, are_sums=True)


@dataclass(frozen=True, eq=False)
class Moves:
    """Traffic between chip and DRAM of each row of work, in bits, before it is rounded to bursts.

    load_bits: int64 (n, operands), what must be on chip before the row starts. store_bits: int64 (n, operands), what
    leaves after it. operands: names of the columns. is_known_sound: see `Work`.
    """

    load_bits: Int64
    store_bits: Int64
    operands: tuple[str, ...] = OPERANDS
    is_known_sound: bool = False

    def __post_init__(self) -> None:
        if not self.is_known_sound:
            self.check()

    def check(self) -> None:
        """Raise ContractError unless the traffic is what it is said to be."""
        for bits in (self.load_bits, self.store_bits):
            if bits.ndim != 2 or bits.shape != (len(self.load_bits), len(self.operands)):
                raise ContractError(f"traffic needs one row per row of work and one column each of {self.operands}")
            if bits.size and bits.min() < 0:
                raise ContractError("traffic must not be negative")


ROWS_AT_ONCE = 2**15 - 24
"""Rows of work of a block, where they are made in blocks: some 7 MB with everything that is computed of them. Not a
power of two: columns of 64-bit numbers that follow each other in memory would all fall into the same few lines of a
cache, and a row that is written to 14 of them would miss each."""


@dataclass(frozen=True, eq=False)
class WorkRows:
    """The rows of work of a stage with their traffic, all of them or a block at a time.

    There may be many millions (passes of an array, cores x timesteps), of some 200 bytes each. Where what they
    follow from takes less, rows are made anew for whoever goes through them, and no more than a block is there at once.

    units: what rows are made by: passes, timesteps; a unit may have several rows. at_once: units of a block.
    make: `make(first, stop)` is the work of units `first` to `stop` - 1 in order, and its traffic: the same whenever
    and in whatever thread it is asked for, and with the same categories, resources and operands for all units.
    kept_bytes: what is kept to make them from. by_timestep: whether a unit has all rows of its timesteps.
    """

    units: int
    at_once: int
    make: Callable[[int, int], tuple[Work, Moves]]
    kept_bytes: int
    by_timestep: bool = False

    @classmethod
    def of(cls, work: Work, moves: Moves) -> WorkRows:
        """Rows that are kept as they are."""
        if len(moves.load_bits) != len(work.cycles):
            raise ContractError("work and moves need the same number of rows")
        arrays = (work.cycles, work.breakdown, work.step, work.resource, moves.load_bits, moves.store_bits)
        kept_bytes = sum(array.nbytes for array in (*arrays, *work.places.values()))
        return cls(1, 1, lambda first, stop: (work, moves), kept_bytes, by_timestep=True)

    @classmethod
    def made(
        cls,
        units: int,
        rows_of_unit: int,
        make: Callable[[int, int], tuple[Work, Moves]],
        kept_bytes: int,
        *,
        by_timestep: bool = False,
    ) -> WorkRows:
        """Rows that are made in blocks; rows_of_unit: how many each unit has at most."""
        return cls(units, max(1, ROWS_AT_ONCE // max(1, rows_of_unit)), make, kept_bytes, by_timestep)

    def blocks(self) -> Iterator[tuple[Work, Moves]]:
        """One block after the other, at least one."""
        for first in range(0, max(1, self.units), self.at_once):
            yield self.make(first, min(first + self.at_once, self.units))

    def blocks_of_timesteps(self) -> Iterator[tuple[Work, Moves]]:
        """The same, no timestep having rows in two of them."""
        return self.blocks() if self.by_timestep else iter([self.all()])

    def one_unit(self) -> tuple[Work, Moves]:
        """The rows of the first unit, if there is one."""
        return self.make(0, min(1, self.units))

    def all(self) -> tuple[Work, Moves]:
        """All rows at once."""
        return self.make(0, self.units)


@dataclass(frozen=True, eq=False)
class Activity:
    """What one stage did on one sample: integers only.

    rows: its work, and the traffic of it, row by row. counts: by the name of the declared counter.
    busy: cycles by unit in which it did useful work; "pe": PE-cycles.
    synaptic_operations: weights applied because of a spike (zero weights do not count).
    busy_by_pe: int64 (PEs,), cycles in which each PE served spikes; None where the dataflow does not tell PEs apart.
    accesses_by_bank: by memory, int64 (banks,), reads and writes of the banks with the same number in all instances,
        where the dataflow says in which bank a word lies.
    """

    rows: WorkRows
    counts: Mapping[str, int]
    busy: Mapping[str, int] = field(default_factory=dict)
    synaptic_operations: int = 0
    busy_by_pe: Int64 | None = None
    accesses_by_bank: Mapping[str, Int64] = field(default_factory=dict)

    def __post_init__(self) -> None:
        negative = [name for name, count in self.counts.items() if count < 0]
        if negative:
            raise ContractError(f"the count of {negative[0]} is negative")

    @property
    def work(self) -> Work:
        """All rows of work: of a long run, as many as its `rows` spare others."""
        return self.rows.all()[0]

    @property
    def moves(self) -> Moves:
        """The traffic of all of them."""
        return self.rows.all()[1]

    @classmethod
    def of(
        cls,
        work: Work,
        moves: Moves,
        counts: Mapping[str, int] | None = None,
        busy: Mapping[str, int] | None = None,
        synaptic_operations: int = 0,
        busy_by_pe: Int64 | None = None,
    ) -> Activity:
        """A stage whose rows are kept."""
        return cls(WorkRows.of(work, moves), counts or {}, busy or {}, synaptic_operations, busy_by_pe)

    @classmethod
    def of_steps(cls, cycles: Int64) -> Activity:
        """A stage that computes `cycles[t]` cycles in timestep t, int64 (T,), and moves nothing."""
        none = np.zeros((len(cycles), len(OPERANDS)), np.int64)
        work = Work.of(("compute",), cycles[:, None].astype(np.int64), step=np.arange(len(cycles)))
        return cls.of(work, Moves(none, none))

    @classmethod
    def total(
        cls,
        breakdown: Mapping[str, int],
        *,
        reads: Mapping[str, int] | None = None,
        writes: Mapping[str, int] | None = None,
        counts: Mapping[str, int] | None = None,
        busy: Mapping[str, int] | None = None,
        synaptic_operations: int = 0,
    ) -> Activity:
        """A stage as one row of work: cycles by category, DRAM bits read and written by operand, counts by name."""
        names = ("compute", *(name for name in breakdown if name != "compute"))
        row = np.array([[breakdown.get(name, 0) for name in names]], np.int64)
        operands = tuple(dict.fromkeys((*OPERANDS, *(reads or {}), *(writes or {}))))
        load, store = (
            np.array([[(bits or {}).get(operand, 0) for operand in operands]], np.int64) for bits in (reads, writes)
        )
        return cls.of(Work.of(names, row), Moves(load, store, operands), counts, busy, synaptic_operations)
