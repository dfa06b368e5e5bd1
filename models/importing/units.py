"""Which currents share a unit, because they are added up: one scale for each channel, or one for all of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spikecycle.models.importing.graph import (
    FloatGraph,
    FloatJoin,
    FloatOperator,
    FloatPooling,
    FloatPopulation,
    FloatSum,
    FloatSynapse,
)
from spikecycle.models.importing.weights import ChannelWeights, scales_of


@dataclass(eq=False)
class Unit:
    """Operators whose values are integers times one scale. one_scale: the same for all channels."""

    synapses: list[FloatSynapse] = field(default_factory=list)
    populations: list[FloatPopulation] = field(default_factory=list)
    one_scale: bool = False

    def scale(self, channels: int, bits: int, steps: int, largest_inputs: dict[str, float]) -> np.ndarray:
        """The scale (channels,), for weights of `bits` and inputs of that size; by name, of what enters a synapse."""
        found = []
        for channel in range(channels):
            mine = [(each, channel) for each in self.synapses if channel < each.layer.M]
            weights = [each.weight[at].ravel() for each, at in mine]
            bias = sum(float(each.bias[at]) for each, at in mine)
            drive = sum(
                float(np.maximum(each.weight[at], 0).sum()) * largest_inputs.get(each.inputs[0].source, 1.0)
                for each, at in mine
            )
            largest = max((largest_inputs.get(each.inputs[0].source, 1.0) for each, _ in mine), default=1.0)
            found.append(self._channel(np.concatenate(weights or [np.zeros(0)]), bias, drive, channel, steps, largest))
        return scales_of(found, bits, self.one_scale)

    def _channel(
        self, weights: np.ndarray, bias: float, drive: float, channel: int, steps: int, largest: float
    ) -> ChannelWeights:
        threshold, reachable, leaks, strict, reset = np.inf, -np.inf, False, False, "hard"
        for each in self.populations:
            neuron = each.neuron
            leak = float(np.broadcast_to(neuron.leak, each.shape)[channel].max())
            leaks = leaks or bool((np.asarray(neuron.leak) != 1).any()) or neuron.current_leak is not None
            if neuron.reads_out:
                reachable = np.inf
                continue
            threshold = min(threshold, float(np.broadcast_to(neuron.threshold, each.shape)[channel].min()))
            strict = strict or neuron.strict
            reset = "soft" if "soft" in (reset, neuron.reset) else "hard"
            rounds = min(steps, 1 / (1 - leak) if leak < 1 else steps)
            if neuron.current_leak is not None:
                kept = float(np.max(neuron.current_leak))
                rounds *= min(steps, 1 / (1 - kept) if kept < 1 else steps)
            start = float(np.broadcast_to(neuron.start, each.shape)[channel].max())
            constant = max(0.0, float(np.broadcast_to(neuron.drive, each.shape)[channel].max()))
            constant *= min(steps, 1 / (1 - leak) if leak < 1 else steps)
            reachable = max(reachable, max(0.0, (drive + max(bias, 0.0)) * rounds) + constant + max(0.0, start))
        return ChannelWeights(weights, threshold, bias, reset, leaks, strict, reachable, largest)  # type: ignore[arg-type]


def units_of(graph: FloatGraph) -> dict[str, Unit]:
    """The unit of every current, by the name of its operator, and of every population's potentials."""
    parents: dict[str, str] = {each.name: each.name for each in graph.operators}

    def root(name: str) -> str:
        while parents[name] != name:
            name = parents[name]
        return name

    currents: set[str] = set()
    for each in graph.operators:
        arriving = [wire.source for wire in each.inputs if wire.source in currents]
        if isinstance(each, FloatSynapse):
            currents.add(each.name)
        elif isinstance(each, FloatPooling | FloatSum | FloatJoin) and arriving:
            currents.add(each.name)
            for name in arriving:
                parents[root(name)] = root(each.name)
    for each in graph.operators:
        if isinstance(each, FloatPopulation):
            for wire in each.inputs:
                parents[root(wire.source)] = root(each.name)
    units: dict[str, Unit] = {}
    by_root: dict[str, Unit] = {}
    for each in graph.operators:
        if each.name not in currents and not isinstance(each, FloatPopulation):
            continue
        unit = units[each.name] = by_root.setdefault(root(each.name), Unit())
        _enter(unit, each)
    return units


def _enter(unit: Unit, operator: FloatOperator) -> None:
    if isinstance(operator, FloatSynapse):
        unit.synapses.append(operator)
    elif isinstance(operator, FloatPopulation):
        unit.populations.append(operator)
        unit.one_scale = unit.one_scale or operator.neuron.reads_out or bool(np.any(operator.neuron.reset_value))
    elif isinstance(operator, FloatJoin):
        unit.one_scale = True
