"""snnTorch's neurons (1.0).

It resets in the timestep after the spike, before it adds the inputs. To zero, that is exactly a hard reset in the
timestep of the spike, since the potential is leaked from zero either way; by subtraction it takes the threshold off
after the leak. It fires above the threshold, not at it. Which reset it is, is decided in the constructor: an attribute
that is set later changes nothing, so that what counts is the function that was chosen then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from spikecycle.models.importing.arrays import reals
from spikecycle.models.importing.neuron import ZERO, FloatNeuron, FloatReset, Reals, ResetTiming
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.spiking import Recurrence, SpikingModule, class_names

NAME = "snnTorch"
SUPPORTED = ("Leaky", "RLeaky", "Synaptic", "RSynaptic", "Lapicque")
DECLARED = {
    "neurons": ", ".join(SUPPORTED),
    "reset": "subtract, zero (reset_delay on and off), none as a readout",
    "two states": "Synaptic and RSynaptic, reset by subtraction; Synaptic to zero with reset_delay=False, too",
    "recurrence": "RLeaky, RSynaptic, and in the forward",
    "per-neuron parameters": "beta, alpha, threshold, learned or not",
    "time": "hidden states, states handed around, own loops",
}
RESETS: dict[str, FloatReset] = {"_base_sub": "soft", "_base_zero": "hard", "_base_int": "none"}
LOSES = "loses what arrives in the timestep after a spike (reset to zero); supported: subtract, or reset_delay=False"


def read(module: Any) -> SpikingModule | None:
    """See `spiking.FRAMEWORKS`."""
    names = class_names(module)
    if "SpikingNeuron" not in names or not any(each.__module__.startswith("snntorch") for each in type(module).__mro__):
        return None
    kind = next((name for name in names if name in SUPPORTED), None)
    if kind is None:
        raise Refusal(f"supported: {', '.join(SUPPORTED)}")
    _check(module)
    hidden = bool(getattr(module, "init_hidden", False))
    states = {"Synaptic": ("syn", "mem"), "RLeaky": ("spk", "mem"), "RSynaptic": ("spk", "syn", "mem")}.get(
        kind, ("mem",)
    )
    recurrent = kind in ("RLeaky", "RSynaptic")
    return SpikingModule(
        neuron=_neuron(module, kind),
        reset=module.reset_mem,
        recurrence=_recurrence(module) if recurrent else None,
        feeds_back=module.recurrent if recurrent else None,
        inputs=("input_",),
        handed=() if hidden else states,
        state=lambda: tuple(getattr(module, name) for name in states),
        remark=_contradiction(module),
    )


def _values(tensor: Any) -> Reals:
    return reals(tensor)


def _check(module: Any) -> None:
    unusual = {
        "graded_spikes_factor": not bool((torch.as_tensor(module.graded_spikes_factor) == 1).all()),
        "inhibition": bool(module.inhibition),
        "state_quant": bool(module.state_quant),
        "surrogate_disable": bool(module.surrogate_disable),
    }
    found = [what for what, is_set in unusual.items() if is_set]
    if found:
        raise Refusal(f"{', '.join(found)}; supported: spikes of 0 and 1, potentials as they are")


def _reset_of(module: Any) -> FloatReset:
    if np.isposinf(_values(module.threshold)).all():  # a readout, written with a threshold that is never reached
        return "none"
    name = getattr(module.state_function, "__name__", "")
    if name not in RESETS:
        raise Refusal(f"a state function of its own ({name or type(module.state_function).__name__})")
    return RESETS[name]


def _contradiction(module: Any) -> str | None:
    if np.isposinf(_values(module.threshold)).all():
        return None
    told = {"subtract": "soft", "zero": "hard", "none": "none"}.get(module.reset_mechanism)
    if told == _reset_of(module):
        return None
    return (
        f"reset_mechanism says {module.reset_mechanism}, but was set after the module was made, when snnTorch chooses "
        f"{module.state_function.__name__}; imported as what it does"
    )


def _neuron(module: Any, kind: str) -> FloatNeuron:
    reset, delayed = _reset_of(module), bool(getattr(module, "reset_delay", True))
    if not delayed and _contradiction(module):
        raise Refusal(f"reset_delay=False, and {_contradiction(module)}; supported: reset_mechanism as it was made")
    if reset == "none" and module.init_hidden and not module.output:
        raise Refusal(
            "fires without ever a reset, or never; supported: reset by subtraction or to zero, or, at the end, "
            "potentials as the output (output=True)"
        )
    if reset == "soft" and not delayed:
        raise Refusal(
            "reset_delay=False subtracts a second threshold from what is left above it; supported: reset_delay=True, "
            "or reset to zero"
        )
    if reset == "hard" and delayed and kind != "Leaky":
        raise Refusal(LOSES)
    gain: Reals = np.ones(())
    if kind == "Lapicque":
        step = float(module.time_step)
        leak, gain = 1 - step / (_values(module.R) * _values(module.C)), step / _values(module.C)
        if leak.min() < 0:
            raise Refusal(f"time_step / (R C) is {1 - leak.min():g}; supported: at most 1")
    else:
        leak = np.clip(_values(module.beta), 0, 1)
    current = None
    if kind in ("Synaptic", "RSynaptic"):
        current = np.clip(_values(module.alpha), 0, 1)
        if not current.any():
            current = None
    timing: ResetTiming = "next" if reset == "soft" and (leak != 1).any() else "same"
    return FloatNeuron(
        leak=leak, threshold=_values(module.threshold), reset=reset, gain=gain, drive=ZERO, reset_timing=timing,
        current_leak=current,
    )  # fmt: skip


def _recurrence(module: Any) -> Recurrence:
    inner = module.recurrent
    if isinstance(inner, nn.Linear):
        return Recurrence("linear", _values(inner.weight), None if inner.bias is None else _values(inner.bias))
    if isinstance(inner, nn.Conv2d):
        bias = None if inner.bias is None else _values(inner.bias)
        padding = inner.padding
        if isinstance(padding, str):
            raise Refusal(f"a recurrent convolution with padding {padding}; supported: numbers")
        return Recurrence("conv2d", _values(inner.weight), bias, (int(padding[0]), int(padding[1])))
    if hasattr(inner, "V"):
        return Recurrence("gain", _values(inner.V), None)
    raise Refusal(f"recurrent connections by a {type(inner).__name__}; supported: Linear, Conv2d, one to one")
