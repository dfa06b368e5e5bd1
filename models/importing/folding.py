"""A named chain of operations through the builder, and every reason why it does not fit, together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.builder import NetworkBuilder
from spikecycle.models.importing.nodes import FloatStage
from spikecycle.models.importing.refusal import Refusal, refuse
from spikecycle.traces.errors import reason

# What NumPy raises on parameters of shapes and kinds that nobody foresaw.
UNFIT = (ArithmeticError, IndexError, TypeError, ValueError)


class Operation(NamedTuple):
    """One part of a foreign network: its name and kind there, and the call convert(builder, name, *details)."""

    name: str
    kind: str
    convert: Callable[..., None]
    details: tuple[Any, ...]


class Folded(NamedTuple):
    """input_shape: (C, H, W) of one timestep; places: index of the operation that emits for each stage."""

    input_shape: tuple[int, int, int]
    stages: list[FloatStage]
    places: list[int]


def fold(source: str, part: str, input_shape: Sequence[int], operations: Sequence[Operation]) -> Folded:
    """The network of a chain. ModelsError, naming every part (a "node", a "module") that does not fit and why."""
    places: list[int] = []
    try:
        builder = NetworkBuilder(input_shape)
        for place, operation in enumerate(operations):
            try:
                operation.convert(builder, operation.name, *operation.details)
            except Refusal as refusal:
                builder.refused.append((operation.name, refusal))
                break  # the shapes of what follows are unknown
            except UNFIT as error:
                builder.refused.append((operation.name, Refusal(f"its parameters do not fit: {reason(error)}")))
                break
            if len(builder.stages) > len(places):
                places.append(place)
        kinds = {operation.name: operation.kind for operation in operations}
        refuse(source, [f"{part} {name} ({kinds[name]}): {refusal}" for name, refusal in builder.refused])
        stages = builder.finish()
    except Refusal as refusal:
        raise ModelsError(f"{source}: {refusal}") from None
    places.extend([len(operations) - 1] * (len(stages) - len(places)))
    return Folded(builder.input_shape, stages, places)
