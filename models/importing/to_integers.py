"""A layer as the machine holds it, and the same in floats."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.neuron import Reals
from spikecycle.models.importing.nodes import FloatLayer
from spikecycle.models.importing.weights import Quantized, integer_bias, integer_threshold, quantize_weights
from spikecycle.models.integer import IntegerLayer
from spikecycle.traces import Neuron
from spikecycle.traces.schema import MAX_POTENTIAL_BITS

HEADROOM = 2.0
"""Potentials may become so many times as large as on the calibration samples before they saturate."""


@dataclass(frozen=True, eq=False)
class LayerInIntegers:
    """faked: a float layer with the integers' values; what it lacks is the rounding of leaks, and saturation."""

    integer: IntegerLayer
    faked: FloatLayer


def layer_in_integers(
    layer: FloatLayer, weight_bits: int, potential_bits: int | None, input_bits: int, steps: int, reach: Reals
) -> LayerInIntegers:
    """The layer with weights of weight_bits, receiving integers of input_bits for `steps` timesteps.

    potential_bits: None for what the calibration's reach, the largest potential by channel (M,), needs with HEADROOM.
    ModelsError where a threshold or potential does not fit.
    """
    quantized = quantize_weights(layer, weight_bits)
    bias = integer_bias(layer, quantized)
    threshold, bits = _threshold(layer, quantized, potential_bits, steps, float((reach / quantized.scale).max()))
    leak = layer.leak
    neuron = Neuron(
        kind="if" if leak.numerator == 2**leak.shift else "lif",
        threshold=threshold,
        potential_bits=bits,
        leak_numerator=leak.numerator,
        leak_shift=leak.shift,
        reset="soft" if layer.neuron.reset == "soft" else "hard",
    )
    integer = IntegerLayer(
        layer.name, layer.shape, quantized.codes, weight_bits, quantized.scale, bias, neuron, input_bits
    )
    in_floats = replace(layer.neuron.as_hardware(leak.value), threshold=threshold * quantized.scale)
    faked = replace(layer, weight=quantized.weight, bias=bias * quantized.scale, neuron=in_floats)
    return LayerInIntegers(integer, faked)


def _threshold(
    layer: FloatLayer, quantized: Quantized, potential_bits: int | None, steps: int, largest: float
) -> tuple[npt.NDArray[np.int32], int]:
    """Thresholds int32 (M,) and the width of potentials; of neurons that never fire, what no potential reaches."""
    if layer.reads_out:
        bits = potential_bits or _bits(layer, HEADROOM * largest + 1)
        return np.full(layer.shape.M, 2 ** (bits - 1) - 1, np.int32), bits
    threshold = integer_threshold(layer, quantized, steps)
    bits = potential_bits or _bits(layer, max(HEADROOM * largest, float(threshold.max())))
    if threshold.max() >= 2 ** (bits - 1):
        raise ModelsError(f"layer {layer.name}: a threshold of {threshold.max()} does not fit {bits}-bit potentials")
    return threshold, bits


def _bits(layer: FloatLayer, largest: float) -> int:
    """Width of a potential that reaches `largest`."""
    bits = max(2, int(largest).bit_length() + 1)
    if bits > MAX_POTENTIAL_BITS:
        raise ModelsError(f"layer {layer.name}: potentials need {bits} bits, a trace holds {MAX_POTENTIAL_BITS}")
    return bits
