"""The digits network: two 3x3 convolutions and two dense layers, the last one a population of voters per class.

The second convolution halves the map by its stride instead of pooling, so that the recorded outputs of every layer
are the recorded inputs of the next.
"""

from __future__ import annotations

from spikecycle.models.networks.assembly import Assembly, scaled
from spikecycle.models.networks.neuron import NeuronConfig

NEURON = NeuronConfig(leak_numerator=15, leak_shift=4, reset="hard", potential_bits=16)
VOTERS_PER_CLASS = 8


def build(
    chain: Assembly, classes: int, width: float = 1.0, hidden: int | None = None, voters: int = VOTERS_PER_CLASS
) -> None:
    """16 and 32 channels and 128 hidden neurons at width 1."""
    chain.convolution("conv1", scaled(16, width), 3, padding=1)
    chain.convolution("conv2", scaled(32, width), 3, stride=2, padding=1)
    chain.dense("fc1", hidden or scaled(128, width))
    chain.dense("fc2", classes * voters)
