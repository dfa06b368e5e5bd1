"""What each kind of torch and snntorch module is to the builder. A new kind is one more function here.

snntorch (1.0) resets in the timestep after the spike, before it adds the inputs. To zero, that is exactly a hard reset
in the timestep of the spike, since the potential is leaked from zero either way. By subtraction it takes the threshold
off after the leak, where hardware leaks what is left of it; the builder shifts potentials so that both are the same.
It fires above the threshold, not at it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import snntorch as snn
import torch
from torch import nn

from spikecycle.models.importing.arrays import SAME, pair, reals, uniform
from spikecycle.models.importing.builder import NetworkBuilder
from spikecycle.models.importing.neuron import FloatReset, NeuronParameters, Reals
from spikecycle.models.importing.nir_nodes import padding_of
from spikecycle.models.importing.refusal import Refusal

Converter = Callable[[NetworkBuilder, str, Any], None]
"""Called as convert(builder, name, module)."""

RESETS: dict[str, FloatReset] = {"subtract": "soft", "zero": "hard", "none": "none"}


def _values(tensor: torch.Tensor) -> Reals:
    return reals(tensor.detach().cpu())


def _bias(module: Any) -> Reals | None:
    return None if module.bias is None else _values(module.bias)


def _linear(builder: NetworkBuilder, name: str, module: nn.Linear) -> None:
    builder.linear(name, _values(module.weight), _bias(module))


def _conv1d(builder: NetworkBuilder, name: str, module: nn.Conv1d) -> None:
    """A convolution over one row."""
    padding = module.padding if isinstance(module.padding, str) else (0, *module.padding)
    _convolve(builder, name, module, _values(module.weight)[:, :, None, :], padding)


def _conv2d(builder: NetworkBuilder, name: str, module: nn.Conv2d) -> None:
    _convolve(builder, name, module, _values(module.weight), module.padding)


def _convolve(builder: NetworkBuilder, name: str, module: Any, weight: Reals, padding: Any) -> None:
    if module.padding_mode != "zeros":
        raise Refusal(f"padding_mode {module.padding_mode}; supported: zeros")
    stride, dilation = ((1, *sides)[-2:] for sides in (module.stride, module.dilation))
    if isinstance(padding, str):
        padding = padding_of(padding, weight, stride, dilation)
    builder.convolve(name, weight, _bias(module), stride, padding, dilation, module.groups)


def _batch_norm(builder: NetworkBuilder, name: str, module: Any) -> None:
    if module.running_mean is None:
        raise Refusal("no running statistics; supported: batch norm with the statistics of its training")
    gain = 1 / np.sqrt(_values(module.running_var) + module.eps)
    shift = -gain * _values(module.running_mean)
    if module.affine:
        weight = _values(module.weight)
        gain, shift = gain * weight, shift * weight + _values(module.bias)
    builder.norm(gain, shift)


def _average_pool(builder: NetworkBuilder, name: str, module: nn.AvgPool2d) -> None:
    padding = pair("padding", module.padding, least=0)
    if module.ceil_mode or module.divisor_override is not None or (padding != (0, 0) and not module.count_include_pad):
        raise Refusal("ceil_mode, divisor_override or count_include_pad=False; supported: without them")
    kernel, stride = pair("kernel_size", module.kernel_size), pair("stride", module.stride)
    builder.pool_sum(name, kernel, stride, padding, average=True)


def _max_pool(builder: NetworkBuilder, name: str, module: nn.MaxPool2d) -> None:
    if module.ceil_mode or pair("dilation", module.dilation) != (1, 1):
        raise Refusal("ceil_mode or dilation; supported: without them")
    kernel, stride = pair("kernel_size", module.kernel_size), pair("stride", module.stride)
    builder.pool_max(name, kernel, stride, pair("padding", module.padding, least=0))


def _flatten(builder: NetworkBuilder, name: str, module: nn.Flatten) -> None:
    builder.flatten()


def _nothing(builder: NetworkBuilder, name: str, module: nn.Module) -> None:
    """Does nothing outside of training."""


def _leaky(builder: NetworkBuilder, name: str, module: snn.Leaky) -> None:
    builder.neurons(name, lambda: _leaking(module))


def _lapicque(builder: NetworkBuilder, name: str, module: snn.Lapicque) -> None:
    builder.neurons(name, lambda: _resistive(module))


def _synaptic(builder: NetworkBuilder, name: str, module: snn.Synaptic) -> None:
    builder.neurons(name, lambda: _without_synaptic_state(module))


LAYERS: dict[type[nn.Module], Converter] = {
    nn.Linear: _linear,
    nn.Conv1d: _conv1d,
    nn.Conv2d: _conv2d,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.AvgPool2d: _average_pool,
    nn.MaxPool2d: _max_pool,
    nn.Flatten: _flatten,
    nn.Identity: _nothing,
    nn.Dropout: _nothing,
    nn.Dropout1d: _nothing,
    nn.Dropout2d: _nothing,
    snn.Leaky: _leaky,
    snn.Lapicque: _lapicque,
    snn.Synaptic: _synaptic,
}


def _leaking(module: snn.Leaky | snn.Synaptic) -> NeuronParameters:
    leak = uniform("beta", np.clip(_values(module.beta), 0, 1))
    if module.reset_mechanism == "subtract" and not module.reset_delay:
        raise Refusal(
            "reset_delay=False subtracts a second threshold from what is left above it; supported: reset_delay=True, "
            "or reset to zero"
        )
    return _neurons(module, leak, gain=1.0, late=module.reset_delay)


def _resistive(module: snn.Lapicque) -> NeuronParameters:
    decay = uniform("time_step / (R C)", float(module.time_step) / (_values(module.R) * _values(module.C)))
    if decay > 1 + SAME:
        raise Refusal(f"time_step / (R C) is {decay:g}; supported: at most 1")
    if module.reset_mechanism == "zero":
        raise Refusal("loses what arrives in the timestep after a spike (reset to zero); supported: subtract, or Leaky")
    gain = uniform("time_step / C", float(module.time_step) / _values(module.C))
    return _neurons(module, max(0.0, 1 - decay), gain, late=True)


def _without_synaptic_state(module: snn.Synaptic) -> NeuronParameters:
    alpha = uniform("alpha", np.clip(_values(module.alpha), 0, 1))
    if alpha > 0:
        raise Refusal(f"a synaptic current with alpha {alpha:g} is a second state; supported: Leaky, or alpha = 0")
    if module.reset_mechanism == "zero":
        raise Refusal("loses what arrives in the timestep after a spike (reset to zero); supported: subtract, or Leaky")
    return _leaking(module)


def _neurons(module: Any, leak: float, gain: float, late: bool) -> NeuronParameters:
    reset = RESETS[module.reset_mechanism]
    unusual = {
        "graded_spikes_factor": not bool((module.graded_spikes_factor == 1).all()),
        "inhibition": module.inhibition,
        "state_quant": module.state_quant,
        "surrogate_disable": module.surrogate_disable,
    }
    if reset == "none" and module.init_hidden and not module.output:
        raise Refusal(
            "fires without ever a reset; supported: reset by subtraction or to zero, or, at the end, potentials as the "
            "output (output=True)"
        )
    found = [what for what, is_set in unusual.items() if is_set]
    if found:
        raise Refusal(f"{', '.join(found)}; supported: spikes of 0 and 1, potentials as they are")
    zero = np.zeros(())
    return NeuronParameters(
        leak, _values(module.threshold), reset, reals(gain), zero, zero, strict=True,
        late_subtraction=late and reset == "soft",
    )  # fmt: skip
