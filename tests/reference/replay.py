"""Twin of `spikecycle.simulator.replay`: every output neuron gathers what reaches it, in plain Python integers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from spikecycle.traces import LayerShape, Neuron
from tests.reference.neuron import Cell


@dataclass
class Sample:
    """Recomputed outputs and active flags as [t][m][p][q], last stored potentials as [m][p][q], and what occurred."""

    outputs: list[Any] = field(default_factory=list)
    active: list[Any] = field(default_factory=list)
    potentials: list[Any] = field(default_factory=list)
    occurred: set[str] = field(default_factory=set)


def gather(shape: LayerShape, weights: Any, frame: Any, m: int, p: int, q: int) -> tuple[int, int]:
    """What neuron (m, p, q) receives from a frame [c][h][w]: the sum of weights, and the number of accumulates."""
    channels = shape.C // shape.groups
    group = m // (shape.M // shape.groups)
    top, _, left, _ = shape.sides
    total = accumulates = 0
    for c in range(channels):
        for r in range(shape.R):
            for s in range(shape.S):
                h = p * shape.stride[0] + r * shape.dilation[0] - top
                w = q * shape.stride[1] + s * shape.dilation[1] - left
                if not (0 <= h < shape.H and 0 <= w < shape.W):
                    continue
                value = frame[group * channels + c][h][w]
                sign = -1 if value < 0 else 1
                bit = 0
                while abs(value) >> bit:
                    if (abs(value) >> bit) & 1 and weights[m][c][r][s] != 0:
                        total += sign * (weights[m][c][r][s] << bit)
                        accumulates += 1
                    bit += 1
    return total, accumulates


def replay(shape: LayerShape, neuron: Neuron, weights: Any, bias: Any, inputs: Any, others: Any = None) -> Sample:
    """One sample; all arrays as nested lists, inputs [t][c][h][w], weights [m][c][r][s].

    others: further currents [t][m][p][q] that arrive.
    """
    sample = Sample()
    cells = {
        (m, p, q): Cell(neuron, m, p, q, sample.occurred)
        for m in range(shape.M)
        for p in range(shape.P)
        for q in range(shape.Q)
    }
    for t, frame in enumerate(inputs):
        spikes = _zeros(shape)
        active = _zeros(shape)
        for (m, p, q), cell in cells.items():
            total, accumulates = gather(shape, weights, frame, m, p, q)
            if accumulates and total == 0:
                sample.occurred.add("accumulates that cancel")
            other = others[t][m][p][q] if others is not None else 0
            active[m][p][q] = int(not cell.is_at_rest() or accumulates > 0 or other != 0)
            spikes[m][p][q] = cell.step(total + bias[m] + other)
        sample.outputs.append(spikes)
        sample.active.append(active)
    sample.potentials = _zeros(shape)
    for (m, p, q), cell in cells.items():
        sample.potentials[m][p][q] = cell.potential
    return sample


def _zeros(shape: LayerShape) -> Any:
    return [[[0] * shape.Q for _ in range(shape.P)] for _ in range(shape.M)]
