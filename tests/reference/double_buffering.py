"""Twin of `spikecycle.simulator.schedule.double_buffering`: its rules as an event queue, one moment after the other."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil


@dataclass
class Layer:
    """The passes, what is known of each, and when it happened."""

    compute: Sequence[int]
    load: Sequence[int]
    store: Sequence[int]
    latency: int
    now: int = 0
    computing: int | None = None
    next_pass: int = 0
    computed: int = 0
    carrying: tuple[str, int] | None = None
    issued: deque[tuple[str, int]] = field(default_factory=deque)
    events: list[tuple[int, int, str, int]] = field(default_factory=list)
    carried: set[int] = field(default_factory=set)
    arrived: set[int] = field(default_factory=set)
    left: set[int] = field(default_factory=set)
    moments: dict[tuple[str, int], int] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)

    def note(self, what: str, i: int) -> None:
        self.moments[what, i] = self.now

    def later(self, cycles: int, what: str, i: int) -> None:
        heapq.heappush(self.events, (self.now + cycles, len(self.moments) + len(self.events), what, i))

    def issue_load(self, i: int) -> None:
        if i >= len(self.compute):
            return
        if self.load[i]:
            self.issued.append(("load", i))
        else:
            self.note("load starts", i)
            self.note("load ends", i)
            self.carried.add(i)
            self.arrived.add(i)

    def issue_store(self, i: int) -> None:
        if self.store[i]:
            self.issued.append(("store", i))
        else:
            self.note("store starts", i)
            self.note("store ends", i)
            self.left.add(i)

    def happen(self, what: str, i: int) -> None:
        if what == "compute ends":
            self.note(what, i)
            self.computing = None
            self.computed += 1
            self.issue_store(i)
            self.issue_load(i + 2)
        elif what == "load ends":
            self.note(what, i)
            self.carrying = None
            self.carried.add(i)
            self.later(self.latency, "load arrives", i)
        elif what == "load arrives":
            self.arrived.add(i)
        elif what == "store ends":
            self.note(what, i)
            self.carrying = None
            self.left.add(i)

    def output_half_is_free(self, i: int) -> bool:
        return i < 2 or i - 2 in self.left

    def start_what_can_start(self) -> None:
        i = self.next_pass
        if self.computing is None and i < len(self.compute) and i in self.arrived and self.output_half_is_free(i):
            self.computing = i
            self.next_pass += 1
            self.note("compute starts", i)
            self.later(self.compute[i], "compute ends", i)
        if self.carrying is None and self.issued:
            kind, i = self.carrying = self.issued.popleft()
            self.note(f"{kind} starts", i)
            self.later((self.load if kind == "load" else self.store)[i], f"{kind} ends", i)

    def category(self) -> str:
        """What the cycles from now on are spent on."""
        i = self.next_pass
        if self.computing is not None:
            return "compute"
        if i == 0:
            return "dram_fill"
        if i == len(self.compute):
            return "dram_drain"
        if not self.output_half_is_free(i):
            return "dram_store"
        return "dram_latency" if i in self.carried else "dram_load"

    def run(self) -> None:
        self.issue_load(0)
        self.issue_load(1)
        self.start_what_can_start()
        while self.events:
            moment, _, what, i = heapq.heappop(self.events)
            if moment > self.now:
                self.spent[self.category()] = self.spent.get(self.category(), 0) + moment - self.now
                self.now = moment
            self.happen(what, i)
            self.start_what_can_start()


def channel_cycles(bits: Sequence[int], burst_bits: int, clock_mhz: int, bandwidth_gbit_per_s: int) -> int:
    """Cycles of one pass's transfer in one direction, `bits` by operand."""
    moved = sum(ceil(Fraction(b, burst_bits)) * burst_bits for b in bits)
    return ceil(Fraction(moved * clock_mhz * 10**6, bandwidth_gbit_per_s * 10**9))


def overlap(compute: Sequence[int], load: Sequence[int], store: Sequence[int], latency: int) -> Layer:
    """The layer after its last event; all arguments in cycles, one entry per pass, latency in cycles."""
    layer = Layer(compute, load, store, latency)
    layer.run()
    if layer.next_pass < len(compute) or layer.issued:
        raise AssertionError("the layer got stuck")
    return layer
