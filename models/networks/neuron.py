"""LIF neurons on snntorch's Leaky: one in floating point, and one whose every value is the integer of hardware."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from snntorch import Leaky, SpikingNeuron
from torch import Tensor

from models.networks.rounding import floor_straight_through
from models.networks.spike import spike_at_or_above
from traces.neuron import Neuron, Reset

FLOAT32_EXACT_BITS = 24  # every integer below 2**24 in magnitude is exact in float32 (IEEE 754)


@dataclass(frozen=True)
class NeuronConfig:
    """What a layer's neurons share: leak = leak_numerator / 2**leak_shift, the reset, the potential's width."""

    leak_numerator: int
    leak_shift: int
    reset: Reset
    potential_bits: int

    @property
    def leak(self) -> float:
        """The share of the potential that stays after one timestep."""
        return float(self.leak_numerator / 2**self.leak_shift)

    @property
    def highest(self) -> int:
        """Largest potential; the smallest is -highest - 1."""
        return int(2 ** (self.potential_bits - 1) - 1)

    def with_potential_bits(self, potential_bits: int | None) -> NeuronConfig:
        """The same neuron with potentials of that width; None changes nothing."""
        return self if potential_bits is None else replace(self, potential_bits=potential_bits)

    def trace_neuron(self, threshold: npt.NDArray[np.int32]) -> Neuron:
        """The neuron that a trace records, with its integer thresholds (M,)."""
        return Neuron(
            kind="lif",
            threshold=threshold,
            potential_bits=self.potential_bits,
            leak_numerator=self.leak_numerator,
            leak_shift=self.leak_shift,
            reset=self.reset,
        )


class ImmediateLeaky(Leaky):  # type: ignore[misc]
    """A float LIF neuron that resets in the timestep in which it fires.

    snntorch resets one timestep later, and its `reset_delay=False` subtracts a further threshold before the next
    comparison while a softly reset potential stays above the threshold. The machine does neither, so the order
    of one timestep is written out here: leak and add, (saturate), compare, reset.
    """

    def __init__(self, config: NeuronConfig) -> None:
        mechanism = {"hard": "zero", "soft": "subtract"}[config.reset]
        super().__init__(beta=config.leak, threshold=1.0, spike_grad=spike_at_or_above, reset_mechanism=mechanism)
        SpikingNeuron.instances.remove(self)  # a list of the class that would keep every network alive
        self.config = config

    def integrate(self, potential: Tensor, current: Tensor) -> Tensor:
        """Potential after leak and input."""
        return cast(Tensor, self.beta * potential + current)

    def forward(self, currents: Tensor, threshold: Tensor) -> Tensor:
        """Spikes, 0.0 or 1.0, of a whole sample from potential 0.

        currents: float32 (T, B, M, ...), what arrives in each timestep, bias included.
        threshold: float32, broadcasts against (B, M, ...). The reset is detached from the gradient.
        """
        potential = torch.zeros_like(currents[0])
        width = threshold.detach()
        hard = self.config.reset == "hard"
        spikes = []
        for current in currents:
            potential = self.integrate(potential, current)
            spike = self.spike_grad((potential - threshold) / width)
            fired = spike.detach()
            given_up = potential if hard else width
            potential = potential - fired * given_up
            spikes.append(spike)
        return torch.stack(spikes)


class FixedPointLeaky(ImmediateLeaky):
    """The same neuron on integers held in float32: leak rounded down by a shift, potential saturated.

    Forward it is exactly the neuron of `traces.neuron`; backward it is the float one (rounding is passed straight
    through, saturation stops the gradient).
    """

    def __init__(self, config: NeuronConfig) -> None:
        if config.potential_bits - 1 + config.leak_numerator.bit_length() > FLOAT32_EXACT_BITS:
            raise ValueError("potential times leak numerator must stay below 2**24 to be exact in float32")
        super().__init__(config)

    def integrate(self, potential: Tensor, current: Tensor) -> Tensor:
        """Potential after leak and input, in integers, saturated once."""
        leaked = floor_straight_through(potential * self.config.leak)
        return (leaked + current).clamp(-self.config.highest - 1, self.config.highest)
