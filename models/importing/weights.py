"""Float weights, biases and thresholds as integers, after training: a scale for each output channel.

Weights that are integers times a scale already (of quantization-aware training) keep those integers. Otherwise the
scale is the one of least squared error among SHRINKS of the one that reaches the largest weight: clipping few large
weights can cost less than rounding all of them coarsely. Survey of this choice: Nagel et al., "A White Paper on Neural
Network Quantization", arXiv 2106.08295 (2021), section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.neuron import Reals
from spikecycle.models.importing.nodes import FloatLayer

SHRINKS = np.linspace(0.2, 1.0, 81)  # shares of the scale that reaches the largest weight
WHOLE = 1e-4  # distance from an integer, in codes, that a float32 product of code and scale can have
LARGEST_CODE = 2**10  # beyond this many codes, WHOLE is relative: float32 has 24 bits
PROBED = 16  # magnitudes that rule most codes out, before all are compared
INT32_HIGHEST = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Quantized:
    """codes: int32 (M, C / groups, R, S); scale: float64 (M,), the value of a code; exact: bool (M,), nothing lost."""

    codes: npt.NDArray[np.int32]
    scale: Reals
    exact: npt.NDArray[np.bool_]

    @property
    def weight(self) -> Reals:
        """The weights that the codes stand for, float64."""
        values: Reals = self.codes * self.scale[:, None, None, None]
        return values


def quantize_weights(layer: FloatLayer, bits: int) -> Quantized:
    """Codes within the symmetric range of `bits`. A layer that is read out has one scale: its potentials compare."""
    channels = layer.weight.reshape(layer.shape.M, -1)
    highest = 2 ** (bits - 1) - 1
    if layer.reads_out:
        scale = np.full(layer.shape.M, _scale(channels.ravel(), highest, lambda scale: False))
    else:
        scale = np.array([_channel_scale(layer, channel, highest) for channel in range(layer.shape.M)])
    ratios = channels / scale[:, None]
    codes = np.clip(np.round(ratios), -highest, highest)
    exact = _whole(ratios).all(axis=1) & (np.abs(ratios) <= highest + WHOLE).all(axis=1)
    return Quantized(codes.astype(np.int32).reshape(layer.weight.shape), scale, exact)


def integer_bias(layer: FloatLayer, quantized: Quantized) -> npt.NDArray[np.int32]:
    """bias / scale rounded, int32 (M,)."""
    return _int32(layer, "bias", np.round(layer.bias / quantized.scale))


def integer_threshold(layer: FloatLayer, quantized: Quantized, steps: int) -> npt.NDArray[np.int32]:
    """The threshold in units of the potential, int32 (M,), at least 1.

    A hard reset only compares, so the integer is the first that the float neuron fires at. A soft reset subtracts the
    threshold too, so it is the nearest integer, which drifts least. One case is exact all the same: without leak,
    where codes, bias and threshold are all multiples of m > `steps` units, a neuron that fires above the
    threshold k takes k + 1: what each spike subtracts too much stays below m.
    """
    ratio = layer.neuron.threshold / quantized.scale
    nearest, whole = np.round(ratio), _whole(ratio)
    first = np.where(whole, nearest + layer.neuron.strict, np.ceil(ratio))
    if layer.neuron.reset == "hard":
        return _int32(layer, "threshold", np.maximum(1, first))
    coarse = whole & quantized.exact & _whole(layer.bias / quantized.scale) & (layer.neuron.leak == 1.0)
    units = _common_units(quantized.codes, integer_bias(layer, quantized), nearest)
    return _int32(layer, "threshold", np.maximum(1, np.where(coarse & (units > steps), first, nearest)))


def _channel_scale(layer: FloatLayer, channel: int, highest: int) -> float:
    neuron, bias = layer.neuron, float(layer.bias[channel])
    threshold = float(neuron.threshold[channel])
    weights = layer.weight[channel].ravel()
    if not weights.any():
        return threshold / highest

    def loses_nothing(scale: float) -> bool:
        """Whether bias and threshold in units of the scale decide as the float neuron does."""
        compares = neuron.reset == "hard" or (not neuron.strict and bool(_whole(threshold / scale)))
        return neuron.leak == 1.0 and compares and bool(_whole(bias / scale))

    return _scale(weights, highest, loses_nothing)


def _scale(weights: Reals, highest: int, loses_nothing: Callable[[float], bool]) -> float:
    largest = float(np.abs(weights).max())
    if largest == 0:
        return 1.0
    code = _exact_code(weights, largest, highest)
    if code is None:
        return _least_error(weights, largest, highest)
    if loses_nothing(largest / code):
        return largest / code
    return largest / (code * (highest // code))  # rounds threshold, bias and leak in finer units


def _exact_code(weights: Reals, largest: float, highest: int) -> int | None:
    """The smallest code of the largest magnitude with which all weights are whole codes; None where there is none."""
    magnitudes = np.unique(np.abs(weights))
    if len(magnitudes) > highest + 1:
        return None
    shares, codes = magnitudes / largest, np.arange(1, highest + 1)
    probed = _whole(np.outer(codes, shares[:PROBED])).all(axis=1)
    return next((int(code) for code in codes[probed] if _whole(code * shares).all()), None)


def _least_error(weights: Reals, largest: float, highest: int) -> float:
    scales = SHRINKS * largest / highest
    errors = [((np.clip(np.round(weights / s), -highest, highest) * s - weights) ** 2).sum() for s in scales]
    return float(scales[int(np.argmin(errors))])


def _whole(ratios: Reals | float) -> npt.NDArray[np.bool_]:
    nearest = np.round(ratios)
    whole: npt.NDArray[np.bool_] = np.abs(nearest - ratios) <= WHOLE * np.maximum(1, np.abs(nearest) / LARGEST_CODE)
    return whole


def _common_units(codes: npt.NDArray[np.int32], *others: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The greatest common divisor of all integers of a channel, int64 (M,)."""
    columns = [codes.reshape(len(codes), -1), *(other[:, None] for other in others)]
    divisors: npt.NDArray[np.int64] = np.gcd.reduce(np.concatenate(columns, axis=1).astype(np.int64), axis=1)
    return divisors


def _int32(layer: FloatLayer, what: str, values: Reals) -> npt.NDArray[np.int32]:
    largest = float(np.abs(values).max())
    if largest > INT32_HIGHEST:
        raise ModelsError(f"layer {layer.name}: the {what} is {largest:.3g} weight codes, beyond int32")
    return values.astype(np.int32)
