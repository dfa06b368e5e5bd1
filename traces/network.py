"""A network: tensors by name, and the operators that join them, in an order in which they can be computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikecycle.traces.array_types import Array
from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.filters import AddWords, add_words
from spikecycle.traces.operators.base import Operator
from spikecycle.traces.packing import PackedSpikes
from spikecycle.traces.schema import MAX_SAMPLE_VALUES
from spikecycle.traces.tensors import TensorSpec


class ReadSample(Protocol):
    """Reads a sample with this index, (T, C, H, W), binary spikes packed."""

    def __call__(self, sample: int, /, adding: AddWords = ...) -> Array | PackedSpikes:
        """adding: for the checksums of what is read."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of a network: what it is, who makes it, and what was recorded of it.

    producer: the operator whose output it is; None for an input of the network, which is always recorded.
    read: reads one sample, (T, C, H, W) in `spec.dtype`, binary spikes packed; None if the tensor is not recorded and
        has to be derived.
    """

    spec: TensorSpec
    producer: str | None
    read: ReadSample | None

    @property
    def name(self) -> str:
        """Unique among the tensors of a network."""
        return self.spec.name

    @property
    def recorded(self) -> bool:
        """Whether its values were recorded."""
        return self.read is not None

    def frames(self, sample: int, adding: AddWords = add_words) -> Array | PackedSpikes | None:
        """Recorded values of one sample, binary spikes packed as they are in the file, or None when not recorded.

        adding: for the checksums of what is read.
        """
        return None if self.read is None else self.read(sample, adding)

    def values(self, sample: int) -> Array | None:
        """Recorded values of one sample, (T, C, H, W) in the smallest dtype, or None when not recorded."""
        frames = self.frames(sample)
        return None if frames is None else np.asarray(frames)


def make_tensors(
    specs: Sequence[TensorSpec], operators: Sequence[Operator], recordings: Mapping[str, ReadSample]
) -> dict[str, Tensor]:
    """The tensors of a network by name; TraceError if names repeat or two operators make the same tensor."""
    known: dict[str, TensorSpec] = {}
    for spec in specs:
        if spec.name in known:
            raise TraceError(f"tensor {spec.name}: the name is taken by an earlier tensor; names must differ")
        known[spec.name] = spec
    producers: dict[str, str] = {}
    for operator in operators:
        made = operator.output.name
        if made in producers:
            raise TraceError(
                f"operator {operator.name}: its output, tensor {made}, is made by operator {producers[made]} already"
            )
        producers[made] = operator.name
    return {name: Tensor(spec, producers.get(name), recordings.get(name)) for name, spec in known.items()}


def order_network(tensors: Mapping[str, Tensor], operators: Sequence[Operator], timesteps: int) -> tuple[Operator, ...]:
    """The operators in topological order: the given one, but for those that another needs earlier. Edges with a delay
    do not count.

    TraceError where a name is taken twice, an input is made by nobody, inputs and outputs do not meet, a sample of a
    tensor is beyond the limit, or operators wait for each other.
    """
    check_operator_names(operators)
    for tensor in tensors.values():
        with located(f"tensor {tensor.name}"):
            if timesteps * tensor.spec.count > MAX_SAMPLE_VALUES:
                raise TraceError(
                    f"at most {MAX_SAMPLE_VALUES} values of one sample are allowed, "
                    f"found {timesteps * tensor.spec.count}"
                )
            if tensor.producer is None and not tensor.recorded:
                raise TraceError("no operator makes it, and it is not recorded")
    for operator in operators:
        with located(f"operator {operator.name}"):
            operator.check([tensors[source.tensor].spec for source in operator.inputs])
    return _topological(operators)


def check_operator_names(operators: Sequence[Operator]) -> None:
    """TraceError if two operators have one name."""
    seen: set[str] = set()
    for operator in operators:
        if operator.name in seen:
            raise TraceError(f"operator {operator.name}: the name is taken by an earlier operator; names must differ")
        seen.add(operator.name)


def _topological(operators: Sequence[Operator]) -> tuple[Operator, ...]:
    producer = {operator.output.name: operator for operator in operators}

    def needs(operator: Operator) -> Iterator[Operator]:
        return (producer[each.tensor] for each in operator.inputs if not each.delay and each.tensor in producer)

    ordered: dict[str, Operator] = {}
    for operator in operators:
        path = {} if operator.name in ordered else {operator.name: (operator, needs(operator))}
        while path:
            current, rest = next(reversed(path.values()))
            waiting = next((each for each in rest if each.name not in ordered), None)
            if waiting is None:
                ordered[current.name] = current
                del path[current.name]
            elif waiting.name in path:
                names = list(path)
                cycle = names[names.index(waiting.name) :]
                raise TraceError(
                    f"operators {', '.join(reversed(cycle))} wait for each other: a cycle needs an input with delay 1"
                )
            else:
                path[waiting.name] = (waiting, needs(waiting))
    return tuple(ordered.values())
