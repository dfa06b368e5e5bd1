"""An integer network that is a chain, as one node for each population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.models.importing.integer_run import run_operators
from spikecycle.traces import Neuron, Operator, Population, TensorSpec


@dataclass(frozen=True, eq=False)
class Segment:
    """A population and what lies between it and the one before."""

    operators: tuple[Operator, ...]
    specs: Mapping[str, TensorSpec]
    source: str

    @property
    def name(self) -> str:
        """The population's."""
        return self.operators[-1].name

    @property
    def neuron(self) -> Neuron:
        """The population's."""
        last = self.operators[-1]
        assert isinstance(last, Population)
        return last.neuron

    def run(self, inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What it emits, (N, T, M, P, Q), for what arrives, (N, T, ...)."""
        shaped = np.asarray(inputs).reshape(*inputs.shape[:2], *self.specs[self.source].shape)
        return run_operators(self.operators, self.specs, {self.source: shaped}, [self.name])[self.name]


def segments(operators: Sequence[Operator], specs: Mapping[str, TensorSpec], source: str) -> list[Segment] | None:
    """The parts of a chain in order; None where an operator takes something else than what comes before it."""
    found: list[Segment] = []
    part: list[Operator] = []
    for operator in operators:
        known = {source, *(each.output.name for each in part)}
        if any(each.delay or each.tensor not in known for each in operator.inputs):
            return None
        part.append(operator)
        if isinstance(operator, Population):
            found.append(Segment(tuple(part), specs, source))
            part, source = [], operator.output.name
    return None if part else found
