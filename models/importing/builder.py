"""Folds the chain of operations that a network performs into layers, each weights and neurons, and pooling between.

Gains in front of weights (an average pool's divisor, a scale), and gains and shifts behind them (batch norm, a
neuron's resistance), become part of the weights and biases. What does not fit is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spikecycle.models.importing.arrays import inflated, per_channel, spread
from spikecycle.models.importing.neuron import FloatNeuron, NeuronParameters, Reals
from spikecycle.models.importing.nodes import FloatLayer, FloatMaxPool, FloatPool, FloatStage, FloatSumPool
from spikecycle.models.importing.refusal import Refusal
from spikecycle.traces import LayerShape, TraceError

Pair = tuple[int, int]
NEXT_IS_NEURONS = "supported: one convolution or linear layer, then neurons"


@dataclass(frozen=True, eq=False)
class _Currents:
    """Weights whose neurons have not come yet."""

    name: str
    shape: LayerShape
    weight: Reals
    bias: Reals


class NetworkBuilder:
    """Takes the operations one after the other, each as a call; `finish` gives the network.

    input_shape: of one timestep, (C, H, W), (C, L) or (C,). A call raises Refusal where a trace could not hold what
    it says. Only of neurons the shape is known all the same: they go to `refused`, by name, and the chain goes on.
    """

    def __init__(self, input_shape: Sequence[int]) -> None:
        while len(input_shape) > 3 and input_shape[0] == 1:
            input_shape = input_shape[1:]  # the batch of a writer's example
        if not 1 <= len(input_shape) <= 3:
            raise Refusal(f"inputs of shape {tuple(input_shape)}; supported: (C,), (C, L), (C, H, W)")
        channels, *sides = (int(size) for size in input_shape)
        height, width = (1, 1, *sides)[-2:]
        self.input_shape = (channels, height, width)
        self.stages: list[FloatStage] = []
        self.refused: list[tuple[str, Refusal]] = []
        self._pools: list[FloatPool] = []
        self._shape = self.input_shape
        self._gain: Reals = np.ones(())
        self._currents: _Currents | None = None

    def linear(self, name: str, weight: Reals, bias: Reals | None) -> None:
        """weight: (M, inputs); the inputs are flattened in the order channel, row, column."""
        if weight.ndim != 2 or weight.shape[1] != np.prod(self._shape):
            raise Refusal(f"weights of shape {weight.shape} for inputs of shape {self._shape}")
        shape = LayerShape.linear(weight.shape[1], weight.shape[0])
        gain = np.broadcast_to(self._gain, self._shape).reshape(1, -1)
        self._add_weights(name, shape, (weight * gain)[:, :, None, None], bias)

    def convolve(
        self, name: str, weight: Reals, bias: Reals | None, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> None:
        """weight: (M, C / groups, R, S). A dilated kernel is written out with the zeros between its weights."""
        if weight.ndim != 4 or weight.shape[1] * groups != self._shape[0]:
            raise Refusal(f"weights of shape {weight.shape} in {groups} groups for inputs of shape {self._shape}")
        kernel = inflated(weight, dilation)
        (m, _, r, s), (c, h, w) = kernel.shape, self._shape
        try:
            shape = LayerShape("conv2d", c, h, w, m, r, s, stride, padding, groups)
        except TraceError as error:
            raise Refusal(str(error)) from None
        gain = self._channel_gain().reshape(groups, c // groups).repeat(m // groups, axis=0)
        self._add_weights(name, shape, kernel * gain[:, :, None, None], bias)

    def neurons(self, name: str, read: Callable[[], NeuronParameters]) -> None:
        """Neurons on the currents before them; on spikes, each neuron gets the one of its own place with weight 1."""
        currents = self._currents or self._passed_on(name)
        self._currents = None
        try:
            self._add_layer(currents, read())
        except Refusal as refusal:
            self.refused.append((name, refusal))

    def _add_layer(self, currents: _Currents, parameters: NeuronParameters) -> None:
        shape = currents.shape
        fitted = {
            what: per_channel(what, getattr(parameters, what), shape)
            for what in ("gain", "drive", "threshold", "reset_value")
        }
        gain, start = fitted["gain"], _potential_at_start(parameters, fitted)
        weight = currents.weight * gain[:, None, None, None]
        bias = currents.bias * gain + fitted["drive"] + (1 - parameters.leak) * start  # keeps the shift by start
        neuron = FloatNeuron(
            leak=parameters.leak,
            threshold=fitted["threshold"] + start,
            reset=parameters.reset,
            strict=parameters.strict,
            start=start,
        )
        if parameters.reset != "none" and not (neuron.threshold > 0).all():
            raise Refusal("v_threshold must lie above v_reset, or above 0 where spikes subtract it")
        self.stages.append(FloatStage(tuple(self._pools), FloatLayer(currents.name, shape, weight, bias, neuron)))
        self._pools = []

    def pool_sum(self, name: str, kernel: Pair, stride: Pair, padding: Pair, average: bool) -> None:
        """Sums, or averages, of windows: of spikes they are counts; of currents they make a larger convolution."""
        divisor = kernel[0] * kernel[1] if average else 1
        if self._currents is not None:
            self._currents = self._pooled_currents(self._currents, kernel, stride, padding, divisor)
            self._shape = self._currents.shape.output_shape
            return
        self._gain = self._channel_gain()[:, None, None] / divisor
        self._pool(FloatSumPool(name, kernel, stride, padding), kernel, stride, padding)

    def pool_max(self, name: str, kernel: Pair, stride: Pair, padding: Pair) -> None:
        """The largest value of windows of spikes."""
        if self._currents is not None:
            raise Refusal(
                f"the largest of the currents of {self._currents.name}; supported: max pooling behind the neurons, "
                "average pooling on either side of them"
            )
        if (kernel, padding) != (stride, (0, 0)) or kernel[0] != kernel[1]:
            raise Refusal(f"windows {kernel} with stride {stride}; supported: square windows side by side, no padding")
        gain = self._channel_gain()
        if not (gain > 0).all():
            raise Refusal("max pooling behind a scale that is not positive")
        self._gain = gain[:, None, None]
        self._pool(FloatMaxPool(name, kernel[0]), kernel, stride, padding)

    def scale(self, factor: Reals) -> None:
        """Multiply what comes, by channel or by position."""
        if self._currents is None:
            self._gain = self._gain * spread("scale", factor, self._shape)
            return
        by_channel = per_channel("scale", factor, self._currents.shape)
        self._currents = replace(
            self._currents,
            weight=self._currents.weight * by_channel[:, None, None, None],
            bias=self._currents.bias * by_channel,
        )

    def norm(self, gain: Reals, shift: Reals) -> None:
        """Batch norm on currents, as it is in evaluation: gain times the current, plus shift; both (M,)."""
        if self._currents is None:
            raise Refusal("batch norm on spikes; supported: directly behind a convolution or linear layer")
        self.scale(gain.reshape(-1, 1, 1))
        self._currents = replace(self._currents, bias=self._currents.bias + shift)

    def flatten(self) -> None:
        """Positions become channels, in the order channel, row, column."""
        if self._currents is not None and self._shape[1:] != (1, 1):
            raise Refusal("flattening currents; supported: flattening what neurons emit")
        self._gain = np.broadcast_to(self._gain, self._shape).reshape(-1, 1, 1)
        self._shape = (int(np.prod(self._shape)), 1, 1)

    def finish(self) -> list[FloatStage]:
        """The network. Weights at the end without neurons are read out as potentials that keep nothing."""
        if self._currents is not None:
            one, zero = np.ones(()), np.zeros(())
            plain = NeuronParameters(0.0, one, "none", gain=one, drive=zero, reset_value=zero, strict=True)
            self.neurons(self._currents.name, lambda: plain)
        if self._pools:
            raise Refusal(f"{self._pools[0].name} pools the output; supported: several output neurons for each class")
        if not self.stages:
            raise Refusal("the network has no weights")
        return self.stages

    def _add_weights(self, name: str, shape: LayerShape, weight: Reals, bias: Reals | None) -> None:
        if self._currents is not None:
            raise Refusal(f"follows {self._currents.name} without neurons between; {NEXT_IS_NEURONS}")
        if self.stages and self.stages[-1].layer.reads_out:
            source = self.stages[-1].layer.name
            raise Refusal(f"receives potentials of {source}, not spikes; supported: potentials at the output")
        if not (np.isfinite(weight).all() and (bias is None or np.isfinite(bias).all())):
            raise Refusal("weights or biases that are not finite")
        if bias is not None and bias.shape != (shape.M,):
            raise Refusal(f"biases of shape {bias.shape} for {shape.M} output channels")
        self._currents = _Currents(name, shape, weight, np.zeros(shape.M) if bias is None else bias)
        self._shape, self._gain = shape.output_shape, np.ones(())

    def _passed_on(self, name: str) -> _Currents:
        c, h, w = self._shape
        shape = LayerShape("conv2d", c, h, w, c, 1, 1, groups=c)
        self._add_weights(name, shape, self._channel_gain()[:, None, None, None], None)
        assert self._currents is not None
        return self._currents

    def _channel_gain(self) -> Reals:
        """The gain on what comes, one per channel (C,)."""
        gain = np.broadcast_to(self._gain, self._shape).reshape(self._shape[0], -1)
        if (gain != gain[:, :1]).any():
            raise Refusal("a scale that differs between positions of one channel; supported: one per channel")
        return gain[:, 0]

    def _pool(self, pool: FloatPool, kernel: Pair, stride: Pair, padding: Pair) -> None:
        channels, *sides = self._shape
        rows, columns = (
            (side + 2 * pad - window) // step + 1
            for side, window, step, pad in zip(sides, kernel, stride, padding, strict=True)
        )
        if min(rows, columns) < 1:
            raise Refusal(f"windows {kernel} do not fit a map of {sides[0]}x{sides[1]}")
        self._shape = (channels, rows, columns)
        self._pools.append(pool)

    def _pooled_currents(
        self, currents: _Currents, kernel: Pair, stride: Pair, padding: Pair, divisor: int
    ) -> _Currents:
        shape = currents.shape
        if padding != (0, 0) or shape.operator != "conv2d":
            raise Refusal("pooling of currents with padding, or behind a linear layer")
        size = [
            side + (window - 1) * step
            for side, window, step in zip((shape.R, shape.S), kernel, shape.stride, strict=True)
        ]
        weight = np.zeros((*shape.weight_shape[:2], *size))
        for row in range(kernel[0]):
            for column in range(kernel[1]):
                top, left = row * shape.stride[0], column * shape.stride[1]
                weight[:, :, top : top + shape.R, left : left + shape.S] += currents.weight / divisor
        try:
            pooled = replace(
                shape, R=size[0], S=size[1], stride=(shape.stride[0] * stride[0], shape.stride[1] * stride[1])
            )
        except TraceError as error:
            raise Refusal(str(error)) from None
        bias = currents.bias * (kernel[0] * kernel[1] / divisor)
        return _Currents(currents.name, pooled, weight, bias)


def _potential_at_start(parameters: NeuronParameters, fitted: dict[str, Reals]) -> Reals:
    """The shift (M,) of all potentials with which a neuron becomes one of hardware: what 0 becomes.

    Potentials that count from the reset value make it 0. A subtraction after the leak, v' = leak v + I - threshold, is
    one before it in u = v + s with s = threshold (1 - leak) / leak, u' = leak (u - threshold - s) + I + (1 - leak) s,
    whose threshold is threshold + s. Hardware starts at 0 all the same; the difference leaks away.
    """
    if not parameters.late_subtraction:
        return -fitted["reset_value"]
    if parameters.leak == 0:
        raise Refusal("subtracts the threshold from a potential that keeps nothing; supported: reset to zero there")
    shift: Reals = fitted["threshold"] * (1 - parameters.leak) / parameters.leak
    return shift
