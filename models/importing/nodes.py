"""The parts of an imported network in floats, each with the integer node that hardware runs in its place.

All values are (N, T, C, H, W); a part takes them flattened too, in the order channel, row, column.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from spikecycle.models.convolution import convolve
from spikecycle.models.importing.leak import Leak, nearest_leak
from spikecycle.models.importing.neuron import FloatNeuron, Reals, Response
from spikecycle.models.integer import IntegerMaxPool, IntegerNode
from spikecycle.models.integer.sum_pooling import IntegerSumPool
from spikecycle.traces import LayerShape

FLOAT = torch.float32  # what the frameworks compute in


@dataclass(frozen=True, eq=False)
class FloatLayer:
    """Weights, float64 (M, C / groups, R, S), bias, float64 (M,), and neurons."""

    name: str
    shape: LayerShape
    weight: Reals
    bias: Reals
    neuron: FloatNeuron

    @property
    def reads_out(self) -> bool:
        """Whether its neurons never fire: their potentials are the output."""
        return self.neuron.reset == "none"

    @property
    def leak(self) -> Leak:
        """The leak that its integer neurons get."""
        return nearest_leak(self.neuron.leak)

    def as_hardware(self) -> FloatLayer:
        """The same weights with neurons in the order of hardware and its leak."""
        return replace(self, neuron=self.neuron.as_hardware(self.leak.value))

    def respond(self, x: Tensor) -> Response:
        """What its neurons do for inputs (N, T, ...) of any real or integer dtype."""
        shape = self.shape
        samples, steps = x.shape[:2]
        maps = x.reshape(samples * steps, *shape.input_shape).to(FLOAT)
        weight, bias = torch.tensor(self.weight, dtype=FLOAT), torch.tensor(self.bias, dtype=FLOAT)
        summed = convolve(shape, maps, weight, bias)
        return self.neuron.run(summed.reshape(samples, steps, *shape.output_shape))


class FloatPool(Protocol):
    """Pooling between layers. linear: whether it also pools numbers with a sign."""

    linear: ClassVar[bool]

    @property
    def name(self) -> str: ...

    def run(self, x: Tensor) -> Tensor:
        """(N, T, C, P, Q) from (N, T, C, H, W)."""
        ...

    def integer(self, input_bits: int) -> IntegerNode:
        """The same on unsigned integers of input_bits."""
        ...


@dataclass(frozen=True, eq=False)
class FloatStage:
    """A layer and what pools its inputs."""

    pools: tuple[FloatPool, ...]
    layer: FloatLayer

    def respond(self, x: Tensor) -> Response:
        """What the neurons do for what arrives in front of the pools."""
        for pool in self.pools:
            x = pool.run(x)
        return self.layer.respond(x)


@dataclass(frozen=True)
class FloatSumPool:
    """Sums of windows; an average is a sum whose divisor went into the next weights."""

    name: str
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    linear: ClassVar[bool] = True

    def run(self, x: Tensor) -> Tensor:
        """Sums."""
        maps = x.flatten(0, 1).to(FLOAT)
        summed = F.avg_pool2d(maps, self.kernel, self.stride, self.padding, divisor_override=1)
        return summed.reshape(*x.shape[:2], *summed.shape[1:])

    def integer(self, input_bits: int) -> IntegerNode:
        """The same on integers; what it emits has more bits than what it receives."""
        return IntegerSumPool(self.name, self.kernel, self.stride, self.padding, input_bits)


@dataclass(frozen=True)
class FloatMaxPool:
    """The largest value of each window x window field."""

    name: str
    window: int
    linear: ClassVar[bool] = False

    def run(self, x: Tensor) -> Tensor:
        """Maxima."""
        pooled = F.max_pool2d(x.flatten(0, 1).to(FLOAT), self.window)
        return pooled.reshape(*x.shape[:2], *pooled.shape[1:])

    def integer(self, input_bits: int) -> IntegerNode:
        """The same on integers."""
        return IntegerMaxPool(self.name, self.window, input_bits)
