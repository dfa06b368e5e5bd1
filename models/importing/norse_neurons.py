"""Norse's neurons, known by the names of their classes and parameters.

A cell is called with an input and a state and returns both; an input enters the synaptic current after the potential
has taken it, so that it acts a timestep later, or, in some versions, before. Box cells (LIFBoxCell) have no synaptic
current. They fire above v_th and are then at v_reset; before the first timestep they rest at v_leak.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from spikecycle.models.importing.arrays import reals
from spikecycle.models.importing.neuron import FloatNeuron
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.spiking import SpikingModule, class_names

NAME = "Norse"
KINDS = ("LIFCell", "LIFBoxCell", "LIBoxCell")
DECLARED = {
    "neurons": ", ".join(KINDS),
    "reset": "to v_reset",
    "two states": "LIFCell",
    "recurrence": "in the forward",
    "per-neuron parameters": "tau_mem_inv, tau_syn_inv, v_th",
    "time": "cells, one timestep a call",
}


def read(module: nn.Module) -> SpikingModule | None:
    """See `spiking.FRAMEWORKS`."""
    parameters = getattr(module, "p", None)
    if parameters is None or not hasattr(parameters, "tau_mem_inv"):
        return None
    kind = next((name for name in class_names(module) if name in KINDS), None)
    if kind is None:
        raise Refusal(f"supported: {', '.join(KINDS)}")
    at_once = SpikingModule(_neuron(module, parameters, kind), _nothing, inputs=("input_tensor", "x"))
    return replace(at_once, late=True, alternative=at_once) if kind == "LIFCell" else at_once


def _nothing() -> None:
    """Cells keep no states."""


def _neuron(module: Any, parameters: Any, kind: str) -> FloatNeuron:
    dt = float(getattr(module, "dt", 1e-3))
    rate = dt * reals(parameters.tau_mem_inv)
    rest = reals(parameters.v_leak)
    leak = 1 - rate
    if leak.min() < 0:
        raise Refusal(f"dt x tau_mem_inv is {float(rate.max()):g}; supported: at most 1")
    if kind == "LIBoxCell":
        return FloatNeuron(leak, np.ones(()), "none", gain=rate, drive=rate * rest, start=rest)
    current = None
    if kind == "LIFCell":
        current = 1 - dt * reals(parameters.tau_syn_inv)
        if current.min() < 0:
            raise Refusal("dt x tau_syn_inv is above 1; supported: at most 1")
    return FloatNeuron(
        leak, reals(parameters.v_th), "hard", gain=rate, drive=rate * rest, reset_value=reals(parameters.v_reset),
        start=rest, current_leak=current,
    )  # fmt: skip
