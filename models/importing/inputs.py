"""Real inputs as the unsigned integers that a trace records: spikes and counts as they are, analog values rounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import Values

Samples = npt.NDArray[np.float32] | npt.NDArray[np.float64]


def real_samples(samples: Any, input_shape: tuple[int, int, int]) -> Samples:
    """Samples as floats (N, T, C, H, W) from (N, T, ...) of NumPy or torch; ModelsError where that cannot be."""
    array = np.asarray(samples)
    wanted = " x ".join(str(size) for size in input_shape)
    if array.dtype.kind not in "biuf":
        raise ModelsError(f"samples must be numbers, found {array.dtype}")
    if array.ndim < 3 or 0 in array.shape or array[0, 0].size != np.prod(input_shape):
        raise ModelsError(f"samples must have shape (N, T, ...) with {wanted} values a timestep, found {array.shape}")
    floats: Samples = array.astype(array.dtype if array.dtype.kind == "f" and array.itemsize >= 4 else np.float32)
    if not np.isfinite(floats).all():
        raise ModelsError("samples must be finite, found NaN or infinity")
    return floats.reshape(*array.shape[:2], *input_shape)


@dataclass(frozen=True)
class InputEncoding:
    """How real inputs become unsigned integers of `bits`: one code is worth `step`.

    signed: channels of negative values (OFF) follow those of positive ones (ON), so there are twice as many.
    """

    bits: int
    step: float
    signed: bool

    @classmethod
    def fitting(cls, samples: Samples, analog_bits: int) -> InputEncoding:
        """Exact for spikes and counts; for anything else, analog_bits codes up to the largest magnitude."""
        largest = float(np.abs(samples).max())
        signed = bool((samples < 0).any())
        if (samples == np.round(samples)).all() and largest < 2**16:
            return cls(max(1, int(largest).bit_length()), 1.0, signed)
        return cls(analog_bits, largest / (2**analog_bits - 1), signed)

    @property
    def kind(self) -> str:
        """In the words of a report."""
        name = "analog values" if self.step != 1.0 else "spikes" if self.bits == 1 else "counts"
        return f"{name} of {self.bits} bits" + (", ON and OFF channels" if self.signed else "")

    def encode(self, samples: Samples) -> Values:
        """Codes (N, T, C or 2 C, H, W); what lies outside of the range is clipped to it."""
        parts = np.concatenate([samples, -samples], axis=2) if self.signed else samples
        codes = np.clip(np.round(parts / self.step), 0, 2**self.bits - 1)
        return codes.astype(np.uint8) if self.bits <= 8 else codes.astype(np.uint16)

    def clipped_share(self, samples: Samples) -> float:
        """Share of values that the codes do not reach, beyond half a code."""
        highest = (2**self.bits - 0.5) * self.step
        outside = np.abs(samples) > highest if self.signed else (samples > highest) | (samples < -self.step / 2)
        return float(outside.mean())
