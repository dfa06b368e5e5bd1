"""The chain of nodes in a NIR file or graph; every other shape of graph is refused by the names of its nodes.

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

Edges = Iterable[tuple[str, str]]
DAMAGE = (OSError, LookupError, RuntimeError, ValueError, TypeError, AssertionError, AttributeError, ArithmeticError)
SHAPES = ("input_shape", "input_type", "output_type")  # of nodes; NIR works them out


@dataclass(frozen=True, eq=False)
class NirChain:
    """Nodes in the order of computation, Input and Output left out.

    name: what messages call the graph; version: of NIR that wrote it, "" where it is not from a file; input_shape: of
    one timestep; without_reset: names of neurons for which the file has no v_reset.
    """

    name: str
    version: str
    input_shape: tuple[int, ...]
    nodes: Mapping[str, nir.NIRNode]
    without_reset: frozenset[str] = field(default_factory=frozenset)


def read_nir(path: str | Path, known_types: Iterable[str]) -> NirChain:
    """The chain in a NIR file. ModelsError, naming file and nodes, where it is damaged or no chain of known types."""
    try:
        content = read_content(Path(path))
        version = str(content["version"])
        described = dict(_described(content["node"]))
        _check_types(str(path), {name: kind for name, (kind, _) in described.items()}, known_types)
        _check_keys(str(path), described)
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            graph = nir.dict2NIRNode({**content["node"], "type_check": False})
    except (TraceError, *DAMAGE) as error:
        raise ModelsError(f"{path}: cannot be read as a NIR file: {reason(error)}") from None
    without_reset = frozenset(name for name, (_, keys) in described.items() if "v_reset" not in keys)
    return _chain(str(path), version, graph, without_reset)


def chain_of_graph(graph: nir.NIRGraph, known_types: Iterable[str]) -> NirChain:
    """The chain of a graph in memory; see `read_nir`."""
    _check_types("NIR graph", dict(_types(graph, "")), known_types)
    return _chain("NIR graph", "", graph, frozenset())


def _described(graph: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, tuple[str, set[str]]]]:
    """Name, type and keys of every node, those of inner graphs included (outer.inner)."""
    for name, node in graph["nodes"].items():
        kind = str(node["type"])
        if kind == "NIRGraph":
            yield from _described(node, f"{before}{name}.")
        else:
            yield f"{before}{name}", (kind, set(node))


def _types(graph: nir.NIRGraph, before: str) -> Iterable[tuple[str, str]]:
    for name, node in graph.nodes.items():
        if isinstance(node, nir.NIRGraph):
            yield from _types(node, f"{before}{name}.")
        else:
            yield f"{before}{name}", type(node).__name__


def _check_types(source: str, kinds: Mapping[str, str], known: Iterable[str]) -> None:
    supported = sorted({*known, "Input", "Output"})
    unknown = {name: kind for name, kind in kinds.items() if kind not in supported}
    refuse(source, [f"node {name} ({kind}): supported: {', '.join(supported)}" for name, kind in unknown.items()])


def _check_keys(source: str, described: Mapping[str, tuple[str, set[str]]]) -> None:
    """Refuse nodes without a parameter that their type needs; shapes can be worked out and may be left out."""
    reasons = []
    for name, (kind, keys) in described.items():
        parameters = [one for one in fields(getattr(nir, kind)) if one.init and one.name not in SHAPES]
        needed = [one.name for one in parameters if one.default is MISSING and one.default_factory is MISSING]
        lacks = [key for key in needed if key not in keys]
        if lacks:
            reasons.append(f"node {name} ({kind}): lacks {', '.join(lacks)}; needed: {', '.join(needed)}")
    refuse(source, reasons)


def _chain(source: str, version: str, graph: nir.NIRGraph, without_reset: frozenset[str]) -> NirChain:
    nodes: dict[str, nir.NIRNode] = {}
    edges: dict[tuple[str, str], None] = {}  # an ordered set: some writers repeat an edge
    _inline(source, graph, "", nodes, edges)
    before: dict[str, list[str]] = {name: [] for name in nodes}
    after: dict[str, list[str]] = {name: [] for name in nodes}
    for one, other in edges:
        if one not in nodes or other not in nodes:
            raise ModelsError(f"{source}: the edge {one} -> {other} names a node that is not there")
        after[one].append(other)
        before[other].append(one)
    starts = [name for name in nodes if isinstance(nodes[name], nir.Input)]
    reasons = _forks(nodes, before, after)
    if not reasons and len(starts) != 1:
        reasons = [f"{len(starts)} Input nodes; supported: a chain with one"]
    refuse(source, reasons)
    order = [starts[0]]
    while after[order[-1]]:
        order.append(after[order[-1]][0])
    apart = [name for name in nodes if name not in order]
    refuse(source, [f"node {name}: not on the way from {starts[0]}; supported: a chain" for name in apart])
    shape = nodes[starts[0]].input_type["input"]
    inner = {name: nodes[name] for name in order if not isinstance(nodes[name], nir.Input | nir.Output)}
    return NirChain(source, version, tuple(int(size) for size in shape), inner, without_reset)


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
        edges[ends.get(one, (one, one))[1], ends.get(other, (other, other))[0]] = None


def _forks(nodes: Mapping[str, Any], before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> list[str]:
    reasons = []
    for name, node in nodes.items():
        kind = type(node).__name__
        both = [other for other in after[name] if other in before[name] or other == name]
        if both:
            reasons.append(f"node {name} ({kind}): a loop with {', '.join(both)}; supported: a chain, no recurrence")
        elif len(after[name]) > 1:
            reasons.append(f"node {name} ({kind}): goes to {', '.join(after[name])}; supported: a chain, no branches")
        elif len(before[name]) > 1:
            reasons.append(
                f"node {name} ({kind}): adds {' and '.join(before[name])}; supported: a chain, no residual add"
            )
    return reasons
