"""Networks of operators for tests: the few lines of the documentation, and random ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from spikecycle.traces import GraphBuilder, Neuron, Source, TensorSpec, TraceError
from tests.generated import neurons, spikes

SAMPLES, TIMESTEPS = 2, 4


@st.composite
def networks(draw: st.DrawFn) -> GraphBuilder:
    """A random network with its inputs: any operators, some with a delay, and sometimes a loop."""
    graph = GraphBuilder(TIMESTEPS)
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made: list[Source] = []
    for index in range(draw(st.integers(1, 2))):
        shape = draw(st.sampled_from([(2, 4, 4), (2, 4, 4), (4, 1, 3)]))
        bits = draw(st.sampled_from([1, 1, 3]))
        values = spikes(draw, (SAMPLES, TIMESTEPS, *shape), bits)
        made.append(graph.input(f"input {index}", values, bits=bits))
    looped = draw(st.booleans())
    if looped:
        made.append(graph.delayed("last", (3, 1, 1)))
    for index in range(draw(st.integers(1, 8))):
        try:
            made.append(_operator(draw, graph, f"op {index}", made, random))
        except TraceError:  # shapes that do not meet; sums that are too large
            continue
    if looped or not graph.operators:
        source = draw(st.sampled_from(made))
        inputs = _spec(graph, source)
        weights = random.integers(-4, 4, (3, inputs.count))
        current = graph.linear("last currents", source, weights, weight_bits=3)
        graph.neuron("last", current, Neuron("if", 3, potential_bits=6))
    return graph


def _spec(graph: GraphBuilder, source: Source) -> TensorSpec:
    return graph.tensors.get(source.tensor) or TensorSpec("last", (3, 1, 1), 1, False)


def _operator(draw: st.DrawFn, graph: GraphBuilder, name: str, made: list[Source], random: Any) -> Source:
    source = draw(st.sampled_from(made))
    if source.delay == 0 and draw(st.integers(0, 4)) == 0:
        source = graph.delayed(source)
    spec = _spec(graph, source)
    alike = [each for each in made if _spec(graph, each).shape == spec.shape]
    record = draw(st.booleans())
    kind = draw(st.sampled_from(["conv2d", "linear", "neuron", "neuron", "add", "concatenate", "pool", "attention"]))
    if kind == "conv2d":
        weights = random.integers(-8, 8, (2, spec.shape[0], draw(st.integers(1, 3)), draw(st.integers(1, 3))))
        padding = tuple(draw(st.integers(0, 2)) for _ in range(4))
        return graph.conv2d(
            name, source, weights, weight_bits=4, padding=padding, dilation=draw(st.integers(1, 2)), record=record,
            bias=random.integers(-3, 4, 2) if draw(st.booleans()) else None,
        )  # fmt: skip
    if kind == "linear":
        weights = random.integers(-8, 8, (3, spec.count))
        return graph.linear(name, source, weights, weight_bits=4, record=record)
    if kind == "neuron":
        return graph.neuron(name, [source, draw(st.sampled_from(alike))], draw(neurons(spec.shape)), record=record)
    if kind == "add":
        return graph.add(name, [source, draw(st.sampled_from(alike))], record=record)
    if kind == "concatenate":
        return graph.concatenate(name, [source, draw(st.sampled_from(made))], record=record)
    if kind == "pool":
        mode = draw(st.sampled_from(["max", "average", "sum"]))
        return graph.pool(name, source, mode, draw(st.integers(1, 2)), padding=draw(st.integers(0, 1)), record=record)
    return graph.attention(name, source, draw(st.sampled_from(alike)), transpose_right=True, record=record)
