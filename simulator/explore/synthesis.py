"""Traces made from shapes, densities and sparsities alone, for networks of which there is no recording.

    timesteps: 8
    density: 0.1            # of events at the inputs of each layer, unless the layer says its own
    weight_sparsity: 0.8
    layers:
      - {name: conv1, kind: conv2d, C: 2, H: 34, W: 34, M: 16, R: 3, S: 3, padding: 1, density: 0.05}
      - {name: fc1, kind: linear, C: 18496, M: 10}

or a topology as SCALE-Sim reads it (`topology: network.csv` in place of `layers`; see `topology`), or a network with
branches and recurrence (`inputs` and `operators` in place of `layers`; see `drawn_graph`).

Spikes are clustered by the statistics of `spikecycle.traces.clustered`. Layers are drawn each by itself: what one puts
out is not what the next takes. Of a network of operators only inputs and weights are drawn, and the rest is computed.
The trace says that it is synthetic, and so does every result of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, ValidationError, model_validator

from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.explore.drawn_graph import (
    DrawnGraph,
    InputToDraw,
    OperatorToDraw,
    TensorName,
    announced,
    densities,
    draw_input,
)
from spikecycle.simulator.explore.drawn_layer import Correlation, LayerToDraw, Share, Size, Variation, WeightBits
from spikecycle.simulator.explore.sweep_spec import Word
from spikecycle.simulator.explore.topology import read_topology
from spikecycle.simulator.machine.problems import validation_problems
from spikecycle.simulator.machine.schema import Section
from spikecycle.simulator.machine.yaml_file import read_yaml
from spikecycle.simulator.memory import Need, check_memory
from spikecycle.traces import GraphBuilder, TraceError, open_trace
from spikecycle.traces.clustered import SpikeStatistics, draw_densities, draw_events, measure
from spikecycle.traces.errors import located
from spikecycle.traces.synthetic import INPUTS, WEIGHTS, drawn_parameters, drawn_weights
from spikecycle.traces.writer import TraceWriter

TIME_CORRELATION, SPACE_CORRELATION, CHANNEL_VARIATION = 0.36, 0.5, 0.7
"""Near the medians over the layers of the four shipped digits traces: 0.38, 0.52 and 0.55, as
`spikecycle.traces.clustered.measure` estimates them from several samples together."""
_MOST_SAMPLES = 16
_DRAWN_BYTES = 9
"""A drawn number and what is made of it."""
_DENSITIES, _AHEAD = 2, 3
"""Streams of random numbers beside those of weights and inputs."""


class Synthesis(Section):
    """What to draw. Statistics are those of `spikecycle.traces.clustered`, of the inputs of each layer."""

    timesteps: Size
    samples: Size = 1
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    density: Share
    weight_sparsity: Share = 0.0
    """Share of weights that are zero."""
    weight_bits: WeightBits = 8
    input_bits: Annotated[int, Field(ge=1, le=16)] = 1
    """Bits of the first layer's inputs; others take spikes."""
    potential_bits: Annotated[int, Field(ge=2, le=32)] = 16
    channel_variation: Variation = CHANNEL_VARIATION
    time_correlation: Correlation = TIME_CORRELATION
    space_correlation: Correlation = SPACE_CORRELATION
    layers: list[LayerToDraw] | None = None
    topology: Word | None = None
    inputs: dict[TensorName, InputToDraw] | None = None
    operators: list[OperatorToDraw] | None = None

    @model_validator(mode="after")
    def _network_comes_from_one_place(self) -> Synthesis:
        given = [name for name in ("layers", "topology", "operators") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give one of layers, topology and operators, found {', '.join(given) or 'none of them'}")
        if (self.operators is None) != (self.inputs is None):
            raise ValueError("operators and inputs go together")
        if not (self.topology or self.layers or (self.operators and self.inputs)):
            raise ValueError(f"{given[0]}: at least one is needed, of each list")
        return self


def read_synthesis(path: str | Path) -> tuple[Synthesis, list[LayerToDraw]]:
    """What a YAML file says to draw, its topology read; MachineError or UsageError naming file and key or line."""
    file = Path(path)
    return parse_synthesis(read_yaml(file), str(path), file.parent)


def parse_synthesis(
    data: Mapping[str, Any], origin: str, folder: Path = Path(), options: Mapping[str, str] | None = None
) -> tuple[Synthesis, list[LayerToDraw]]:
    """The same of its keys. folder: that a topology's path is seen from. options: keys that are not the file's but come
    from elsewhere, and what messages call them: {"density": "--density"}."""
    try:
        asked = Synthesis.model_validate(data)
    except ValidationError as error:
        problems = (problem.partition(":") for problem in validation_problems(error, Synthesis))
        lines = (f"{(options or {}).get(key, f'{origin}: {key}')}:{rest}" for key, _, rest in problems)
        raise MachineError("\n".join(lines)) from error
    for index, layer in enumerate(asked.layers or ()):
        try:
            layer.shape()
        except TraceError as error:
            raise MachineError(f"{origin}: layers.{index}: layer {layer.name!r}: {error}") from error
    layers = asked.layers or ([] if asked.topology is None else read_topology(folder / asked.topology))
    names = [layer.name for layer in layers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        file = origin if asked.topology is None else folder / asked.topology
        raise MachineError(f"{file}: {twice!r} is the name of two layers")
    return asked, layers


def channel_notes(layers: Sequence[LayerToDraw]) -> list[str]:
    """Layers of a chain that take other channels than the layer before them makes, a sentence each: layers are drawn
    each by itself, so that what is said of each is what it takes. A dense layer may take several values per channel."""
    found = []
    for before, layer in pairwise(layers):
        is_flat = layer.kind == "linear" and layer.C % before.M == 0
        if layer.C != before.M and not is_flat:
            found.append(
                f"{layer.name} takes {layer.C:,} channels, as its line says, though {before.name} makes {before.M:,}."
            )
    return found


def synthesize(
    asked: Synthesis,
    layers: Sequence[LayerToDraw],
    path: str | Path,
    origin: str | Path = "network to draw",
    max_memory_bytes: int | None = None,
) -> dict[str, dict[str, float | None]]:
    """Write the trace; equal arguments, equal bytes. Returns the statistics that were asked for, by layer.

    origin: the file that says what to draw. TraceError on sizes and statistics that cannot be, naming it and the layer.
    max_memory_bytes: that drawing may need by its estimate; None is three quarters of what is free. MemoryLimitError.
    """
    check_memory(f"{origin}: to draw it", dict(_needs(asked, layers)), max_memory_bytes)
    if asked.operators is not None:
        return _synthesize_graph(asked, path, origin)
    with located(origin):
        statistics = [_statistics(asked, layer, f"layer {layer.name!r}") for layer in layers]
        parameters = []
        for index, (layer, spread) in enumerate(zip(layers, statistics, strict=True)):
            with located(f"layer {layer.name!r}"):
                shape = layer.shape()
            sparsity = asked.weight_sparsity if layer.weight_sparsity is None else layer.weight_sparsity
            bits = asked.weight_bits if layer.weight_bits is None else layer.weight_bits
            input_bits = asked.input_bits if index == 0 else 1
            with located(f"layer {layer.name!r}"):
                weights = drawn_weights(shape, sparsity, bits, (asked.seed, WEIGHTS, index))
                parameters.append(
                    drawn_parameters(
                        layer.name, shape, weights, bits, spread.density, input_bits, asked.potential_bits, False
                    )
                )
    said = {layer.name: dict(vars(spread)) for layer, spread in zip(layers, statistics, strict=True)}
    with TraceWriter(path, parameters, asked.timesteps, _provenance(asked, said)) as writer:
        for sample in range(asked.samples):
            writer.append(_inputs(asked, parameters, statistics, sample), None)
    return said


def _synthesize_graph(asked: Synthesis, path: str | Path, origin: str | Path) -> dict[str, dict[str, float | None]]:
    """Write a network of operators; see `drawn_graph`."""
    assert asked.inputs is not None
    assert asked.operators is not None

    def values(sample: int) -> dict[str, Any]:
        return {
            name: draw_input(
                spec, statistics[name], asked.timesteps,
                ((asked.seed, _DENSITIES, index), (asked.seed, INPUTS, sample, index)),
            )
            for index, (name, spec) in enumerate(inputs.items())
        }  # fmt: skip

    def draw_ahead(shape: tuple[int, int, int], density: float) -> Any:
        spread = replace(all_alike, density=density)
        seed = (asked.seed, _AHEAD)
        return draw_input(InputToDraw(C=shape[0], H=shape[1], W=shape[2]), spread, asked.timesteps, (seed, seed))

    with located(origin):
        inputs = asked.inputs
        statistics = {name: _statistics(asked, spec, f"input {name!r}") for name, spec in inputs.items()}
        all_alike = _statistics(asked, InputToDraw(C=1), "populations that are read before they are made")
        graph = GraphBuilder(asked.timesteps)
        drawn = DrawnGraph(
            graph, asked.density, asked.weight_sparsity, asked.weight_bits, asked.potential_bits, asked.seed,
            announced(asked.operators, asked.density), draw_ahead, values(0),
        )  # fmt: skip
        for name, spec in inputs.items():
            graph.input(name, shape=spec.shape, bits=spec.bits)
        for operator in asked.operators:
            with located(f"operator {operator.name!r}"):
                operator.add(drawn)
                drawn.finish()
        said: dict[str, dict[str, float | None]] = {name: dict(vars(spread)) for name, spread in statistics.items()}
        said |= {name: {"density": density} for name, density in densities(asked.operators, asked.density).items()}
    with graph.writer(path, _provenance(asked, said)) as writer:
        for sample in range(asked.samples):
            writer.append(values(sample))
    return said


def _needs(asked: Synthesis, layers: Sequence[LayerToDraw]) -> Iterator[tuple[str, list[Need]]]:
    """Memory of what is drawn, by layer or input: random numbers take eight bytes, and what is made of them one."""
    for name, spec in (asked.inputs or {}).items():
        yield (
            f"input {name!r}",
            [Need(_DRAWN_BYTES * asked.timesteps * spec.C * spec.H * spec.W, "T x C x H x W", False)],
        )
    for layer in layers:
        inputs, weights = asked.timesteps * layer.C * layer.H * layer.W, layer.M * layer.C * layer.R * layer.S
        needs = [
            Need(_DRAWN_BYTES * inputs, "inputs, T x C x H x W", is_kept=False),
            Need(_DRAWN_BYTES * weights, "weights, M x C x R x S"),
        ]
        yield f"layer {layer.name!r}", needs


def _provenance(asked: Synthesis, said: Mapping[str, Mapping[str, float | None]]) -> dict[str, Any]:
    return {
        "model": "synthetic",
        "synthetic": True,
        "command": "spikecycle synthesize",
        "seed": asked.seed,
        "density": asked.density,
        "weight_sparsity": asked.weight_sparsity,
        "statistics": _as_few(said),
    }


def measured(path: str | Path) -> dict[str, dict[str, float | None]]:
    """The statistics of a trace's first samples, as many as memory likes, by name: of the inputs of each layer, or of
    the inputs and spikes of a network."""
    with open_trace(path) as trace:
        samples = range(min(trace.samples, _MOST_SAMPLES))
        if trace.has_layers:
            return {layer.name: measure(np.stack([layer.inputs(each) for each in samples])) for layer in trace.layers}
        fire = {operator.output.name for operator in trace.operators if operator.has_state}
        return {
            tensor.name: measure(np.stack([values for each in samples if (values := tensor.values(each)) is not None]))
            for tensor in trace.tensors.values()
            if tensor.producer is None or tensor.name in fire
        }


def _statistics(asked: Synthesis, of: LayerToDraw | InputToDraw, where: str) -> SpikeStatistics:
    def own(name: str) -> Any:
        value = getattr(of, name)
        return getattr(asked, name) if value is None else value

    names = ("density", "channel_variation", "time_correlation", "space_correlation")
    with located(where):
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
