"""Operators that join tensors: the sum of equal shapes, and maps side by side along the channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from spikecycle.traces.array_types import Int64
from spikecycle.traces.errors import TraceError
from spikecycle.traces.operators.base import (
    Operator,
    OperatorFields,
    OperatorHeader,
    Shape,
    Step,
    same_shape,
    sum_range,
)
from spikecycle.traces.schema import MAX_INPUTS
from spikecycle.traces.tensors import TensorSpec, ValueRange


@dataclass(frozen=True, eq=False)
class _Merge(Operator):
    """An operator of two or more inputs and no parameters."""

    fewest_inputs: ClassVar[int] = 2
    most_inputs: ClassVar[int] = MAX_INPUTS

    def attributes(self) -> Mapping[str, int | str | tuple[int, ...]]:
        """None."""
        return {}

    @classmethod
    def read(cls, header: OperatorHeader, fields: OperatorFields) -> Self:
        """The operator in a file."""
        return cls(header.name, header.inputs, header.output)


@dataclass(frozen=True, eq=False)
class Add(_Merge):
    """The elementwise sum of its inputs, exact: spikes become counts."""

    kinds: ClassVar[tuple[str, ...]] = ("add",)

    def output_shape(self, sources: Sequence[TensorSpec]) -> Shape:
        """That of every input."""
        return same_shape(sources)

    def output_range(self, sources: Sequence[TensorSpec]) -> ValueRange:
        """The sum of the inputs' ranges."""
        return sum_range([source.range for source in sources])

    def start(self) -> Step:
        """See the class."""
        return lambda inputs: np.sum(inputs, axis=0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Concatenate(_Merge):
    """The channels of all inputs, one input after the other."""

    kinds: ClassVar[tuple[str, ...]] = ("concatenate",)

    def output_shape(self, sources: Sequence[TensorSpec]) -> Shape:
        """The channels add up; height and width are those of every input."""
        first = sources[0]
        for source in sources[1:]:
            if source.shape[1:] != first.shape[1:]:
                raise TraceError(
                    f"its inputs must have one height and width, found {first.name} of {first.shape} "
                    f"and {source.name} of {source.shape}"
                )
        return (sum(source.shape[0] for source in sources), *first.shape[1:])

    def output_range(self, sources: Sequence[TensorSpec]) -> ValueRange:
        """From the lowest to the highest value of any input."""
        ranges = [source.range for source in sources]
        return ValueRange(min(each.lowest for each in ranges), max(each.highest for each in ranges))

    def start(self) -> Step:
        """See the class."""
        return _concatenated


def _concatenated(inputs: Sequence[Int64]) -> Int64:
    return np.concatenate(inputs)
