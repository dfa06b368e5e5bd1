"""Pooling: the largest, the average or the sum of windows, of spikes behind neurons or of currents before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, cast, get_args

import numpy as np

from spikecycle.traces.array_types import Int64
from spikecycle.traces.checks import check_choice, check_integer
from spikecycle.traces.errors import TraceError
from spikecycle.traces.operators.base import Operator, OperatorFields, OperatorHeader, Shape, Step
from spikecycle.traces.schema import MAX_TENSOR_BITS
from spikecycle.traces.shape import check_padding, check_pair, output_size
from spikecycle.traces.tensors import TensorSpec, ValueRange

PoolMode = Literal["max", "average", "sum"]


@dataclass(frozen=True, eq=False)
class Pool(Operator):
    """Windows of each channel's map.

    mode: `max` takes the largest value inside the map; `sum` adds, zeros outside; `average` is the sum divided by
    the size of the window (what lies outside counts as zeros), rounded towards minus infinity, or, with a shift,
    sum >> shift. window, stride: (vertical, horizontal). padding: (vertical, horizontal) or four sides, less than the
    window for `max`, so that no window lies outside.
    """

    mode: PoolMode
    window: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] | tuple[int, int, int, int] = (0, 0)
    shift: int | None = None

    kinds: ClassVar[tuple[str, ...]] = ("pool",)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("mode", self.mode, get_args(PoolMode))
        object.__setattr__(self, "window", check_pair("window", self.window, lowest=1))
        object.__setattr__(self, "stride", check_pair("stride", self.stride, lowest=1))
        object.__setattr__(self, "padding", check_padding(self.padding))
        if self.shift is not None:
            if self.mode != "average":
                raise TraceError(f"shift is of the mode average, found mode {self.mode}")
            object.__setattr__(self, "shift", check_integer("shift", self.shift, 0, MAX_TENSOR_BITS))
        wide = max(self.sides[:2]) >= self.window[0] or max(self.sides[2:]) >= self.window[1]
        if self.mode == "max" and wide:
            raise TraceError(f"padding must be less than the window {self.window}, found {self.sides}")

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """The padding: rows above and below the map, columns at its left and right."""
        return cast("tuple[int, int, int, int]", self.padding)

    @property
    def window_size(self) -> int:
        """Values of a window."""
        return self.window[0] * self.window[1]

    def output_shape(self, sources: Sequence[TensorSpec]) -> Shape:
        """(C, P, Q)."""
        c, h, w = sources[0].shape
        p = output_size(h, self.window[0], self.stride[0], self.sides[:2])
        q = output_size(w, self.window[1], self.stride[1], self.sides[2:])
        if p < 1 or q < 1:
            raise TraceError(
                f"a {self.window[0]}x{self.window[1]} window does not fit tensor {sources[0].name} of shape "
                f"{sources[0].shape} with padding {self.sides}"
            )
        return (c, p, q)

    def output_range(self, sources: Sequence[TensorSpec]) -> ValueRange:
        """The input's range, or that of sums."""
        found = sources[0].range
        if self.mode == "max":
            return found
        lowest, highest = self.window_size * found.lowest, self.window_size * found.highest
        if self.mode == "sum":
            return ValueRange(lowest, highest)
        return ValueRange(self._divided(lowest), self._divided(highest))

    def _divided(self, total: int) -> int:
        return total // self.window_size if self.shift is None else total >> self.shift

    def check(self, sources: Sequence[TensorSpec]) -> None:
        """Also: the sums are exact, even if what is kept of them is small."""
        super().check(sources)
        largest = self.window_size * sources[0].range.magnitude
        if largest > 1 << MAX_TENSOR_BITS:
            raise TraceError(f"sums of windows may reach {largest}; at most {1 << MAX_TENSOR_BITS} is allowed")

    def start(self) -> Step:
        """See the class."""
        outside = np.iinfo(np.int64).min if self.mode == "max" else 0

        def step(inputs: Sequence[Int64]) -> Int64:
            windows = self._windows(inputs[0], outside)
            pooled: Int64 = windows.max(axis=(-2, -1)) if self.mode == "max" else windows.sum(axis=(-2, -1))
            if self.mode == "average":
                pooled = pooled // self.window_size if self.shift is None else pooled >> self.shift
            return pooled

        return step

    def _windows(self, values: Int64, outside: int) -> Int64:
        """Every window, (C, P, Q, window rows, window columns)."""
        top, bottom, left, right = self.sides
        padded = np.pad(values, ((0, 0), (top, bottom), (left, right)), constant_values=outside)
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.window, axis=(1, 2))
        return windows[:, :: self.stride[0], :: self.stride[1]]

    def attributes(self) -> Mapping[str, int | str | tuple[int, ...]]:
        """mode, window, stride, padding and, where given, shift."""
        shift = {} if self.shift is None else {"shift": self.shift}
        return {"mode": self.mode, "window": self.window, "stride": self.stride, "padding": self.sides, **shift}

    def summary(self) -> str:
        """Mode and windows."""
        shift = "" if self.shift is None else f", sum >> {self.shift}"
        padding = f", padding {self.sides}" if any(self.sides) else ""
        return f"{self.mode} of {self.window[0]}x{self.window[1]} windows, stride {self.stride}{padding}{shift}"

    @classmethod
    def read(cls, header: OperatorHeader, fields: OperatorFields) -> Self:
        """The operator in a file."""
        window, stride, padding = (
            fields.integers(name, count) for name, count in (("window", 2), ("stride", 2), ("padding", 4))
        )
        return cls(
            header.name, header.inputs, header.output, cast(PoolMode, fields.word("mode")),
            cast("tuple[int, int]", window), cast("tuple[int, int]", stride),
            cast("tuple[int, int, int, int]", padding), fields.optional_integer("shift"),
        )  # fmt: skip
