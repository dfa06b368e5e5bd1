"""Bits by layer: the knapsack against trying everything, and its costs measured on a small network."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle import simulator
from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.layer_choices import LayerChoice, applied, choices_for
from spikecycle.models.compression.layer_costs import energies_pj, loss_increases
from spikecycle.models.compression.mixed_precision import least_energy, least_loss, pareto_allocations
from spikecycle.models.compression.prune import Pruner
from spikecycle.models.compression.pruners.by_layer import ByLayer
from spikecycle.models.compression.pruners.channel import Channel
from spikecycle.models.compression.pruners.global_magnitude import GlobalMagnitude
from spikecycle.models.compression.pruners.n_m import NOfM
from spikecycle.models.compression.scheme import CompressionScheme
from spikecycle.models.data.frames import DataSplit, FrameSet
from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import record_network
from spikecycle.models.networks.network import integer_nodes, quantize
from spikecycle.models.pipeline import zero_shares
from spikecycle.models.training import mean_loss
from tests.unit.models.networks.lively import CLASSES, INPUT_BITS, frames_for, lively

pytestmark = pytest.mark.train

BITS = (2, 4, 8)
MOST = LayerChoice(8)
LOSSES = {"conv": {2: 0.5, 4: 0.125, 8: 0.0}, "fc": {2: 0.25, 4: 0.1875, 8: 0.0}}


def as_large_as_wide(layer: str, bits: int) -> float:
    return float(bits * (10 if layer == "conv" else 30))


@st.composite
def tables(draw: st.DrawFn) -> tuple[dict[str, dict[int, float]], dict[str, dict[int, float]]]:
    layers = [f"layer{index}" for index in range(draw(st.integers(1, 4)))]
    costs = st.fixed_dictionaries({bits: st.integers(0, 9).map(float) for bits in BITS})
    return {layer: draw(costs) for layer in layers}, {layer: draw(costs) for layer in layers}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(tables(), st.integers(0, 40))
def test_no_choice_is_better_than_the_one_found(
    costs: tuple[dict[str, dict[int, float]], dict[str, dict[int, float]]], budget: int
) -> None:
    losses, energies = costs
    every = [dict(zip(losses, chosen, strict=True)) for chosen in product(BITS, repeat=len(losses))]
    totals = [
        (sum(energies[layer][b] for layer, b in bits.items()), sum(losses[layer][b] for layer, b in bits.items()))
        for bits in every
    ]
    unbeaten = {
        (energy, loss)
        for energy, loss in totals
        if not any((e <= energy and o < loss) or (e < energy and o <= loss) for e, o in totals)
    }
    front = pareto_allocations(losses, lambda layer, bits: energies[layer][bits])
    assert [(found.energy_pj, found.loss_increase) for found in front] == sorted(unbeaten)
    for found in front:
        assert totals[every.index(found.chosen)] == (found.energy_pj, found.loss_increase)
    reachable = [energy for energy, loss in totals if loss <= budget]
    if reachable:
        found = least_energy(losses, lambda layer, bits: energies[layer][bits], budget)
        assert found.energy_pj == min(reachable) and found.loss_increase <= budget
    affordable = [loss for energy, loss in totals if energy <= budget]
    if affordable:
        found = least_loss(losses, lambda layer, bits: energies[layer][bits], budget)
        assert found.loss_increase == min(affordable) and found.energy_pj <= budget


def test_the_large_layer_gives_up_bits_first_and_a_compression_takes_them() -> None:
    found = least_energy(LOSSES, as_large_as_wide, loss_budget=0.375)
    assert found.chosen == {"conv": 4, "fc": 2} and found.energy_pj == 40 + 60
    choices = {layer: LayerChoice(bits) for layer, bits in found.chosen.items()}
    compression = applied(choices, Compression(name="mixed", weight_bits=8))
    assert [compression.bits_of(layer) for layer in ("conv", "fc")] == [4, 2]
    assert compression.summary.startswith("weights of 2 to 4 bits, by layer")
    assert least_loss(LOSSES, as_large_as_wide, energy_budget_pj=300).chosen == {"conv": 4, "fc": 8}


def test_budgets_that_nothing_fits_are_refused_with_what_would() -> None:
    with pytest.raises(ModelsError, match=r"^no bits keep the loss from growing by more than -1; the least is 0$"):
        least_energy(LOSSES, as_large_as_wide, loss_budget=-1)
    with pytest.raises(ModelsError, match=r"^no bits need at most 79 pJ per inference; the least is 80 pJ$"):
        least_loss(LOSSES, as_large_as_wide, energy_budget_pj=79)


@pytest.fixture(scope="module")
def few() -> DataSplit:
    samples = FrameSet(frames_for("digits"), np.array([0, 1, 2]))
    return DataSplit("few", "", CLASSES, INPUT_BITS, samples, samples)


def test_the_loss_grows_by_what_quantizing_one_layer_does(few: DataSplit) -> None:
    network, compression = lively("digits"), Compression(name="x")
    progress: list[tuple[int, int]] = []
    found = loss_increases(network, few, few.train, compression, [2, 8], (), lambda *done: progress.append(done))
    assert progress == [(done, 5) for done in range(1, 6)]
    everything = dict.fromkeys(found, 8)

    def loss(bits: dict[str, int]) -> float:
        scheme = CompressionScheme(Compression(name="x", layer_weight_bits=bits))
        return mean_loss(quantize(network, scheme), few.train, CLASSES, 15.0)

    for layer, increases in found.items():
        assert increases[LayerChoice(8)] == 0.0
        grown = loss({**everything, layer: 2}) - loss(everything)
        assert increases[LayerChoice(2)] == pytest.approx(max(0.0, grown), abs=1e-5)
    assert any(increases[LayerChoice(2)] > 0 for increases in found.values())


@pytest.mark.parametrize("name", ["digits", "tcja"])
def test_the_energy_of_the_most_bits_is_that_of_the_network_itself(name: str, tmp_path: Path) -> None:
    network = lively(name)
    samples = FrameSet(frames_for(name, samples=2), np.array([0, 1]))
    data = DataSplit("few", "", CLASSES, INPUT_BITS, samples, samples)
    pruner = {"kind": "global_magnitude", "share": 0.9}
    plain, pruned = (Compression.model_validate({"name": "x", "pruner": chosen}) for chosen in (None, pruner))
    formats = {"weights": "bitmask"}
    found = energies_pj(network, data, samples, plain, [2, 8], "eyeriss_snn", (), formats)
    nodes = integer_nodes(quantize(network, CompressionScheme(plain)).eval(), INPUT_BITS)
    record_network(tmp_path / "trace.h5", nodes, samples.frames, None, {})
    result = simulator.simulate(tmp_path / "trace.h5", "eyeriss_snn", formats=formats)
    assert {layer: costs[MOST] for layer, costs in found.items()} == pytest.approx(
        {layer.name: layer.energy_per_inference_pj for layer in result.layers}, rel=1e-12
    )
    assert all(costs[LayerChoice(2)] < costs[MOST] for costs in found.values())
    sparser = energies_pj(network, data, samples, pruned, [8], "eyeriss_snn", (), formats)
    pruned_layers = [layer for layer, share in zero_shares(nodes).items() if share < 0.5]
    assert sum(sparser[layer][MOST] < found[layer][MOST] for layer in pruned_layers) >= len(pruned_layers) - 1


RULES = (Channel(share=0.5), NOfM(n=1, m=4, skip_layers=("conv1",)), GlobalMagnitude(share=0.75))


def test_every_layer_has_every_width_with_every_pruner_that_can_prune_it() -> None:
    """Channels of the last layer are the answer; conv1 is skipped by the second rule."""
    found = choices_for(["conv1", "fc1", "fc2"], [8, 2, 8], RULES)
    assert [choice.pruner for choice in found["conv1"]] == [0, 1, 3] * 2
    assert [choice.pruner for choice in found["fc1"]] == [0, 1, 2, 3] * 2
    assert [choice.pruner for choice in found["fc2"]] == [0, 2, 3] * 2
    assert [choice.bits for choice in found["fc2"]] == [2] * 3 + [8] * 3


def test_choices_become_bits_and_a_pruner_by_layer() -> None:
    chosen = {"conv1": LayerChoice(4, 3), "fc1": LayerChoice(8, 2), "fc2": LayerChoice(2)}
    compression = applied(chosen, Compression(name="x"), RULES)
    assert isinstance(compression.pruner, ByLayer)
    assert {layer: pruner.kind for layer, pruner in compression.pruner.layers.items()} == {
        "conv1": "global_magnitude",
        "fc1": "n_m",
    }
    assert [compression.bits_of(layer) for layer in chosen] == [4, 8, 2]
    assert applied({"fc": LayerChoice(8)}, Compression(name="x"), RULES).pruner is None


def test_what_pruning_one_layer_costs_and_saves(few: DataSplit) -> None:
    """The loss of the network with that layer's mask alone; the energy is less than that of the whole layer."""
    network, compression = lively("digits"), Compression(name="x")
    rule = GlobalMagnitude(share=0.9)
    losses = loss_increases(network, few, few.train, compression, [8], [rule])
    energies = energies_pj(network, few, few.train, compression, [8], "eyeriss_snn", [rule], {"weights": "bitmask"})
    least = mean_loss(quantize(network, CompressionScheme(compression)).eval(), few.train, CLASSES, 15.0)
    for layer, increases in losses.items():
        quantized = quantize(network, CompressionScheme(compression)).eval()
        Pruner(quantized.synapses(), ByLayer(layers={layer: rule})).step(1.0)
        (pruned,) = (synapse for synapse in quantized.synapses() if synapse.name == layer)
        assert float((pruned.weight == 0).float().mean()) == pytest.approx(0.9, abs=0.01)
        grown = mean_loss(quantized, few.train, CLASSES, 15.0) - least
        assert increases[LayerChoice(8, 1)] == pytest.approx(max(0.0, grown), abs=1e-5)
        assert energies[layer][LayerChoice(8, 1)] < energies[layer][MOST]


def test_a_choice_is_priced_on_reloaded_and_on_resident_weights(few: DataSplit) -> None:
    """Resident weights are never loaded: pruning saves less there than where they are reloaded in every inference."""
    saved = {}
    for residency in ("inference", "resident"):
        changes = {"residency.weights": residency, "formats.weights.format": "bitmask"}
        machine = simulator.override(simulator.load_machine("spike_array"), changes)
        network, plain = lively("digits"), Compression(name="x")
        energies = energies_pj(network, few, few.train, plain, [8], machine, [NOfM(n=1, m=4)])
        saved[residency] = sum(costs[MOST] - costs[LayerChoice(8, 1)] for costs in energies.values())
    assert 0 < saved["resident"] < saved["inference"]
