"""NIR graphs for the tests, built and written by nir itself."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np

from spikecycle.traces import Population, Synapse, Trace

DT = 1e-4


def chain(shape: tuple[int, ...], **nodes: Any) -> nir.NIRGraph:
    """A chain of named nodes from an Input of that shape to an Output."""
    names = ["input", *nodes, "output"]
    parts = {"input": nir.Input(np.array(shape)), **nodes, "output": nir.Output(None)}
    return nir.NIRGraph(parts, list(pairwise(names)), type_check=False)


def written(path: Path, graph: nir.NIRGraph, without_reset: bool = False) -> Path:
    """The graph as a file; without_reset: as files were before NIR had v_reset."""
    graph.infer_types()  # nir writes no convolution whose map it does not know
    nir.write(path, graph)
    if without_reset:
        with h5py.File(path, "r+") as file:
            for node in file["node/nodes"].values():
                if "v_reset" in node:
                    del node["v_reset"]
    return path


def conv(weight: Any, **changed: Any) -> nir.Conv2d:
    """A convolution with stride 1 and no padding unless said otherwise."""
    plain = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": np.zeros(len(weight))}
    return nir.Conv2d(input_shape=None, weight=weight, **{**plain, **changed})


def integrate(neurons: int | tuple[int, ...], threshold: float, r: float = 1.0, v_reset: float = 0.0) -> nir.IF:
    """Integrate-and-fire neurons, all alike."""
    return nir.IF(np.full(neurons, r), np.full(neurons, threshold), np.full(neurons, v_reset))


def leaky(neurons: int | tuple[int, ...], leak: float, **changed: Any) -> nir.LIF:
    """LIF neurons that keep `leak` of their potential in a timestep of DT and get their current undiminished."""
    tau = DT / (1 - leak)
    plain = {"tau": tau, "r": tau / DT, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0}
    return nir.LIF(**{name: np.broadcast_to(value, neurons).copy() for name, value in {**plain, **changed}.items()})


def emitted(trace: Trace, name: str) -> np.ndarray:
    """What an operator was recorded to emit, (N, T, ...)."""
    parts = [trace.tensors[name].values(sample) for sample in range(trace.samples)]
    return np.stack([part for part in parts if part is not None])


def synapses(trace: Trace) -> list[Synapse]:
    """Its operators with weights, in order."""
    return [each for each in trace.operators if isinstance(each, Synapse)]


def populations(trace: Trace) -> list[Population]:
    """Its populations, in order."""
    return [each for each in trace.operators if isinstance(each, Population)]


def input_bits(trace: Trace) -> list[int]:
    """Bits of what enters each operator with weights."""
    return [trace.tensors[each.inputs[0].tensor].spec.bits for each in synapses(trace)]
