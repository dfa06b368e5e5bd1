"""The product of two tensors of the trace, as spiking transformers need it: neither operand is a static weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from spikecycle.traces.array_types import Int64
from spikecycle.traces.checks import check_integer
from spikecycle.traces.errors import TraceError
from spikecycle.traces.operators.base import Operator, OperatorFields, OperatorHeader, Shape, Step
from spikecycle.traces.operators.products import exact_product
from spikecycle.traces.schema import MAX_DIMENSION, MAX_SUM, MAX_TENSOR_BITS
from spikecycle.traces.tensors import TensorSpec, ValueRange


@dataclass(frozen=True, eq=False)
class AttentionProduct(Operator):
    """One matrix product per head, left x right, rounded down by a right shift (0: exact).

    The matrix of a tensor (C, H, W) in head k has a row per position (h, w), in row-major order, and a column per
    channel of the head, k x C / heads and following; a transposed operand is taken with rows and columns exchanged.
    The output has a column per channel again: (heads x columns, H, W of the left) or, if the left is transposed,
    (heads x columns, 1, rows). Queries times transposed keys are scores (heads x keys, 1, queries); scores times
    values are (features, 1, queries).
    """

    heads: int = 1
    transpose_left: bool = False
    transpose_right: bool = False
    shift: int = 0

    kinds: ClassVar[tuple[str, ...]] = ("attention",)
    fewest_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int] = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, lowest, highest in (
            ("heads", 1, MAX_DIMENSION),
            ("transpose_left", 0, 1),
            ("transpose_right", 0, 1),
            ("shift", 0, MAX_TENSOR_BITS),
        ):
            value = check_integer(name, getattr(self, name), lowest, highest)
            object.__setattr__(self, name, bool(value) if name.startswith("transpose") else value)

    def matrix_shapes(self, sources: Sequence[TensorSpec]) -> tuple[int, int, int]:
        """Rows, inner dimension and columns of each head's product; TraceError where the operands do not meet."""
        sizes = []
        for source, transposed in zip(sources, (self.transpose_left, self.transpose_right), strict=True):
            c, h, w = source.shape
            if c % self.heads:
                raise TraceError(f"heads ({self.heads}) must divide the channels of {source.name} ({c})")
            rows, columns = h * w, c // self.heads
            sizes.append((columns, rows) if transposed else (rows, columns))
        (rows, inner), (found, columns) = sizes
        if inner != found:
            left, right = sources
            raise TraceError(
                f"the left matrix {rows}x{inner} of {left.name} {left.shape} does not meet the right one "
                f"{found}x{columns} of {right.name} {right.shape}"
            )
        return rows, inner, columns

    def output_shape(self, sources: Sequence[TensorSpec]) -> Shape:
        """See the class."""
        rows, _, columns = self.matrix_shapes(sources)
        height, width = (1, rows) if self.transpose_left else sources[0].shape[1:]
        return (self.heads * columns, height, width)

    def output_range(self, sources: Sequence[TensorSpec]) -> ValueRange:
        """From the largest magnitude of either sign that a sum of products can have."""
        lowest, highest = self._sums(sources)
        return ValueRange(lowest >> self.shift, highest >> self.shift)

    def _sums(self, sources: Sequence[TensorSpec]) -> ValueRange:
        _, inner, _ = self.matrix_shapes(sources)
        left, right = (source.range for source in sources)
        corners = [a * b for a in left for b in right]
        return ValueRange(inner * min(corners), inner * max(corners))

    def check(self, sources: Sequence[TensorSpec]) -> None:
        """Also: the sums are exact, even if what is kept of them is small."""
        super().check(sources)
        largest = self._sums(sources).magnitude
        if largest > MAX_SUM:
            raise TraceError(f"its sums may reach {largest}; at most {MAX_SUM} is allowed")

    def start(self) -> Step:
        """See the class."""

        def step(inputs: Sequence[Int64]) -> Int64:
            left, right = (self._matrices(values) for values in inputs)
            product = exact_product(
                left.swapaxes(1, 2) if self.transpose_left else left,
                right.swapaxes(1, 2) if self.transpose_right else right,
            )
            return (product >> self.shift).swapaxes(1, 2).reshape(self.output.shape)

        return step

    def _matrices(self, values: Int64) -> Int64:
        """(heads, positions, channels of a head)."""
        return values.reshape(self.heads, len(values) // self.heads, -1).swapaxes(1, 2)

    def attributes(self) -> Mapping[str, int | str | tuple[int, ...]]:
        """All four parameters."""
        return {
            "heads": self.heads,
            "transpose_left": int(self.transpose_left),
            "transpose_right": int(self.transpose_right),
            "shift": self.shift,
        }

    def summary(self) -> str:
        """Heads, transposed operands, shift."""
        transposed = {"left": self.transpose_left, "right": self.transpose_right}
        words = [f"{self.heads} {'head' if self.heads == 1 else 'heads'}"]
        words += [f"{side} transposed" for side, flag in transposed.items() if flag]
        return ", ".join(words + [f"sum >> {self.shift}"] * bool(self.shift))

    @classmethod
    def read(cls, header: OperatorHeader, fields: OperatorFields) -> Self:
        """The operator in a file."""
        heads, left, right, shift = (
            fields.integer(name) for name in ("heads", "transpose_left", "transpose_right", "shift")
        )
        for name, flag in (("transpose_left", left), ("transpose_right", right)):
            check_integer(name, flag, 0, 1)
        return cls(header.name, header.inputs, header.output, heads, bool(left), bool(right), shift)
