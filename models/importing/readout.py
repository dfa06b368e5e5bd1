"""What neurons that cannot fire say: their potentials."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from spikecycle.models.integer import IntegerLayer, Values
from spikecycle.models.integer.neuron import integrate


@torch.no_grad()
def integer_potentials(layer: IntegerLayer, inputs: Values) -> npt.NDArray[np.int64]:
    """Potentials, int64 (N, T, M, P, Q), after every timestep of neurons that never fire, from potential 0."""
    arriving = layer.arriving(inputs)
    potential = torch.zeros_like(arriving[:, 0])
    for now in arriving.unbind(1):
        integrate(potential, now, layer.neuron)
        now.copy_(potential)
    potentials: npt.NDArray[np.int64] = arriving.to(torch.int64).numpy()
    return potentials
