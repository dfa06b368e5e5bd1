"""A network in real numbers: operators joined by named wires, as it was read, and running it.

The kinds are those of a trace (`spikecycle.traces`), with real numbers in place of integers, and `Gain`, which the
trace has no operator for: it goes into the weights around it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from spikecycle.models.convolution import convolve
from spikecycle.models.importing.arrays import SAME
from spikecycle.models.importing.neuron import FloatNeuron, NeuronRun, Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.traces import LayerShape

Shape = tuple[int, int, int]
Sides = tuple[int, int, int, int]
Pair = tuple[int, int]
Step = Callable[[Sequence[Tensor]], Tensor]
"""One timestep: inputs (N, C, H, W), one for each wire, to the output."""

INPUT = "network input"
"""The wire that carries the network's inputs."""


class FloatWire(NamedTuple):
    """What an operator receives: the output of another, of the same timestep or (delay 1) of the one before."""

    source: str
    delay: int = 0


@dataclass(frozen=True, eq=False)
class FloatOperator(ABC):
    """An operator. name: unique in its network; shape: of the output, (C, H, W)."""

    name: str
    inputs: tuple[FloatWire, ...]
    shape: Shape

    @abstractmethod
    def start(self, dtype: torch.dtype) -> Step:
        """A function to be called once a timestep, in order; it keeps what state there is."""


@dataclass(frozen=True, eq=False)
class FloatSynapse(FloatOperator):
    """Weights, float64 (M, C / groups, R, S), and bias, float64 (M,). parts: names of the layers that it stands for,
    where that is not just its own."""

    layer: LayerShape
    weight: Reals
    bias: Reals
    parts: tuple[str, ...] | None = None

    @property
    def stands_for(self) -> tuple[str, ...]:
        """Names of layers of the network that was read."""
        return (self.name,) if self.parts is None else self.parts

    def start(self, dtype: torch.dtype) -> Step:
        """Convolves."""
        weight, bias = torch.tensor(self.weight, dtype=dtype), torch.tensor(self.bias, dtype=dtype)

        def step(inputs: Sequence[Tensor]) -> Tensor:
            return convolve(self.layer, inputs[0].reshape(-1, *self.layer.input_shape), weight, bias)

        return step


@dataclass(frozen=True, eq=False)
class FloatPopulation(FloatOperator):
    """Neurons; everything that arrives is summed. reset_assumed: that the source does not say which reset it is."""

    neuron: FloatNeuron
    reset_assumed: bool = False

    def start(self, dtype: torch.dtype) -> Step:
        """See `FloatNeuron`."""
        return FloatPopulationStep(self.shape, NeuronRun(self.neuron, self.shape, dtype))


@dataclass(frozen=True, eq=False)
class FloatPopulationStep:
    """The neurons of a population on their way through the timesteps."""

    shape: Shape
    run: NeuronRun

    def __call__(self, inputs: Sequence[Tensor]) -> Tensor:
        """Spikes or potentials."""
        return self.run.step(_total(inputs, self.shape))


@dataclass(frozen=True, eq=False)
class FloatPooling(FloatOperator):
    """Windows of each channel. The average divides by `divisor`, whatever lies outside the map counting as 0."""

    mode: Literal["max", "sum"]
    window: Pair
    stride: Pair
    padding: Sides = (0, 0, 0, 0)

    def start(self, dtype: torch.dtype) -> Step:
        """Pools."""
        top, bottom, left, right = self.padding
        outside = -torch.inf if self.mode == "max" else 0.0

        def step(inputs: Sequence[Tensor]) -> Tensor:
            maps = F.pad(inputs[0], (left, right, top, bottom), value=outside) if any(self.padding) else inputs[0]
            if self.mode == "max":
                return F.max_pool2d(maps, self.window, self.stride)
            return F.avg_pool2d(maps, self.window, self.stride, divisor_override=1)

        return step


@dataclass(frozen=True, eq=False)
class Gain(FloatOperator):
    """gain x input + shift, element by element; both broadcast to the shape."""

    gain: Reals
    shift: Reals

    def start(self, dtype: torch.dtype) -> Step:
        """Multiplies and adds."""
        gain, shift = torch.tensor(self.gain, dtype=dtype), torch.tensor(self.shift, dtype=dtype)
        return lambda inputs: gain * inputs[0].reshape(-1, *self.shape) + shift


