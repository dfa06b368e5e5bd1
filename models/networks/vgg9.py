"""VGG9 with spiking neurons: seven 3x3 convolutions in three blocks, each with max pooling, and two dense layers.

Source: Lee, Sarwar, Panda, Srinivasan, Roy, "Enabling Spike-Based Backpropagation for Training Deep Neural Network
Architectures", Frontiers in Neuroscience 14, 2020: 64, 64, 128, 128, 256, 256, 256 channels, 1024 hidden neurons.
"""

from __future__ import annotations

from spikecycle.models.networks.assembly import Assembly, scaled
from spikecycle.models.networks.neuron import NeuronConfig

NEURON = NeuronConfig(leak_numerator=15, leak_shift=4, reset="hard", potential_bits=16)
BLOCKS = ((64, 64), (128, 128), (256, 256, 256))  # channels at width 1


def build(
    chain: Assembly,
    classes: int,
    width: float = 1.0,
    hidden: int | None = None,
    voters: int = 1,
    dropout: float = 0.0,
) -> None:
    """Frames from 8 pixels on; made for 32."""
    layer = 0
    for block, channels in enumerate(BLOCKS, start=1):
        for count in channels:
            layer += 1
            chain.convolution(f"conv{layer}", scaled(count, width), 3, padding=1)
        chain.max_pool(f"pool{block}")
    chain.dropout("dropout1", dropout)
    chain.dense("fc1", hidden or scaled(1024, width))
    chain.dropout("dropout2", dropout)
    chain.dense("fc2", classes * voters)
