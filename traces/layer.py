"""A layer apart from its spikes: geometry, integer weights and neuron, and which values each may hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.checks import check_integer, check_integers, check_name
from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.neuron import Neuron
from spikecycle.traces.schema import (
    MAX_INPUT_BITS,
    MAX_SAMPLE_VALUES,
    MAX_SUM,
    MAX_WEIGHT_BITS,
    MAX_WEIGHTS,
    MIN_WEIGHT_BITS,
)
from spikecycle.traces.shape import LayerShape
from spikecycle.traces.weights import check_bias, check_scale, check_weights

VERSION_1_OPERATORS = ("conv2d", "linear")
VERSION_1_NEURONS = ("lif", "if")


@dataclass(frozen=True, eq=False)
class LayerHeader:
    """Everything about a layer that is known without reading its arrays.

    input_bits: 1 for binary spikes, up to 16 for event counts or an analog image.
    weight_scale: float64 (1,) or (M,): real weight = code x scale; a plain number is taken as (1,).
    has_outputs: whether the output spikes are recorded.
    TraceError on values out of range or that contradict the shape.
    """

    name: str
    shape: LayerShape
    weight_bits: int
    neuron: Neuron
    input_bits: int = 1
    weight_scale: npt.NDArray[np.float64] | float = 1.0
    has_outputs: bool = False

    def __post_init__(self) -> None:
        check_name(self.name)
        for name, lowest, highest in (
            ("weight_bits", MIN_WEIGHT_BITS, MAX_WEIGHT_BITS),
            ("input_bits", 1, MAX_INPUT_BITS),
        ):
            object.__setattr__(self, name, check_integer(name, getattr(self, name), lowest, highest))
        self._check_version_1()
        if self.neuron.threshold.shape != (self.shape.M,):
            raise TraceError(f"threshold must have M = {self.shape.M} entries, found {self.neuron.threshold.size}")
        object.__setattr__(self, "weight_scale", check_scale(self.weight_scale, self.shape.M))
        largest_sum = self.shape.fan_in << (self.weight_bits - 1 + self.input_bits)
        if largest_sum > MAX_SUM:
            raise TraceError(
                f"C/groups x R x S x 2**(weight_bits - 1 + input_bits) must be at most {MAX_SUM}, found {largest_sum}"
            )

    def _check_version_1(self) -> None:
        """TraceError on what a list of layers, version 1 of the trace file, has no words for."""
        neuron = self.neuron
        too_much = {
            f"a {self.shape.operator} operator": self.shape.operator not in VERSION_1_OPERATORS,
            f"padding {self.shape.padding}": len(self.shape.short_padding) != 2,
            f"dilation {self.shape.dilation}": self.shape.dilation != (1, 1),
            f"a {neuron.kind} neuron": neuron.kind not in VERSION_1_NEURONS,
            f"leaks of shape {neuron.leak_numerator.shape}": neuron.leak_numerator.shape != (1,),
            "a start potential": bool(neuron.start_potential.any()),
            f"reset_timing {neuron.reset_timing}": neuron.reset_timing != "same",
        }
        for what, found in too_much.items():
            if found:
                raise TraceError(f"{what} needs a network of operators (GraphBuilder); a list of layers has none")

    @property
    def scales(self) -> npt.NDArray[np.float64]:
        """The weight scale as float64 (1,) or (M,)."""
        return np.asarray(self.weight_scale)

    @property
    def input_dtype(self) -> type[np.unsignedinteger[Any]]:
        """The smallest dtype that holds an input value."""
        return np.uint8 if self.input_bits <= 8 else np.uint16

    def check_size(self, timesteps: int) -> None:
        """TraceError if an array of this layer (weights, or one sample of inputs or outputs) is beyond the limit."""
        for what, values, limit in (
            ("weights", self.shape.M * self.shape.fan_in, MAX_WEIGHTS),
            ("inputs of one sample", timesteps * self.shape.input_count, MAX_SAMPLE_VALUES),
            ("outputs of one sample", timesteps * self.shape.output_count, MAX_SAMPLE_VALUES),
        ):
            if values > limit:
                raise TraceError(f"{what}: at most {limit} values are allowed, found {values}")

    def check_weights(self, weights: npt.NDArray[Any]) -> npt.NDArray[np.signedinteger[Any]]:
        """The codes in their smallest dtype, (M, C / groups, R, S), maybe the array itself; TraceError on another
        shape, no integers, or codes out of range."""
        return check_weights(weights, self.shape.weight_shape, self.weight_bits)

    def check_bias(self, bias: npt.NDArray[Any] | None) -> npt.NDArray[np.int32]:
        """The bias as int32 (M,), zeros for None; TraceError on another shape, no integers, or beyond int32."""
        return check_bias(bias, self.shape.M)

    def check_inputs(self, inputs: npt.NDArray[Any], timesteps: int) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
        """One sample's inputs as uint8 or uint16 (T, C, H, W); TraceError unless values are 0 .. 2**input_bits - 1."""
        with located("inputs"):
            wanted = (timesteps, *self.shape.input_shape)
            values = check_integers(inputs, wanted, 0, (1 << self.input_bits) - 1)
        return values.astype(np.uint8, copy=False) if self.input_bits <= 8 else values.astype(np.uint16, copy=False)

    def check_outputs(self, outputs: npt.NDArray[Any], timesteps: int) -> npt.NDArray[np.uint8]:
        """One sample's output spikes as uint8 (T, M, P, Q); TraceError unless values are 0 and 1."""
        with located("outputs"):
            return check_integers(outputs, (timesteps, *self.shape.output_shape), 0, 1).astype(np.uint8, copy=False)


@dataclass(frozen=True, eq=False)
class LayerParameters:
    """A layer without its spikes: what `TraceWriter` needs before the first sample.

    weights: codes (M, C / groups, R, S) of any integer dtype, two's complement of weight_bits; kept as int32.
    bias: integers (M,), added to every potential once per timestep, kept as int32; None is zeros.
    The other fields are those of `LayerHeader`. TraceError, naming the layer, on wrong shapes, dtypes or values.
    """

    name: str
    shape: LayerShape
    weights: npt.NDArray[Any]
    weight_bits: int
    neuron: Neuron
    input_bits: int = 1
    weight_scale: npt.NDArray[np.float64] | float = 1.0
    bias: npt.NDArray[Any] | None = None
    has_outputs: bool = False
    header: LayerHeader = field(init=False)

    def __post_init__(self) -> None:
        with located(f"layer {self.name}"):
            header = LayerHeader(
                self.name, self.shape, self.weight_bits, self.neuron, self.input_bits, self.weight_scale,
                self.has_outputs,
            )  # fmt: skip
            object.__setattr__(self, "header", header)
            object.__setattr__(self, "weights", header.check_weights(self.weights).astype(np.int32))
            if self.bias is not None:
                object.__setattr__(self, "bias", header.check_bias(self.bias))
