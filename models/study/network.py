"""The float network of a study, and its weights in a file."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save

from models.networks.catalogue import build_network
from models.networks.network import FloatNetwork
from models.study.context import Context
from simulator import write_file


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


def save_weights(path: Path, network: FloatNetwork) -> None:
    """Write what was trained as safetensors, complete or not at all."""
    write_file(path, save(network.state_dict()))


def load_weights(path: Path, network: FloatNetwork) -> None:
    """Put weights into the network that they were saved from."""
    network.load_state_dict(load_file(path))
