"""Float weights, biases and thresholds as integers, after training: a scale for each output channel.

Weights that are integers times a scale already (of quantization-aware training) keep those integers. Otherwise the
scale is the one of least squared error among SHRINKS of the one that reaches the largest weight: clipping few large
weights can cost less than rounding all of them coarsely. Survey of this choice: Nagel et al., "A White Paper on Neural
Network Quantization", arXiv 2106.08295 (2021), section 3.1.

A channel whose weights are next to nothing beside its threshold gets a scale that its threshold and bias bound: a
finer one would make potentials wide, of a whole layer, for weights that decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.models.importing.neuron import FloatReset, Reals
from spikecycle.models.importing.refusal import Refusal

SHRINKS = np.linspace(0.2, 1.0, 81)  # shares of the scale that reaches the largest weight
WHOLE = 1e-4  # distance from an integer, in codes, that a float32 product of code and scale can have
LARGEST_CODE = 2**10  # beyond this many codes, WHOLE is relative: float32 has 24 bits
PROBED = 16  # magnitudes that rule most codes out, before all are compared
INT32_HIGHEST = 2**31 - 1
LEAST_SHARE = 256
"""A threshold or bias is worth at most so many of the largest weights, or as many as its fan-in if that is more; of
weights that are smaller, only what is left at that scale counts."""


@dataclass(frozen=True, eq=False)
class ChannelWeights:
    """What shares a scale. weights: all of them, float64 (K,); threshold: the lowest of its neurons, or infinity where
    they only read out; exactly: neurons compare, and never subtract nor leak, or do so without rounding."""

    weights: Reals
    threshold: float
    bias: float
    reset: FloatReset
    leaks: bool
    strict: bool
    reachable: float
    """The most that a potential can become: all positive weights at once, in every timestep."""
    largest_input: float = 1.0


@dataclass(frozen=True, eq=False)
class WeightCodes:
    """codes: int32 in the shape of the weights; exact: bool (M,), nothing lost in a channel."""

    codes: npt.NDArray[np.int32]
    exact: npt.NDArray[np.bool_]


def to_codes(weight: Reals, scale: Reals, bits: int) -> WeightCodes:
    """Weights (M, ...) within the symmetric range of `bits`, in units of the scale (M,)."""
    highest = 2 ** (bits - 1) - 1
    ratios = weight.reshape(len(weight), -1) / scale[:, None]
    codes = np.clip(np.round(ratios), -highest, highest)
    exact = whole(ratios).all(axis=1) & (np.abs(ratios) <= highest + WHOLE).all(axis=1)
    return WeightCodes(codes.astype(np.int32).reshape(weight.shape), exact)


def scales_of(channels: Sequence[ChannelWeights], bits: int, one_scale: bool) -> Reals:
    """The scale of each channel, (M,). one_scale: the same for all (potentials that are compared with each other)."""
    highest = 2 ** (bits - 1) - 1
    if not one_scale:
        return np.array([_channel_scale(channel, highest) for channel in channels])
    weights = np.concatenate([channel.weights for channel in channels])
    scale = _scale(weights, highest, lambda scale: False, lambda scale: False)
    fan_in = max(len(channel.weights) for channel in channels)
    return np.full(len(channels), max([scale, *(_least(channel, highest, fan_in) for channel in channels)]))


def integer_bias(bias: Reals, scale: Reals) -> npt.NDArray[np.int32]:
    """bias / scale rounded, int32 (M,)."""
    return _int32("bias", np.round(bias / scale))


def integer_threshold(
    threshold: Reals, scale: Reals, reset: FloatReset, strict: bool, may_take_next: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int32]:
    """Thresholds (M, 1, 1) or (M, P, Q) in units of the potential, int32, at least 1; scale: (M,).

    A hard reset only compares, so the integer is the first that the float neuron fires at. A soft reset subtracts the
    threshold too, so it is the nearest integer, which drifts least; may_take_next (M,): but where what a spike
    subtracts too much never adds up to anything, the first that it fires at is exact.
    """
    ratio = threshold / scale[:, None, None]
    nearest, is_whole = np.round(ratio), whole(ratio)
    first = np.where(is_whole, nearest + strict, np.ceil(ratio))
    if reset == "soft":
        first = np.where(may_take_next[:, None, None] & is_whole, first, nearest)
    return _int32("threshold", np.maximum(1, first))


def common_units(*integers: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The greatest common divisor of all integers of a channel, int64 (M,); each array is (M, ...)."""
    columns = [each.reshape(len(each), -1).astype(np.int64) for each in integers]
    divisors: npt.NDArray[np.int64] = np.gcd.reduce(np.concatenate(columns, axis=1), axis=1)
    return divisors


