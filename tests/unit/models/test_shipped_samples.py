"""The traces that travel with the package: real, whole, small, and what the integer network really emits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from spikecycle.models.integer import IntegerLayer
from spikecycle.models.recipes import RECIPES, Recipe
from spikecycle.traces import Layer, Trace, list_samples, open_trace

pytestmark = pytest.mark.train

MOST_BYTES = 1_000_000

every_sample = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)


def stacked_inputs(trace: Trace, layer: Layer) -> np.ndarray:
    return np.stack([layer.inputs(sample) for sample in range(trace.samples)])


def stacked_outputs(trace: Trace, layer: Layer) -> np.ndarray:
    outputs = [layer.outputs(sample) for sample in range(trace.samples)]
    assert all(spikes is not None for spikes in outputs)
    return np.stack([spikes for spikes in outputs if spikes is not None])


def test_there_is_a_sample_for_every_recipe() -> None:
    assert {recipe.name for recipe in RECIPES} <= set(list_samples())


@every_sample
def test_what_a_layer_emits_is_what_the_next_receives(recipe: Recipe) -> None:
    with open_trace(recipe.name) as trace:
        for before, after in pairwise(trace.layers):
            emitted, received = stacked_outputs(trace, before), stacked_inputs(trace, after)
            assert np.array_equal(emitted.reshape(*emitted.shape[:2], -1), received.reshape(*received.shape[:2], -1))


@every_sample
def test_the_integer_network_read_from_the_file_emits_the_recorded_spikes(recipe: Recipe) -> None:
    with open_trace(recipe.name) as trace:
        for layer in trace.layers:
            again = IntegerLayer(
                name=layer.name,
                shape=layer.shape,
                weights=layer.weights(),
                weight_bits=layer.weight_bits,
                weight_scale=layer.weight_scale,
                bias=layer.bias(),
                neuron=layer.neuron,
                input_bits=layer.input_bits,
            )
            recorded = stacked_outputs(trace, layer)
            assert recorded.any()
            assert np.array_equal(again.run(stacked_inputs(trace, layer)), recorded)


@every_sample
def test_a_sample_is_small_and_says_where_it_comes_from(recipe: Recipe) -> None:
    with open_trace(recipe.name) as trace:
        assert trace.path.stat().st_size < MOST_BYTES
        assert trace.labels is not None and sorted(trace.labels.tolist()) == list(range(10))
        source = trace.provenance
        assert source["accuracy_integer"] >= 0.95
        assert source["accuracy_integer"] >= source["accuracy_float"] - 0.01
        assert abs(source["accuracy_integer"] - source["accuracy_fake_quantized"]) <= 0.01
        assert (source["train_samples"], source["test_samples"]) == (1437, 360)
        made_by = source["command"].replace("spikecycle.", "")  # files made before there was one package lack it
        assert made_by == f"python -m models.samples --only {recipe.name} --seed {source['seed']}"
        assert source["versions"].keys() >= {"torch", "snntorch", "tonic", "scikit-learn"}


@every_sample
def test_a_sample_is_compressed_as_its_recipe_says(recipe: Recipe) -> None:
    with open_trace(recipe.name) as trace:
        codes = [layer.weights() for layer in trace.layers]
        zero = np.mean(np.concatenate([layer.ravel() == 0 for layer in codes]))
        assert zero == pytest.approx(trace.provenance["weight_sparsity"])
        bits = recipe.compression.weight_bits
        assert {layer.weight_bits for layer in trace.layers} == {bits}
        assert max(np.abs(layer).max() for layer in codes) == 2 ** (bits - 1) - 1
        assert zero >= (0.8 if recipe.compression.pruner else 0.0)
        assert {layer.neuron.reset for layer in trace.layers} == {recipe.neuron.reset}
        counts = stacked_inputs(trace, trace.layers[0])
        assert trace.layers[0].input_bits == 2 and counts.max() == 3
        assert {layer.input_bits for layer in trace.layers[1:]} == {1}


def test_both_resets_are_exercised() -> None:
    assert {recipe.neuron.reset for recipe in RECIPES} == {"hard", "soft"}
