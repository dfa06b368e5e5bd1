"""Temporal-channel joint attention: as published in floats, by hand in integers, and what a trace holds of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import IntegerAttention, IntegerMixing
from spikecycle.models.integer.sigmoid import MULTIPLIER_SHIFT, OPERAND_FRACTION_BITS, sigmoid_table
from spikecycle.models.networks.attention import FloatAttention, mixing_shape
from tests.reference import replay
from tests.unit.models.networks.lively import quantized_to

pytestmark = pytest.mark.train

T, C, H, W, KERNEL = 5, 3, 4, 2, 4


def attention(scale_bits: int = 8, gain: float = 6.0) -> FloatAttention:
    node = FloatAttention("tcja", (C, H, W), T, KERNEL, scale_bits, torch.Generator().manual_seed(2))
    with torch.no_grad():
        for synapse in node.synapses():
            synapse.weight.mul_(gain)
    return node


def spikes(samples: int = 2, density: float = 0.4) -> torch.Tensor:
    """(T, N, C, H, W)."""
    return (torch.rand(T, samples, C, H, W, generator=torch.Generator().manual_seed(4)) < density).float()


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel lengths")
def test_floats_compute_the_published_attention() -> None:
    node, x = attention(), spikes()
    over_channels = nn.Conv1d(T, T, KERNEL, padding="same", bias=False)
    over_time = nn.Conv1d(C, C, KERNEL, padding="same", bias=False)
    over_channels.weight = nn.Parameter(node.across_timesteps.weight[:, :, 0])
    over_time.weight = nn.Parameter(node.across_channels.weight[:, :, 0])
    means = x.mean((3, 4)).permute(1, 0, 2)  # (N, T, C)
    product = over_channels(means) * over_time(means.permute(0, 2, 1)).permute(0, 2, 1)
    expected = x * torch.sigmoid(product).permute(1, 0, 2)[..., None, None]
    assert torch.allclose(node(x), expected, atol=1e-6)
    assert (node(x)[x == 1] - 0.5).abs().max() > 0.1


def test_eight_bits_are_within_a_few_steps_of_the_floats() -> None:
    node, x = attention(), spikes(samples=20)
    quantized = node.quantize(quantized_to(8), input_unit=1.0)
    assert quantized.output_unit == 2**-8
    error = quantized(x) * quantized.output_unit - node(x)
    assert error.abs().max() < 0.03 and error.mean().abs() < 0.003


def test_gradients_of_whole_numbers_are_those_of_the_floats() -> None:
    node, x = attention(), spikes()
    quantized = node.quantize(quantized_to(8), input_unit=1.0)
    with torch.no_grad():
        for synapse in quantized.synapses():
            synapse.quantizer.log_scale.add_(0.01)  # no weight is at the edge, where clipping takes its gradient
    node(x).square().sum().backward()
    (quantized(x) * quantized.output_unit).square().sum().backward()
    for one, other in zip(node.synapses(), quantized.synapses(), strict=True):
        assert one.weight.grad is not None and other.weight.grad is not None
        assert torch.allclose(other.weight.grad, one.weight.grad, atol=0.05 * float(one.weight.grad.abs().max()))


def by_hand(node: IntegerAttention, inputs: np.ndarray) -> list:
    """Plain loops over one sample (T, C, H, W)."""
    counts = inputs.sum(axis=(2, 3)).tolist()
    table = sigmoid_table(node.output_bits).tolist()

    def operand(mixing: IntegerMixing, channel: int, place: int, value) -> int:
        total = sum(
            int(mixing.weights[channel, other, 0, tap]) * value(other, place + tap - 1)  # one zero before, two after
            for other in range(mixing.shape.C)
            for tap in range(KERNEL)
        )
        rescaled = math.floor(total * int(mixing.multiplier[channel]) / 2**MULTIPLIER_SHIFT)
        return max(-32768, min(32767, rescaled))

    def at(t: int, c: int) -> int:
        return counts[t][c] if 0 <= t < T and 0 <= c < C else 0

    scaled = []
    for t in range(T):
        scaled.append([])
        for c in range(C):
            first = operand(node.across_timesteps, t, c, at)
            second = operand(node.across_channels, c, t, lambda channel, step: at(step, channel))
            index = max(0, min(1023, math.floor(first * second / 2**14) + 512))
            scaled[-1].append((inputs[t, c] * table[index]).tolist())
    return scaled


@pytest.mark.parametrize("gain", [1.0, 6.0, 100.0])  # the last one clips
def test_hardware_computes_what_plain_loops_compute(gain: float) -> None:
    node = attention(gain=gain).quantize(quantized_to(4), input_unit=1.0).integer(input_bits=1)
    inputs = spikes().transpose(0, 1).numpy().astype(np.uint8)
    found = node.run(inputs)
    assert found.dtype == np.uint8 and len(np.unique(found)) > 2
    for sample in range(2):
        assert found[sample].tolist() == by_hand(node, inputs[sample])


def test_the_table_is_the_sigmoid() -> None:
    for bits in (1, 4, 8):
        table = sigmoid_table(bits).astype(int)
        middles = (np.arange(-512, 512) + 0.5) / 64
        assert np.abs(table - 2**bits / (1 + np.exp(-middles))).max() <= 1
        assert (np.diff(table) >= 0).all() and table[0] == 0 and table[-1] == 2**bits - 1


def test_a_trace_holds_both_convolutions_and_their_counts_in_the_last_timestep() -> None:
    node = attention().quantize(quantized_to(4), input_unit=1.0).integer(input_bits=1)
    inputs = spikes().transpose(0, 1).numpy().astype(np.uint8)
    counts = inputs.sum(axis=(3, 4))
    layers, recordings = node.trace_layers(), node.recordings(inputs, node.run(inputs))
    assert [layer.name for layer in layers] == ["tcja-t", "tcja-c"]
    for layer, recording, expected in zip(layers, recordings, (counts, counts.transpose(0, 2, 1)), strict=True):
        assert layer.header.input_bits == 4 and recording.outputs is None  # up to 8 spikes in a map
        assert recording.inputs.shape == (2, T, *layer.shape.input_shape)
        assert not recording.inputs[:, :-1].any()
        assert np.array_equal(recording.inputs[:, -1, :, 0], np.pad(expected, ((0, 0), (0, 0), (1, 2))))
        replayed = replay.replay(
            layer.shape, layer.neuron, layer.weights.tolist(), [0] * layer.shape.M, recording.inputs[0].tolist()
        )
        assert not np.any(replayed.outputs)


@pytest.mark.parametrize("largest", [7, 8])
def test_no_sum_whatever_its_size_makes_a_neuron_of_attention_fire(largest: int) -> None:
    shape = mixing_shape(1, 1, 1)
    mixing = IntegerMixing(
        "m", shape, np.ones((1, 1, 1, 1), np.int32), 2, np.ones(1), np.ones(1, np.int64), largest_count=largest
    )
    neuron = mixing.trace_layer.neuron
    assert neuron.threshold[0] > largest == mixing.largest_sum
    assert neuron.potential_bits <= largest.bit_length() + 2


def test_what_is_not_a_spike_and_what_is_not_exact_are_refused() -> None:
    node = attention()
    quantized = node.quantize(quantized_to(8), input_unit=1.0)
    with pytest.raises(ModelsError, match=r"^layer tcja: attention needs spikes, found numbers of 3 bits$"):
        quantized.integer(input_bits=3)
    with pytest.raises(ModelsError, match=r"^layer tcja: attention needs spikes, not what another attention scaled$"):
        node.quantize(quantized_to(8), input_unit=0.5)
    with torch.no_grad():
        synapse = quantized.across_channels
        synapse.quantizer.log_scale.fill_(math.log(2.0 ** (53 - OPERAND_FRACTION_BITS - MULTIPLIER_SHIFT)))
        synapse.weight.copy_(2 * synapse.quantizer.scale().expand_as(synapse.weight))
    with pytest.raises(ModelsError, match=r"^layer tcja-c: rescaled sums may reach \d+, beyond exact float64$"):
        quantized.integer(input_bits=1)
