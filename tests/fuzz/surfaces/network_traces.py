"""Traces of version 2: networks of operators."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import numpy as np

from spikecycle.traces import GraphBuilder, Neuron, TraceError
from tests.fuzz.surfaces.trace_checks import TraceFuzzer
from tests.networks import networks

GENERATED = 12


class NetworkTraces(TraceFuzzer):
    """A residual block that machines can run, and networks with every kind of operator that hypothesis draws."""

    name = "network-traces"
    share = 4

    def prepare(self, folder: Path) -> None:
        """The block, and so many networks that can be written."""
        paths = [_residual_block(folder / "block.h5")]

        @hypothesis.settings(max_examples=4 * GENERATED, derandomize=True, database=None, deadline=None)
        @hypothesis.given(networks())
        def write(graph: GraphBuilder) -> None:
            if len(paths) <= GENERATED:
                path = folder / f"{len(paths)}.h5"
                try:
                    graph.write(path)
                except TraceError:
                    return
                paths.append(path)

        write()
        self.start_from(paths)


def _residual_block(path: Path) -> Path:
    random = np.random.default_rng(5)
    graph = GraphBuilder(2)
    spikes = graph.input("x", random.random((2, 2, 3, 5, 4)) < 0.3)
    neuron = Neuron("lif", 9, potential_bits=10, leak_numerator=15, leak_shift=4)
    for index, source in enumerate(("x", "lif0")):
        weights = random.integers(-8, 8, (3, 3, 3, 3))
        current = graph.conv2d(f"conv{index}", source, weights, weight_bits=4, padding=1, record=False)
        graph.neuron(f"lif{index}", [current, spikes] if index else current, neuron)
    pooled = graph.pool("pool", "lif1", "max", 2)
    current = graph.linear("dense", pooled, random.integers(-8, 8, (4, 3 * 2 * 2)), weight_bits=4, record=False)
    graph.neuron("out", current, Neuron("if", 9, potential_bits=10))
    graph.write(path, provenance={"model": "a residual block"})
    return path
