"""Spiking neurons as frameworks compute them: in real numbers, each in its order of leak, reset and comparison."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

FloatReset = Literal["hard", "soft", "none"]
Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NeuronParameters:
    """One timestep, elementwise: v = leak v + gain x current + drive; fires at the threshold; then the reset.

    gain, drive, threshold, reset_value: one number, one per channel, or one per neuron. strict: fires above the
    threshold, not at it. late_subtraction: a soft reset takes the threshold off after the next leak (snntorch), not
    before it.
    """

    leak: float
    threshold: Reals
    reset: FloatReset
    gain: Reals
    drive: Reals
    reset_value: Reals
    strict: bool
    late_subtraction: bool = False


@dataclass(frozen=True, eq=False)
class FloatNeuron:
    """The neurons of a layer whose gain, drive and reset value are folded into its weights, bias and threshold.

    threshold: float64 (M,); start: float64 (M,), the potential before the first timestep. A hard reset goes to 0.
    """

    leak: float
    threshold: Reals
    reset: FloatReset
    strict: bool
    start: Reals

    def as_hardware(self, leak: float) -> FloatNeuron:
        """The same neuron with the order of a trace's: starts at 0, fires at the threshold, resets at once."""
        return replace(self, leak=leak, strict=False, start=np.zeros_like(self.start))

    def run(self, currents: Tensor) -> Response:
        """Spikes and potentials of a whole sample; the potentials take the place of the currents.

        currents: float32 (N, T, M, P, Q), what arrives in each timestep, bias included.
        """
        threshold = torch.tensor(self.threshold, dtype=currents.dtype)[:, None, None]
        potential = torch.tensor(self.start, dtype=currents.dtype)[:, None, None].expand_as(currents[:, 0])
        spikes = torch.zeros(currents.shape, dtype=torch.uint8)
        for step in range(currents.shape[1]):
            potential = self.leak * potential + currents[:, step]
            currents[:, step] = potential
            if self.reset == "none":
                continue
            fired = potential > threshold if self.strict else potential >= threshold
            spikes[:, step] = fired
            potential = torch.where(fired, 0.0 if self.reset == "hard" else potential - threshold, potential)
        return Response(spikes, currents)


class Response(NamedTuple):
    """What neurons did: spikes, uint8, and potentials before the reset, float32; both (N, T, M, P, Q)."""

    spikes: Tensor
    potentials: Tensor
