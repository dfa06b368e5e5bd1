"""What would fail after hours, asked before anything is trained: samples, layers that compressions name, machines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from spikecycle.models.compression.scheme import CompressionScheme
from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import record_network
from spikecycle.models.networks.network import FloatNetwork, integer_nodes, quantize
from spikecycle.models.pipeline import check_layers
from spikecycle.models.study.context import Context
from spikecycle.models.study.network import untrained
from spikecycle.simulator import simulate


def check_samples(context: Context) -> None:
    """ModelsError where more samples of a class are to be recorded than there are to test on."""
    asked, (classes, counts) = context.study.record_per_class, np.unique(context.data.test.labels, return_counts=True)
    fewest = int(counts.argmin())
    if asked > counts[fewest]:
        raise ModelsError(
            f"{context.name}: record_per_class: there are {counts[fewest]} test samples of class {classes[fewest]}, "
            f"found {asked}"
        )


def check_layers_named(context: Context) -> None:
    """ModelsError, naming compression and key, for the first that names a layer which the network does not have."""
    network = untrained(context, torch.Generator().manual_seed(0))
    for compression in context.study.grid:
        try:
            check_layers(network, compression)
        except ModelsError as error:
            raise ModelsError(f"{context.name}: {error}") from error


def check_machines(context: Context) -> None:
    """Simulate one sample of the untrained network, with the study's widest weights, on every machine in every format.

    Raises MappingError, naming machine and layer, for the first that cannot be mapped.
    """
    widest = max(context.study.grid, key=lambda compression: compression.weight_bits)
    network = quantize(_with_biases(untrained(context, torch.Generator().manual_seed(0))), CompressionScheme(widest))
    with context.store.scratch() as folder:
        trace = Path(folder) / f"{context.name}-untrained.h5"
        data = context.data
        record_network(trace, integer_nodes(network, data.input_bits), data.test.frames[:1], None, {})
        for formats in context.machines.values():
            for machine in formats.values():
                simulate(trace, machine)


def _with_biases(network: FloatNetwork) -> FloatNetwork:
    """The network with the biases that training will give it: some machines can do without only."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.bias)
    return network
