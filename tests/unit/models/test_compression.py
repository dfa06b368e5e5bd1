"""Quantizer levels and gradients; how much is pruned, what, and when."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from models.compression.prune import GlobalMagnitudePruner, PruningSchedule
from models.compression.quantize import LearnedScaleQuantizer, highest_code, starting_scale

pytestmark = pytest.mark.train


def weights(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("bits", "highest"), [(2, 1), (3, 3), (4, 7), (8, 127)])
def test_codes_are_whole_numbers_of_a_symmetric_range(bits: int, highest: int) -> None:
    weight = weights(5, 6, 3, 3)
    quantizer = LearnedScaleQuantizer(weight, bits)
    codes = quantizer(weight, quantizer.scale()).detach()
    assert highest_code(bits) == highest
    assert torch.equal(codes, codes.round())
    assert codes.abs().flatten(1).amax(1).tolist() == [highest] * 5
    assert len(codes.unique()) <= 2 * highest + 1


def test_quantizing_is_wrong_by_at_most_half_a_step_above_two_bits() -> None:
    weight = weights(5, 6, 3, 3)
    quantizer = LearnedScaleQuantizer(weight, 4)
    scale = quantizer.scale()
    error = (quantizer(weight, scale) * scale - weight).abs()
    assert (error <= scale / 2 * (1 + 1e-5)).all()


def test_the_ternary_scale_is_the_mean_of_what_is_kept() -> None:
    weight = torch.tensor([[4.0, -2.0, 0.1, 0.1]]).reshape(1, 4, 1, 1)  # mean magnitude 1.55, kept above 1.085
    assert starting_scale(weight, 2).flatten().tolist() == [3.0]
    quantizer = LearnedScaleQuantizer(weight, 2)
    assert quantizer(weight, quantizer.scale()).flatten().tolist() == [1, -1, 0, 0]


@pytest.mark.parametrize("bits", [2, 8])
def test_a_channel_without_weights_gets_a_usable_scale(bits: int) -> None:
    weight = torch.zeros(2, 3, 1, 1)
    quantizer = LearnedScaleQuantizer(weight, bits)
    assert quantizer.scale().flatten().tolist() == [1.0, 1.0]
    assert not quantizer(weight, quantizer.scale()).any()


def test_gradients_reach_weights_inside_the_range_and_the_scale() -> None:
    weight = torch.tensor([[0.4, 0.8, 3.0]]).reshape(1, 3, 1, 1).requires_grad_()
    quantizer = LearnedScaleQuantizer(torch.ones(1, 3, 1, 1), 2)
    scale = quantizer.scale()
    (quantizer(weight, scale) * scale).sum().backward()
    assert weight.grad is not None and quantizer.log_scale.grad is not None
    assert weight.grad.flatten().tolist() == [1.0, 1.0, 0.0]  # 3.0 is clipped
    # Learned step size, equation 3: code - weight / scale inside the range, the code outside.
    assert quantizer.log_scale.grad.item() == pytest.approx((0 - 0.4) + (1 - 0.8) + 1)


def layers_of_two_sizes() -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Linear(20, 10), nn.Linear(10, 5)]
    with torch.no_grad():
        for seed, layer in enumerate(layers):
            layer.weight.copy_(weights(*layer.weight.shape, seed=seed))
        layers[1].weight.mul_(10)
    return layers


def test_the_share_is_exact_and_ranked_over_all_layers() -> None:
    layers = layers_of_two_sizes()
    magnitudes = torch.cat([layer.weight.detach().abs().flatten() for layer in layers])
    pruner = GlobalMagnitudePruner(layers, PruningSchedule(final_share=0.6))
    pruner.step(1.0)
    assert pruner.pruned_share() == pytest.approx(0.6)
    kept = torch.cat([mask.kept.flatten() for mask in pruner.masks])
    assert magnitudes[kept].min() > magnitudes[~kept].max()
    assert pruner.masks[0].kept.float().mean() < pruner.masks[1].kept.float().mean()


def test_what_is_pruned_is_zero_and_stays_so_while_the_rest_trains() -> None:
    layers = layers_of_two_sizes()
    pruner = GlobalMagnitudePruner(layers, PruningSchedule(final_share=0.6))
    pruner.step(0.2)
    early = [~mask.kept for mask in pruner.masks]
    optimizer = torch.optim.SGD([p for layer in layers for p in layer.parameters()], lr=1.0)
    layers[1](layers[0](torch.ones(1, 20))).sum().backward()
    optimizer.step()
    pruner.step(1.0)
    for layer, mask, pruned in zip(layers, pruner.masks, early, strict=True):
        assert pruned.any() and not (mask.kept & pruned).any()
        assert not layer.weight[~mask.kept].any()
    assert pruner.pruned_share() == pytest.approx(0.6)


def test_the_pruned_share_grows_fast_at_first_and_ends_on_time() -> None:
    schedule = PruningSchedule(final_share=0.8, ramp_share=0.5)
    shares = [schedule.share_at(progress / 10) for progress in range(11)]
    assert shares[0] == 0.0 and shares[5:] == [0.8] * 6
    steps = [after - before for before, after in pairwise(shares[:6])]
    assert steps == sorted(steps, reverse=True) and min(steps) > 0
    assert schedule.share_at(0.25) == pytest.approx(0.8 * (1 - 0.5**3))
