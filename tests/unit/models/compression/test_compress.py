"""Every way to compress, trained in small: it learns, it is the integer network exactly, it is the same every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from spikecycle.models.compression.compression import Compression
from spikecycle.models.data.frames import DataSplit
from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import run_network
from spikecycle.models.networks.network import FloatNetwork, QuantizedNetwork, SpikingNetwork, integer_nodes
from spikecycle.models.networks.neuron import NeuronConfig
from spikecycle.models.networks.spiking import SpikingLayer
from spikecycle.models.pipeline import compress, compression_facts, measure, train_float
from spikecycle.models.training import EpochReport, time_first
from spikecycle.models.training_schedule import TrainingSchedule
from spikecycle.traces import LayerShape

pytestmark = pytest.mark.train

CLASSES = 3
NEURON = NeuronConfig(leak_numerator=15, leak_shift=4, reset="soft", potential_bits=12)
SHORT = {"epochs": 3, "learning_rate": 3e-3, "batch_size": 16}
MAGNITUDE = {"kind": "global_magnitude", "share": 0.7}
LEARNED = 0.7  # accuracy of three classes, a third by chance

WAYS: list[dict[str, Any]] = [
    {"weight_bits": 4},
    {"weight_bits": 2, "quantizer": "ewgs"},
    {"weight_bits": 3, "quantizer": "sigmoid_sum"},
    {"weight_bits": 6, "quantizer": "power_of_two"},
    {"weight_bits": 8, "pruner": MAGNITUDE},
    {"weight_bits": 8, "pruner": {"kind": "n_m", "n": 2, "m": 4}},
    {"weight_bits": 8, "pruner": {"kind": "channel", "share": 0.4}},
    {"weight_bits": 2, "pruner": MAGNITUDE, "order": "sequential"},
    {"weight_bits": 4, "pruner": {"kind": "channel", "share": 0.4, "scope": "global"}, "order": "sequential"},
    {
        "weight_bits": 8,
        "pruner": {
            "kind": "by_layer",
            "layers": {"conv": {"kind": "channel", "share": 0.25}, "fc": {"kind": "n_m", "n": 2, "m": 4}},
        },
    },
    {"weight_bits": 8, "potential_bits": 6},
    {"weight_bits": 3, "potential_bits": 8, "entropy": {"weights": 0.1, "spikes": 0.1}},
    {"weight_bits": 8, "layer_weight_bits": {"fc": 2}},
]


@pytest.fixture(scope="module")
def three_digits(digits: DataSplit) -> DataSplit:
    """The zeros, ones and twos, few of them."""
    train, test = digits.train, digits.test
    return DataSplit(
        "three digits",
        "",
        CLASSES,
        digits.input_bits,
        train.take(np.flatnonzero(train.labels < CLASSES)[:112]),
        test.take(np.flatnonzero(test.labels < CLASSES)[:36]),
    )


@pytest.fixture(scope="module")
def trained(three_digits: DataSplit) -> tuple[FloatNetwork, float]:
    conv = LayerShape("conv2d", C=2, H=16, W=16, M=8, R=3, S=3, stride=(2, 2), padding=(1, 1))
    shapes = {"conv": conv, "fc": LayerShape.linear(conv.output_count, 24), "out": LayerShape.linear(24, CLASSES * 4)}
    generator = torch.Generator().manual_seed(1)
    network = SpikingNetwork([SpikingLayer(name, shape, NEURON, generator) for name, shape in shapes.items()])
    return network, train_float(network, three_digits, TrainingSchedule(**SHORT), generator, lambda phase, report: None)


def compressed(
    network: FloatNetwork, data: DataSplit, way: dict[str, Any], phases: list[str] | None = None
) -> tuple[Compression, QuantizedNetwork]:
    compression = Compression.model_validate({"name": "x", "training": {**SHORT, "learning_rate": 1e-3}, **way})

    def note(phase: str, report: EpochReport) -> None:
        if phases is not None:
            phases.append(f"{phase} {report.epoch}")

    return compression, compress(network, data, compression, torch.Generator().manual_seed(2), note)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_it_learns_and_the_integer_network_is_what_was_trained(
    way: dict[str, Any], trained: tuple[FloatNetwork, float], three_digits: DataSplit
) -> None:
    network, float_accuracy = trained
    before = {name: value.clone() for name, value in network.state_dict().items()}
    compression, quantized = compressed(network, three_digits, way)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    nodes = integer_nodes(quantized, three_digits.input_bits)
    found = measure(float_accuracy, quantized, nodes, three_digits)
    assert found.correct.shape == (len(three_digits.test),)
    assert (found.float_model, found.fake_quantized) == (float_accuracy, found.integer)
    assert min(float_accuracy, found.integer) >= LEARNED
    samples = three_digits.test.take(range(8))
    with torch.no_grad():
        emitted = [spikes.transpose(0, 1).numpy() for spikes in quantized.eval().emitted(time_first(samples))]
    for one, other in zip(emitted, run_network(nodes, samples.frames), strict=True):
        assert one.any() and np.array_equal(one, other)
    for node in nodes:
        (layer,) = node.trace_layers()
        assert layer.weight_bits == way.get("layer_weight_bits", {}).get(layer.name, way["weight_bits"])
        assert np.abs(layer.weights).max() <= compression.quantizer.highest_code(layer.weight_bits)
        assert layer.neuron.potential_bits == way.get("potential_bits", NEURON.potential_bits)


def test_what_is_pruned_is_zero_in_the_integer_network(
    trained: tuple[FloatNetwork, float], three_digits: DataSplit
) -> None:
    weights = 2 * 9 * 8 + 8 * 64 * 24 + 24 * 12
    for order in ("joint", "sequential"):
        compression, quantized = compressed(trained[0], three_digits, {"pruner": MAGNITUDE, "order": order})
        facts = compression_facts(compression, quantized, integer_nodes(quantized, three_digits.input_bits))
        assert facts["pruned_share"] == round(0.7 * weights) / weights
        assert facts["weight_sparsity"] >= facts["pruned_share"]


def test_the_facts_name_bits_by_layer_and_those_of_a_logarithmic_store(
    trained: tuple[FloatNetwork, float], three_digits: DataSplit
) -> None:
    way = {"quantizer": "power_of_two", "layer_weight_bits": {"fc": 4}, "training": {**SHORT, "epochs": 1}}
    compression, quantized = compressed(trained[0], three_digits, way)
    facts = compression_facts(compression, quantized, integer_nodes(quantized, three_digits.input_bits))
    assert facts["weight_bits_by_layer"] == {"conv": 8, "fc": 4, "out": 8}
    assert facts["packed_weight_bits_by_layer"] == {"conv": 4, "fc": 3, "out": 4}
    assert Compression.model_validate(facts["compression_options"]) == compression


def test_the_same_seed_gives_the_same_bits_and_the_phases_follow_each_other(
    trained: tuple[FloatNetwork, float], three_digits: DataSplit
) -> None:
    way = {"weight_bits": 3, "quantizer": "sigmoid_sum", "pruner": MAGNITUDE, "order": "sequential",
           "training": {**SHORT, "epochs": 2}, "pruning_training": {**SHORT, "epochs": 1}}  # fmt: skip
    phases: list[str] = []
    (_, one), (_, other) = (compressed(trained[0], three_digits, way, phases) for _ in range(2))
    assert phases == ["pruning 1", "quantizing 1", "quantizing 2"] * 2
    for first, second in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert first.numpy().tobytes() == second.numpy().tobytes()


def test_bits_of_a_layer_that_is_not_there_are_refused(
    trained: tuple[FloatNetwork, float], three_digits: DataSplit
) -> None:
    message = r"^compression x: layer_weight_bits.fc3 is not known; did you mean fc\? allowed: conv, fc, out$"
    with pytest.raises(ModelsError, match=message):
        compressed(trained[0], three_digits, {"layer_weight_bits": {"fc3": 4}})
