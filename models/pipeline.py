"""The pipeline from an untrained network to a trace: train, compress, measure accuracies, describe the result."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from spikecycle.models.compression.compression import PRUNING, QUANTIZING, Compression
from spikecycle.models.compression.entropy import entropy_penalty
from spikecycle.models.compression.prune import Pruner, pruned_share
from spikecycle.models.compression.scheme import CompressionScheme
from spikecycle.models.data.frames import DataSplit, FrameSet
from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import IntegerNode, run_network
from spikecycle.models.networks.dropout import Dropout
from spikecycle.models.networks.network import FloatNetwork, QuantizedNetwork, quantize
from spikecycle.models.options import unknown_name
from spikecycle.models.readout import predicted_classes
from spikecycle.models.training import EpochReport, OnEpoch, accuracy, train
from spikecycle.models.training_schedule import TrainingSchedule

FLOAT = "float"
THREADS = 1  # the same bits on any number of cores, and no waiting at barriers when a core is busy

OnPhaseEpoch = Callable[[str, EpochReport], None]
"""Called after every epoch with the name of the training, `float` or one of `Compression.phases`, and how it went."""


@dataclass(frozen=True, eq=False)
class Accuracies:
    """Shares of the whole test split whose class was found.

    correct: whether the integer network found the class of each test sample, bool (N,).
    """

    float_model: float
    fake_quantized: float
    correct: npt.NDArray[np.bool_]

    @property
    def integer(self) -> float:
        """Of the integer network."""
        return float(np.mean(self.correct))


def set_determinism() -> None:
    """Make torch compute the same bits every time on one machine."""
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)


def train_float(
    network: FloatNetwork,
    data: DataSplit,
    schedule: TrainingSchedule,
    generator: torch.Generator,
    on_epoch: OnPhaseEpoch,
) -> float:
    """Train in place; the test accuracy. Everything random comes from `generator`."""
    train(network, data, schedule, generator, _named(FLOAT, on_epoch))
    return accuracy(network, data.test, data.classes)


def compress(
    network: FloatNetwork,
    data: DataSplit,
    compression: Compression,
    generator: torch.Generator,
    on_epoch: OnPhaseEpoch,
) -> QuantizedNetwork:
    """The trained network, compressed; it stays as it is itself. Everything random comes from `generator`.

    ModelsError for a layer that the compression names and the network does not have, and for a loss that is not finite.
    """
    check_layers(network, compression)
    started = copy.deepcopy(network)
    for module in started.modules():
        if isinstance(module, Dropout):
            module.generator = generator
    kept = None
    if compression.order == "sequential" and compression.pruner is not None:
        first = Pruner(started.synapses(), compression.pruner)
        train(started, data, compression.phases[PRUNING], generator, _named(PRUNING, on_epoch), first.step)
        kept = first.kept()
    scheme = CompressionScheme(compression)
    quantized = quantize(started, scheme)
    pruner = None if compression.pruner is None else Pruner(quantized.synapses(), compression.pruner)
    if pruner is not None and kept is not None:
        pruner.hold(kept)

    def on_step(progress: float) -> None:
        for quantizer in scheme.quantizers.values():
            quantizer.advance(progress)
        if pruner is not None and kept is None:
            for name in pruner.step(progress):
                scheme.quantizers[name].follow(pruner.masks[name].synapse.weight)

    penalty = None
    if compression.entropy is not None:
        penalty = entropy_penalty(compression.entropy, quantized.synapses(), scheme.quantizers)
    train(quantized, data, compression.phases[QUANTIZING], generator, _named(QUANTIZING, on_epoch), on_step, penalty)
    return quantized


def measure(
    float_accuracy: float, quantized: QuantizedNetwork, nodes: Sequence[IntegerNode], data: DataSplit
) -> Accuracies:
    """The test accuracies of a compressed network, before which the float network's was measured."""
    return Accuracies(
        float_model=float_accuracy,
        fake_quantized=accuracy(quantized, data.test, data.classes),
        correct=found_by_integers(nodes, data.test, data.classes),
    )


def found_by_integers(
    nodes: Sequence[IntegerNode], samples: FrameSet, classes: int, batch_size: int = 64
) -> npt.NDArray[np.bool_]:
    """Whether the integer network finds the class of each sample, bool (N,)."""
    correct = np.zeros(len(samples), np.bool_)
    for start in range(0, len(samples), batch_size):
        places = range(start, min(start + batch_size, len(samples)))
        chosen = samples.take(places)
        correct[places] = predicted_classes(run_network(nodes, chosen.frames)[-1], classes) == chosen.labels
    return correct


def first_of_each_class(samples: FrameSet, classes: int) -> list[int]:
    """Index of the first sample of every class, in the order of the classes."""
    return [int(np.flatnonzero(samples.labels == label)[0]) for label in range(classes)]


def zero_shares(nodes: Sequence[IntegerNode]) -> dict[str, float]:
    """Share of weight codes that are zero, by layer of the trace."""
    layers = [layer for node in nodes for layer in node.trace_layers()]
    return {layer.name: float((layer.weights == 0).mean()) for layer in layers}


def zero_share(nodes: Sequence[IntegerNode]) -> float:
    """Share of all weight codes of the network that are zero."""
    layers = [layer for node in nodes for layer in node.trace_layers()]
    return float(np.concatenate([layer.weights.ravel() == 0 for layer in layers]).mean())


def compression_facts(
    compression: Compression, quantized: QuantizedNetwork, nodes: Sequence[IntegerNode]
) -> dict[str, Any]:
    """What the provenance of a trace says of the compression.

    pruned_share: of all weights, those that the pruner holds at zero; weight_sparsity: those whose code is zero.
    packed_weight_bits_by_layer: bits of a code in a store made for just the codes that the quantizer has, with which
    a logarithmic one is narrower than two's complement.
    """
    bits = {synapse.name: compression.bits_of(synapse.name) for synapse in quantized.synapses()}
    return {
        "compression": compression.summary,
        "compression_options": compression.model_dump(mode="json"),
        "weight_bits": compression.weight_bits,
        "weight_bits_by_layer": bits,
        "packed_weight_bits_by_layer": {name: compression.quantizer.packed_bits(n) for name, n in bits.items()},
        "pruned_share": pruned_share(quantized.synapses()),
        "weight_sparsity": zero_share(nodes),
        "weight_sparsity_by_layer": zero_shares(nodes),
    }


def check_layers(network: FloatNetwork, compression: Compression) -> None:
    """ModelsError, with the key, where a compression names a layer that the network does not have."""
    names = [synapse.name for synapse in network.synapses()]
    for name in compression.layer_weight_bits:
        if name not in names:
            raise ModelsError(
                f"compression {compression.name}: layer_weight_bits.{name} is {unknown_name(name, names)}"
            )
    if compression.pruner is not None:
        Pruner(copy.deepcopy(network).synapses(), compression.pruner)  # refuses layers that are not there


def _named(phase: str, on_epoch: OnPhaseEpoch) -> OnEpoch:
    return lambda report: on_epoch(phase, report)
