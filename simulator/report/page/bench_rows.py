"""Benches side by side: cases that are alike in one row, under the networks that they ran, and work of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from spikecycle.simulator.bench.result import ONE_THREAD, BenchCase, BenchResult, PeerTime
from spikecycle.simulator.bench.spread import Faster
from spikecycle.simulator.report.bench_words import machine_words, network_words
from spikecycle.wording import numbered

Benches = Sequence[tuple[str, BenchResult]]
"""With a short name each, no two alike. Others are compared with the first."""


@dataclass(frozen=True)
class SameCase:
    """A case. name: its machine; of: the case by number of the bench; beside: its peers, by program and bench."""

    name: str
    of: Mapping[int, BenchCase]
    beside: Mapping[str, Mapping[int, PeerTime]]

    @property
    def others(self) -> Iterator[tuple[str, Mapping[int, PeerTime]]]:
        """Peers that are other programs."""
        return ((name, found) for name, found in self.beside.items() if name != ONE_THREAD)


@dataclass(frozen=True)
class SameNetwork:
    """A network, and every machine that ran it."""

    name: str
    cases: Sequence[SameCase]


@dataclass
class _Gathered:
    first: BenchCase
    of: dict[int, BenchCase] = field(default_factory=dict)
    beside: dict[str, dict[int, PeerTime]] = field(default_factory=dict)


def networks_of(benches: Benches) -> list[SameNetwork]:
    """Cases by network, both in the order in which they come first; a case that is in a bench twice has two rows."""
    rows: dict[tuple[object, ...], _Gathered] = {}
    for number, (_, bench) in enumerate(benches):
        seen: Counter[tuple[object, ...]] = Counter()
        for index, case in enumerate(bench.cases):
            seen[case.key] += 1
            row = rows.setdefault((*case.key, seen[case.key]), _Gathered(case))
            row.of[number] = case
            for peer in bench.peers:
                if peer.case == index:
                    row.beside.setdefault(peer.peer, {})[number] = peer
    by_network: dict[str, list[_Gathered]] = {}
    for row in rows.values():
        by_network.setdefault(network_words(row.first), []).append(row)
    return [SameNetwork(name, _named(found)) for name, found in by_network.items()]


def own_work(benches: Benches) -> dict[str, dict[str, dict[int, PeerTime]]]:
    """Peers that took turns with no case: by work, program, and number of the bench."""
    found: dict[str, dict[str, dict[int, PeerTime]]] = {}
    for number, (_, bench) in enumerate(benches):
        for peer in bench.peers:
            if peer.case is None:
                found.setdefault(peer.work, {}).setdefault(peer.peer, {})[number] = peer
    return found


def sample_s(case: BenchCase) -> float:
    """Seconds of a run per sample."""
    return case.seconds / case.samples


def peer_sample_s(peer: PeerTime, case: BenchCase) -> float:
    """Seconds per sample: of other programs, which do one, and of ours on one thread, which does all of the case."""
    return peer.seconds / (case.samples if peer.peer == ONE_THREAD else 1)


def speed_up(bench: BenchResult, case: BenchCase, beside: PeerTime | None) -> float | None:
    """How many times as fast several threads are as one, from runs in turns or, without them, from a case with one."""
    if beside is not None and not beside.problem:
        return beside.ratio
    key = case.model_copy(update={"threads": 1}).key
    alone = next((each for each in bench.cases if each.key == key and not each.problem), None)
    return None if alone is None else alone.seconds / case.seconds


def faster(of: Mapping[int, BenchCase], number: int) -> Faster | None:
    """How many times as fast a bench is as the first, on a case; None where one of the two did not measure it."""
    first, other = of.get(0), of.get(number)
    return None if first is None or other is None or first.problem or other.problem else other.faster_than(first)


def _named(rows: Sequence[_Gathered]) -> list[SameCase]:
    """Cases of a network, with their numbers of samples where these are not all alike."""
    samples = {row.first.samples for row in rows if not row.first.problem}
    return [
        SameCase(
            machine_words(row.first)
            + (f", {numbered(row.first.samples, 'sample')}" if len(samples) > 1 and not row.first.problem else ""),
            row.of,
            row.beside,
        )
        for row in rows
    ]
