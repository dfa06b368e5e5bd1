"""Checkpoints come back as they were, and only into the network that they belong to."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from spikecycle.models.checkpoint import load_checkpoint, save_checkpoint
from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.scheme import CompressionScheme
from spikecycle.models.errors import ModelsError
from spikecycle.models.networks.network import FloatNetwork, QuantizedNetwork, quantize
from spikecycle.simulator import OutputError
from tests.unit.models.networks.lively import frames_for, lively

pytestmark = pytest.mark.train


def quantized(network: FloatNetwork, bits: int = 4) -> QuantizedNetwork:
    return quantize(network, CompressionScheme(Compression(name="x", weight_bits=bits))).eval()


@pytest.mark.parametrize("kind", ["float", "quantized"])
def test_a_network_comes_back_to_the_bit(kind: str, tmp_path: Path) -> None:
    saved, other = lively("tcja"), lively("tcja")
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.5)
    if kind == "quantized":
        saved, other = quantized(saved), quantized(other)
    frames = torch.from_numpy(frames_for("tcja")).transpose(0, 1).float()
    assert not torch.equal(saved.emitted(frames)[2], other.emitted(frames)[2])
    save_checkpoint(tmp_path / "net.safetensors", saved, {"network": "tcja", "options": "{}"})
    assert load_checkpoint(tmp_path / "net.safetensors", other) == {"network": "tcja", "options": "{}"}
    for one, two in zip(saved.emitted(frames), other.emitted(frames), strict=True):
        assert np.array_equal(one.detach().numpy(), two.detach().numpy())


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (lambda: lively("digits"), "tensor nodes.0.weight is float32 (8, 2, 3, 3), and float32 (3, 2, 5, 5) is needed"),
        (lambda: quantized(lively("lenet5", width=0.5)), "tensor nodes.0.norm.weight is missing"),
    ],
)
def test_another_network_s_checkpoint_is_refused_with_the_first_difference(other, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_checkpoint(path, other())
    network = lively("lenet5", width=0.5)
    before = [parameter.clone() for parameter in network.parameters()]
    with pytest.raises(ModelsError) as error:
        load_checkpoint(path, network)
    assert str(error.value) == f"{path}: is the checkpoint of another network: {reason}"
    assert all(torch.equal(*pair) for pair in zip(before, network.parameters(), strict=True))


def test_what_is_too_much_is_named(tmp_path: Path) -> None:
    longer = lively("digits")
    longer.register_buffer("more", torch.zeros(1))
    save_checkpoint(tmp_path / "n.safetensors", longer)
    with pytest.raises(ModelsError, match=r"there is no tensor more in this network$"):
        load_checkpoint(tmp_path / "n.safetensors", lively("digits"))


@pytest.mark.parametrize("content", [b"", b"nonsense", pickle.dumps({"weight": 1})])
def test_what_is_no_checkpoint_is_one_line_with_its_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelsError, match=r"wrong\.safetensors: is no safetensors file: [^\n]+$"):
        load_checkpoint(path, lively("digits"))
    with pytest.raises(ModelsError, match=r"absent\.safetensors: is no file$"):
        load_checkpoint(tmp_path / "absent.safetensors", lively("digits"))
    with pytest.raises(OutputError, match=r"n\.safetensors: cannot be written"):
        save_checkpoint(tmp_path / "no folder" / "n.safetensors", lively("digits"))


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path, broken = tmp_path / "n.safetensors", lively("digits")
    name, tensor = next(iter(broken.named_parameters()))
    with torch.no_grad():
        tensor.view(-1)[0] = torch.nan
    save_checkpoint(path, broken)
    network = lively("digits")
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(ModelsError, match=f"tensor {name} has values that are not finite"):
        load_checkpoint(path, network)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
