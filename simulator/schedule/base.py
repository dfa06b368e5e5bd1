"""What an overlap policy is, and the schedule that it makes of what the stages of a network did.

A policy lives in one module of this package and registers itself:

    OVERLAPS.register("roofline", Roofline())

It takes the stages' work and traffic (`Activity`), the stages' edges, the DRAM channel and its own options, and says
when everything happened: total cycles, what each of them was spent on, bits moved, busy time of every resource.
Two things hold for every policy and are asserted: categories sum to the cycles that they explain, and no stage moves
fewer bits than its work asked for. Two more are tested: more cycles or bits, a slower channel, a longer latency or a
smaller buffer never make a schedule shorter; and what a policy adds to the categories of the work is named in `stalls`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from spikecycle.simulator.activity import Activity, Work
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.machine.schema import Section
from spikecycle.simulator.schedule.dram import DramTiming, Traffic

CHANNEL = "dram_channel"
"""Name of the DRAM channel among the busy resources of a stage."""


class OverlapOptions(Section):
    """The section `overlap` of a machine file; each policy derives its own, with its name as the value of `policy`."""

    policy: str


class Spans(NamedTuple):
    """When something happened again and again: int64 (n,) each, the moment of its beginning and that of its end.

    Moments are cycles from the beginning of the network; moment t is the beginning of cycle t.
    """

    starts: Int64
    ends: Int64


@dataclass(frozen=True, eq=False)
class StageSchedule:
    """One stage in time.

    start: cycle in which it begins. cycles: from there until its last work and traffic have ended.
    breakdown: those cycles by what they were spent on, categories of its work and stalls; they sum to `cycles`.
    load_moved_bits, store_moved_bits: bits that the channel carried, by operand, whole bursts.
    busy: cycles in which a resource worked, by name of the resource; CHANNEL is the DRAM channel.
    spans: "compute" has one entry per row of work; what else there is, the policy's module says.
    """

    start: int
    cycles: int
    breakdown: dict[str, int]
    load_moved_bits: dict[str, int]
    store_moved_bits: dict[str, int]
    busy: dict[str, int]
    spans: Mapping[str, Spans] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if sum(self.breakdown.values()) != self.cycles:
            raise AssertionError(f"the breakdown {self.breakdown} does not sum to the stage's {self.cycles} cycles")

    @property
    def end(self) -> int:
        """The moment when it is done."""
        return self.start + self.cycles


@dataclass(frozen=True, eq=False)
class Schedule:
    """A network in time.

    total_cycles: from its beginning until the last stage is done. breakdown: what they were spent on, along the
    critical path; they sum to `total_cycles`. stages: in the order of the activities.
    """

    total_cycles: int
    breakdown: dict[str, int]
    stages: list[StageSchedule]

    def __post_init__(self) -> None:
        if sum(self.breakdown.values()) != self.total_cycles:
            raise AssertionError(
                f"the breakdown {self.breakdown} does not sum to the network's {self.total_cycles} cycles"
            )

    @classmethod
    def in_turn(cls, stages: list[StageSchedule]) -> Schedule:
        """Stages that follow each other without overlap: the cycles, and their breakdown, are those of all stages."""
        return cls(sum(stage.cycles for stage in stages), sum_by_name(stage.breakdown for stage in stages), stages)


OptionsT = TypeVar("OptionsT", bound=OverlapOptions)


class Overlap(Protocol[OptionsT]):
    """An overlap policy; stateless.

    name: as machine files call it. summary: one sentence. source: whose rule it is.
    options_type: its section of the machine file. stalls: categories that it adds to those of the work.
    in_turn: whether stages follow each other, so that each can be resolved by itself. fits: names of dataflows that it
    fits beside those that list it themselves, for a policy that comes from outside.
    """

    name: str
    summary: str
    source: str
    options_type: type[OptionsT]
    stalls: tuple[str, ...]
    in_turn: bool
    fits: tuple[str, ...]

    def resolve(
        self, stages: Sequence[Activity], edges: Sequence[tuple[int, int]], dram: DramTiming, options: OptionsT
    ) -> Schedule:
        """When everything happens.

        stages: in topological order. edges: (producer, consumer), indices of stages.
        """


def sum_by_name(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Sum of mappings, key by key, keys in the order in which they first appear."""
    sums: dict[str, int] = {}
    for part in parts:
        for name, number in part.items():
            sums[name] = sums.get(name, 0) + number
    return sums


def add_by_name(sums: dict[str, int], names: Iterable[str], numbers: Iterable[int]) -> None:
    """Add a number to the sum of each name, which may occur twice."""
    for name, number in zip(names, numbers, strict=True):
        sums[name] = sums.get(name, 0) + number


def by_category(names: Sequence[str], cycles: Int64) -> dict[str, int]:
    """Cycles by category, int64 (n, categories), summed over rows; a name that occurs twice is one category."""
    return _named(names, cycles.sum(axis=0))


def busy_resources(work: Work) -> dict[str, int]:
    """Cycles of all rows of work by the resource that they occupy."""
    return _named(work.resources, _busy_cycles(work))


def _busy_cycles(work: Work) -> Int64:
    cycles = np.zeros(len(work.resources), np.int64)
    if len(cycles) == 1:
        cycles[0] = work.cycles.sum()
    else:
        np.add.at(cycles, work.resource, work.cycles)
    return cycles


def _named(names: Sequence[str], cycles: Int64) -> dict[str, int]:
    sums: dict[str, int] = {}
    add_by_name(sums, names, cycles.tolist())
    return sums


@dataclass(eq=False)
class RowSums:
    """What of a stage's rows is only summed, whatever the policy, as blocks of them are added.

    breakdown: cycles by category. load_moved_bits, store_moved_bits: in bursts, by operand.
    """

    breakdown: dict[str, int] = field(default_factory=dict)
    load_moved_bits: dict[str, int] = field(default_factory=dict)
    store_moved_bits: dict[str, int] = field(default_factory=dict)
    _busy: dict[tuple[str, ...], Int64] = field(default_factory=dict)

    @property
    def busy(self) -> dict[str, int]:
        """Cycles by resource."""
        sums: dict[str, int] = {}
        for resources, cycles in self._busy.items():
            add_by_name(sums, resources, cycles.tolist())
        return sums

    def add(self, work: Work, traffic: Traffic) -> None:
        """The next block."""
        self.add_work(work)
        load_moved, store_moved = traffic.moved()
        self.load_moved_bits = sum_by_name([self.load_moved_bits, load_moved])
        self.store_moved_bits = sum_by_name([self.store_moved_bits, store_moved])

    def add_work(self, work: Work) -> None:
        """The work of the next block, for a policy that adds up its traffic itself."""
        of_categories = work.breakdown.sum(axis=0)
        add_by_name(self.breakdown, work.categories, of_categories.tolist())
        cycles = of_categories.sum(keepdims=True) if len(work.resources) == 1 else _busy_cycles(work)
        before = self._busy.get(work.resources)
        self._busy[work.resources] = cycles if before is None else before + cycles
