"""The nodes of a NIR file or graph and how they are joined; inner graphs are inlined, loops get a delay.

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
from spikecycle.models.importing.nir_file import read_content
from spikecycle.models.importing.refusal import refuse
from spikecycle.traces import TraceError
from spikecycle.traces.errors import reason

DAMAGE = (OSError, LookupError, RuntimeError, ValueError, TypeError, AssertionError, AttributeError, ArithmeticError)
SHAPES = ("input_shape", "input_type", "output_type")  # of nodes; NIR works them out
ENDS = ("Input", "Output")


@dataclass(frozen=True, eq=False)
class NirNetwork:
    """Nodes and edges, Input and Output left out.

    name: what messages call the graph; version: of NIR that wrote it, "" where it is not from a file; input_shape: of
    one timestep; sources: by node, who it receives from, with a delay of timesteps ("" is the network's input);
    outputs: who goes to the Output; without_reset: names of neurons for which the file has no v_reset.
    """

    name: str
    version: str
    input_shape: tuple[int, ...]
    nodes: Mapping[str, nir.NIRNode]
    sources: Mapping[str, tuple[tuple[str, int], ...]]
    outputs: tuple[str, ...]
    without_reset: frozenset[str] = field(default_factory=frozenset)


def read_nir(path: str | Path, known_types: Iterable[str]) -> NirNetwork:
    """The network in a NIR file. ModelsError, naming file and nodes, where it is damaged or of unknown types."""
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
    return _network(str(path), version, graph, without_reset)


def network_of_graph(graph: nir.NIRGraph, known_types: Iterable[str]) -> NirNetwork:
    """The network of a graph in memory; see `read_nir`."""
    _check_types("NIR graph", dict(_types(graph, "")), known_types)
    return _network("NIR graph", "", graph, frozenset())


def _described(graph: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, tuple[str, set[str]]]]:
    """Name, type and keys of every node, those of inner graphs included (outer.inner)."""
    for name, node in graph["nodes"].items():
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


def _network(source: str, version: str, graph: nir.NIRGraph, without_reset: frozenset[str]) -> NirNetwork:
    nodes: dict[str, nir.NIRNode] = {}
    edges: dict[tuple[str, str], None] = {}  # an ordered set: some writers repeat an edge
    _inline(source, graph, "", nodes, edges)
    for one, other in edges:
        if one not in nodes or other not in nodes:
            raise ModelsError(f"{source}: the edge {one} -> {other} names a node that is not there")
    starts = [name for name in nodes if isinstance(nodes[name], nir.Input)]
    ends = [name for name in nodes if isinstance(nodes[name], nir.Output)]
    if len(starts) != 1 or len(ends) > 1:
        raise ModelsError(
            f"{source}: {len(starts)} Input and {len(ends)} Output nodes; supported: one of each (inner graphs aside)"
        )
    reached = _reached(starts[0], edges)
    apart = [name for name in nodes if name not in reached and name not in (*starts, *ends)]
    refuse(source, [f"node {name} ({type(nodes[name]).__name__}): not on the way from {starts[0]}" for name in apart])
    shape = nodes[starts[0]].input_type["input"]
    if shape is None or np.asarray(shape).dtype.kind not in "iu":
        raise ModelsError(
            f"{source}: node {starts[0]} (Input): no shape; give it one (nir.Input of the shape of a timestep)"
        )
    late = _late(starts[0], nodes, edges)
    sources: dict[str, list[tuple[str, int]]] = {name: [] for name in nodes}
    for one, other in edges:
        sources[other].append(("" if one == starts[0] else one, int((one, other) in late)))
    inner = {name: node for name, node in nodes.items() if not isinstance(node, nir.Input | nir.Output)}
    outputs = [one for end in ends for one, _ in sources[end]]
    if not ends:
        outputs = [name for name in inner if not any(one == name for one, _ in edges)]
    return NirNetwork(
        source, version, tuple(int(size) for size in np.atleast_1d(shape)), inner,
        {name: tuple(sources[name]) for name in inner}, tuple(outputs), without_reset,
    )  # fmt: skip


def _inline(
    source: str, graph: nir.NIRGraph, before: str, nodes: dict[str, Any], edges: dict[tuple[str, str], None]
) -> None:
    """Nodes and edges with inner graphs in place of their node, whose Input and Output are then no nodes."""
    ends: dict[str, tuple[str, str]] = {}
    for name, node in graph.nodes.items():
        path = f"{before}{name}"
        if not isinstance(node, nir.NIRGraph):
            nodes[path] = node
            ends[name] = (path, path)
            continue
        inner: dict[str, Any] = {}
        _inline(source, node, f"{path}.", inner, edges)
        inputs = [key for key, value in inner.items() if isinstance(value, nir.Input)]
        outputs = [key for key, value in inner.items() if isinstance(value, nir.Output)]
        if (len(inputs), len(outputs)) != (1, 1):
            raise ModelsError(f"{source}: node {path} (NIRGraph): supported: one Input and one Output inside")
        nodes.update(
            {key: nir.Scale(np.ones(())) if key in (*inputs, *outputs) else value for key, value in inner.items()}
        )
        ends[name] = (inputs[0], outputs[0])
    for one, other in graph.edges:
        one, other = f"{before}{one}" if one not in ends else one, f"{before}{other}" if other not in ends else other
        edges[ends.get(one, (one, one))[1], ends.get(other, (other, other))[0]] = None


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


def _late(start: str, nodes: Mapping[str, Any], edges: Mapping[tuple[str, str], None]) -> set[tuple[str, str]]:
    """The edges that take a timestep: those that close a loop, moved back to the neurons that their values come from.

    NIR is in continuous time, where a loop takes none; frameworks hand a neuron's spikes back in the next timestep.
    """
    after: dict[str, list[str]] = {name: [] for name in nodes}
    before: dict[str, list[str]] = {name: [] for name in nodes}
    for one, other in edges:
        after[one].append(other)
        before[other].append(one)
    late: set[tuple[str, str]] = set()
    state: dict[str, int] = {}
    path: list[tuple[str, int]] = [(start, 0)]
    state[start] = 1
    while path:
        name, place = path.pop()
        if place == len(after[name]):
            state[name] = 2
            continue
        path.append((name, place + 1))
        other = after[name][place]
        if state.get(other) == 1:
            late.add((name, other))
        elif other not in state:
            state[other] = 1
            path.append((other, 0))
    moved, moves = True, dict[str, bool]()
    while moved:
        moved = False
        for one, _ in list(late):
            fires = hasattr(nodes[one], "v_threshold") or one == start
            if not fires and not moves.get(one) and all((one, each) in late for each in after[one]):
                moves[one] = True  # once, or a loop without neurons would never end
                late -= {(one, each) for each in after[one]}
                late |= {(each, one) for each in before[one]}
                moved = True
                break
    return late
