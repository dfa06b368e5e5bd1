"""The TCJA-SNN of the study: five 3x3 convolutions with max pooling, attention at the last two, two dense layers.

Source: Schaefer, Taheri, Horeni, Joshi, "The Hardware Impact of Quantization and Pruning for Weights in Spiking Neural
Networks", arXiv 2302.04174 (2023), after Zhu et al., "TCJA-SNN: Temporal-Channel Joint Attention for Spiking Neural
Networks", arXiv 2206.10177. 128 channels, 512 hidden neurons, 10 voters per class, dropout of half the inputs of dense
layers, no biases, batch norm after convolutions only, LIF neurons with tau = 2 whose input decays as their potential
does: v += (x - v) / 2, which is a leak of 1/2 and half of the input. The study quantizes weights alone; here the scale
of the attention is a whole number too, of 4 bits, so that sums behind it fit the 24-bit potentials of `spike_array`.
"""

from __future__ import annotations

from spikecycle.models.networks.assembly import Assembly, scaled
from spikecycle.models.networks.neuron import NeuronConfig

NEURON = NeuronConfig(leak_numerator=1, leak_shift=1, reset="hard", potential_bits=16, decays_input=True)
CONVOLUTIONS = 5
ATTENTION_AT = (4, 5)
ATTENTION_KERNEL = 4


def build(
    chain: Assembly,
    classes: int,
    width: float = 1.0,
    hidden: int | None = None,
    voters: int = 10,
    dropout: float = 0.5,
    attention_bits: int = 4,
) -> None:
    """Frames from 32 pixels on, of which five poolings leave one; published with 128."""
    for layer in range(1, CONVOLUTIONS + 1):
        chain.convolution(f"conv{layer}", scaled(128, width), 3, padding=1)
        if layer in ATTENTION_AT:
            chain.attention(f"tcja{layer - ATTENTION_AT[0] + 1}", ATTENTION_KERNEL, attention_bits)
        chain.max_pool(f"pool{layer}")
    chain.dropout("dropout1", dropout)
    chain.dense("fc1", hidden or scaled(512, width), normalized=False)
    chain.dropout("dropout2", dropout)
    chain.dense("fc2", classes * voters, normalized=False)
