"""Where an imported network comes from: read once, whatever it is, into one graph and the network as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple, Protocol

import numpy.typing as npt
import torch

from spikecycle.models.importing.answer import SUMS, Answer
from spikecycle.models.importing.graph import FloatGraph, FloatPopulation, FloatSynapse, run_graph
from spikecycle.models.importing.inputs import Samples
from spikecycle.traces import LayerShape

ResetChoice = Literal["hard", "soft"]


class Original(Protocol):
    """The network as its framework computes it."""

    def outputs(self, samples: Samples) -> list[npt.NDArray[Any]]:
        """Of each population the spikes, or, where its neurons never fire, the potentials; (N, T, ...)."""
        ...


class LayerView(NamedTuple):
    """A population and the weights that reach it first, for inspection."""

    name: str
    shape: LayerShape | None
    weight: npt.NDArray[Any] | None
    population: FloatPopulation

    @property
    def neuron(self) -> Any:
        """The neurons; see `FloatNeuron`."""
        return self.population.neuron


class StageView(NamedTuple):
    """One population of a network."""

    layer: LayerView


@dataclass(frozen=True, eq=False)
class ImportSource:
    """name: what messages call it; part: what its parts are called ("node", "module"); kinds: of parts, by name;
    facts: what the provenance says; timesteps: that samples must have, where the network fixes them; remarks: what a
    user should know of how it was read; answer: how its outputs become a class."""

    name: str
    part: str
    kinds: Mapping[str, str]
    graph: FloatGraph
    original: Original
    facts: Mapping[str, Any]
    timesteps: int | None = None
    remarks: tuple[str, ...] = ()
    answer: Answer = SUMS

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one timestep."""
        return self.graph.input_shape

    @cached_property
    def stages(self) -> list[StageView]:
        """Its populations, each with the weights that reach it."""
        return [StageView(self._layer(each)) for each in self.graph.populations]

    def _layer(self, population: FloatPopulation) -> LayerView:
        waiting = list(population.inputs)
        while waiting:
            wire = waiting.pop(0)
            found = self.graph.by_name.get(wire.source)
            if isinstance(found, FloatSynapse):
                return LayerView(population.name, found.layer, found.weight, population)
            if found is not None and not isinstance(found, FloatPopulation):
                waiting += found.inputs
        return LayerView(population.name, None, None, population)

    def place(self, name: str | None) -> str:
        """A part by name and kind, for messages."""
        if name is None:
            return ""
        return f"{self.part} {name} ({self.kinds[name]}): " if name in self.kinds else f"{name}: "


@dataclass(frozen=True, eq=False)
class FloatRun:
    """A graph as the original of itself."""

    graph: FloatGraph
    dtype: torch.dtype = torch.float64

    def outputs(self, samples: Samples) -> list[npt.NDArray[Any]]:
        """See `Original`."""
        names: Sequence[str] = [each.name for each in self.graph.populations]
        found = run_graph(self.graph, samples, names, dtype=self.dtype)
        return [found[name].numpy() for name in names]
