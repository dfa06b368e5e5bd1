"""Sinabs' neurons, known by the names of their classes and their attributes.

IAF, LIF and ExpLeak take (samples, timesteps, ...); those with Squeeze behind the name have both in one axis, and are
run one timestep a call here, whatever they were made for. The current i = alpha_syn (i + arriving) has leaked when it
reaches the potential; norm_input multiplies it by 1 - alpha_mem. They fire at the threshold, not only above it.
MembraneReset(r) adds r to every potential, not only to those that fired: a drive of alpha_mem r.

By default they emit several spikes in a timestep (MultiSpike), which a trace has no neuron for, and networks that
`from_torch.from_model` made have a lower bound of potentials (min_v_mem).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from spikecycle.models.importing.arrays import reals
from spikecycle.models.importing.neuron import FloatNeuron
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.spiking import SpikingModule, class_names

NAME = "Sinabs"
KINDS = ("ExpLeak", "IAF", "LIF")
SQUEEZE = "Squeeze"
DECLARED = {
    "neurons": "IAF, LIF with SingleSpike; ExpLeak as a readout",
    "reset": "MembraneSubtract of the threshold, MembraneReset (any value)",
    "two states": "tau_syn",
    "recurrence": "in the forward; LIFRecurrent and IAFRecurrent through NIR",
    "per-neuron parameters": "tau_mem, tau_syn, spike_threshold",
    "time": "all timesteps at once, or one a call (Squeeze)",
}


def read(module: nn.Module) -> SpikingModule | None:
    """See `spiking.FRAMEWORKS`."""
    if not all(hasattr(module, name) for name in ("spike_threshold", "spike_fn", "reset_fn")):
        return None
    names = class_names(module)
    kind = next((name for name in KINDS if name in names), None)
    if kind is None or any("Recurrent" in name for name in names):
        raise Refusal(f"supported: {', '.join(KINDS)}, each also with {SQUEEZE} behind its name")
    squeezed = any(name.endswith(SQUEEZE) for name in names)
    return SpikingModule(
        _neuron(module, kind),
        reset=lambda: _forget(module),
        over_time=not squeezed,
        batch_first=not squeezed,
        settings={"batch_size": -1, "num_timesteps": 1} if squeezed else {},
        inputs=("input_data",),
        state=lambda: tuple(state for _, state in module.named_buffers(recurse=False)),
    )


def _forget(module: nn.Module) -> None:
    """Without states, as it was made: of zeros it would draw some for another number of samples."""
    for name, _ in list(module.named_buffers(recurse=False)):
        setattr(module, name, torch.zeros(0))


def _neuron(module: Any, kind: str) -> FloatNeuron:
    if module.min_v_mem is not None:
        raise Refusal(f"min_v_mem = {float(reals(module.min_v_mem).min()):g}; supported: None, no lower bound")
    leak = np.ones(()) if kind == "IAF" else reals(module.alpha_mem_calculated)
    gain = 1 - leak if getattr(module, "norm_input", False) and kind != "IAF" else np.ones(())
    current = None
    if module.alpha_syn_calculated is not None:
        current = reals(module.alpha_syn_calculated)
        gain = gain * current
    if module.spike_fn is None:
        return FloatNeuron(leak, np.ones(()), "none", gain=gain, current_leak=current)
    _refuse_several_spikes(module.spike_fn)
    threshold = reals(module.spike_threshold)
    how = type(module.reset_fn).__name__
    if how == "MembraneSubtract":
        taken = module.reset_fn.subtract_value
        if taken is not None and (reals(taken) != threshold).any():
            raise Refusal(f"subtract_value = {taken}; supported: None, the threshold")
        return FloatNeuron(leak, threshold, "soft", strict=False, gain=gain, current_leak=current)
    if how != "MembraneReset":
        raise Refusal(f"reset_fn {how}; supported: MembraneSubtract, MembraneReset")
    added = reals(module.reset_fn.reset_value)
    return FloatNeuron(
        leak, threshold, "hard", strict=False, gain=gain, current_leak=current, drive=leak * added, start=-added
    )


def _refuse_several_spikes(spike_fn: Any) -> None:
    name = getattr(spike_fn, "__name__", type(spike_fn).__name__)
    if name != "SingleSpike" and getattr(spike_fn, "max_num_spikes_per_bin", None) != 1:
        raise Refusal(f"emits several spikes in a timestep (spike_fn {name}); supported: SingleSpike")
