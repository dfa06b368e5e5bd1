"""Where the loops of a NIR graph take a timestep.

NIR is in continuous time, where a loop takes no time, or that of its Delay nodes. Programs that step such a graph hand
back what was there a timestep before (nirtorch's executor keeps what each node gave last). Which edge of a loop that is
changes the spikes of a loop through several populations, and no order of nodes or edges in a file may choose it. So a
loop is entered at the node that the fewest populations, and then the fewest nodes, part from the Input (ties by name),
and the way back to it takes the timestep. A loop that a Delay of a timestep or more is part of takes the time of the
Delay, and none besides.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from spikecycle.wording import some_of

Edge = tuple[str, str]


class Loops(NamedTuple):
    """late: edges that take a timestep, or whose timesteps the Delay behind them takes; remarks: what a user should
    know of them, where a loop could have been read in another way."""

    late: frozenset[Edge]
    remarks: tuple[str, ...]


def loops_of(
    start: str, edges: Collection[Edge], populations: Collection[str], delays: Collection[str], passing: Collection[str]
) -> Loops:
    """populations: nodes that fire; delays: nodes that take a timestep or more; passing: nodes that give what they
    get, and count for nothing on the way from the Input."""
    after, before = _neighbours(edges)
    distances = _distances(start, after, populations, passing)
    late: set[Edge] = set()
    remarks: list[str] = []
    components = _components(start, after, before)
    place = {name: index for index, together in enumerate(components) for name in together}
    within: dict[int, list[Edge]] = {}
    for one, other in sorted(edges):
        if place[one] == place[other]:
            within.setdefault(place[one], []).append((one, other))
    for index, inside in within.items():
        held = {(one, other) for one, other in inside if other in delays}
        left = [edge for edge in inside if edge not in held]
        closing = _moved_to_populations(_closing(left, distances), after, left, populations)
        late |= held | closing
        remarks += _remarks(sorted(components[index] & set(populations)), held, closing)
    return Loops(frozenset(late), tuple(remarks))


def _remarks(firing: list[str], held: Collection[Edge], closing: Collection[Edge]) -> Iterable[str]:
    if held:
        named = some_of(sorted({delay for _, delay in held}))
        yield f"the loop through {named} (Delay) takes the timesteps of the Delay, and none besides"
    if closing and len(firing) > 1:
        named = some_of([f"{one} -> {other}" for one, other in sorted(closing)])
        yield (
            f"the loop through {some_of(firing)}: what goes along {named} arrives a timestep "
            "later, as it leads back towards the Input; all else arrives in the same timestep"
        )


def _neighbours(edges: Iterable[Edge]) -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
    after: dict[str, list[str]] = {}
    before: dict[str, list[str]] = {}
    for one, other in edges:
        for name in (one, other):
            after.setdefault(name, [])
            before.setdefault(name, [])
        after[one].append(other)
        before[other].append(one)
    return after, before


def _distances(
    start: str, after: Mapping[str, list[str]], populations: Collection[str], passing: Collection[str]
) -> Mapping[str, tuple[int, int]]:
    """How many populations, and how many nodes, come before each on the shortest way from the start."""
    found: dict[str, tuple[int, int]] = {}
    waiting = [(0, 0, start)]
    while waiting:
        firing, nodes, name = heapq.heappop(waiting)
        if name in found:
            continue
        found[name] = (firing, nodes)
        for other in after.get(name, ()):
            if other not in found:
                counted = (firing + (name in populations), nodes + (name not in passing), other)
                heapq.heappush(waiting, counted)
    return found


def _components(start: str, after: Mapping[str, list[str]], before: Mapping[str, list[str]]) -> list[set[str]]:
    """Nodes that can be reached from each other, together (Kosaraju's two passes), in no order that matters."""
    left: list[str] = []
    seen: set[str] = set()
    for root in [start, *sorted(after)]:
        path = [(root, 0)] if root not in seen else []
        seen.add(root)
        while path:
            name, place = path.pop()
            others = after.get(name, [])
            if place == len(others):
                left.append(name)
                continue
            path.append((name, place + 1))
            if others[place] not in seen:
                seen.add(others[place])
                path.append((others[place], 0))
    found, placed = [], set[str]()
    for root in reversed(left):
        together, waiting = set[str](), [root]
        while waiting:
            name = waiting.pop()
            if name not in placed:
                placed.add(name)
                together.add(name)
                waiting += before.get(name, [])
        if together:
            found.append(together)
    return sorted(found, key=min)


def _closing(inside: Iterable[Edge], distances: Mapping[str, tuple[int, int]]) -> set[Edge]:
    """The edges that lead back to a node on the way that led to them, near nodes first."""
    after: dict[str, list[str]] = {}
    for one, other in inside:
        after.setdefault(one, []).append(other)
        after.setdefault(other, [])

    def near(name: str) -> tuple[tuple[int, int], str]:
        return distances[name], name

    late: set[Edge] = set()
    seen: set[str] = set()
    for root in sorted(after, key=near):
        if root in seen:
            continue
        seen.add(root)
        on_the_way = {root: iter(sorted(after[root], key=near))}
        while on_the_way:
            name, others = next(reversed(on_the_way.items()))
            following = next(others, None)
            if following is None:
                del on_the_way[name]
            elif following in on_the_way:
                late.add((name, following))
            elif following not in seen:
                seen.add(following)
                on_the_way[following] = iter(sorted(after[following], key=near))
    return late


def _moved_to_populations(
    closing: set[Edge], after: Mapping[str, list[str]], inside: Collection[Edge], populations: Collection[str]
) -> set[Edge]:
    """The same edges, or those of the loop ahead of them where the node between gives nothing but what is late: so
    that spikes are what waits, not what weights make of them."""
    late, moved = set(closing), set[str]()
    while True:
        between = next(
            (
                one
                for one, _ in sorted(late)
                if one not in populations and one not in moved and all((one, other) in late for other in after[one])
            ),
            None,
        )
        if between is None:
            return late
        moved.add(between)  # once, or a loop without populations would never end
        late -= {(between, other) for other in after[between]}
        late |= {(one, other) for one, other in inside if other == between}
