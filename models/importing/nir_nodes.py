"""What each type of NIR node is to the builder. A new type is one more function here.

NIR describes neurons by differential equations; the frameworks that write it step them by forward Euler, v += dt / tau
(v_leak - v + r I). NIR does not say dt. snnTorch, SpikingJelly and Lava write for dt = 1e-4 s (their importers and
exporters say so); Sinabs counts tau in timesteps (dt = 1); Norse's dt is 1e-3 s, times the `time_scaling_factor` of its
export (1e-6 with the 0.001 that version 1.1 takes by default). Integrate-and-fire neurons have no tau: Norse, Sinabs
and Lava write r = 1 for v += I, SpikingJelly writes r = 1 / dt for the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikecycle.models.importing.arrays import SAME, inflated, pair, reals, uniform
from spikecycle.models.importing.builder import NetworkBuilder
from spikecycle.models.importing.neuron import FloatReset, NeuronParameters, Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.traces.schema import MAX_LEAK_SHIFT

DEFAULT_DT = 1e-4  # seconds


@dataclass(frozen=True)
class Reading:
    """How a neuron is read. dt: duration of a timestep, in the unit of the time constants (seconds in NIR)."""

    dt: float
    reset: FloatReset


Converter = Callable[[NetworkBuilder, str, Any, Reading], None]
"""Called as convert(builder, name, node, reading)."""


def _linear(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.linear(name, reals(node.weight), None)


def _affine(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.linear(name, reals(node.weight), reals(node.bias).reshape(-1))


def _conv1d(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    """A convolution over one row."""
    weight = reals(node.weight)[:, :, None, :]
    stride, dilation = (1, pair("stride", node.stride)[1]), (1, pair("dilation", node.dilation)[1])
    padding = node.padding if isinstance(node.padding, str) else (0, pair("padding", node.padding, least=0)[1])
    _convolve(builder, name, weight, node, stride, padding, dilation)


def _conv2d(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    padding = node.padding if isinstance(node.padding, str) else pair("padding", node.padding, least=0)
    stride, dilation = pair("stride", node.stride), pair("dilation", node.dilation)
    _convolve(builder, name, reals(node.weight), node, stride, padding, dilation)


def _convolve(
    builder: NetworkBuilder, name: str, weight: Reals, node: Any, stride: Any, padding: Any, dilation: Any
) -> None:
    if isinstance(padding, str):
        padding = padding_of(padding, weight, stride, dilation)
    bias = None if node.bias is None else reals(node.bias).reshape(-1)
    builder.convolve(name, weight, bias, stride, padding, dilation, pair("groups", node.groups)[0])


def padding_of(word: str, weight: Reals, stride: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns on both sides for 'valid' and 'same'."""
    if word == "valid":
        return (0, 0)
    missing = [side - 1 for side in inflated(weight, dilation).shape[2:]]
    if word != "same" or stride != (1, 1) or any(side % 2 for side in missing):
        raise Refusal(f"padding '{word}' with a kernel or stride that needs unequal sides; supported: equal sides")
    return (missing[0] // 2, missing[1] // 2)


def _lif(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.neurons(name, lambda: _leaky(node, node.tau, reading, reading.reset))


def _cuba_lif(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.neurons(name, lambda: _cuba(node, reading, reading.reset))


def _li(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.neurons(name, lambda: _leaky(node, node.tau, reading, "none"))


def _cuba_li(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.neurons(name, lambda: _cuba(node, reading, "none"))


def _if(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.neurons(name, lambda: _integrating(node, reading, reading.reset))


def _i(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.neurons(name, lambda: _integrating(node, reading, "none"))


def _threshold(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    """Fires on the current of the same timestep alone: a neuron that keeps nothing."""
    builder.neurons(name, lambda: _parameters(0.0, "hard", node.threshold))


def _scale(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.scale(reals(node.scale))


def _flatten(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.flatten()


def _sum_pool(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.pool_sum(name, *_windows(node), average=False)


def _average_pool(builder: NetworkBuilder, name: str, node: Any, reading: Reading) -> None:
    builder.pool_sum(name, *_windows(node), average=True)


def _windows(node: Any) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Kernel, stride and padding."""
    return pair("kernel_size", node.kernel_size), pair("stride", node.stride), pair("padding", node.padding, least=0)


CONVERTERS: dict[str, Converter] = {
    "Affine": _affine,
    "AvgPool2d": _average_pool,
    "Conv1d": _conv1d,
    "Conv2d": _conv2d,
    "CubaLI": _cuba_li,
    "CubaLIF": _cuba_lif,
    "Flatten": _flatten,
    "I": _i,
    "IF": _if,
    "LI": _li,
    "LIF": _lif,
    "Linear": _linear,
    "Scale": _scale,
    "SumPool2d": _sum_pool,
    "Threshold": _threshold,
}


def _parameters(
    leak: float, reset: FloatReset, threshold: Any, gain: Any = 1.0, drive: Any = 0.0, reset_value: Any = 0.0
) -> NeuronParameters:
    """NIR neurons fire above the threshold."""
    soft = reset == "soft"
    value = reals(0.0 if soft else reset_value)
    return NeuronParameters(leak, reals(threshold), reset, reals(gain), reals(drive), value, strict=True)


def _leaky(node: Any, tau: Any, reading: Reading, reset: FloatReset) -> NeuronParameters:
    tau = uniform("tau", reals(tau))
    decay = reading.dt / tau if tau > 0 else np.inf
    if decay > 1 + SAME:
        raise Refusal(
            f"tau {tau:g} is shorter than a timestep of dt {reading.dt:g}; is dt right? supported: dt up to tau"
        )
    if decay < 2.0 ** -(MAX_LEAK_SHIFT + 1):
        raise Refusal(
            f"with tau {tau:g} and dt {reading.dt:g}, a timestep leaks less than 2**-{MAX_LEAK_SHIFT + 1}; "
            "is dt right? (dt=1 where tau counts timesteps)"
        )
    gain, drive = decay * reals(node.r), decay * reals(node.v_leak)
    threshold, value = getattr(node, "v_threshold", 1.0), getattr(node, "v_reset", 0.0)
    return _parameters(max(0.0, 1 - decay), reset, threshold, gain, drive, value)


def _cuba(node: Any, reading: Reading, reset: FloatReset) -> NeuronParameters:
    """A synaptic current that is gone after one timestep is no state: it is w_in times the input."""
    tau = uniform("tau_syn", reals(node.tau_syn))
    if abs(tau - reading.dt) > SAME * tau:
        raise Refusal(
            f"a synaptic current with tau_syn {tau:g} is a second state of the neuron; supported: LIF, "
            f"or tau_syn = dt ({reading.dt:g})"
        )
    parameters = _leaky(node, node.tau_mem, reading, reset)
    return replace(parameters, gain=parameters.gain * reals(node.w_in))


def _integrating(node: Any, reading: Reading, reset: FloatReset) -> NeuronParameters:
    r = reals(node.r)
    gain = r if (r == 1.0).all() else r * reading.dt
    return _parameters(1.0, reset, getattr(node, "v_threshold", 1.0), gain, 0.0, getattr(node, "v_reset", 0.0))
