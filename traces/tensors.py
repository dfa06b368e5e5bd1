"""Tensors of a network: named integer values per timestep, in a known range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spikecycle.traces.checks import check_integer, check_name
from spikecycle.traces.errors import TraceError
from spikecycle.traces.schema import MAX_DIMENSION, MAX_SUM, MAX_TENSOR_BITS


class ValueRange(NamedTuple):
    """Lowest and highest value that something can take."""

    lowest: int
    highest: int

    @property
    def bits(self) -> int:
        """Bits that hold every value: two's complement if some are below zero."""
        if self.lowest < 0:
            return max(self.highest, -self.lowest - 1).bit_length() + 1
        return max(1, self.highest.bit_length())

    @property
    def magnitude(self) -> int:
        """The largest absolute value."""
        return max(self.highest, -self.lowest)


@dataclass(frozen=True)
class TensorSpec:
    """A tensor without its values: per timestep (C, H, W) integers.

    A map of one row (1-D) has H = 1, a vector H = W = 1, tokens are (features, 1, tokens). bits: 1 unsigned bit is a
    binary spike; signed values are two's complement. TraceError on a name, size or width that is not allowed.
    """

    name: str
    shape: tuple[int, int, int]
    bits: int
    signed: bool

    def __post_init__(self) -> None:
        check_name(self.name)
        if not isinstance(self.shape, tuple | list) or len(self.shape) != 3:
            raise TraceError(f"the shape must be (C, H, W), found {self.shape}")
        sizes = [check_integer(name, size, 1, MAX_DIMENSION) for name, size in zip("CHW", self.shape, strict=True)]
        object.__setattr__(self, "shape", tuple(sizes))
        object.__setattr__(self, "signed", bool(check_integer("signed", self.signed, 0, 1)))
        lowest_bits = 2 if self.signed else 1
        object.__setattr__(self, "bits", check_integer("bits", self.bits, lowest_bits, MAX_TENSOR_BITS + self.signed))

    @property
    def count(self) -> int:
        """Values of one timestep."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def is_binary(self) -> bool:
        """Whether the values are spikes, 0 and 1."""
        return self.bits == 1

    @property
    def range(self) -> ValueRange:
        """The values that `bits` and `signed` allow."""
        if self.signed:
            return ValueRange(-(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1)
        return ValueRange(0, (1 << self.bits) - 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest integer dtype that holds the values."""
        size = next(size for size in (8, 16, 32, 64) if self.bits <= size)
        return np.dtype(f"{'int' if self.signed else 'uint'}{size}")

    @classmethod
    def of_range(cls, name: str, shape: tuple[int, int, int], values: ValueRange) -> TensorSpec:
        """The narrowest tensor that holds a range of values; TraceError where sums would no longer be exact."""
        if values.magnitude > MAX_SUM:
            raise TraceError(f"the output may reach {values.magnitude}; at most {MAX_SUM} is allowed")
        signed = values.lowest < 0
        return cls(name, shape, max(values.bits, 2) if signed else values.bits, signed)


@dataclass(frozen=True)
class Source:
    """Where an operator's input comes from: a tensor of the same timestep, or (delay 1) of the timestep before.

    Before the first timestep, every tensor is zero.
    """

    tensor: str
    delay: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "delay", check_integer("delay", self.delay, 0, 1))
