"""One shipped sample from start to trace: the digits network trained, compressed by its recipe, measured, recorded."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from spikecycle.models.data.frames import DataSplit
from spikecycle.models.integer import record_network
from spikecycle.models.networks.catalogue import build_network
from spikecycle.models.networks.digits import VOTERS_PER_CLASS
from spikecycle.models.networks.network import integer_nodes
from spikecycle.models.pipeline import (
    Accuracies,
    OnPhaseEpoch,
    compress,
    compression_facts,
    first_of_each_class,
    measure,
    train_float,
)
from spikecycle.models.recipes import Recipe

PACKAGES = ("torch", "snntorch", "tonic", "scikit-learn", "numpy")


@dataclass(frozen=True)
class SampleReport:
    """What was made. firing_rates: mean spikes per neuron and timestep over the recorded samples, by layer."""

    path: Path
    accuracies: Accuracies
    weight_sparsity: float
    firing_rates: dict[str, float]


def make_sample(recipe: Recipe, data: DataSplit, seed: int, path: Path, on_epoch: OnPhaseEpoch) -> SampleReport:
    """Train and compress a digits network and write its trace.

    The trace records one test sample of every class, the first there is. Everything random comes from `seed`.
    """
    generator = torch.Generator().manual_seed(seed)
    timesteps, *input_shape = data.train.frames.shape[1:]
    network = build_network(
        "digits", input_shape=tuple(input_shape), timesteps=timesteps, classes=data.classes, neuron=recipe.neuron,
        generator=generator,
    )  # fmt: skip
    float_accuracy = train_float(network, data, recipe.float_training, generator, on_epoch)
    quantized = compress(network, data, recipe.compression, generator, on_epoch)
    nodes = integer_nodes(quantized, data.input_bits)
    accuracies = measure(float_accuracy, quantized, nodes, data)
    facts = compression_facts(recipe.compression, quantized, nodes)
    recorded = data.test.take(first_of_each_class(data.test, data.classes))
    origin = {**provenance(recipe, data, seed, accuracies), **facts}
    rates = record_network(path, nodes, recorded.frames, recorded.labels, origin)
    return SampleReport(path, accuracies, facts["weight_sparsity"], rates)


def provenance(recipe: Recipe, data: DataSplit, seed: int, accuracies: Accuracies) -> dict[str, Any]:
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
        "neuron": f"leak {neuron.leak_numerator}/2**{neuron.leak_shift}, {neuron.reset} reset, "
        f"{neuron.potential_bits}-bit potential",
        "accuracy_float": accuracies.float_model,
        "accuracy_fake_quantized": accuracies.fake_quantized,
        "accuracy_integer": accuracies.integer,
        "epochs": [recipe.float_training.epochs, recipe.compression.training.epochs],
        "seed": seed,
        "command": f"python -m spikecycle.models.samples --only {recipe.name} --seed {seed}",
        "versions": {name: version(name) for name in PACKAGES},
    }
