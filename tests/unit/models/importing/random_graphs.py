"""Random NIR graphs, and what their nodes do by NIR's equations, node by node in NumPy, without the importer."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import torch
import torch.nn.functional as F

from tests.unit.models.importing.graphs import DT

Array = np.ndarray


class RandomGraph:
    """A graph of a few layers of neurons, some of which branch, add up, come late or feed themselves.

    graph: it; spiking: its neurons; late: edges that take a timestep; shapes: of what nodes give.
    """

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._nodes: dict[str, Any] = {}
        self._edges: list[tuple[str, str]] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.spiking: list[str] = []
        self.late: set[tuple[str, str]] = set()
        self.input_shape = (2, 6, 5) if seed % 2 else (int(self._random.integers(4, 9)),)
        self._nodes["input"], self.shapes["input"] = nir.Input(np.array(self.input_shape)), self.input_shape
        heads = ["input"]
        for _ in range(int(self._random.integers(2, 5))):
            before = heads[int(self._random.integers(len(heads)))] if self._chance(0.4) else heads[-1]
            weighted = self._between(self._weights(self._between(before)))
            alike = [name for name, shape in self.shapes.items() if shape == self.shapes[weighted] and name != weighted]
            also = [alike[int(self._random.integers(len(alike)))]] if alike and self._chance(0.5) else []
            heads.append(self._neurons([weighted, *also]))
        self._nodes["output"] = nir.Output(None)
        self._edges.append((heads[-1], "output"))
        self.graph = nir.NIRGraph(self._nodes, self._edges, type_check=False)

    def _chance(self, share: float) -> bool:
        return bool(self._random.random() < share)

    def _add(self, node: Any, sources: list[str], shape: tuple[int, ...] | None = None) -> str:
        name = f"{type(node).__name__.lower()} {len(self._nodes)}"
        self._nodes[name] = node
        self._edges += [(source, name) for source in sources]
        found = step(node, {}, np.zeros((1, *self.shapes[sources[0]]))).shape[1:] if shape is None else shape
        self.shapes[name] = found
        return name

    def _between(self, source: str) -> str:
        chosen, shape = self._random.random(), self.shapes[source]
        if chosen < 0.15 and len(shape) == 3 and min(shape[1:]) > 1:
            kind = nir.SumPool2d if self._chance(0.5) else nir.AvgPool2d
            return self._add(kind(np.array([2, 2]), np.array([1, 2]), np.array([0, 1])), [source])
        if chosen < 0.3:
            return self._add(nir.Scale(self._random.uniform(-1.5, 1.5, (shape[0], *[1] * (len(shape) - 1)))), [source])
        if chosen < 0.45:
            return self._add(nir.Delay(np.full(shape, DT * int(self._random.integers(0, 4)))), [source])
        return source

    def _weights(self, source: str) -> str:
        random, shape = self._random, self.shapes[source]
        if len(shape) == 1 or self._chance(0.25):
            if len(shape) == 3:
                source = self._add(nir.Flatten({"input": np.array(shape)}, 0), [source])
            inputs, outputs = int(np.prod(shape)), int(random.integers(3, 8))
            weight = 1.5 * random.normal(size=(outputs, inputs)) / np.sqrt(inputs)
            return self._add(nir.Affine(weight, 0.2 * random.normal(size=outputs)), [source])
        groups = int(random.choice([size for size in (1, 2, shape[0]) if shape[0] % size == 0]))
        side, outputs = min(3, *shape[1:]), groups * int(random.integers(1, 4))
        weight = 0.8 * random.normal(size=(outputs, shape[0] // groups, side, side))
        stride, bias = int(random.choice([1, 1, 2])), 0.2 * random.normal(size=outputs)
        return self._add(nir.Conv2d(None, weight, stride, int(random.integers(0, 2)), 1, groups, bias), [source])

    def _neurons(self, sources: list[str]) -> str:
        random, shape = self._random, self.shapes[sources[0]]

        def drawn(low: float, high: float) -> Array:
            return random.uniform(low, high, shape) if self._chance(0.3) else np.full(shape, random.uniform(low, high))

        threshold, zero = drawn(0.3, 1.2), np.zeros(shape)
        tau = DT / (1 - drawn(0.3, 0.95))
        node = [
            nir.IF(np.ones(shape), threshold, zero - 0.2),
            nir.LIF(tau, zero + random.uniform(1, 6), zero + 0.1, threshold, zero - 0.1),
            nir.CubaLIF(2 * tau, tau, zero + 3, zero, threshold, zero, w_in=zero + 2),
            nir.Threshold(threshold),
        ][int(random.integers(4))]
        name = self._add(node, sources, shape)
        self.spiking.append(name)
        if len(shape) == 1 and self._chance(0.3) and not isinstance(node, nir.Threshold):
            back = self._add(nir.Linear(0.4 * random.normal(size=(shape[0], shape[0]))), [name], shape)
            self._edges.append((back, name))
            self.late.add((name, back))
        return name

    def run(self, samples: Array) -> dict[str, Array]:
        """What each node gives, (N, T, ...)."""
        before: dict[str, Array] = {name: np.zeros((len(samples), *shape)) for name, shape in self.shapes.items()}
        states: dict[str, dict[str, Array]] = {name: {} for name in self._nodes}
        made: dict[str, list[Array]] = {name: [] for name in self.shapes}
        order: list[str] = []
        for name in self._nodes:
            self._visit(name, order)
        for t in range(samples.shape[1]):
            now = {"input": samples[:, t].astype(float)}
            for name in order:
                if name not in ("input", "output"):
                    wires = [edge for edge in dict.fromkeys(self._edges) if edge[1] == name]
                    arriving = sum(before[edge[0]] if edge in self.late else now[edge[0]] for edge in wires)
                    now[name] = step(self._nodes[name], states[name], np.asarray(arriving))
            before = now
            for name, values in now.items():
                made[name].append(values)
        return {name: np.stack(values, 1) for name, values in made.items()}

    def _visit(self, name: str, order: list[str]) -> None:
        if name not in order:
            for edge in self._edges:
                if edge[1] == name and edge not in self.late:
                    self._visit(edge[0], order)
            order.append(name)


def step(node: Any, state: dict[str, Array], x: Array) -> Array:
    """What a node gives in a timestep for what arrives, (N, ...); it keeps its state."""
    kind = type(node).__name__
    if kind in ("Linear", "Affine"):
        return np.asarray(x.reshape(len(x), -1) @ node.weight.T + (node.bias if kind == "Affine" else 0))
    if kind == "Conv2d":
        stride, padding = (tuple(np.broadcast_to(each, 2).tolist()) for each in (node.stride, node.padding))
        weight, bias = torch.tensor(node.weight), torch.tensor(node.bias)
        return F.conv2d(torch.tensor(x), weight, bias, stride, padding, 1, int(node.groups)).numpy()
    if kind in ("SumPool2d", "AvgPool2d"):
        sizes = [each.tolist() for each in (node.kernel_size, node.stride, node.padding)]
        return F.avg_pool2d(torch.tensor(x), *sizes).numpy() * (np.prod(sizes[0]) if kind == "SumPool2d" else 1)
    if kind == "Flatten":
        return x.reshape(len(x), -1)
    if kind == "Scale":
        return np.asarray(x * node.scale)
    if kind == "Threshold":
        return (x > node.threshold).astype(float)
    if kind == "Delay":
        held = [*state.get("held", [np.zeros_like(x)] * round(float(node.delay.flat[0]) / DT)), x]
        state["held"] = held[1:]  # type: ignore[assignment]
        return np.asarray(held[0])
    if kind == "CubaLIF":
        x = state["i"] = state.get("i", 0) + DT / node.tau_syn * (node.w_in * x - state.get("i", 0))
    if kind == "IF":
        v = state.get("v", node.v_reset) + node.r * x
    else:
        v = state.get("v", node.v_leak)
        v = v + DT / (node.tau_mem if kind == "CubaLIF" else node.tau) * (node.v_leak - v + node.r * x)
    spikes = v > node.v_threshold
    state["v"] = np.where(spikes, node.v_reset, v)
    return np.asarray(spikes, float)
