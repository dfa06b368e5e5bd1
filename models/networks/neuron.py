"""LIF neurons on snntorch's Leaky: one in floating point, and one whose every value is the integer of hardware."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from snntorch import Leaky, SpikingNeuron
from torch import Tensor

from spikecycle.models.networks.rounding import floor_straight_through
from spikecycle.models.networks.spike import spike_at_or_above
from spikecycle.traces.neuron import Neuron, Reset

FLOAT32_EXACT_BITS = 24  # every integer below 2**24 in magnitude is exact in float32 (IEEE 754)
FLOAT64_EXACT_BITS = 53  # the same for float64


@dataclass(frozen=True)
class NeuronConfig:
    """What a layer's neurons share: leak = leak_numerator / 2**leak_shift, the reset, the potential's width.

    decays_input: what arrives is multiplied by 1 - leak, so that the potential is a moving average of it:
    v += (x - v) / tau with tau = 1 / (1 - leak). Hardware folds that factor into weights and biases.
    """

    leak_numerator: int
    leak_shift: int
    reset: Reset
    potential_bits: int
    decays_input: bool = False

    def __post_init__(self) -> None:
        """ValueError for a neuron that would lose all of its input."""
        if self.decays_input and self.leak == 1:
            raise ValueError("without a leak (leak 1) there is no decay that the input could share")

    @property
    def leak(self) -> float:
        """The share of the potential that stays after one timestep."""
        return float(self.leak_numerator / 2**self.leak_shift)

    @property
    def input_gain(self) -> float:
        """What arrives is multiplied by this."""
        return 1.0 - self.leak if self.decays_input else 1.0

    @property
    def highest(self) -> int:
        """Largest potential; the smallest is -highest - 1."""
        return int(2 ** (self.potential_bits - 1) - 1)

    def on_integers(self, potential_bits: int) -> NeuronConfig:
        """The neuron of the quantized layer, whose weights contain the input's gain."""
        return replace(self, potential_bits=potential_bits, decays_input=False)

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
        return torch.add(self.beta * potential, current, alpha=self.config.input_gain)

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
    """The same neuron on integers held in floats: leak rounded down by a shift, potential saturated.

    Forward it equals the neuron of `spikecycle.traces.neuron`, provided that currents come in the dtype `exact` or a
    wider one; backward it is the float one (rounding is passed straight through, saturation stops the gradient).
    """

    def __init__(self, config: NeuronConfig) -> None:
        if config.decays_input:
            raise ValueError("the input's gain belongs into the weights of a layer on integers")
        self.product_bits = config.potential_bits - 1 + config.leak_numerator.bit_length()
        if self.product_bits > FLOAT64_EXACT_BITS:
            raise ValueError("potential times leak numerator must stay below 2**53 to be exact in float64")
        super().__init__(config)

    @property
    def exact(self) -> torch.dtype:
        """The narrowest dtype in which potential times leak numerator is exact."""
        return torch.float32 if self.product_bits <= FLOAT32_EXACT_BITS else torch.float64

    def integrate(self, potential: Tensor, current: Tensor) -> Tensor:
        """Potential after leak and input, in integers, saturated once."""
        leaked = floor_straight_through(potential * self.config.leak)
        return (leaked + current).clamp(-self.config.highest - 1, self.config.highest)
