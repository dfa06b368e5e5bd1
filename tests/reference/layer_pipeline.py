"""Twin of `spikecycle.simulator.schedule.layer_pipeline`: its rules, applied until no moment moves any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

from tests.reference.timesteps import Timestep

Node = tuple[int, int]
"""(stage, timestep)."""


@dataclass
class Pipeline:
    """The stages' timesteps, and when they start and end. buffer_steps: 0 = no bound."""

    stages: Sequence[Sequence[Timestep]]
    edges: Sequence[tuple[int, int]]
    share: Fraction
    buffer_steps: int
    delivery: int
    starts: dict[Node, int] = field(default_factory=dict)
    ends: dict[Node, int] = field(default_factory=dict)

    def producers(self, node: Node) -> list[Node]:
        """The timesteps of producers that a timestep takes its inputs from."""
        stage, t = node
        found = sorted({(producer, t - (producer >= stage)) for producer, consumer in self.edges if consumer == stage})
        return [(producer, step) for producer, step in found if step >= 0]

    def freeing(self, node: Node) -> list[Node]:
        """The timesteps of consumers that must have ended so that there is room for a timestep's outputs."""
        stage, t = node
        if self.buffer_steps == 0 or t < self.buffer_steps:
            return []
        ahead = sorted({consumer for producer, consumer in self.edges if producer == stage < consumer})
        return [(consumer, t - self.buffer_steps) for consumer in ahead]

    def part(self, node: Node) -> int:
        """Cycles until the share of a timestep's outputs has left."""
        return ceil(self.share * (self.ends[node] - self.starts[node]))

    def waits(self, node: Node) -> list[tuple[int, str, Node]]:
        """What a start waits for: moment, kind, and the timestep waited for."""
        stage, t = node
        own = [(self.ends[stage, t - 1], "own", (stage, t - 1))] if t else []
        share = [(self.starts[p] + self.part(p) + self.delivery, "share", p) for p in self.producers(node)]
        room = [(self.ends[c], "room", c) for c in self.freeing(node)]
        return [*own, *share, *room]

    def run(self) -> None:
        """Move every start and end to what the rules ask for, again and again until all hold."""
        nodes = [(i, t) for i, steps in enumerate(self.stages) for t in range(len(steps))]
        self.starts, self.ends = dict.fromkeys(nodes, 0), dict.fromkeys(nodes, 0)
        moved = True
        while moved:
            moved = False
            for node in reversed(nodes):
                start = max([0, *(moment for moment, _, _ in self.waits(node))])
                inputs = [self.ends[p] + self.delivery for p in self.producers(node)]
                end = max([start + self.stages[node[0]][node[1]].cycles, *inputs])
                moved |= (start, end) != (self.starts[node], self.ends[node])
                self.starts[node], self.ends[node] = start, end

    def total(self) -> int:
        """Cycles of the network, the channel's bound included."""
        channel = sum(step.channel_cycles for steps in self.stages for step in steps)
        return max([0, channel, *self.ends.values()])

    def breakdown(self, names: Sequence[str]) -> Counter[str]:
        """Cycles by category along the critical path; names: the categories of work and traffic, in order."""
        found: Counter[str] = Counter()
        if not self.ends:
            return found
        found["dram_traffic"] = self.total() - max(self.ends.values())
        last = len(self.stages[0]) - 1
        node = min((i, last) for i in range(len(self.stages)) if self.ends[i, last] == max(self.ends.values()))
        until = self.ends[node]
        while True:
            step = self.stages[node[0]][node[1]]
            late = [p for p in self.producers(node) if self.ends[p] + self.delivery == self.ends[node]]
            if until == self.ends[node] and self.ends[node] > self.starts[node] + step.cycles:
                found["delivery"] += self.delivery
                node = late[0]
                until = self.ends[node]
                continue
            residence = self.ends[node] - self.starts[node]
            waited = residence - step.cycles
            gone = 0
            for name, cycles in [*((name, step.breakdown[name]) for name in names), ("pipeline_wait", waited)]:
                before = floor(Fraction(gone * (until - self.starts[node]), residence)) if residence else 0
                gone += cycles
                after = floor(Fraction(gone * (until - self.starts[node]), residence)) if residence else 0
                found[name] += after - before
            if self.starts[node] == 0:
                return found
            moment, kind, waited_for = next(wait for wait in self.waits(node) if wait[0] == self.starts[node])
            if kind == "share":
                found["delivery"] += self.delivery
                moment -= self.delivery
            node, until = waited_for, moment
