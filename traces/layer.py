"""What a layer is apart from its spikes: geometry, integer weights, neuron; and which values each may hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.checks import check_integer
from spikecycle.traces.errors import TraceError, located, one_line
from spikecycle.traces.neuron import Neuron
from spikecycle.traces.schema import (
    MAX_INPUT_BITS,
    MAX_NAME_CHARACTERS,
    MAX_SAMPLE_VALUES,
    MAX_SUM,
    MAX_WEIGHT_BITS,
    MAX_WEIGHTS,
    MIN_WEIGHT_BITS,
)
from spikecycle.traces.shape import LayerShape


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
        if self.neuron.threshold.size != self.shape.M:
            raise TraceError(f"threshold must have M = {self.shape.M} entries, found {self.neuron.threshold.size}")
        scale = np.atleast_1d(np.array(self.weight_scale, dtype=np.float64))
        if scale.shape not in ((1,), (self.shape.M,)):
            raise TraceError(f"weight_scale must have shape (1,) or ({self.shape.M},), found {scale.shape}")
        if not (np.isfinite(scale).all() and (scale > 0).all()):
            wrong = scale[~(np.isfinite(scale) & (scale > 0))][0]
            raise TraceError(f"weight_scale must be finite and above 0, found {wrong}")
        scale.setflags(write=False)
        object.__setattr__(self, "weight_scale", scale)
        largest_sum = self.shape.fan_in << (self.weight_bits - 1 + self.input_bits)
        if largest_sum > MAX_SUM:
            raise TraceError(
                f"C/groups x R x S x 2**(weight_bits - 1 + input_bits) must be at most {MAX_SUM}, found {largest_sum}"
            )

    @property
    def scales(self) -> npt.NDArray[np.float64]:
        """The weight scale as float64 (1,) or (M,)."""
        return np.asarray(self.weight_scale)

    @property
    def weight_range(self) -> tuple[int, int]:
        """Lowest and highest weight code: two's complement of weight_bits."""
        return -(1 << (self.weight_bits - 1)), (1 << (self.weight_bits - 1)) - 1

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

    def check_weights(self, weights: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
        """The codes as int32 (M, C / groups, R, S); TraceError on another shape, no integers, or codes out of range."""
        with located("weights"):
            return _integers(weights, self.shape.weight_shape, *self.weight_range).astype(np.int32)

    def check_bias(self, bias: npt.NDArray[Any] | None) -> npt.NDArray[np.int32]:
        """The bias as int32 (M,), zeros for None; TraceError on another shape, no integers, or beyond int32."""
        if bias is None:
            return np.zeros(self.shape.M, np.int32)
        with located("bias"):
            return _integers(bias, (self.shape.M,), -(2**31), 2**31 - 1).astype(np.int32)

    def check_inputs(self, inputs: npt.NDArray[Any], timesteps: int) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
        """One sample's inputs as uint8 or uint16 (T, C, H, W); TraceError unless values are 0 .. 2**input_bits - 1."""
        with located("inputs"):
            wanted = (timesteps, *self.shape.input_shape)
            values = _integers(inputs, wanted, 0, (1 << self.input_bits) - 1)
        return values.astype(np.uint8, copy=False) if self.input_bits <= 8 else values.astype(np.uint16, copy=False)

    def check_outputs(self, outputs: npt.NDArray[Any], timesteps: int) -> npt.NDArray[np.uint8]:
        """One sample's output spikes as uint8 (T, M, P, Q); TraceError unless values are 0 and 1."""
        with located("outputs"):
            return _integers(outputs, (timesteps, *self.shape.output_shape), 0, 1).astype(np.uint8, copy=False)


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
            object.__setattr__(self, "weights", header.check_weights(self.weights))
            if self.bias is not None:
                object.__setattr__(self, "bias", header.check_bias(self.bias))


def check_name(name: object) -> None:
    """TraceError unless the name of a layer is short printable text."""
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise TraceError(f"name must be 1 to {MAX_NAME_CHARACTERS} printable characters, found {one_line(repr(name))}")


def _integers(array: npt.NDArray[Any], shape: tuple[int, ...], lowest: int, highest: int) -> npt.NDArray[Any]:
    array = np.asarray(array)
    if array.shape != shape:
        raise TraceError(f"the shape must be {shape}, found {array.shape}")
    if array.dtype.kind not in "iub":
        raise TraceError(f"values must be integers, found {array.dtype}")
    smallest, largest = int(array.min()), int(array.max())
    if smallest < lowest or largest > highest:
        raise TraceError(f"values must be {lowest} to {highest}, found {smallest} to {largest}")
    return array
