"""A layer with all its arrays in memory, and the few-line ways to build one from NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spikecycle.traces.array_types import Array
from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.layer import LayerParameters
from spikecycle.traces.neuron import Neuron
from spikecycle.traces.shape import LayerShape


@dataclass(frozen=True, eq=False)
class LayerArrays:
    """One layer of a trace, ready to be written. Arrays may have any integer (spikes also boolean) dtype.

    weights: codes (M, C / groups, R, S), two's complement of weight_bits.
    inputs: (N, T, C, H, W), values 0 .. 2**input_bits - 1.
    outputs: (N, T, M, P, Q) of 0 and 1, or None when not recorded.
    weight_scale: real weight = code x scale; a number or float64 (M,).
    bias: int32 (M,), added to every potential once per timestep; None is zeros.
    TraceError, naming the layer and the array, on wrong shapes, dtypes or values.
    """

    name: str
    shape: LayerShape
    weights: Array
    weight_bits: int
    neuron: Neuron
    inputs: Array
    input_bits: int = 1
    outputs: Array | None = None
    weight_scale: npt.NDArray[np.float64] | float = 1.0
    bias: Array | None = None
    parameters: LayerParameters = field(init=False)

    def __post_init__(self) -> None:
        parameters = LayerParameters(
            self.name, self.shape, self.weights, self.weight_bits, self.neuron, self.input_bits, self.weight_scale,
            self.bias, has_outputs=self.outputs is not None,
        )  # fmt: skip
        object.__setattr__(self, "parameters", parameters)
        header = parameters.header
        with located(f"layer {self.name}"):
            if self.inputs.ndim != 5:
                raise TraceError(f"inputs: the shape must be (N, T, C, H, W), found {self.inputs.shape}")
            if 0 in self.inputs.shape[:2]:
                raise TraceError(
                    f"inputs: at least one sample and one timestep are needed, found shape {self.inputs.shape}"
                )
            header.check_size(self.timesteps)
            if self.outputs is not None and self.outputs.shape[:2] != self.inputs.shape[:2]:
                raise TraceError(
                    f"outputs: the shape must begin with (N, T) = {self.inputs.shape[:2]}, found {self.outputs.shape}"
                )
            for sample in range(self.samples):
                header.check_inputs(self.inputs[sample], self.timesteps)
                if self.outputs is not None:
                    header.check_outputs(self.outputs[sample], self.timesteps)

    @property
    def samples(self) -> int:
        """Number of samples N."""
        return int(self.inputs.shape[0])

    @property
    def timesteps(self) -> int:
        """Number of timesteps T."""
        return int(self.inputs.shape[1])


def conv2d_layer(
    name: str,
    inputs: Array,
    weights: Array,
    weight_bits: int,
    neuron: Neuron,
    *,
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    groups: int = 1,
    input_bits: int = 1,
    outputs: Array | None = None,
    weight_scale: npt.NDArray[np.float64] | float = 1.0,
    bias: Array | None = None,
) -> LayerArrays:
    """A convolution whose sizes follow from inputs (N, T, C, H, W) and weights (M, C / groups, R, S)."""
    with located(f"layer {name}"):
        inputs, weights = np.asarray(inputs), np.asarray(weights)
        if inputs.ndim != 5 or weights.ndim != 4:
            raise TraceError(
                f"a conv2d layer takes inputs (N, T, C, H, W) and weights (M, C/groups, R, S), "
                f"found {inputs.shape} and {weights.shape}"
            )
        c, h, w = inputs.shape[2:]
        m, _, r, s = weights.shape
        shape = LayerShape("conv2d", C=c, H=h, W=w, M=m, R=r, S=s, stride=stride, padding=padding, groups=groups)
    return LayerArrays(name, shape, weights, weight_bits, neuron, inputs, input_bits, outputs, weight_scale, bias)


def linear_layer(
    name: str,
    inputs: Array,
    weights: Array,
    weight_bits: int,
    neuron: Neuron,
    *,
    input_bits: int = 1,
    outputs: Array | None = None,
    weight_scale: npt.NDArray[np.float64] | float = 1.0,
    bias: Array | None = None,
) -> LayerArrays:
    """A fully connected layer from inputs (N, T, C), weights (M, C) and outputs (N, T, M)."""
    with located(f"layer {name}"):
        inputs, weights = np.asarray(inputs), np.asarray(weights)
        outputs = None if outputs is None else np.asarray(outputs)
        if inputs.ndim != 3 or weights.ndim != 2 or (outputs is not None and outputs.ndim != 3):
            raise TraceError(
                f"a linear layer takes inputs (N, T, C), weights (M, C) and outputs (N, T, M), "
                f"found {inputs.shape}, {weights.shape} and {None if outputs is None else outputs.shape}"
            )
        shape = LayerShape.linear(inputs=inputs.shape[2], outputs=weights.shape[0])
    return LayerArrays(
        name, shape, weights[:, :, None, None], weight_bits, neuron, inputs[..., None, None], input_bits,
        None if outputs is None else outputs[..., None, None], weight_scale, bias,
    )  # fmt: skip
