"""Traces made from shapes, densities and sparsities alone, for networks of which there is no recording.

    timesteps: 8
    density: 0.1            # of events at the inputs of each layer, unless the layer says its own
    weight_sparsity: 0.8
    layers:
      - {name: conv1, kind: conv2d, C: 2, H: 34, W: 34, M: 16, R: 3, S: 3, padding: 1, density: 0.05}
      - {name: fc1, kind: linear, C: 18496, M: 10}

or a topology as SCALE-Sim reads it (`topology: network.csv` in place of `layers`; see `topology`).

Spikes are clustered by the statistics of `spikecycle.traces.clustered`. Layers are drawn each by itself: what one puts
out is not what the next takes. The trace says that it is synthetic, and so does every result of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, ValidationError, model_validator

from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.explore.drawn_layer import LayerToDraw, Share, Size
from spikecycle.simulator.explore.topology import read_topology
from spikecycle.simulator.machine.problems import validation_problems
from spikecycle.simulator.machine.schema import Section
from spikecycle.simulator.machine.yaml_file import read_yaml
from spikecycle.traces import open_trace
from spikecycle.traces.clustered import SpikeStatistics, draw_densities, draw_events, measure
from spikecycle.traces.errors import located
from spikecycle.traces.synthetic import INPUTS, WEIGHTS, drawn_parameters, drawn_weights
from spikecycle.traces.writer import TraceWriter

TIME_CORRELATION, SPACE_CORRELATION, CHANNEL_VARIATION = 0.36, 0.5, 0.7
"""Medians over the layers of the four shipped digits traces (`spikecycle.traces.clustered.measure`)."""
_MOST_SAMPLES = 16
_DENSITIES = 2
"""Stream of random numbers beside those of weights and inputs."""


class Synthesis(Section):
    """What to draw. Statistics are those of `spikecycle.traces.clustered`, of the inputs of each layer."""

    timesteps: Size
    samples: Size = 1
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    density: Share
    weight_sparsity: Share = 0.0
    """Share of weights that are zero."""
    weight_bits: Annotated[int, Field(ge=2, le=32)] = 8
    input_bits: Annotated[int, Field(ge=1, le=16)] = 1
    """Bits of the first layer's inputs; others take spikes."""
    potential_bits: Annotated[int, Field(ge=2, le=32)] = 16
    channel_variation: Annotated[float, Field(ge=0)] = CHANNEL_VARIATION
    time_correlation: float = TIME_CORRELATION
    space_correlation: float = SPACE_CORRELATION
    layers: list[LayerToDraw] | None = None
    topology: str | None = None

    @model_validator(mode="after")
    def _layers_come_from_one_place(self) -> Synthesis:
        if (self.layers is None) == (self.topology is None):
            raise ValueError("give either layers, or a topology file")
        if self.layers is not None and not self.layers:
            raise ValueError("layers: at least one is needed")
        return self


def read_synthesis(path: str | Path) -> tuple[Synthesis, list[LayerToDraw]]:
    """What a YAML file says to draw, its topology read; MachineError or UsageError naming file and key or line."""
    file = Path(path)
    return parse_synthesis(read_yaml(file), str(path), file.parent)


def parse_synthesis(data: Mapping[str, Any], origin: str, folder: Path = Path()) -> tuple[Synthesis, list[LayerToDraw]]:
    """The same of its keys. folder: that a topology's path is seen from."""
    try:
        asked = Synthesis.model_validate(data)
    except ValidationError as error:
        problems = validation_problems(error, Synthesis)
        raise MachineError("\n".join(f"{origin}: {problem}" for problem in problems)) from error
    layers = asked.layers if asked.layers is not None else read_topology(folder / str(asked.topology))
    return asked, layers


def synthesize(asked: Synthesis, layers: Sequence[LayerToDraw], path: str | Path) -> dict[str, dict[str, float | None]]:
    """Write the trace; equal arguments, equal bytes. Returns the statistics that were asked for, by layer.

    TraceError on sizes and statistics that cannot be, naming the layer.
    """
    with located(path):
        statistics = [_statistics(asked, layer) for layer in layers]
        parameters = []
        for index, (layer, spread) in enumerate(zip(layers, statistics, strict=True)):
            with located(f"layer {layer.name!r}"):
                shape = layer.shape()
            sparsity = asked.weight_sparsity if layer.weight_sparsity is None else layer.weight_sparsity
            bits = layer.weight_bits or asked.weight_bits
            weights = drawn_weights(shape, sparsity, bits, (asked.seed, WEIGHTS, index))
            input_bits = asked.input_bits if index == 0 else 1
            parameters.append(
                drawn_parameters(
                    layer.name, shape, weights, bits, spread.density, input_bits, asked.potential_bits, False
                )
            )
    said = {layer.name: dict(vars(spread)) for layer, spread in zip(layers, statistics, strict=True)}
    provenance = {
        "model": "synthetic",
        "synthetic": True,
        "command": "spikecycle synthesize",
        "seed": asked.seed,
        "density": asked.density,
        "weight_sparsity": asked.weight_sparsity,
        "statistics": _as_few(said),
    }
    with TraceWriter(path, parameters, asked.timesteps, provenance) as writer:
        for sample in range(asked.samples):
            writer.append(_inputs(asked, parameters, statistics, sample), None)
    return said


def measured(path: str | Path) -> dict[str, dict[str, float | None]]:
    """The statistics of a trace's first samples, as many as memory likes, by layer."""
    with open_trace(path) as trace:
        return {
            layer.name: measure(np.stack([layer.inputs(sample) for sample in range(min(trace.samples, _MOST_SAMPLES))]))
            for layer in trace.layers
        }


def _statistics(asked: Synthesis, layer: LayerToDraw) -> SpikeStatistics:
    def own(name: str) -> Any:
        value = getattr(layer, name)
        return getattr(asked, name) if value is None else value

    names = ("density", "channel_variation", "time_correlation", "space_correlation")
    with located(f"layer {layer.name!r}"):
        return SpikeStatistics(**{name: own(name) for name in names})


def _inputs(
    asked: Synthesis, parameters: Sequence[Any], statistics: Sequence[SpikeStatistics], sample: int
) -> Iterator[Any]:
    """Inputs of one layer after the other; densities of channels are the same in all samples."""
    for index, (layer, spread) in enumerate(zip(parameters, statistics, strict=True)):
        shape = layer.shape.input_shape
        densities = draw_densities(spread, shape[0], np.random.default_rng((asked.seed, _DENSITIES, index)))
        generator = np.random.default_rng((asked.seed, INPUTS, sample, index))
        events = draw_events(spread, densities, asked.timesteps, shape, generator)
        if layer.input_bits == 1:
            yield events
        else:
            yield generator.integers(1, 1 << layer.input_bits, events.shape, np.uint16) * events


def _as_few(said: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Statistics by layer; once for all where all layers have the same."""
    first = next(iter(said.values()))
    return (
        {"all layers": dict(first)}
        if all(each == first for each in said.values())
        else {k: dict(v) for k, v in said.items()}
    )
