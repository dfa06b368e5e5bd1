"""SpikingJelly's neurons (activation_based and clock_driven), known by the names of their classes.

They fire at the threshold, not only above it, and reset in the timestep of the spike: to v_reset, at which they also
start, or by subtraction where v_reset is None. With decay_input the current is divided by tau like the potential,
v += (x - (v - v_reset)) / tau; without, v += x - (v - v_reset) / tau.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn

from spikecycle.models.importing.arrays import reals
from spikecycle.models.importing.neuron import ZERO, FloatNeuron, FloatReset, Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.spiking import SpikingModule, class_names

NAME = "SpikingJelly"
KINDS = ("ParametricLIFNode", "LIFNode", "IFNode")
DECLARED = {
    "neurons": f"{', '.join(KINDS)}, and those with MultiStep before the name",
    "reset": "to v_reset (any value), by subtraction (v_reset=None)",
    "two states": "no",
    "recurrence": "in the forward",
    "per-neuron parameters": "no (the framework has none)",
    "time": "step_mode s and m",
}


def read(module: nn.Module) -> SpikingModule | None:
    """See `spiking.FRAMEWORKS`."""
    names = tuple(name.removeprefix("MultiStep").removeprefix("Simple") for name in class_names(module))
    if not hasattr(module, "v_threshold") or not any(name.endswith("Node") for name in names):
        return None
    kind = next((name for name in names if name in KINDS), None)
    if kind is None:
        raise Refusal(f"supported: {', '.join(KINDS)}")
    surrogate = getattr(module, "surrogate_function", None)
    if getattr(surrogate, "spiking", True) is False:
        raise Refusal("a surrogate function that does not spike (spiking=False)")
    over_time = getattr(module, "step_mode", "s") == "m" or any(
        name.startswith("MultiStep") for name in class_names(module)
    )
    return SpikingModule(
        neuron=_neuron(module, kind),
        reset=lambda: _reset(module),
        over_time=over_time,
        inputs=("x", "x_seq", "dv"),
        state=lambda: (module.v,),
    )


def _reset(module: Any) -> None:
    module.reset()


def _neuron(module: Any, kind: str) -> FloatNeuron:
    hard = module.v_reset is not None
    rest = reals(module.v_reset) if hard else ZERO
    reset: FloatReset = "hard" if hard else "soft"
    threshold = reals(module.v_threshold)
    if kind == "IFNode":
        return FloatNeuron(np.ones(()), threshold, reset, strict=False, reset_value=rest, start=rest)
    if kind == "ParametricLIFNode":
        rate: Reals = 1 / (1 + np.exp(-reals(module.w)))
    else:
        rate = 1 / reals(module.tau)
    if not ((rate > 0) & (rate <= 1)).all():
        raise Refusal(f"1 / tau is {float(rate.max()):g}; supported: above 0, up to 1")
    gain = rate if getattr(module, "decay_input", True) else np.ones(())
    return FloatNeuron(
        1 - rate, threshold, reset, strict=False, gain=gain, drive=rate * rest, reset_value=rest, start=rest
    )
