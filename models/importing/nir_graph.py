"""The nodes of a NIR file or graph and how they are joined; inner graphs are inlined, loops get a delay.

What an edge or node could mean otherwise is refused by name; nodes that lead to no Output are found by `nir_source`.

NIR: Pedersen, Abreu et al., "Neuromorphic intermediate representation: A unified instruction set for interoperable
brain-inspired computing", Nature Communications 15, 8122 (2024).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any

import nir
import numpy as np

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.loops import loops_of
from spikecycle.models.importing.nir_file import read_content
from spikecycle.models.importing.refusal import refuse
from spikecycle.traces import TraceError
from spikecycle.traces.errors import reason

DAMAGE = (OSError, LookupError, RuntimeError, ValueError, TypeError, AssertionError, AttributeError, ArithmeticError)
SHAPES = ("input_shape", "input_type", "output_type")  # of nodes; NIR works them out
ENDS = ("Input", "Output")
OUTPUT = "output"
"""What writers of NIR call the Output of a network; of several Outputs it is the one that answers."""


@dataclass(frozen=True, eq=False)
class NirNetwork:
    """Nodes and edges, Input and Output left out.

    name: what messages call the graph; version: of NIR that wrote it, "" where it is not from a file; input_shape: of
    one timestep; sources: by node, who it receives from, with a delay of 0 or 1 timesteps ("" is the network's input);
    of a Delay in a loop it is the first of its own;
    outputs: by Output node, who goes to it; of a graph without one, by node that nobody receives, that node;
    without_reset: names of neurons for which the file has no v_reset; ports: Input and Output of inner graphs, which
    pass on what arrives; remarks: what a user should know of its edges.
    """

    name: str
    version: str
    input_shape: tuple[int, ...]
    nodes: Mapping[str, nir.NIRNode]
    sources: Mapping[str, tuple[tuple[str, int], ...]]
    outputs: Mapping[str, tuple[str, ...]]
    without_reset: frozenset[str] = field(default_factory=frozenset)
    ports: frozenset[str] = field(default_factory=frozenset)
    remarks: tuple[str, ...] = ()


def read_nir(path: str | Path, known_types: Iterable[str], dt: float) -> NirNetwork:
    """The network in a NIR file, of timesteps of dt. ModelsError, naming file and nodes, where it is damaged or of
    unknown types."""
    try:
        content = read_content(Path(path))
        version = str(content["version"])
        described = dict(_described(content["node"]))
        _check_types(str(path), {name: kind for name, (kind, _) in described.items()}, known_types)
        _check_keys(str(path), described)
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            graph = nir.dict2NIRNode({**_completed(content["node"]), "type_check": False})
    except (TraceError, *DAMAGE) as error:
        raise ModelsError(f"{path}: cannot be read as a NIR file: {reason(error)}") from None
    without_reset = frozenset(name for name, (_, keys) in described.items() if "v_reset" not in keys)
    return _network(str(path), version, graph, without_reset, dt)


def network_of_graph(graph: nir.NIRGraph, known_types: Iterable[str], dt: float) -> NirNetwork:
    """The network of a graph in memory; see `read_nir`."""
    _check_types("NIR graph", dict(_types(graph, "")), known_types)
    return _network("NIR graph", "", graph, frozenset(), dt)


def _described(graph: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, tuple[str, set[str]]]]:
    """Name, type and keys of every node, those of inner graphs included (outer.inner)."""
    for name, node in graph["nodes"].items():
        if not isinstance(node, Mapping):
            raise TraceError(f"node {before}{name}: is no group")
        if "type" not in node:
            within = [f"{name}/{inner}" for inner, one in node.items() if isinstance(one, Mapping) and "type" in one]
            slash = f" (a slash in a name, as in {within[0]}, makes a group of the file)" if within else ""
            raise TraceError(f"node {before}{name}: has no type{slash}")
        kind = str(node["type"])
        if kind == "NIRGraph":
            yield from _described(node, f"{before}{name}.")
        else:
            yield f"{before}{name}", (kind, set(node))


def _completed(node: Mapping[str, Any]) -> dict[str, Any]:
    """The content with what older versions of NIR left out, or wrote in another way."""
    kind = str(node["type"])
    if kind == "NIRGraph":
        return {**node, "nodes": {name: _completed(inner) for name, inner in node["nodes"].items()}}
    if kind in ("Conv1d", "Conv2d"):
        return {"input_shape": None, **node}
    if kind in ENDS:
        shape = node.get("shape")
        if isinstance(shape, Mapping):  # a group of one shape, by the name of the port
            shape = next(iter(shape.values()), None)
        return {**{name: value for name, value in node.items() if name != "shape"}, "shape": shape}
    return dict(node)


def _types(graph: nir.NIRGraph, before: str) -> Iterable[tuple[str, str]]:
    for name, node in graph.nodes.items():
        if isinstance(node, nir.NIRGraph):
            yield from _types(node, f"{before}{name}.")
        else:
            yield f"{before}{name}", type(node).__name__


def _check_types(source: str, kinds: Mapping[str, str], known: Iterable[str]) -> None:
    supported = sorted({*known, *ENDS})
    unknown = {name: kind for name, kind in kinds.items() if kind not in supported}
    refuse(source, [f"node {name} ({kind}): supported: {', '.join(supported)}" for name, kind in unknown.items()])


def _check_keys(source: str, described: Mapping[str, tuple[str, set[str]]]) -> None:
    """Refuse nodes without a parameter that their type needs; shapes can be worked out and may be left out."""
    reasons = []
    for name, (kind, keys) in described.items():
        node_class = getattr(nir, kind, None) or getattr(nir.ir.graph, kind)
        parameters = [one for one in fields(node_class) if one.init and one.name not in SHAPES]
        needed = [one.name for one in parameters if one.default is MISSING and one.default_factory is MISSING]
        lacks = [key for key in needed if key not in keys]
        if lacks:
            reasons.append(f"node {name} ({kind}): lacks {', '.join(lacks)}; needed: {', '.join(needed)}")
    refuse(source, reasons)


def _network(source: str, version: str, graph: nir.NIRGraph, without_reset: frozenset[str], dt: float) -> NirNetwork:
    flat = _Flat(source)
    flat.add(graph, "")
    nodes, edges = flat.nodes, flat.edges
    starts, ends = flat.outer(nir.Input), flat.outer(nir.Output)
    _check_edges(source, edges, nodes, starts, ends)
    read = [start for start in starts if any(one == start for one, _ in edges)] or starts[:1]
    if len(read) != 1:
        raise ModelsError(f"{source}: {len(read)} Input nodes ({', '.join(read)}); supported: one (inner graphs aside)")
    (start,) = read
    reached = _reached(start, edges)
    apart = [name for name in nodes if name not in reached and name not in (*starts, *ends)]
    refuse(source, [f"node {name} ({type(nodes[name]).__name__}): not on the way from {start}" for name in apart])
    shape = nodes[start].input_type["input"]
    if shape is None or np.asarray(shape).dtype.kind not in "iu":
        raise ModelsError(
            f"{source}: node {start} (Input): no shape; give it one (nir.Input of the shape of a timestep)"
        )
    passing = {name for name, node in nodes.items() if name in flat.ports or isinstance(node, nir.ir.graph.Identity)}
    firing = {name for name, node in nodes.items() if hasattr(node, "v_threshold")}
    delays = {name for name, node in nodes.items() if isinstance(node, nir.Delay) and takes_time(node, dt)}
    loops = loops_of(start, edges, firing, delays, passing)
    sources: dict[str, list[tuple[str, int]]] = {name: [] for name in nodes}
    for one, other in edges:
        sources[other].append(("" if one == start else one, int((one, other) in loops.late)))
    inner = {name: node for name, node in nodes.items() if name not in (*starts, *ends)}
    ends = sorted(ends, key=lambda name: name != OUTPUT)  # files keep nodes in another order than graphs in memory
    outputs = {end: tuple(one for one, _ in sources[end]) for end in ends if sources[end]}
    if not ends:
        outputs = {name: (name,) for name in inner if not any(one == name for one, _ in edges)}
    remarks = [f"{name} (Input) is read by no node: it is left out" for name in starts if name != start]
    remarks += [f"nothing goes to {name} (Output): it is left out" for name in ends if name not in outputs]
    remarks += [
        f"the edge {one} -> {other} stands {count} times, and counts once, as NIR has it"
        for (one, other), count in edges.items()
        if count > 1
    ]
    remarks += loops.remarks
    return NirNetwork(
        source, version, tuple(int(size) for size in np.atleast_1d(shape)), inner,
        {name: tuple(sources[name]) for name in inner}, outputs, without_reset, frozenset(flat.ports), tuple(remarks),
    )  # fmt: skip


def takes_time(node: nir.Delay, dt: float) -> bool:
    """Whether a Delay is one of a timestep or more; whether it fits timesteps is its converter's to say."""
    delays = np.asarray(node.delay)
    return delays.dtype.kind in "iuf" and bool(delays.size and np.round(delays.max() / dt) >= 1)


class _Flat:
    """Nodes and edges with inner graphs in place of their node."""

    def __init__(self, source: str) -> None:
        self.nodes: dict[str, nir.NIRNode] = {}
        self.edges: dict[tuple[str, str], int] = {}
        """How often each stands there, in order."""
        self.ports: set[str] = set()
        self._source = source

    def outer(self, kind: type[nir.NIRNode]) -> list[str]:
        """Nodes of a kind that are those of no inner graph."""
        return [name for name, node in self.nodes.items() if isinstance(node, kind) and name not in self.ports]

    def add(self, graph: nir.NIRGraph, before: str) -> None:
        """All of a graph, its names behind `before`."""
        ends: dict[str, tuple[str, str]] = {}
        for name, node in graph.nodes.items():
            path = f"{before}{name}"
            if isinstance(node, nir.NIRGraph):
                ends[path] = self._inner(node, path)
            elif path in self.nodes:
                raise ModelsError(f"{self._source}: two nodes of the name {path}, of which one is in an inner graph")
            else:
                self.nodes[path] = node
        for one, other in graph.edges:
            one, other = f"{before}{one}", f"{before}{other}"
            edge = (ends.get(one, (one, one))[1], ends.get(other, (other, other))[0])
            self.edges[edge] = self.edges.get(edge, 0) + 1

    def _inner(self, graph: nir.NIRGraph, path: str) -> tuple[str, str]:
        """Its Input and Output, which pass on what arrives."""
        found = []
        for kind in (nir.Input, nir.Output):
            named = [f"{path}.{name}" for name, node in graph.nodes.items() if isinstance(node, kind)]
            if len(named) != 1:
                raise ModelsError(f"{self._source}: node {path} (NIRGraph): supported: one Input and one Output inside")
            found += named
        self.add(graph, f"{path}.")
        self.ports.update(found)
        return found[0], found[1]


def _check_edges(
    source: str, edges: Iterable[tuple[str, str]], nodes: Mapping[str, Any], starts: list[str], ends: list[str]
) -> None:
    """Refuse edges that no graph can have."""
    reasons = []
    for one, other in edges:
        if one not in nodes or other not in nodes:
            reasons.append(f"the edge {one} -> {other} names a node that is not there")
        elif other in starts:
            reasons.append(f"the edge {one} -> {other} goes into an Input; supported: edges that leave it")
        elif one in ends:
            reasons.append(f"the edge {one} -> {other} leaves an Output; supported: edges that go into it")
    refuse(source, reasons)
    if not starts:
        raise ModelsError(f"{source}: no Input node; supported: one (inner graphs aside)")


def _reached(start: str, edges: Iterable[tuple[str, str]]) -> set[str]:
    after: dict[str, list[str]] = {}
    for one, other in edges:
        after.setdefault(one, []).append(other)
    reached, waiting = {start}, [start]
    while waiting:
        for other in after.get(waiting.pop(), []):
            if other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached
