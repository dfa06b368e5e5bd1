"""Which class an output names: whose neurons fire most or, where none can fire, have the largest potentials."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from models.integer import IntegerLayer, Values
from models.integer.neuron import integrate


def classes_told(outputs: npt.NDArray[Any], classes: int) -> npt.NDArray[np.int64]:
    """Class of every sample, int64 (N,), from spikes or potentials (N, T, M, P, Q), summed over all timesteps.

    The output neurons are split evenly, class by class; a tie goes to the lower class.
    """
    accumulator = np.float64 if outputs.dtype.kind == "f" else np.int64
    votes = outputs.sum(axis=1, dtype=accumulator).reshape(len(outputs), classes, -1).sum(axis=2)
    winners: npt.NDArray[np.int64] = votes.argmax(axis=1)
    return winners


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
