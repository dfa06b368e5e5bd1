"""A penalty on codes of weights and on spikes that say little: their entropy, as far as it is below what bits can hold.

Source: Wei, Liang, Belatreche, Xiao, Cao, Ren, Wang, Zhang, Yang, "Q-SNNs: Quantized Spiking Neural Networks", ACM
Multimedia 2024 (arXiv 2406.13672), whose weight-spike dual regulation raises the entropy of weights and of spikes so
that a network with few bits of weights and of potentials loses less. There, weights have one bit and entropy is raised
by taking out their mean; here, codes have two bits or more, and the entropy of their frequencies is in the loss. With
`potential_bits` beside it, weights and potentials are quantized together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from spikecycle.models.options import Options

if TYPE_CHECKING:
    from torch import Tensor

    from spikecycle.models.compression.quantize import ScaledQuantizer
    from spikecycle.models.networks.node import SynapseModule

RATE_FLOOR = 1e-3
"""Keeps the gradient of a silent neuron finite: rates lie this far from 0 and 1."""


class EntropyPenalty(Options):
    """Terms of the loss while the network is quantized, each 0 where entropy is as high as it can be, and at most 1."""

    weights: Annotated[float, Field(ge=0)] = 0.1
    """Weighs the first: of the codes of each weight, pruned ones left out, the mean over the weights."""
    spikes: Annotated[float, Field(ge=0)] = 0.1
    """Weighs the second: of the spikes of each channel of the hidden layers, the mean over all of them; it is 0 where
    every neuron fires in half of the timesteps, so that it costs energy."""


def code_entropy(steps: Tensor, highest: int) -> Tensor:
    """Entropy of codes in units of that of codes which are all as frequent, 0 to 1, with a gradient for `steps`.

    steps: weights in units of their scale, any shape; codes lie in -highest .. highest. A step between two codes counts
    for both, by its distance to each, for rounding has no gradient.
    """
    place = steps.flatten().clamp(-highest, highest) + highest
    below = place.detach().floor().clamp(max=2 * highest - 1)
    share_above = place - below
    counts = place.new_zeros(2 * highest + 1)
    counts = counts.index_add(0, below.long(), 1 - share_above)
    counts = counts.index_add(0, below.long() + 1, share_above)
    return _entropy(counts / max(1, place.numel())) / _entropy(counts.new_ones(len(counts)) / len(counts))


def spike_entropy(spikes: Tensor) -> Tensor:
    """Entropy of a spike, bits, mean over the channels of spikes (T, B, M, P, Q), each by its firing rate."""
    rates = (spikes.mean(dim=(0, 1, 3, 4)) + RATE_FLOOR) / (1 + 2 * RATE_FLOOR)
    return -(rates * rates.log2() + (1 - rates) * (1 - rates).log2()).mean()


def entropy_penalty(
    options: EntropyPenalty, synapses: Sequence[SynapseModule], quantizers: Mapping[str, ScaledQuantizer]
) -> Callable[[Sequence[Tensor]], Tensor]:
    """What is added to the loss, from the spikes of all layers, the last of which is the network's output.

    synapses: of the quantized network, with their quantizers by name.
    """

    def penalty(spikes: Sequence[Tensor]) -> Tensor:
        total = spikes[-1].new_zeros(())
        if options.weights:
            for synapse in synapses:
                quantizer = quantizers[synapse.name]
                weight = synapse.weight
                steps = (weight / quantizer.scale())[weight != 0]
                lacking = 1 - code_entropy(steps, quantizer.kind.highest_code(quantizer.bits))
                total = total + options.weights * lacking / len(synapses)
        if options.spikes:
            for hidden in spikes[:-1]:
                total = total + options.spikes * (1 - spike_entropy(hidden)) / (len(spikes) - 1)
        return total

    return penalty


def _entropy(shares: Tensor) -> Tensor:
    """In bits; a share of 0 adds nothing, and gets no gradient."""
    shares = shares[shares > 0]
    return -(shares * shares.log2()).sum()
