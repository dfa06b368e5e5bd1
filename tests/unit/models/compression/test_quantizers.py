"""The codes of every quantizer, their scales, and the gradients that reach weights and scales."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from spikecycle.models.compression import quantizers
from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.kinds import kinds
from spikecycle.models.compression.quantize import ScaledQuantizer
from spikecycle.models.compression.quantizers import QuantizerKind
from spikecycle.models.compression.quantizers.ewgs import Ewgs
from spikecycle.models.compression.quantizers.learned_scale import LearnedScale
from spikecycle.models.compression.quantizers.power_of_two import PowerOfTwo
from spikecycle.models.compression.quantizers.sigmoid_sum import SigmoidSum
from spikecycle.models.compression.scheme import CompressionScheme

pytestmark = pytest.mark.train

KINDS = [kind() for kind in kinds(QuantizerKind, quantizers.__name__).values()]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


def weights(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def allowed_codes(kind: QuantizerKind, bits: int) -> set[float]:
    """Written from the words: whole numbers up to 2 ** (bits - 1) - 1, or 0 and the powers of two among them."""
    if kind.kind == "power_of_two":
        return {0.0} | {sign * 2.0**k for sign in (-1, 1) for k in range(bits - 1)}
    return {float(code) for code in range(-(2 ** (bits - 1)) + 1, 2 ** (bits - 1))}


@every_kind
@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
def test_a_code_is_the_nearest_of_those_that_the_bits_hold(kind: QuantizerKind, bits: int) -> None:
    quantizer = ScaledQuantizer(kind, weights(1, 6, 3, 3), bits)
    edge = kind.highest_code(bits)
    scale = quantizer.scale().detach()
    weight = torch.linspace(-1.5 * edge, 1.5 * edge, 998).reshape(1, -1, 1, 1) * scale  # none halfway
    codes = quantizer(weight, scale).flatten()
    levels = torch.tensor(sorted(allowed_codes(kind, bits)))
    nearest = levels[(weight.flatten()[:, None] / scale.flatten() - levels).abs().argmin(1)]
    assert torch.equal(codes, nearest)
    assert {edge, -edge} <= set(codes.tolist())
    assert len(levels) <= 2 ** kind.packed_bits(bits) <= 2**bits


@every_kind
@pytest.mark.parametrize("bits", [2, 4])
def test_the_starting_scale_uses_the_codes(kind: QuantizerKind, bits: int) -> None:
    weight = weights(5, 6, 3, 3)
    quantizer = ScaledQuantizer(kind, weight, bits)
    codes = quantizer(weight, quantizer.scale())
    used = codes.abs().flatten(1)
    assert (used > 0).any(1).all() and (used == 0).any(1).all()
    assert (used.amax(1) == kind.highest_code(bits)).all() or isinstance(kind, Ewgs)  # which clips nothing here


def test_the_ternary_scale_is_the_mean_of_what_is_kept() -> None:
    weight = torch.tensor([[4.0, -2.0, 0.1, 0.1]]).reshape(1, 4, 1, 1)  # mean magnitude 1.55, kept above 1.085
    quantizer = ScaledQuantizer(LearnedScale(), weight, 2)
    assert quantizer.scale().flatten().tolist() == [pytest.approx(3.0)]
    assert quantizer(weight, quantizer.scale()).flatten().tolist() == [1, -1, 0, 0]


def test_the_clipping_value_starts_at_three_standard_deviations() -> None:
    weight = torch.tensor([[3.0, -4.0, 0.0, 0.0]]).reshape(1, 4, 1, 1)  # mean square 25 / 4
    assert Ewgs().starting_scale(weight, 4).tolist() == [pytest.approx(3 * 2.5 / 7)]
    assert Ewgs(start_deviations=2).starting_scale(weight, 2).tolist() == [pytest.approx(2 * 2.5)]
    assert Ewgs().starting_scale(weight, 2).tolist() == [3.5]  # as other quantizers start


@every_kind
@pytest.mark.parametrize("bits", [2, 8])
def test_a_channel_without_weights_gets_a_usable_scale(kind: QuantizerKind, bits: int) -> None:
    weight = torch.zeros(2, 3, 1, 1)
    quantizer = ScaledQuantizer(kind, weight, bits)
    assert quantizer.scale().flatten().tolist() == [1.0, 1.0]
    assert not quantizer(weight, quantizer.scale()).any()


@pytest.mark.parametrize("kind", [LearnedScale(), Ewgs(gradient_scale=0), PowerOfTwo()], ids=lambda kind: kind.kind)
def test_gradients_reach_weights_inside_the_range_and_the_scale(kind: QuantizerKind) -> None:
    weight = torch.tensor([[0.4, 0.8, 3.0]]).reshape(1, 3, 1, 1).requires_grad_()
    quantizer = ScaledQuantizer(kind, torch.zeros(1, 3, 1, 1), 2)  # scale 1
    scale = quantizer.scale()
    (quantizer(weight, scale) * scale).sum().backward()
    assert weight.grad is not None and quantizer.log_scale.grad is not None
    assert weight.grad.flatten().tolist() == [1.0, 1.0, 0.0]  # 3.0 is clipped
    # Learned step size, equation 3: code - weight / scale inside the range, the code outside.
    assert quantizer.log_scale.grad.item() == pytest.approx((0 - 0.4) + (1 - 0.8) + 1)


def test_element_wise_scaling_favours_steps_that_leave_a_code() -> None:
    steps = torch.tensor([0.6, 0.6, 1.3, 0.0]).requires_grad_()  # errors -0.4, -0.4, 0.3, 0
    codes = Ewgs(gradient_scale=0.5).codes(steps, 4, progress=0.5)
    (codes * torch.tensor([2.0, -2.0, 1.0, 1.0])).sum().backward()
    assert steps.grad is not None
    assert steps.grad.tolist() == pytest.approx([2 * (1 - 0.2), -2 * (1 + 0.2), 1.15, 1.0])


@pytest.mark.parametrize("highest_bits", [2, 4, 8])
@pytest.mark.parametrize("temperature", [4.0, 30.0])
def test_the_staircase_is_the_sum_of_all_its_sigmoids(highest_bits: int, temperature: float) -> None:
    kind = SigmoidSum(first_temperature=temperature, last_temperature=temperature)
    highest = kind.highest_code(highest_bits)
    steps = torch.linspace(-highest - 3, highest + 3, 2001, dtype=torch.float64)
    places = torch.arange(-highest, highest, dtype=torch.float64) + 0.5
    whole_sum = torch.sigmoid(temperature * (steps[:, None] - places)).sum(1) - highest
    assert torch.allclose(kind.codes(steps, highest_bits, 0.0), whole_sum, rtol=0, atol=1e-6)


def test_the_staircase_hardens_while_it_trains() -> None:
    kind = SigmoidSum(first_temperature=4, last_temperature=64, hard_share=0.25)
    steps = torch.linspace(-8, 8, 998)
    away = [float((kind.codes(steps, 4, done) - kind.codes(steps, 4, 1.0)).abs().mean()) for done in (0, 0.3, 0.6)]
    assert away[0] > 2 * away[1] > 4 * away[2] > 0
    assert torch.equal(kind.codes(steps, 4, 0.75), kind.codes(steps, 4, 1.0))
    kind.codes(steps.requires_grad_(), 4, 0.75).sum().backward()
    assert steps.grad is not None and steps.grad.min() >= 0 and steps.grad.max() > 10  # steep where a code changes


def test_outside_of_training_the_staircase_is_whole() -> None:
    weight = weights(3, 4, 1, 1)
    quantizer = ScaledQuantizer(SigmoidSum(), weight, 4)
    scale = quantizer.scale()
    whole = quantizer(weight, scale)  # before any training
    quantizer.advance(0.1)
    soft = quantizer(weight, scale)
    assert torch.equal(quantizer.eval()(weight, scale), whole) and not torch.equal(soft, whole)


@pytest.mark.parametrize("potential_bits", [4, 6, 8])
def test_the_scale_keeps_the_threshold_within_the_potentials(potential_bits: int) -> None:
    scheme = CompressionScheme(Compression(name="narrow", potential_bits=potential_bits))
    assert scheme.potential_bits("conv") == potential_bits
    weight = weights(4, 3, 3, 3) * 0.01  # 8 bits would make the threshold thousands of codes
    quantizer = scheme.quantizer("conv", weight, potential_bits)
    highest = 2 ** (potential_bits - 1) - 1
    assert (1 / quantizer.scale()).round().flatten().tolist() == [highest] * 4
    with torch.no_grad():
        quantizer.log_scale -= 1
    scale = quantizer.scale()
    assert (1 / scale).round().flatten().tolist() == [highest] * 4
    scale.sum().backward()
    assert quantizer.log_scale.grad is not None and (quantizer.log_scale.grad > 0).all()  # it can come back


def test_layers_get_their_own_bits() -> None:
    scheme = CompressionScheme(Compression(name="mixed", weight_bits=4, layer_weight_bits={"fc": 2}))
    assert [scheme.quantizer(name, weights(2, 2, 1, 1)).bits for name in ("conv", "fc")] == [4, 2]


def test_only_a_ternary_scale_starts_again_from_what_a_pruner_left() -> None:
    weight = torch.tensor([[3.0, -1.0, 2.0, 1.0]]).reshape(1, 4, 1, 1)
    left = torch.tensor([[3.0, 0.0, 2.0, 0.0]]).reshape(1, 4, 1, 1)
    for kind, bits, before, after in (
        (LearnedScale(), 2, 2.5, 2.5),  # of 1.75 on average, what lies above 1.225
        (PowerOfTwo(), 2, 2.5, 2.5),
        (LearnedScale(), 3, 1.0, None),
        (Ewgs(start_deviations=1), 2, 15**0.5 / 2, None),
    ):
        quantizer = ScaledQuantizer(kind, weight, bits)
        assert quantizer.scale().item() == pytest.approx(before)
        with torch.no_grad():
            quantizer.log_scale.fill_(0.5)
        quantizer.follow(left)
        assert quantizer.scale().item() == pytest.approx(np.exp(0.5) if after is None else after)
