"""The operator interface: named inputs, one output, integer semantics; and the registry of kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from spikecycle.traces.array_types import Int64
from spikecycle.traces.checks import check_name
from spikecycle.traces.errors import TraceError, one_line
from spikecycle.traces.schema import MAX_INPUTS, MAX_SUM
from spikecycle.traces.tensors import Source, TensorSpec, ValueRange

Shape = tuple[int, int, int]

Step = Callable[[Sequence[Int64]], Int64]
"""Computes one timestep after the other: inputs int64 (C, H, W), one per source, to the output, int64 (C, H, W)."""

ReadArray = Callable[[], npt.NDArray[Any]]
"""Reads an array from its file, or hands out one in memory."""

UNSIZED = TensorSpec("output", (1, 1, 1), 1, False)
"""Stands for the output of an operator whose shape and range are yet to be worked out."""


class OperatorFields(Protocol):
    """The attributes and arrays of one operator in a trace file; what is never asked for is refused as unknown."""

    def integer(self, name: str) -> int:
        """An integer attribute."""

    def optional_integer(self, name: str) -> int | None:
        """An integer attribute, None if it is not there."""

    def integers(self, name: str, count: int) -> tuple[int, ...]:
        """An attribute of `count` integers."""

    def word(self, name: str) -> str:
        """A text attribute."""

    def has(self, name: str) -> bool:
        """Whether there is an array of this name."""

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array."""

    def values(self, name: str, dtypes: Sequence[str], *shapes: tuple[int, ...]) -> npt.NDArray[Any]:
        """The array of one of the dtypes and shapes."""

    def array(
        self, name: str, dtypes: Sequence[str], *shapes: tuple[int, ...], limits: tuple[int, int] = ...
    ) -> ReadArray:
        """An integer array of one of the dtypes and shapes, to be read later; its values must lie within limits."""


class OperatorHeader(NamedTuple):
    """What all operators have in a file. sources: the tensors that the inputs name."""

    name: str
    kind: str
    inputs: tuple[Source, ...]
    sources: tuple[TensorSpec, ...]
    output: TensorSpec


@dataclass(frozen=True, eq=False)
class Operator(ABC):
    """One node of a network: what arrives, what comes out, and how the one follows from the other in integers.

    A subclass registers itself by the kinds that it names and is the only place that knows them: their attributes
    and arrays, the shape and range of their output, their semantics. `output` is the tensor it makes.
    """

    name: str
    inputs: tuple[Source, ...]
    output: TensorSpec

    kinds: ClassVar[tuple[str, ...]] = ()
    fewest_inputs: ClassVar[int] = 1
    most_inputs: ClassVar[int] = 1
    has_state: ClassVar[bool] = False
    """Whether a timestep depends on those before it, apart from inputs with a delay."""

    def __init_subclass__(cls) -> None:
        for kind in cls.kinds:
            OPERATOR_KINDS[kind] = cls

    def __post_init__(self) -> None:
        check_name(self.name)
        object.__setattr__(self, "inputs", tuple(self.inputs))
        fewest, most = self.fewest_inputs, min(self.most_inputs, MAX_INPUTS)
        if not fewest <= len(self.inputs) <= most:
            wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise TraceError(f"kind {self.kind} takes {wanted} inputs, found {len(self.inputs)}")

    @property
    def kind(self) -> str:
        """The name of what it does, as in the trace file."""
        return self.kinds[0]

    def demands(self, sources: Sequence[TensorSpec]) -> tuple[str, ...]:
        """What a machine must be able to do beyond the kind, in words for a refusal ("groups", "a delayed input")."""
        return ("a delayed input",) if any(source.delay for source in self.inputs) else ()

    def extras(self) -> tuple[str, ...]:
        """What it has of `spikecycle.traces.operators.extras`; reads no arrays of weights or biases."""
        return ()

    @abstractmethod
    def output_shape(self, sources: Sequence[TensorSpec]) -> Shape:
        """Shape of the output for these inputs; TraceError where their shapes do not meet."""

    @abstractmethod
    def output_range(self, sources: Sequence[TensorSpec]) -> ValueRange:
        """The values that the output can take, as far as is known without reading arrays."""

    def tight_range(self, sources: Sequence[TensorSpec]) -> ValueRange:
        """The values that the output can take, arrays considered."""
        return self.output_range(sources)

    @abstractmethod
    def start(self) -> Step:
        """The integer semantics: a function to be called once per timestep, in order; it keeps what state there is."""

    def run(self, inputs: Sequence[npt.NDArray[Any]]) -> Int64:
        """All timesteps of a sample: inputs (T, C, H, W), delays already applied, to the output int64 (T, C, H, W)."""
        step = self.start()
        return np.stack([step([values[t].astype(np.int64) for values in inputs]) for t in range(len(inputs[0]))])

    @abstractmethod
    def attributes(self) -> Mapping[str, int | str | tuple[int, ...]]:
        """What the file holds as attributes, apart from name, kind, inputs and output."""

    def summary(self) -> str:
        """What it is in a few words, for people; may read its arrays."""
        return ""

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """What the file holds as datasets."""
        return {}

    @classmethod
    @abstractmethod
    def read(cls, header: OperatorHeader, fields: OperatorFields) -> Self:
        """The operator in a file."""

    def check(self, sources: Sequence[TensorSpec]) -> None:
        """TraceError unless inputs and output meet, and all sums stay exact in 64 bits."""
        shape = self.output_shape(sources)
        if self.output.shape != shape:
            raise TraceError(
                f"its output has shape {shape}, found tensor {self.output.name} of shape {self.output.shape}"
            )
        largest = self.output_range(sources).magnitude
        if largest > MAX_SUM:
            raise TraceError(f"the output may reach {largest}; at most {MAX_SUM} is allowed")


OPERATOR_KINDS: dict[str, type[Operator]] = {}
"""Every kind of operator and its class; filled by the classes themselves."""


def operator_class(kind: str) -> type[Operator]:
    """The class of a kind of operators; TraceError on an unknown one."""
    if kind not in OPERATOR_KINDS:
        raise TraceError(f"kind must be one of {', '.join(sorted(OPERATOR_KINDS))}, found {one_line(kind)}")
    return OPERATOR_KINDS[kind]


def same_shape(sources: Sequence[TensorSpec]) -> Shape:
    """The shape that all inputs have; TraceError if they differ."""
    for source in sources[1:]:
        if source.shape != sources[0].shape:
            raise TraceError(
                f"its inputs must have one shape, found {sources[0].name} of {sources[0].shape} "
                f"and {source.name} of {source.shape}"
            )
    return sources[0].shape


def sum_range(ranges: Sequence[ValueRange]) -> ValueRange:
    """What the sum of values from these ranges can be."""
    return ValueRange(sum(each.lowest for each in ranges), sum(each.highest for each in ranges))
