"""A NIR file or graph as a network in real numbers, by NIR's equations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing import nir_graph, nir_nodes
from spikecycle.models.importing.graph import FloatGraph, FloatPopulation, FloatWire
from spikecycle.models.importing.maker import GraphMaker
from spikecycle.models.importing.refusal import Refusal, refuse
from spikecycle.models.importing.source import FloatRun, ImportSource, ResetChoice
from spikecycle.traces.errors import reason

# What NumPy raises on parameters of shapes and kinds that nobody foresaw.
UNFIT = (ArithmeticError, AttributeError, IndexError, RuntimeError, TypeError, ValueError)


def nir_source(network: str | Path | Any, dt: float, reset: ResetChoice | None) -> ImportSource:
    """A NIR file, or a nir.NIRGraph. Without `reset`, v_reset where the file has it, else the threshold subtracted."""
    types = nir_nodes.CONVERTERS
    is_file = isinstance(network, str | Path)
    found = nir_graph.read_nir(network, types) if is_file else nir_graph.network_of_graph(network, types)
    kinds = {name: type(node).__name__ for name, node in found.nodes.items()}
    graph = _Conversion(found, kinds, dt, reset).graph()
    facts = {
        "source": Path(found.name).name,
        "source_format": f"NIR {found.version}".strip(),
        "timestep": f"dt = {dt:g} in the unit of the time constants",
        "float_model": "NIR's equations, forward Euler, float64",
    }
    return ImportSource(found.name, "node", kinds, graph, FloatRun(graph), facts)


class _Conversion:
    """Converts nodes as soon as what they receive is known."""

    def __init__(
        self, network: nir_graph.NirNetwork, kinds: dict[str, str], dt: float, reset: ResetChoice | None
    ) -> None:
        self._network, self._kinds, self._dt, self._reset = network, kinds, dt, reset
        self._wires: dict[str, FloatWire] = {}
        self._refused: list[str] = []

    def graph(self) -> FloatGraph:
        name = self._network.name
        try:
            maker = GraphMaker(self._network.input_shape)
            self._convert_all(maker)
            refuse(name, self._refused)
            outputs = [self._output(maker, each) for each in self._network.outputs]
            if not outputs:
                raise Refusal("nothing goes to an Output node")
            return maker.finish(outputs)
        except Refusal as refusal:
            raise ModelsError(f"{name}: {refusal}") from None

    def _convert_all(self, maker: GraphMaker) -> None:
        network, waiting = self._network, dict(self._network.nodes)
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

    def _convert(self, maker: GraphMaker, name: str, node: Any) -> bool:
        """Whether what follows can go on."""
        kind = self._kinds[name]
        reset = self._reset or ("soft" if name in self._network.without_reset else "hard")
        reading = nir_nodes.Reading(self._dt, reset, self._reset is None)
        try:
            wires = [self._wire(maker, source, delay) for source, delay in self._network.sources[name]]
            self._wires[name] = nir_nodes.CONVERTERS[kind](maker, name, wires, node, reading)
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

    def _wire(self, maker: GraphMaker, source: str, delay: int) -> FloatWire:
        if not source:
            return maker.input._replace(delay=delay)
        if source in self._wires:
            wire = self._wires[source]
            return wire._replace(delay=max(wire.delay, delay))
        node = self._network.nodes[source]
        shape = self._shape_ahead(maker, source, node)
        maker.announce(source, shape)
        return FloatWire(source, delay)

    def _shape_ahead(self, maker: GraphMaker, source: str, node: Any) -> tuple[int, int, int]:
        """The shape of neurons that are converted later: what reaches them first says it, else their parameters."""
        for other, delay in self._network.sources[source]:
            if not delay and other in self._wires:
                return maker.shapes[self._wires[other].source]
        from spikecycle.models.importing.maker import three

        shape = (node.output_type or {}).get("output")
        if shape is None:
            raise Refusal(f"receives {source} a timestep later, whose shape is not known")
        return three(shape)

    def _output(self, maker: GraphMaker, name: str) -> str:
        """The population that answers; weights at the end are read out as potentials that keep nothing."""
        wire = self._wires[name]
        made = maker.operators.get(wire.source)
        if isinstance(made, FloatPopulation):
            return made.name
        if made is None:
            raise Refusal("the network has no weights")
        if self._kinds[name] in ("AvgPool2d", "SumPool2d"):
            raise Refusal(f"{name} pools the output; supported: several output neurons for each class")
        return maker.readout(f"{name}, read out", wire).source
