"""Twin of `spikecycle.simulator.replay`: every output neuron gathers what reaches it, in plain Python integers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from spikecycle.traces import LayerShape, Neuron


@dataclass
class Sample:
    """Recomputed outputs and active flags as [t][m][p][q], last stored potentials as [m][p][q], and what occurred."""

    outputs: list[Any] = field(default_factory=list)
    active: list[Any] = field(default_factory=list)
    potentials: list[Any] = field(default_factory=list)
    occurred: set[str] = field(default_factory=set)


def gather(shape: LayerShape, weights: Any, inputs: Any, t: int, m: int, p: int, q: int) -> tuple[int, int]:
    """What neuron (m, p, q) receives in timestep t: the sum of weights, and the number of accumulates."""
    channels = shape.C // shape.groups
    group = m // (shape.M // shape.groups)
    total = accumulates = 0
    for c in range(channels):
        for r in range(shape.R):
            for s in range(shape.S):
                h = p * shape.stride[0] + r - shape.padding_top
                w = q * shape.stride[1] + s - shape.padding_left
                if not (0 <= h < shape.H and 0 <= w < shape.W):
                    continue
                value = inputs[t][group * channels + c][h][w]
                bit = 0
                while value >> bit:
                    if (value >> bit) & 1 and weights[m][c][r][s] != 0:
                        total += weights[m][c][r][s] << bit
                        accumulates += 1
                    bit += 1
    return total, accumulates


def update(neuron: Neuron, threshold: int, stored: int, received: int, occurred: set[str]) -> tuple[int, int]:
    """One timestep of one neuron: the spike and the potential that is stored."""
    leaked = stored * neuron.shared_leak_numerator // 2**neuron.leak_shift
    if stored < 0 and stored * neuron.shared_leak_numerator % 2**neuron.leak_shift:
        occurred.add("a negative potential leaks and is rounded down")
    potential = leaked + received
    highest = 2 ** (neuron.potential_bits - 1) - 1
    if potential > highest:
        potential = highest
        occurred.add("saturates at the top")
    if potential < -highest - 1:
        potential = -highest - 1
        occurred.add("saturates at the bottom")
    if potential < threshold:
        return 0, potential
    after = potential - threshold if neuron.reset == "soft" else neuron.reset_value
    occurred.add(f"{neuron.reset} reset to {'0' if after == 0 else 'not 0'}")
    return 1, after


def replay(shape: LayerShape, neuron: Neuron, weights: Any, bias: Any, inputs: Any) -> Sample:
    """One sample; all arrays as nested lists, inputs [t][c][h][w], weights [m][c][r][s]."""
    sample = Sample()
    stored = [[[0] * shape.Q for _ in range(shape.P)] for _ in range(shape.M)]
    for t in range(len(inputs)):
        spikes = [[[0] * shape.Q for _ in range(shape.P)] for _ in range(shape.M)]
        active = [[[0] * shape.Q for _ in range(shape.P)] for _ in range(shape.M)]
        for m in range(shape.M):
            for p in range(shape.P):
                for q in range(shape.Q):
                    total, accumulates = gather(shape, weights, inputs, t, m, p, q)
                    if accumulates and total == 0:
                        sample.occurred.add("accumulates that cancel")
                    active[m][p][q] = int(stored[m][p][q] != 0 or accumulates > 0)
                    spikes[m][p][q], stored[m][p][q] = update(
                        neuron, int(neuron.threshold[m]), stored[m][p][q], total + bias[m], sample.occurred
                    )
        sample.outputs.append(spikes)
        sample.active.append(active)
    sample.potentials = stored
    return sample