def whole(ratios: Reals | float) -> npt.NDArray[np.bool_]:
    """Whether a ratio is an integer, as far as float32 can tell."""
    nearest = np.round(ratios)
    found: npt.NDArray[np.bool_] = np.abs(nearest - ratios) <= WHOLE * np.maximum(1, np.abs(nearest) / LARGEST_CODE)
    return found


def _channel_scale(channel: ChannelWeights, highest: int) -> float:
    bound = channel.threshold if np.isfinite(channel.threshold) else abs(channel.bias)
    if not channel.weights.any() or channel.reachable < channel.threshold < np.inf:
        # No weight, or none that matters: the neurons never fire, whatever arrives.
        return max(bound, abs(channel.bias) / LEAST_SHARE) / highest or 1.0

    def loses_nothing(scale: float) -> bool:
        """Whether bias and threshold in units of the scale decide as the float neuron does."""
        compares = channel.reset == "hard" or (not channel.strict and bool(whole(channel.threshold / scale)))
        return not channel.leaks and compares and bool(whole(channel.bias / scale))

    def is_whole(scale: float) -> bool:
        """Whether bias and threshold are integers in units of the scale."""
        return all(bool(whole(value / scale)) for value in (channel.bias, channel.threshold) if np.isfinite(value))

    scale = _scale(channel.weights, highest, loses_nothing, is_whole)
    return max(scale, _least(channel, highest, len(channel.weights)))


def _least(channel: ChannelWeights, highest: int, fan_in: int) -> float:
    """The smallest scale that threshold and bias allow."""
    largest = max(channel.threshold if np.isfinite(channel.threshold) else 0.0, abs(channel.bias))
    return largest / (highest * max(LEAST_SHARE, fan_in) * max(1.0, channel.largest_input))


def _scale(
    weights: Reals, highest: int, loses_nothing: Callable[[float], bool], is_whole: Callable[[float], bool]
) -> float:
    largest = float(np.abs(weights).max(initial=0.0))
    if largest == 0:
        return 1.0
    code = _exact_code(weights, largest, highest)
    if code is None:
        return _least_error(weights, largest, highest)
    if loses_nothing(largest / code):
        return largest / code
    finer = highest // code  # rounds threshold, bias and leak in finer units
    doubled = 2 ** (finer.bit_length() - 1)  # by which a leak of some bits rounds nothing for some timesteps
    return largest / (code * (doubled if is_whole(largest / (code * doubled)) else finer))


def _exact_code(weights: Reals, largest: float, highest: int) -> int | None:
    """The smallest code of the largest magnitude with which all weights are whole codes; None where there is none."""
    magnitudes = np.unique(np.abs(weights))
    if len(magnitudes) > highest + 1:
        return None
    shares, codes = magnitudes / largest, np.arange(1, highest + 1)
    probed = whole(np.outer(codes, shares[:PROBED])).all(axis=1)
    return next((int(code) for code in codes[probed] if whole(code * shares).all()), None)


def _least_error(weights: Reals, largest: float, highest: int) -> float:
    scales = SHRINKS * largest / highest
    errors = [((np.clip(np.round(weights / s), -highest, highest) * s - weights) ** 2).sum() for s in scales]
    return float(scales[int(np.argmin(errors))])


def _int32(what: str, values: Reals) -> npt.NDArray[np.int32]:
    largest = float(np.abs(values).max(initial=0.0))
    if largest > INT32_HIGHEST:
        channel = int(np.abs(values).reshape(len(values), -1).max(axis=1).argmax())
        raise Refusal(f"channel {channel}: the {what} is {largest:.3g} weight codes, beyond int32")
    return values.astype(np.int32)
