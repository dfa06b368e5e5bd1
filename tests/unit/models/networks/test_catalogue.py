"""Every network of the catalogue: it fits together, and its integers are those that training saw."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from spikecycle import simulator
from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import record_network, run_network
from spikecycle.models.networks.catalogue import NETWORKS, build_network, check_options
from spikecycle.models.networks.network import integer_nodes, quantize
from spikecycle.models.networks.neuron import NeuronConfig
from spikecycle.models.networks.options import NetworkOptions
from tests.unit.models.networks.lively import CASES, CLASSES, INPUT_BITS, frames_for, lively, quantized_to

pytestmark = pytest.mark.train

SOFT = NeuronConfig(leak_numerator=7, leak_shift=3, reset="soft", potential_bits=12)


@pytest.mark.parametrize("neuron", [None, SOFT], ids=["own neuron", "soft reset"])
@pytest.mark.parametrize("bits", [2, 8])
@pytest.mark.parametrize("name", NETWORKS)
def test_training_and_hardware_compute_the_same(name: str, bits: int, neuron: NeuronConfig | None) -> None:
    quantized = quantize(lively(name, neuron), quantized_to(bits)).eval()
    frames = frames_for(name)
    nodes = integer_nodes(quantized, INPUT_BITS)
    emitted = run_network(nodes, frames)
    trained = quantized.emitted(torch.from_numpy(frames).transpose(0, 1).float())
    of_node = dict(zip([node.name for node in quantized.chain()], trained, strict=True))
    for node, values in zip(nodes, emitted, strict=True):
        assert 0 < np.count_nonzero(values) < values.size, node.name
        assert values.max() < 2**node.output_bits
        assert np.array_equal(values, of_node[node.name].detach().transpose(0, 1).numpy()), node.name


@pytest.mark.parametrize("hardware", ["spike_array", "eyeriss_snn"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_recorded_network_replays_bit_for_bit(name: str, hardware: str, tmp_path: Path) -> None:
    quantized = quantize(lively(name), quantized_to(4))
    frames = frames_for(name, samples=2)
    path = tmp_path / "trace.h5"
    record_network(path, integer_nodes(quantized, INPUT_BITS), frames, None, {})
    result = simulator.simulate(path, hardware, verify=True)
    names = [synapse.name for synapse in quantized.synapses()]
    assert [layer.name for layer in result.layers] == names
    assert result.verification is not None
    recorded = [layer for layer in result.verification if layer.recorded]
    assert [layer.layer for layer in recorded] == [name for name in names if not name.startswith("tcja")]
    assert all(layer.mismatches == 0 and layer.spikes_compared > 0 for layer in recorded)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_last_layer_votes_for_classes_and_gradients_reach_every_weight(name: str) -> None:
    network = lively(name, dropout=None).train()
    for chain in (network, quantize(network, quantized_to(4)).train()):
        votes = chain(torch.from_numpy(frames_for(name)).transpose(0, 1).float())
        assert votes.shape[2] % CLASSES == 0 and votes.shape[3:] == (1, 1)
        votes.mean().backward()
        for synapse in chain.synapses():
            assert synapse.weight.grad is not None and synapse.weight.grad.isfinite().all()
            assert synapse.weight.grad.any(), synapse.name


def test_the_study_s_network_has_the_rows_of_the_publication() -> None:
    network = build_network(
        "tcja", input_shape=(2, 128, 128), timesteps=20, classes=11, generator=torch.Generator().manual_seed(0)
    )
    rows = {synapse.name: tuple(synapse.weight.shape) for synapse in network.synapses()}
    assert rows == {
        "conv1": (128, 2, 3, 3),
        **{f"conv{layer}": (128, 128, 3, 3) for layer in (2, 3, 4)},
        "tcja1-t": (20, 20, 1, 4),
        "tcja1-c": (128, 128, 1, 4),
        "conv5": (128, 128, 3, 3),
        "tcja2-t": (20, 20, 1, 4),
        "tcja2-c": (128, 128, 1, 4),
        "fc1": (512, 2048, 1, 1),
        "fc2": (110, 512, 1, 1),
    }
    assert {name for name, _ in network.named_parameters() if name.endswith("bias")} == {
        f"nodes.{node}.norm.bias" for node, layer in enumerate(network.chain()) if layer.name.startswith("conv")
    }


@pytest.mark.parametrize(
    ("name", "options", "frames", "message"),
    [
        ("tjca", {}, (2, 64, 64), "no network named tjca; did you mean tcja?"),
        ("mlp", {}, (2, 64, 64), "no network named mlp; there are digits, lenet5, vgg9, tcja"),
        ("lenet5", {"hidden": 3}, (2, 28, 28), "network lenet5 has no option hidden; it has width, voters"),
        (
            "tcja", {}, (2, 32, 31),
            "network tcja does not fit frames of 2 x 32 x 31: layer pool5: a 2x2 window does not fit a 2x1 map; "
            "take a higher resolution",
        ),
        (
            "lenet5", {}, (2, 9, 28),
            "network lenet5 does not fit frames of 2 x 9 x 28: layer conv2: a 5x5 kernel does not fit a 4x14 map "
            "with padding (0, 0); take a higher resolution",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_built_is_one_line(name: str, options: dict, frames: tuple, message: str) -> None:
    with pytest.raises(ModelsError) as error:
        build_network(
            name, NetworkOptions(**options), input_shape=frames, timesteps=4, classes=2, generator=torch.Generator()
        )
    assert str(error.value) == message


def test_unknown_keys_and_impossible_values_are_refused() -> None:
    for wrong in ({"widht": 1}, {"width": 0}, {"dropout": 1}, {"attention_bits": 9}, {"voters": 0}):
        with pytest.raises(ValidationError):
            NetworkOptions(**wrong)
    check_options("tcja", NetworkOptions(width=0.5, hidden=4, voters=1, dropout=0, attention_bits=4))


def test_options_and_names_need_no_torch() -> None:
    check = "import sys, spikecycle.models.networks.catalogue; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_width_scales_and_hidden_overrides() -> None:
    def hidden(options: NetworkOptions) -> int:
        network = build_network(
            "tcja", options, input_shape=(2, 32, 32), timesteps=4, classes=2, generator=torch.Generator()
        )
        return len(network.synapses()[-2].weight)

    assert hidden(NetworkOptions(width=0.25)) == 128
    assert hidden(NetworkOptions(width=0.25, hidden=7)) == 7


def test_potentials_behind_attention_are_wider_by_the_scale() -> None:
    quantized = quantize(lively("tcja", replace(SOFT, potential_bits=9), attention_bits=3), quantized_to(4))
    widths = {
        layer.name: layer.neuron.potential_bits
        for node in integer_nodes(quantized, INPUT_BITS)
        for layer in node.trace_layers()
        if layer.has_outputs
    }
    assert widths == {"conv1": 9, "conv2": 9, "conv3": 9, "conv4": 9, "conv5": 12, "fc1": 12, "fc2": 9}


def test_dropout_is_for_training_and_not_for_hardware() -> None:
    network = lively("vgg9")
    frames = torch.from_numpy(frames_for("vgg9")).transpose(0, 1).float()
    assert torch.equal(network(frames), network(frames))
    dropout = next(node for node in network.chain() if node.name == "dropout1").train()
    dropped = dropout(torch.ones(3, 400, 1, 1, 1))
    assert torch.equal(dropped[0], dropped[2])
    assert sorted(dropped.unique().tolist()) == pytest.approx([0, 1 / 0.75])
    assert 0.15 < (dropped == 0).float().mean() < 0.35
    names = [node.name for node in integer_nodes(quantize(network, quantized_to(4)), INPUT_BITS)]
    assert names[-2:] == ["fc1", "fc2"] and "dropout1" not in names


def test_every_case_has_a_network() -> None:
    assert CASES.keys() == NETWORKS.keys()
