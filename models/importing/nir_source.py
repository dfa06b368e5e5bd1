"""A NIR file or graph as a network in real numbers, by NIR's equations."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nir

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing import nir_graph, nir_nodes
from spikecycle.models.importing.graph import FloatGraph, FloatPopulation, FloatWire
from spikecycle.models.importing.maker import GraphMaker, three
from spikecycle.models.importing.refusal import Refusal, refuse
from spikecycle.models.importing.source import FloatRun, ImportSource, ResetChoice
from spikecycle.traces.errors import reason
from spikecycle.wording import some_of

MOST_NAMED = 8
"""Nodes that a remark names."""
# What NumPy raises on parameters of shapes and kinds that nobody foresaw.
UNFIT = (ArithmeticError, AttributeError, IndexError, RuntimeError, TypeError, ValueError)


def nir_source(network: str | Path | Any, dt: float, reset: ResetChoice | None) -> ImportSource:
    """A NIR file, or a nir.NIRGraph. Without `reset`, v_reset where the file has it, else the threshold subtracted."""
    types = nir_nodes.CONVERTERS
    is_file = isinstance(network, str | Path)
    read = nir_graph.read_nir if is_file else nir_graph.network_of_graph
    found = read(network, types, dt)
    kinds = {name: type(node).__name__ for name, node in found.nodes.items()}
    ends = dead_ends(found, kinds)
    graph = _Conversion(found, kinds, ends.left_out, dt, reset).graph()
    facts = {
        "source": Path(found.name).name,
        "source_format": f"NIR {found.version}".strip(),
        "timestep": f"dt = {dt:g} in the unit of the time constants",
        "float_model": "NIR's equations, forward Euler, float64",
    }
    kept = {name: node for name, node in found.nodes.items() if name not in ends.left_out}
    doubts = [line for name, node in kept.items() for line in nir_nodes.doubts(name, node, dt)]
    remarks = (*found.remarks, *ends.remarks, *_several(found, graph), *doubts)
    return ImportSource(found.name, "node", kinds, graph, FloatRun(graph), facts, remarks=remarks)


class DeadEnds(NamedTuple):
    """left_out: nodes that lead neither to neurons nor to an Output; remarks: these, and neurons that lead to none."""

    left_out: frozenset[str]
    remarks: tuple[str, ...]


def dead_ends(network: nir_graph.NirNetwork, kinds: Mapping[str, str]) -> DeadEnds:
    """What leads to no Output. Its neurons are recorded, as they cost what neurons cost; weights behind the last of
    them make nothing that could be recorded."""
    neurons = [name for name in network.nodes if kinds[name] in nir_nodes.NEURONS]
    answering = _leading(network, [one for sources in network.outputs.values() for one in sources])
    firing = _leading(network, neurons)
    unheard = [name for name in neurons if name not in answering]
    left_out = [name for name in network.nodes if name not in answering and name not in firing]
    remarks = []
    if unheard:
        remarks.append(
            f"{_named(unheard, kinds)} {'leads' if len(unheard) == 1 else 'lead'} to no Output: recorded all the same, "
            "and part of every cost"
        )
    if left_out:
        remarks.append(
            f"{_named(left_out, kinds)} {'leads' if len(left_out) == 1 else 'lead'} to no neurons and no Output: left "
            "out of the trace, and of every cost"
        )
    return DeadEnds(frozenset(left_out), tuple(remarks))


def _leading(network: nir_graph.NirNetwork, ends: Iterable[str]) -> set[str]:
    """Nodes from which these can be reached, and these."""
    found, waiting = set(ends), list(ends)
    while waiting:
        for source, _ in network.sources.get(waiting.pop(), ()):
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def _named(names: Sequence[str], kinds: Mapping[str, str]) -> str:
    return some_of([f"{name} ({kinds[name]})" for name in names], MOST_NAMED)


def _several(network: nir_graph.NirNetwork, graph: FloatGraph) -> list[str]:
    """Which of several outputs answers."""
    if len(set(graph.outputs)) < 2:
        return []
    by_output = dict(zip(network.outputs, graph.outputs, strict=True))
    (end, answering), *others = by_output.items()
    named = ", ".join(f"{name} of {other}" if name != other else name for other, name in others)
    return [f"{len(by_output)} outputs: classes are those of {answering} (of {end}); recorded as well: {named}"]


class _Conversion:
    """Converts nodes as soon as what they receive is known. left_out: nodes that are not."""

    def __init__(
        self, network: nir_graph.NirNetwork, kinds: Mapping[str, str], left_out: Collection[str], dt: float,
        reset: ResetChoice | None,
    ) -> None:  # fmt: skip
        self._network, self._kinds, self._dt, self._reset = network, kinds, dt, reset
        self._left_out = left_out
        self._wires: dict[str, FloatWire] = {}
        self._refused: list[str] = []

    def graph(self) -> FloatGraph:
        name = self._network.name
        try:
            maker = GraphMaker(self._network.input_shape)
            self._convert_all(maker)
            refuse(name, self._refused)
            outputs = [self._output(maker, each, sources) for each, sources in self._network.outputs.items()]
            if not outputs:
                raise Refusal("nothing goes to an Output node")
            return maker.finish(outputs)
        except Refusal as refusal:
            raise ModelsError(f"{name}: {refusal}") from None

    def _convert_all(self, maker: GraphMaker) -> None:
        network = self._network
        waiting = {name: node for name, node in network.nodes.items() if name not in self._left_out}
        while waiting:
            ready = [
                name
                for name in waiting
                if all(delay or not source or source in self._wires for source, delay in network.sources[name])
            ]
            if not ready:
                if not self._refused:
                    named = ", ".join(f"{name} ({self._kinds[name]})" for name in waiting)
                    raise Refusal(f"nodes {named} wait for each other; supported: loops through neurons that fire")
                break
            for name in ready:
                if not self._convert(maker, name, waiting.pop(name)):
                    break
            else:
                continue
            break  # the shapes of what follows are unknown
        if not self._refused:
            maker.settle(self._wires)
            self._wires = {name: maker.settled(wire) for name, wire in self._wires.items()}

    def _convert(self, maker: GraphMaker, name: str, node: Any) -> bool:
        """Whether what follows can go on."""
        kind = self._kinds[name]
        reset = self._reset or ("soft" if name in self._network.without_reset else "hard")
        reading = nir_nodes.Reading(self._dt, reset, self._reset is None)
        try:
            wires = [self._wire(maker, name, source, delay) for source, delay in self._network.sources[name]]
            convert = nir_nodes.CONVERTERS["Identity" if name in self._network.ports else kind]
            self._wires[name] = convert(maker, name, wires, node, reading)
        except Refusal as refusal:
            self._refused.append(f"node {name} ({kind}): {refusal}")
        except UNFIT as error:
            self._refused.append(f"node {name} ({kind}): its parameters do not fit: {reason(error)}")
        else:
            return True
        if kind not in nir_nodes.NEURONS or not wires:
            return False
        try:  # neurons keep the shape: what follows may be told too
            shape = maker.shapes[wires[0].source]
            self._wires[name] = maker.reshape(f"{name}, refused", wires[0]._replace(delay=0), shape)
        except Refusal:
            return False
        return True

    def _wire(self, maker: GraphMaker, name: str, source: str, delay: int) -> FloatWire:
        node = self._network.nodes[name]
        if delay and isinstance(node, nir.Delay) and nir_graph.takes_time(node, self._dt):
            delay = 0  # one of its own timesteps
        if not source:
            return maker.input._replace(delay=delay)
        if source in self._wires:
            return maker.late(f"{source} to {name}", self._wires[source], delay)
        shape = self._shape_ahead(maker, source, {source})
        return maker.ahead(source, shape, delay, fires=self._kinds[source] in nir_nodes.NEURONS)

    def _shape_ahead(self, maker: GraphMaker, source: str, seen: set[str]) -> tuple[int, int, int]:
        """The shape of what is converted later: of nodes that keep it, that of what reaches them, else their own."""
        node = self._network.nodes[source]
        if self._kinds[source] in nir_nodes.KEEP_SHAPES or source in self._network.ports:
            others = [other for other, _ in self._network.sources[source]]
            if "" in others:
                return maker.input_shape
            made = next((other for other in others if other in self._wires), None)
            if made is not None:
                return maker.shapes[self._wires[made].source]
        shape = (node.output_type or {}).get("output")
        if shape is not None:
            return three(shape)
        if self._kinds[source] in nir_nodes.KEEP_SHAPES or source in self._network.ports:
            for other in others:
                if other not in seen:
                    return self._shape_ahead(maker, other, {*seen, other})
        raise Refusal(f"receives {source} a timestep later, whose shape is not known")

    def _output(self, maker: GraphMaker, name: str, sources: Sequence[str]) -> str:
        """The population that answers to an Output; whatever else goes there, or sums of several, is read out as
        potentials that keep nothing."""
        wires = [self._wires[source] if source else maker.input for source in sources]
        if len(wires) == 1 and not wires[0].delay:
            made = maker.operators.get(wires[0].source)
            if isinstance(made, FloatPopulation):
                return made.name
        label = sources[0] if len(sources) == 1 and sources[0] else name
        try:
            return maker.readout(f"{label}, read out", maker.add(f"sum before {name}", wires)).source
        except Refusal as refusal:
            raise Refusal(f"node {name} (Output): {refusal}") from None
