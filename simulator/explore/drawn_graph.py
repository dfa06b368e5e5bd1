"""Networks that are no chain, to be drawn: residual and parallel branches, pooling, recurrence.

    inputs:
      x: {C: 2, H: 32, W: 32, density: 0.05}
    operators:
      - {name: conv1, kind: conv2d, inputs: [x], M: 16, R: 3, S: 3, padding: 1}
      - {name: n1, kind: neuron, inputs: [conv1]}
      - {name: conv2, kind: conv2d, inputs: [n1], M: 16, R: 3, S: 3, padding: 1}
      - {name: n2, kind: neuron, inputs: [conv2, n1], density: 0.08}      # residual: n1 is added as it is
      - {name: half, kind: pool, inputs: [n2], mode: max, window: 2}
      - {name: fc, kind: linear, inputs: [half], M: 10}
      - {name: back, kind: linear, inputs: [n3@1], M: 10}                 # n3 of the timestep before
      - {name: n3, kind: neuron, inputs: [fc, back], shape: [10, 1, 1]}   # its shape, as it is read before it is made

Unlike the layers of a chain, operators compute: only inputs and weights are drawn. The threshold of each population is
set so that it fires with the density that is asked for, as near as a whole number allows, in the first sample; how its
spikes are clustered follows from the network. While thresholds are sought, what is read before it is made counts as
drawn with the density asked for. A density that no threshold of at least 1 reaches is not met.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from spikecycle.simulator.explore.drawn_layer import (
    Correlation,
    Name,
    Padding,
    Pair,
    Share,
    Size,
    Variation,
    WeightBits,
)
from spikecycle.simulator.machine.schema import Section
from spikecycle.traces import GraphBuilder, LayerShape, Neuron, Population, Source, TensorSpec, TraceError
from spikecycle.traces.array_types import Int32, Integers
from spikecycle.traces.clustered import SpikeStatistics, draw_densities, draw_events
from spikecycle.traces.synthetic import LEAK_NUMERATOR, LEAK_SHIFT, WEIGHTS, drawn_weights

_DELAY = "@1"
"""Behind the name of a tensor: of the timestep before."""


def _without_delay(name: str) -> str:
    if "@" in name:
        raise ValueError("a name has no @ in it")
    return name


def _is_reference(reference: str) -> str:
    _without_delay(reference.removesuffix(_DELAY))
    return reference


TensorName = Annotated[Name, AfterValidator(_without_delay)]
Reference = Annotated[str, Field(min_length=1, max_length=122), AfterValidator(_is_reference)]


class InputToDraw(Section):
    """A tensor that no operator makes; what it leaves out is as for all."""

    C: Size
    H: Size = 1
    W: Size = 1
    bits: Annotated[int, Field(ge=1, le=16)] = 1
    density: Share | None = None
    channel_variation: Variation | None = None
    time_correlation: Correlation | None = None
    space_correlation: Correlation | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.C, self.H, self.W


@dataclass
class DrawnGraph:
    """A network in the making, with the values of its first sample.

    density, weight_sparsity, weight_bits, potential_bits, seed: of operators that say nothing else. ahead: shape and
    density of populations that are read before they are made, by name. values: of tensors, (T, C, H, W), by name.
    """

    graph: GraphBuilder
    density: float
    weight_sparsity: float
    weight_bits: int
    potential_bits: int
    seed: int
    ahead: Mapping[str, tuple[tuple[int, int, int], float]]
    draw_ahead: Callable[[tuple[int, int, int], float], Integers]
    values: dict[str, Integers] = field(default_factory=dict)

    def source(self, reference: str) -> Source:
        """A tensor by its name, or that of the timestep before; TraceError where there is none."""
        name = reference.removesuffix(_DELAY)
        if name == reference:
            return Source(name)
        if name in self.graph.tensors:
            return self.graph.delayed(name)
        if name not in self.ahead:
            raise TraceError(
                f"{reference}: is made by no operator ahead of it; of a population that comes later, say its shape "
                "(shape: [channels, rows, columns])"
            )
        return self.graph.delayed(name, self.ahead[name][0])

    def arriving(self, source: Source) -> Integers:
        """What an input brings in the first sample, (T, C, H, W)."""
        values = self.values.get(source.tensor)
        if values is None:
            values = self.draw_ahead(*self.ahead[source.tensor])
        return values if not source.delay else np.concatenate([np.zeros_like(values[:1]), values[:-1]])

    def shape_of(self, source: Source) -> tuple[int, int, int]:
        """(C, H, W) of a tensor, made or announced; TraceError where there is none."""
        spec = self.graph.tensors.get(source.tensor)
        if spec is None and not source.delay:
            raise TraceError(f"there is no tensor {source.tensor} ahead of it")
        return spec.shape if spec is not None else self.ahead[source.tensor][0]

    def finish(self) -> None:
        """Compute what the operator that was added last makes in the first sample."""
        operator = self.graph.operators[-1]
        made = operator.run([self.arriving(source) for source in operator.inputs])
        self.values[operator.name] = made.astype(operator.output.dtype)


class _Node(Section):
    """What all operators have."""

    name: TensorName
    inputs: list[Reference] = Field(min_length=1)


class _SynapseToDraw(_Node):
    """Weights, whose shape follows from the input; what it leaves out is as for all."""

    inputs: list[Reference] = Field(min_length=1, max_length=1)
    M: Size
    weight_sparsity: Share | None = None
    weight_bits: WeightBits | None = None

    def weights(self, drawn: DrawnGraph, shape: LayerShape) -> tuple[Int32, int]:
        """Codes, int32 (M, C / groups, R, S), and their bits."""
        bits = self.weight_bits or drawn.weight_bits
        sparsity = drawn.weight_sparsity if self.weight_sparsity is None else self.weight_sparsity
        return drawn_weights(shape, sparsity, bits, (drawn.seed, WEIGHTS, len(drawn.graph.operators))), bits


class ConvolutionToDraw(_SynapseToDraw):
    """A convolution of maps."""

    kind: Literal["conv2d"]
    R: Size
    S: Size
    stride: Pair = 1
    padding: Padding = 0
    dilation: Pair = 1
    groups: Size = 1

    def add(self, drawn: DrawnGraph) -> None:
        """Draw the weights."""
        source = drawn.source(self.inputs[0])
        stride, padding, dilation = pair(self.stride), pair(self.padding), pair(self.dilation)
        shape = LayerShape(
            "conv2d", *drawn.shape_of(source), self.M, self.R, self.S, stride=stride, padding=padding,
            dilation=dilation, groups=self.groups,
        )  # fmt: skip
        weights, bits = self.weights(drawn, shape)
        drawn.graph.conv2d(
            self.name, source, weights, weight_bits=bits, stride=stride, padding=padding, dilation=dilation,
            groups=self.groups,
        )  # fmt: skip


class RowConvolutionToDraw(_SynapseToDraw):
    """A convolution along maps of one row."""

    kind: Literal["conv1d"]
    S: Size
    stride: Size = 1
    padding: Annotated[int, Field(ge=0)] = 0
    dilation: Size = 1
    groups: Size = 1

    def add(self, drawn: DrawnGraph) -> None:
        """Draw the weights."""
        source = drawn.source(self.inputs[0])
        shape = LayerShape(
            "conv1d", *drawn.shape_of(source), self.M, 1, self.S, stride=(1, self.stride), padding=(0, self.padding),
            dilation=(1, self.dilation), groups=self.groups,
        )  # fmt: skip
        weights, bits = self.weights(drawn, shape)
        drawn.graph.conv1d(
            self.name, source, weights[:, :, 0], weight_bits=bits, stride=self.stride, padding=self.padding,
            dilation=self.dilation, groups=self.groups,
        )  # fmt: skip


class LinearToDraw(_SynapseToDraw):
    """Every input to every output."""

    kind: Literal["linear"]

    def add(self, drawn: DrawnGraph) -> None:
        """Draw the weights."""
        source = drawn.source(self.inputs[0])
        weights, bits = self.weights(drawn, LayerShape.linear(math.prod(drawn.shape_of(source)), self.M))
        drawn.graph.linear(self.name, source, weights[:, :, 0, 0], weight_bits=bits)


class NeuronToDraw(_Node):
    """LIF neurons that sum their inputs. density: to fire with. shape: needed where it is read before it is made."""

    kind: Literal["neuron"]
    density: Share | None = None
    shape: Annotated[list[Size], Field(min_length=3, max_length=3)] | None = None

    def add(self, drawn: DrawnGraph) -> None:
        """Seek the threshold: a higher one fires less."""
        sources = tuple(drawn.source(reference) for reference in self.inputs)
        output = TensorSpec(self.name, drawn.shape_of(sources[0]), 1, False)
        arriving = [drawn.arriving(source) for source in sources if drawn.shape_of(source) == output.shape]
        wanted = drawn.density if self.density is None else self.density

        def neuron(threshold: int) -> Neuron:
            return Neuron("lif", threshold, drawn.potential_bits, LEAK_NUMERATOR, LEAK_SHIFT)

        def density(threshold: int) -> float:
            return float(Population(self.name, sources, output, neuron(threshold)).run(arriving).mean())

        low, high = 1, (1 << (drawn.potential_bits - 1)) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if density(middle) <= wanted else (middle + 1, high)
        if low > 1 and abs(density(low - 1) - wanted) < abs(density(low) - wanted):
            low -= 1
        drawn.graph.neuron(self.name, sources, neuron(low))


class PoolToDraw(_Node):
    """The max, average or sum of windows."""

    kind: Literal["pool"]
    inputs: list[Reference] = Field(min_length=1, max_length=1)
    mode: Literal["max", "average", "sum"] = "max"
    window: Pair = 2
    stride: Pair | None = None
    padding: Padding = 0

    def add(self, drawn: DrawnGraph) -> None:
        """Nothing is drawn."""
        step = None if self.stride is None else pair(self.stride)
        source = drawn.source(self.inputs[0])
        drawn.graph.pool(self.name, source, self.mode, pair(self.window), stride=step, padding=pair(self.padding))


class JoinToDraw(_Node):
    """The sum of tensors of one shape, or their channels one after the other."""

    kind: Literal["add", "concatenate"]

    def add(self, drawn: DrawnGraph) -> None:
        """Nothing is drawn."""
        join = getattr(drawn.graph, self.kind)
        join(self.name, [drawn.source(reference) for reference in self.inputs])


OperatorToDraw = Annotated[
    ConvolutionToDraw | RowConvolutionToDraw | LinearToDraw | NeuronToDraw | PoolToDraw | JoinToDraw,
    Field(discriminator="kind"),
]


def densities(operators: Sequence[OperatorToDraw], usual: float) -> dict[str, float]:
    """The density that each population is to fire with, by name."""
    neurons = [each for each in operators if isinstance(each, NeuronToDraw)]
    return {each.name: usual if each.density is None else each.density for each in neurons}


def announced(operators: Sequence[OperatorToDraw], usual: float) -> dict[str, tuple[tuple[int, int, int], float]]:
    """Shape and density of the populations that say their shape, by name."""
    density = densities(operators, usual)
    return {
        each.name: ((each.shape[0], each.shape[1], each.shape[2]), density[each.name])
        for each in operators
        if isinstance(each, NeuronToDraw) and each.shape is not None
    }


def draw_input(
    spec: InputToDraw, statistics: SpikeStatistics, timesteps: int, seeds: tuple[tuple[int, ...], tuple[int, ...]]
) -> Integers:
    """Values of an input, (T, C, H, W). seeds: of the densities of channels, and of the events."""
    densities = draw_densities(statistics, spec.C, np.random.default_rng(seeds[0]))
    generator = np.random.default_rng(seeds[1])
    events = draw_events(statistics, densities, timesteps, spec.shape, generator)
    if spec.bits == 1:
        return events.astype(np.uint8)
    values: Integers = generator.integers(1, 1 << spec.bits, events.shape, np.uint16) * events
    return values


def pair(value: int | list[int]) -> Any:
    """A single number is of both directions; a list is what it is."""
    return tuple(value) if isinstance(value, list) else (value, value)
