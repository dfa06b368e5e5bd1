"""The networks by name.

A network is a module with a function `build`, whose keyword arguments are the options that it has, with its own
defaults, and with the neuron `NEURON` that it has where nothing else is asked for. Modules are imported when asked
for: they need the extra `train`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spikecycle.models.catalogue import Catalogue
from spikecycle.models.networks.options import NetworkOptions

if TYPE_CHECKING:
    import torch

    from spikecycle.models.networks.network import FloatNetwork
    from spikecycle.models.networks.neuron import NeuronConfig

NETWORKS = Catalogue(
    "network",
    "build",
    {
        "digits": "spikecycle.models.networks.digits",
        "lenet5": "spikecycle.models.networks.lenet5",
        "vgg9": "spikecycle.models.networks.vgg9",
        "tcja": "spikecycle.models.networks.tcja",
    },
)


def build_network(
    name: str,
    options: NetworkOptions | None = None,
    *,
    input_shape: tuple[int, int, int],
    timesteps: int,
    classes: int,
    neuron: NeuronConfig | None = None,
    generator: torch.Generator,
    most_weights: int | None = None,
) -> FloatNetwork:
    """The network of that name, untrained, for samples of `timesteps` frames of input_shape (C, H, W).

    neuron: of every layer; None is the network's own. Weights are drawn from `generator`, in the order of the layers.
    most_weights: of all layers together. Raises ModelsError, one line, for an unknown name, for an option that the
    network does not have, and, naming the layer, where the network does not fit the frames or has more weights.
    """
    from spikecycle.models.networks.assembly import Assembly

    options = options or NetworkOptions()
    check_options(name, options)
    module = NETWORKS.module(name)
    assembly = Assembly(name, input_shape, timesteps, neuron or module.NEURON, generator, most_weights)
    module.build(assembly, classes, **options.given())
    return assembly.network()


def check_options(name: str, options: NetworkOptions) -> None:
    """Raise ModelsError unless there is a network of that name which has all options that are given."""
    NETWORKS.check(name, options)
