"""Small untrained networks in which every layer fires, so that comparing what they emit means something."""

from __future__ import annotations

import numpy as np
import torch

from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.scheme import CompressionScheme
from spikecycle.models.networks.catalogue import build_network
from spikecycle.models.networks.network import FloatNetwork
from spikecycle.models.networks.neuron import NeuronConfig
from spikecycle.models.networks.options import NetworkOptions
from spikecycle.models.networks.spiking import SpikingLayer

CASES: dict[str, tuple[NetworkOptions, tuple[int, int, int], int]] = {
    "digits": (NetworkOptions(width=0.5, voters=2), (2, 16, 16), 5),
    "lenet5": (NetworkOptions(), (2, 17, 15), 5),
    "vgg9": (NetworkOptions(width=0.125, hidden=20, dropout=0.25), (2, 11, 8), 5),
    "tcja": (NetworkOptions(width=0.0625, voters=3), (2, 64, 32), 6),
}
"""Options, frames (C, H, W) and timesteps, by name."""

CLASSES = 4
INPUT_BITS = 2


def quantized_to(weight_bits: int) -> CompressionScheme:
    """The scheme of weights of that width, with a learned scale."""
    return CompressionScheme(Compression(name="as it comes", weight_bits=weight_bits))


def frames_for(name: str, samples: int = 3) -> np.ndarray:
    """Counts of INPUT_BITS, uint8 (N, T, C, H, W)."""
    _, input_shape, timesteps = CASES[name]
    shape = (samples, timesteps, *input_shape)
    return np.random.default_rng(1).binomial(3, 0.15, shape).astype(np.uint8)


def lively(name: str, neuron: NeuronConfig | None = None, **changes: object) -> FloatNetwork:
    """The network in evaluation mode, its batch norm adjusted to `frames_for(name)`."""
    options, input_shape, timesteps = CASES[name]
    network = build_network(
        name, options.model_copy(update=changes), input_shape=input_shape, timesteps=timesteps, classes=CLASSES,
        neuron=neuron, generator=torch.Generator().manual_seed(3),
    )  # fmt: skip
    with torch.no_grad():
        for node in network.chain():
            if not isinstance(node, SpikingLayer):
                continue
            if node.norm is None:
                node.weight.mul_(12)
            else:
                node.norm.momentum = 1.0  # the statistics of the next pass, whole
                node.norm.weight.mul_(2)
        for synapse in network.synapses():
            if synapse.name.startswith("tcja"):
                synapse.weight.mul_(20)
        network(torch.from_numpy(frames_for(name)).transpose(0, 1).float())
    return network.eval()
