"""A network: tensors by name, and the operators that join them, in an order in which they can be computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from spikecycle.traces.errors import TraceError, located
from spikecycle.traces.operators.base import Operator
from spikecycle.traces.schema import MAX_SAMPLE_VALUES
from spikecycle.traces.tensors import TensorSpec

ReadSample = Callable[[int], npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor of a network: what it is, who makes it, and what was recorded of it.

    producer: the operator whose output it is; None for an input of the network, which is always recorded.
    read: reads one sample, (T, C, H, W) in `spec.dtype`; None if the tensor is not recorded and has to be derived.
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

    def values(self, sample: int) -> npt.NDArray[Any] | None:
        """Recorded values of one sample, (T, C, H, W) in the smallest dtype, or None when not recorded."""
        return None if self.read is None else self.read(sample)


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
    """The operators in topological order, each as early as the given order allows; edges with a delay do not count.

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
    waits_for = {
        operator.name: {
            producer[source.tensor].name for source in operator.inputs if source.tensor in producer and not source.delay
        }
        for operator in operators
    }
    ordered: list[Operator] = []
    done: set[str] = set()
    rest = list(operators)
    while rest:
        ready = [operator for operator in rest if waits_for[operator.name] <= done]
        if not ready:
            raise TraceError(
                f"operators {', '.join(_cycle(waits_for, rest[0].name, done))} wait for each other: "
                "a cycle needs an input with delay 1"
            )
        # The first of the waiting ones at a time would keep more of the order and cost a square of the operators.
        ordered += ready
        done |= {operator.name for operator in ready}
        rest = [operator for operator in rest if operator.name not in done]
    return tuple(ordered)


def _cycle(waits_for: Mapping[str, set[str]], start: str, done: set[str]) -> list[str]:
    """Operators that wait for each other in a ring, found from one that waits."""
    path = [start]
    while True:
        following = min(waits_for[path[-1]] - done)
        if following in path:
            return path[path.index(following) :]
        path.append(following)
