"""LeNet-5 with spiking neurons: two 5x5 convolutions, each with max pooling, and three dense layers.

Source: LeCun, Bottou, Bengio, Haffner, "Gradient-Based Learning Applied to Document Recognition", Proceedings of the
IEEE 86(11), 1998, section II.B: 6 and 16 channels, 120 and 84 neurons. There, images of 28 pixels are padded to 32,
here the first convolution pads by 2; its averaging subsampling is max pooling here, as spikes stay spikes.
"""

from __future__ import annotations

from spikecycle.models.networks.assembly import Assembly, scaled
from spikecycle.models.networks.neuron import NeuronConfig

NEURON = NeuronConfig(leak_numerator=15, leak_shift=4, reset="hard", potential_bits=16)


def build(chain: Assembly, classes: int, width: float = 1.0, voters: int = 1) -> None:
    """Frames from 12 pixels on; 28 pixels give the published maps of 14, 10 and 5."""
    chain.convolution("conv1", scaled(6, width), 5, padding=2)
    chain.max_pool("pool1")
    chain.convolution("conv2", scaled(16, width), 5)
    chain.max_pool("pool2")
    chain.dense("fc1", scaled(120, width))
    chain.dense("fc2", scaled(84, width))
    chain.dense("fc3", classes * voters)
