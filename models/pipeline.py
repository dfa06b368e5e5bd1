"""One sample from start to trace: train, fold, compress, convert to integers, measure, record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from models.compression.prune import GlobalMagnitudePruner
from models.data.frames import DataSplit, FrameSet
from models.export import export_trace, integer_network
from models.integer import IntegerLayer, run_network
from models.networks.digits import VOTERS_PER_CLASS, digits_shapes
from models.networks.feedforward import FeedforwardNetwork
from models.networks.quantized import fold_and_quantize
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
    shapes = digits_shapes(side_px=data.train.frames.shape[-1], classes=data.classes)
    network = FeedforwardNetwork.float_layers(list(shapes.values()), recipe.neuron, generator)
    train(network, data, recipe.float_schedule, generator, lambda report: on_progress("float", report))
    float_accuracy = accuracy(network, data.test, data.classes)

    quantized = fold_and_quantize(network, recipe.weight_bits)
    pruner = _pruner(quantized, recipe)
    train(quantized, data, recipe.compressed, generator, lambda report: on_progress("compressed", report), pruner)

    layers = integer_network(quantized, list(shapes), data.input_bits)
    accuracies = Accuracies(
        float_model=float_accuracy,
        fake_quantized=accuracy(quantized, data.test, data.classes),
        integer=integer_accuracy(layers, data.test, data.classes),
    )
    recorded = data.test.take(first_of_each_class(data.test, data.classes))
    spikes = export_trace(path, layers, recorded, provenance(recipe, data, seed, layers, accuracies))
    rates = {layer.name: float(fired.mean()) for layer, fired in zip(layers, spikes, strict=True)}
    return SampleReport(path, accuracies, zero_share(layers), rates)


def integer_accuracy(layers: Sequence[IntegerLayer], samples: FrameSet, classes: int) -> float:
    """Share of samples whose class the integer network finds."""
    predicted = predicted_classes(run_network(layers, samples.frames)[-1], classes)
    return float((predicted == samples.labels).mean())


def first_of_each_class(samples: FrameSet, classes: int) -> list[int]:
    """Index of the first sample of every class, in the order of the classes."""
    return [int(np.flatnonzero(samples.labels == label)[0]) for label in range(classes)]


def zero_share(layers: Sequence[IntegerLayer]) -> float:
    """Share of all weight codes of the network that are zero."""
    return float(np.concatenate([layer.weights.ravel() == 0 for layer in layers]).mean())


def provenance(
    recipe: Recipe, data: DataSplit, seed: int, layers: Sequence[IntegerLayer], accuracies: Accuracies
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
        "weight_sparsity": zero_share(layers),
        "weight_sparsity_by_layer": {layer.name: layer.zero_share() for layer in layers},
        "epochs": [recipe.float_schedule.epochs, recipe.compressed.epochs],
        "seed": seed,
        "command": f"python -m models.samples --only {recipe.name} --seed {seed}",
        "versions": {name: version(name) for name in PACKAGES},
    }


def _pruner(network: FeedforwardNetwork, recipe: Recipe) -> GlobalMagnitudePruner | None:
    if recipe.pruning is None:
        return None
    return GlobalMagnitudePruner(cast(list[nn.Module], list(network.layers)), recipe.pruning)