@dataclass(frozen=True, eq=False)
class Reshaped(FloatOperator):
    """The same values in the same order, as maps of another shape."""

    def start(self, dtype: torch.dtype) -> Step:
        """Reshapes."""
        return lambda inputs: inputs[0].reshape(-1, *self.shape)


@dataclass(frozen=True, eq=False)
class FloatSum(FloatOperator):
    """The sum of tensors of one shape."""

    def start(self, dtype: torch.dtype) -> Step:
        """Adds."""
        return lambda inputs: _total(inputs, self.shape)


@dataclass(frozen=True, eq=False)
class FloatJoin(FloatOperator):
    """The channels of one tensor after those of the other."""

    def start(self, dtype: torch.dtype) -> Step:
        """Concatenates."""
        height, width = self.shape[1:]
        return lambda inputs: torch.cat([each.reshape(len(each), -1, height, width) for each in inputs], dim=1)


@dataclass(frozen=True, eq=False)
class FloatProduct(FloatOperator):
    """The product of two tensors per head, as in `spikecycle.traces.AttentionProduct` with shift 0."""

    heads: int
    transpose_left: bool
    transpose_right: bool

    def start(self, dtype: torch.dtype) -> Step:
        """Multiplies matrices."""

        def matrices(values: Tensor, transposed: bool) -> Tensor:
            by_head = values.reshape(len(values), self.heads, values.shape[1] // self.heads, -1)
            return by_head if transposed else by_head.transpose(2, 3)

        def step(inputs: Sequence[Tensor]) -> Tensor:
            product = matrices(inputs[0], self.transpose_left) @ matrices(inputs[1], self.transpose_right)
            return product.transpose(2, 3).reshape(-1, *self.shape)

        return step


def product_shape(left: Shape, right: Shape, heads: int, transpose_left: bool, transpose_right: bool) -> Shape:
    """Shape of a product; Refusal where the operands do not meet."""

    def sizes(shape: Shape, transposed: bool) -> tuple[int, int]:
        rows, columns = shape[1] * shape[2], shape[0] // heads
        return (columns, rows) if transposed else (rows, columns)

    (rows, inner), (other, columns) = sizes(left, transpose_left), sizes(right, transpose_right)
    if inner != other:
        raise Refusal(f"a product of matrices {rows}x{inner} and {other}x{columns}")
    return (heads * columns, *((1, rows) if transpose_left else left[1:]))


@dataclass(frozen=True, eq=False)
class FloatGraph:
    """A network. operators in an order in which they can be computed, edges of delay 1 not counted.

    outputs: names of the populations that the network answers by; usually one.
    """

    input_shape: Shape
    operators: tuple[FloatOperator, ...]
    outputs: tuple[str, ...]

    def __getitem__(self, name: str) -> FloatOperator:
        return self.by_name[name]

    @cached_property
    def by_name(self) -> dict[str, FloatOperator]:
        """The operators by name."""
        return {each.name: each for each in self.operators}

    @property
    def populations(self) -> list[FloatPopulation]:
        """Its populations, in order."""
        return [each for each in self.operators if isinstance(each, FloatPopulation)]

    def shape_of(self, name: str) -> Shape:
        """The shape of what a wire carries."""
        return self.input_shape if name == INPUT else self.by_name[name].shape

    def consumers(self, name: str) -> list[FloatOperator]:
        """Who receives an output, once for each wire."""
        return [each for each in self.operators for wire in each.inputs if wire.source == name]


@torch.no_grad()
def run_graph(
    graph: FloatGraph,
    samples: npt.NDArray[Any] | Tensor,
    wanted: Sequence[str],
    *,
    dtype: torch.dtype = torch.float64,
    forced: Mapping[str, Tensor] | None = None,
    observe: Callable[[str, NeuronRun], None] | None = None,
) -> dict[str, Tensor]:
    """What the wanted operators make of samples (N, T, C, H, W), each (N, T, ...).

    forced: outputs (N, T, ...) that take the place of what operators make. observe: is called in every timestep with
    each population's name and state. Spikes come as uint8.
    """
    inputs = torch.as_tensor(samples).to(dtype)
    inputs = inputs.reshape(*inputs.shape[:2], *graph.input_shape)
    given = forced or {}
    steps = {each.name: each.start(dtype) for each in graph.operators}
    delayed = {wire.source for each in graph.operators for wire in each.inputs if wire.delay}
    kept: dict[str, list[Tensor]] = {name: [] for name in wanted}
    before: dict[str, Tensor] = {}
    for t in range(inputs.shape[1]):
        now: dict[str, Tensor] = {INPUT: inputs[:, t]}
        for name, values in given.items():
            now[name] = values[:, t].to(dtype)
        for each in graph.operators:
            arriving = [
                (before[wire.source] if t else torch.zeros(len(inputs), *graph.shape_of(wire.source), dtype=dtype))
                if wire.delay
                else now[wire.source]
                for wire in each.inputs
            ]
            step = steps[each.name]
            made = step(arriving)
            if observe is not None and isinstance(step, FloatPopulationStep):
                observe(each.name, step.run)
            if each.name in kept:
                fires = isinstance(each, FloatPopulation) and not each.neuron.reads_out
                kept[each.name].append(made.to(torch.uint8) if fires else made)
            if each.name not in given:
                now[each.name] = made
        before = {name: now[name] for name in delayed}
    return {name: torch.stack(parts, dim=1) for name, parts in kept.items()}


def _total(inputs: Sequence[Tensor], shape: Shape) -> Tensor:
    first, *rest = (each.reshape(-1, *shape) for each in inputs)
    for each in rest:
        first = first + each
    return first


def ordered(operators: Sequence[FloatOperator]) -> tuple[FloatOperator, ...]:
    """The operators so that each follows what it needs of the same timestep, and, where that can be, currents that it
    needs of the one before; Refusal where they wait for each other."""
    waiting = {each.name: each for each in operators}
    done: dict[str, FloatOperator] = {}
    while waiting:
        ready = [
            each for each in waiting.values() if all(wire.delay or wire.source not in waiting for wire in each.inputs)
        ]
        if not ready:
            raise Refusal(f"{', '.join(waiting)} wait for each other within a timestep")
        currents = {name for name, each in waiting.items() if not isinstance(each, FloatPopulation)}
        known = [each for each in ready if not any(wire.source in currents for wire in each.inputs)]
        for each in known or ready:
            done[each.name] = waiting.pop(each.name)
    return tuple(done.values())


def broadcast(what: str, values: Reals, shape: Shape) -> Reals:
    """Parameters of neurons or channels for maps (C, H, W): one number, (C, 1, 1), or one for each element.

    Values broadcast as arrays do, along the last axes of (C, H, W), of (C, W) where there is one row, or of (C,) where
    there is one position. Where they fit none of these, they are one for each channel or each neuron. Refusal else,
    and where values of one axis may be channels or columns.
    """
    if values.size == 1:
        return values.reshape(())
    channels, rows, columns = shape
    if values.shape == (channels,) and channels == columns and (values != values[0]).any():
        raise Refusal(
            f"{what} has shape {values.shape}, which may be channels or columns of maps of shape {shape}; give it "
            f"shape {(channels, 1, 1)} or {shape}"
        )
    ranks = [shape, *([(channels, columns)] if rows == 1 else []), *([(channels,)] if rows == columns == 1 else [])]
    found = None
    for rank in ranks:
        try:
            found = np.broadcast_to(values, rank).reshape(shape)
            break
        except ValueError:
            continue
    if found is None and values.size == channels:
        found = np.broadcast_to(values.reshape(-1, 1, 1), shape)
    if found is None and values.size == channels * rows * columns:
        found = values.reshape(shape)
    if found is None:
        raise Refusal(
            f"{what} has shape {values.shape}, for {channels * rows * columns} neurons in {channels} channels"
        )
    return reduced(found)


def reduced(values: Reals) -> Reals:
    """The same parameters as one number or (C, 1, 1), where that is all they are, up to SAME."""
    array = np.asarray(values, dtype=np.float64)
    if array.size == 1 or _alike(array.reshape(1, -1)):
        return np.asarray(array.flat[0])
    by_channel = array.reshape(array.shape[0], -1)
    return by_channel[:, :1].reshape(-1, 1, 1).copy() if _alike(by_channel) else array.copy()


def _alike(rows: Reals) -> bool:
    if not np.isfinite(rows).all():
        return bool((rows == rows[:, :1]).all())
    lowest, highest = rows.min(axis=1), rows.max(axis=1)
    return bool((highest - lowest <= SAME * np.maximum(np.abs(lowest), np.abs(highest))).all())
