"""One sample from start to trace: train, fold, compress, convert to integers, measure, record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.compression.prune import GlobalMagnitudePruner
from models.compression.scheme import LearnedScaleScheme
from models.data.frames import DataSplit, FrameSet
from models.integer import IntegerNode, record_network, run_network
from models.networks.catalogue import build_network
from models.networks.digits import VOTERS_PER_CLASS
from models.networks.network import QuantizedNetwork, integer_nodes, quantize
from models.readout import predicted_classes
from models.recipes import Recipe
from models.training import EpochReport, accuracy, train

THREADS = 1  # the same bits on any number of cores, and no waiting at barriers when a core is busy
PACKAGES = ("torch", "snntorch", "tonic", "scikit-learn", "numpy")

OnProgress = Callable[[str, EpochReport], None]


@dataclass(frozen=True)
class Accuracies:
    """Shares of the whole test split whose class was found."""

    float_model: float
    fake_quantized: float
    integer: float


@dataclass(frozen=True)
class SampleReport:
    """What was made. firing_rates: mean spikes per neuron and timestep over the recorded samples, by layer."""

    path: Path
    accuracies: Accuracies
    weight_sparsity: float
    firing_rates: dict[str, float]


def set_determinism() -> None:
    """Make torch compute the same bits every time on one machine."""
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)


def make_sample(recipe: Recipe, data: DataSplit, seed: int, path: Path, on_progress: OnProgress) -> SampleReport:
    """Train and compress a digits network and write its trace.

    The trace records one test sample of every class, the first there is. Everything random comes from `seed`.
    """
    generator = torch.Generator().manual_seed(seed)
    timesteps, *input_shape = data.train.frames.shape[1:]
    network = build_network(
        "digits", input_shape=tuple(input_shape), timesteps=timesteps, classes=data.classes, neuron=recipe.neuron,
        generator=generator,
    )  # fmt: skip
    train(network, data, recipe.float_schedule, generator, lambda report: on_progress("float", report))
    float_accuracy = accuracy(network, data.test, data.classes)

    quantized = quantize(network, LearnedScaleScheme(recipe.weight_bits))
    pruner = _pruner(quantized, recipe)
    train(quantized, data, recipe.compressed, generator, lambda report: on_progress("compressed", report), pruner)

    nodes = integer_nodes(quantized, data.input_bits)
    accuracies = Accuracies(
        float_model=float_accuracy,
        fake_quantized=accuracy(quantized, data.test, data.classes),
        integer=integer_accuracy(nodes, data.test, data.classes),
    )
    recorded = data.test.take(first_of_each_class(data.test, data.classes))
    facts = provenance(recipe, data, seed, nodes, accuracies)
    rates = record_network(path, nodes, recorded.frames, recorded.labels, facts)
    return SampleReport(path, accuracies, zero_share(nodes), rates)


def integer_accuracy(nodes: Sequence[IntegerNode], samples: FrameSet, classes: int, batch_size: int = 64) -> float:
    """Share of samples whose class the integer network finds."""
    correct = 0
    for start in range(0, len(samples), batch_size):
        chosen = samples.take(range(start, min(start + batch_size, len(samples))))
        predicted = predicted_classes(run_network(nodes, chosen.frames)[-1], classes)
        correct += int((predicted == chosen.labels).sum())
    return correct / len(samples)


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


def provenance(
    recipe: Recipe, data: DataSplit, seed: int, nodes: Sequence[IntegerNode], accuracies: Accuracies
) -> dict[str, Any]:
    """What the trace says about its origin. No times or dates: the same run gives the same bytes."""
    neuron = recipe.neuron
    return {
        "model": "digits network: two 3x3 convolutions, two dense layers, LIF neurons, "
        f"{VOTERS_PER_CLASS} voters per class",
        "dataset": data.name,
        "dataset_description": data.description,
        "train_samples": len(data.train),
        "test_samples": len(data.test),
        "recorded": "the first test sample of every class",
        "compression": recipe.summary,
        "weight_bits": recipe.weight_bits,
        "pruned_share": recipe.pruning.final_share if recipe.pruning else 0.0,
        "neuron": f"leak {neuron.leak_numerator}/2**{neuron.leak_shift}, {neuron.reset} reset, "
        f"{neuron.potential_bits}-bit potential",
        "accuracy_float": accuracies.float_model,
        "accuracy_fake_quantized": accuracies.fake_quantized,
        "accuracy_integer": accuracies.integer,
        "weight_sparsity": zero_share(nodes),
        "weight_sparsity_by_layer": zero_shares(nodes),
        "epochs": [recipe.float_schedule.epochs, recipe.compressed.epochs],
        "seed": seed,
        "command": f"python -m models.samples --only {recipe.name} --seed {seed}",
        "versions": {name: version(name) for name in PACKAGES},
    }


def _pruner(network: QuantizedNetwork, recipe: Recipe) -> GlobalMagnitudePruner | None:
    return None if recipe.pruning is None else GlobalMagnitudePruner(network.synapses(), recipe.pruning)
