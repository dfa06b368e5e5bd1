"""Real inputs as the unsigned integers that a trace records: spikes and counts as they are, analog values rounded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.arrays import plain_array
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.integer import Values

Samples = npt.NDArray[np.float32] | npt.NDArray[np.float64]
PART_VALUES = 2**22
"""Values of samples that are looked at in one go."""


def real_samples(samples: Any, input_shape: tuple[int, int, int], timesteps: int | None = None) -> Samples:
    """Samples as floats (N, T, C, H, W) from arrays, tensors or lists of them, each (T, ...).

    The axes of a timestep must be those of the input, in that order, or be flattened; axes of size 1 may be left out.
    timesteps: that they must have. ModelsError where that cannot be.
    """
    array = _array(samples)
    if array.dtype.kind not in "biuf":
        raise ModelsError(f"samples must be numbers, found {array.dtype}")
    allowed = _allowed(input_shape)
    if array.ndim < 3 or 0 in array.shape or array.shape[2:] not in allowed:
        words = " or ".join(f"(N, T, {', '.join(map(str, shape))})" for shape in allowed[:2])
        raise ModelsError(f"samples must have shape {words}, found {array.shape}")
    if timesteps is not None and array.shape[1] != timesteps:
        swapped = "; samples come first, then timesteps: (N, T, ...)" if array.shape[0] == timesteps else ""
        whole = (
            "; the module was taken for a whole run of 1 timestep, as its example has one input and it keeps no "
            "states: let its neurons keep them (snnTorch: init_hidden=True), or its forward loop over the timesteps "
            "of its input"
        )
        raise ModelsError(
            f"samples must have {timesteps} timesteps, found {array.shape[1]}"
            f"{swapped or (whole if timesteps == 1 else '')}"
        )
    floats: Samples = array.astype(array.dtype if array.dtype.kind == "f" and array.itemsize >= 4 else np.float32)
    if array.dtype.kind == "f" and not all(np.isfinite(part).all() for part in _parts(floats)):
        raise ModelsError("samples must be finite, found NaN or infinity")
    return floats.reshape(*array.shape[:2], *input_shape)


def floats_bytes(values: int, dtype: np.dtype[Any]) -> int:
    """What an import takes beside so many values of samples: themselves as floats, and a quarter for their parts."""
    float_bytes = max(np.dtype(np.float32).itemsize, dtype.itemsize if dtype.kind == "f" else 0)
    return values * float_bytes * 5 // 4


def _parts(samples: Samples) -> Iterator[Samples]:
    """Samples in parts that are looked at one by one, so that nothing of the size of all of them is made."""
    size = max(1, PART_VALUES // max(1, samples[0].size))
    return (samples[start : start + size] for start in range(0, len(samples), size))


def _allowed(shape: tuple[int, int, int]) -> list[tuple[int, ...]]:
    """Shapes of a timestep: without axes of size 1 at the end or the beginning, flattened, and in full."""
    c, h, w = shape
    short: tuple[int, ...] = (c,) if h == w == 1 else (c, w) if h == 1 else shape
    found = [short, (c * h * w,), shape]
    if c == 1:
        found += [(h, w), *([(w,)] if h == 1 else [])]
    return list(dict.fromkeys(found))


def _array(samples: Any) -> npt.NDArray[Any]:
    try:
        if isinstance(samples, list | tuple):
            parts = [np.asarray(plain_array(sample)) for sample in samples]
            if len({part.shape for part in parts}) > 1:
                shapes = ", ".join(str(shape) for shape in list(dict.fromkeys(part.shape for part in parts))[:3])
                raise ModelsError(
                    f"samples must all have one shape, found {shapes}; pad or cut them to the same length"
                )
            return np.stack(parts) if parts else np.zeros(0)
        return np.asarray(plain_array(samples))
    except Refusal as refusal:
        raise ModelsError(f"samples: {refusal}") from None
    except ValueError:
        raise ModelsError("samples must all have one shape, found lists of different lengths") from None


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
        largest = max(max(float(part.max()), -float(part.min())) for part in _parts(samples))
        signed = any(bool((part < 0).any()) for part in _parts(samples))
        if largest < 2**16 and all((part == np.round(part)).all() for part in _parts(samples)):
            return cls(max(1, int(largest).bit_length()), 1.0, signed)
        return cls(analog_bits, largest / (2**analog_bits - 1), signed)

    @property
    def exact(self) -> bool:
        """Whether codes are the inputs themselves."""
        return self.step == 1.0

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

    def clipped(self, samples: Samples) -> int:
        """How many values the codes do not reach, beyond half a code."""
        highest = (2**self.bits - 0.5) * self.step
        lowest = -highest if self.signed else -self.step / 2
        return sum(int(np.count_nonzero((part > highest) | (part < lowest))) for part in _parts(samples))

    def clipped_share(self, samples: Samples) -> float:
        """Share of values that the codes do not reach, beyond half a code."""
        return self.clipped(samples) / samples.size

    def keeps(self, samples: Samples) -> bool:
        """Whether codes are these inputs themselves: none clipped, none rounded."""
        return self.exact and not self._rounded(samples) and not self.clipped(samples)

    def remarks(self, samples: Samples) -> list[str]:
        """What a user should know of how samples, others than it was fitted to, become codes."""
        found = []
        clipped, rounded = self.clipped(samples), self._rounded(samples) if self.exact else 0
        if clipped:
            highest = (2**self.bits - 1) * self.step
            lowest = -highest if self.signed else 0
            seen = f"{float(samples.min()):g} to {float(samples.max()):g}"
            found.append(
                f"{clipped} of {samples.size} input values ({100 * clipped / samples.size:.3g} %) are clipped to the "
                f"range of the calibration's samples, {lowest:g} to {highest:g} ({self.kind}): these are {seen}"
            )
        if rounded:
            found.append(
                f"{rounded} of {samples.size} input values ({100 * rounded / samples.size:.3g} %) are rounded to "
                "integers, as those of the calibration's samples all were"
            )
        return found

    def _rounded(self, samples: Samples) -> int:
        return sum(int(np.count_nonzero(part != np.round(part))) for part in _parts(samples))
