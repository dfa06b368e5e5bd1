"""The neuron of `spikecycle.traces.neuron` over all timesteps of a batch, in whole numbers held in floats.

Floats because a matrix library is fastest in them; every value is a whole number that the dtype holds exactly.
"""

from __future__ import annotations

import torch
from torch import Tensor

from spikecycle.models.integer.sums import FLOAT32_EXACT
from spikecycle.traces import Neuron


def potential_dtype(neuron: Neuron, largest_arriving: int) -> torch.dtype:
    """The narrowest float that holds potential times leak numerator, and potential plus what arrives.

    In float64 everything fits: a potential has at most 32 bits, a leak numerator 17.
    """
    lowest = 2 ** (neuron.potential_bits - 1)
    largest = max(lowest * neuron.shared_leak_numerator, lowest + largest_arriving)
    return torch.float32 if largest <= FLOAT32_EXACT else torch.float64


def integrate(potential: Tensor, arriving: Tensor, neuron: Neuron) -> None:
    """Leak, accumulate and saturate, in place: potential and arriving are whole numbers (N, M, P, Q)."""
    highest = 2 ** (neuron.potential_bits - 1) - 1
    leak = neuron.shared_leak_numerator / 2**neuron.leak_shift  # exact, and so is its product with a potential
    if leak != 1:
        potential.mul_(leak).floor_()
    potential.add_(arriving).clamp_(-highest - 1, highest)


def fire(arriving: Tensor, neuron: Neuron) -> Tensor:
    """Who fires, 0 and 1 in place of what arrives, of N samples from potential 0.

    arriving: what reaches every neuron, bias included, whole numbers (N, T, M, P, Q) in a dtype that is as wide as
    `potential_dtype` asks; it is overwritten.
    """
    threshold = torch.tensor(neuron.threshold).to(arriving.dtype)[:, None, None]
    potential = torch.zeros_like(arriving[:, 0])
    soft, rest = neuron.reset == "soft", neuron.reset_value
    for now in arriving.unbind(1):
        integrate(potential, now, neuron)
        torch.ge(potential, threshold, out=now)
        given_up = threshold if soft else potential - rest if rest else potential
        potential.addcmul_(now, given_up, value=-1)
    return arriving
