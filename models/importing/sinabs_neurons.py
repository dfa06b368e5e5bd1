"""Sinabs' neurons, known by their attributes: they come through NIR, which Sinabs writes.

By default they emit several spikes in a timestep (MultiSpike), which a trace has no neuron for.
"""

from __future__ import annotations

from torch import nn

from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.spiking import SpikingModule

NAME = "Sinabs"
DECLARED = {
    "neurons": "IAF, LIF with SingleSpike, through NIR",
    "reset": "as NIR has it",
    "two states": "no",
    "recurrence": "through NIR",
    "per-neuron parameters": "through NIR",
    "time": "through NIR",
}


def read(module: nn.Module) -> SpikingModule | None:
    """See `spiking.FRAMEWORKS`."""
    if not hasattr(module, "spike_threshold") or not hasattr(module, "spike_fn"):
        return None
    name = getattr(module.spike_fn, "__name__", type(module.spike_fn).__name__)
    spikes = "" if "SingleSpike" in name else f"emits several spikes in a timestep ({name}); "
    raise Refusal(f"{spikes}supported: the network as NIR (sinabs.nir.to_nir), with SingleSpike")
