"""The float network of a study."""

from __future__ import annotations

import torch

from spikecycle.models.networks.catalogue import build_network
from spikecycle.models.networks.network import FloatNetwork
from spikecycle.models.study.context import Context


def untrained(context: Context, generator: torch.Generator) -> FloatNetwork:
    """The network that the study names, for frames of its data; its weights are drawn from `generator`."""
    network, data = context.study.network, context.data
    _, timesteps, channels, height, width = data.train.frames.shape
    return build_network(
        network.name,
        network.options,
        input_shape=(channels, height, width),
        timesteps=timesteps,
        classes=data.classes,
        generator=generator,
    )
