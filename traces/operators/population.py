"""Populations of neurons: the currents and spikes that arrive are summed, integrated, and fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from spikecycle.traces.array_types import Int64
from spikecycle.traces.errors import TraceError
from spikecycle.traces.neuron import Neuron
from spikecycle.traces.operators.base import (
    Operator,
    OperatorFields,
    OperatorHeader,
    Shape,
    Step,
    same_shape,
    sum_range,
)
from spikecycle.traces.operators.extras import (
    CHANNEL_LEAKS,
    CHANNEL_THRESHOLDS,
    NEURON_LEAKS,
    NEURON_THRESHOLDS,
    SYNAPTIC_CURRENTS,
)
from spikecycle.traces.schema import MAX_INPUTS, MAX_NEURON_PARAMETERS, MAX_SUM
from spikecycle.traces.tensors import TensorSpec, ValueRange

_PARAMETERS = ("threshold", "leak_numerator", "current_leak_numerator", "start_potential")


@dataclass(frozen=True, eq=False)
class Population(Operator):
    """Neurons (M, P, Q), each of which sums its inputs: currents of synapses, or spikes and counts as they are.

    The output is a binary spike per neuron and timestep, or the potential of a readout. See `Neuron` for the
    arithmetic.
    """

    neuron: Neuron

    kinds: ClassVar[tuple[str, ...]] = ("neuron",)
    most_inputs: ClassVar[int] = MAX_INPUTS
    has_state: ClassVar[bool] = True

    def demands(self, sources: Sequence[TensorSpec]) -> tuple[str, ...]:
        """Several inputs, and what goes beyond a neuron with one leak, thresholds per channel and a start at 0."""
        neuron = self.neuron
        asked = {
            "several inputs": len(self.inputs) > 1,
            "a neuron of two states": neuron.has_current,
            "a neuron that does not fire": not neuron.fires,
            "a leak per neuron": neuron.leak_numerator.size > 1,
            "a threshold per neuron": neuron.threshold.ndim > 1,
            "a start potential": bool(neuron.start_potential.any()),
            "a reset in the next timestep": neuron.reset_timing == "next",
        }
        return (*super().demands(sources), *(name for name, asks in asked.items() if asks))

    def extras(self) -> tuple[str, ...]:
        """Synaptic currents, and thresholds and leaks that differ between channels or neurons."""
        neuron = self.neuron
        thresholds = neuron.variations["threshold"]
        leaks = {neuron.variations[name] for name in ("leak_numerator", "current_leak_numerator")}
        found = {
            SYNAPTIC_CURRENTS: neuron.has_current,
            CHANNEL_THRESHOLDS: thresholds == "channel",
            NEURON_THRESHOLDS: thresholds == "neuron",
            CHANNEL_LEAKS: "channel" in leaks,
            NEURON_LEAKS: "neuron" in leaks,
        }
        return tuple(name for name, has in found.items() if has)

    def output_shape(self, sources: Sequence[TensorSpec]) -> Shape:
        """That of every input."""
        shape = same_shape(sources)
        self.neuron.check_size(shape)
        return shape

    def output_range(self, sources: Sequence[TensorSpec]) -> ValueRange:
        """0 and 1, or the range of potentials."""
        return ValueRange(0, 1) if self.neuron.fires else ValueRange(*self.neuron.potential_range)

    def check(self, sources: Sequence[TensorSpec]) -> None:
        """Also: the width of the output is the neuron's."""
        super().check(sources)
        largest = sum_range([source.range for source in sources]).magnitude
        if largest > MAX_SUM:
            raise TraceError(f"the sum of its inputs may reach {largest}; at most {MAX_SUM} is allowed")
        wanted = self.output_range(sources)
        if (self.output.bits, self.output.signed) != (wanted.bits, wanted.lowest < 0):
            raise TraceError(
                f"its output has {wanted.bits} {'signed' if wanted.lowest < 0 else 'unsigned'} bits, found tensor "
                f"{self.output.name} of {self.output.bits} {'signed' if self.output.signed else 'unsigned'} bits"
            )

    def start(self) -> Step:
        """See `Neuron`."""
        neuron, shape = self.neuron, self.output.shape
        threshold, leak, current_leak, start = (spread(getattr(neuron, name), shape) for name in _PARAMETERS)
        potential: Int64 = start
        current: Int64 = np.zeros(shape, np.int64)
        fired: npt.NDArray[np.bool_] = np.zeros(shape, bool)
        soft, late = neuron.reset == "soft", neuron.reset_timing == "next"

        def step(inputs: Sequence[Int64]) -> Int64:
            nonlocal potential, current, fired
            arriving: Int64 = np.sum(inputs, axis=0, dtype=np.int64)
            if neuron.has_current:
                leaked_current = (current * current_leak) >> neuron.current_leak_shift
                current = np.clip(leaked_current + arriving, *neuron.current_range)
                arriving = current
            leaked = (potential * leak) >> neuron.leak_shift
            if late:
                leaked = np.where(fired, leaked - threshold if soft else neuron.reset_value, leaked)
            potential = np.clip(leaked + arriving, *neuron.potential_range)
            if not neuron.fires:
                return potential
            fired = potential >= threshold
            if not late:
                potential = np.where(fired, potential - threshold if soft else neuron.reset_value, potential)
            return fired.astype(np.int64)

        return step

    def attributes(self) -> Mapping[str, int | str | tuple[int, ...]]:
        """What the kind of neuron has: widths, leak shifts, reset."""
        neuron = self.neuron
        found: dict[str, int | str | tuple[int, ...]] = {
            "neuron": neuron.kind,
            "potential_bits": neuron.potential_bits,
        }
        if neuron.kind != "if":
            found["leak_shift"] = neuron.leak_shift
        if neuron.has_current:
            found |= {"current_bits": neuron.current_bits, "current_leak_shift": neuron.current_leak_shift}
        if neuron.fires:
            found |= {"reset": neuron.reset, "reset_timing": neuron.reset_timing}
            if neuron.reset == "hard":
                found["reset_value"] = neuron.reset_value
        return found

    def summary(self) -> str:
        """The neuron."""
        return self.neuron.summary()

    def arrays(self) -> Mapping[str, npt.NDArray[Any]]:
        """What the kind of neuron has: threshold, leaks; and the start potential, if it is not 0."""
        neuron = self.neuron
        found = {"threshold": neuron.threshold} if neuron.fires else {}
        if neuron.kind != "if":
            found["leak_numerator"] = neuron.leak_numerator
        if neuron.has_current:
            found["current_leak_numerator"] = neuron.current_leak_numerator
        if neuron.start_potential.any():
            found["start_potential"] = neuron.start_potential
        return found

    @classmethod
    def read(cls, header: OperatorHeader, fields: OperatorFields) -> Self:
        """The operator in a file."""
        shape = header.output.shape

        def numbers(name: str) -> npt.NDArray[np.int32]:
            count = int(np.prod(fields.shape(name), dtype=object))
            if count > MAX_NEURON_PARAMETERS:
                raise TraceError(f"{name}: at most {MAX_NEURON_PARAMETERS} values are allowed, found {count}")
            return fields.values(name, ("int32",), (1,), shape[:1], shape)

        values: dict[str, Any] = {"kind": fields.word("neuron"), "potential_bits": fields.integer("potential_bits")}
        if values["kind"] != "readout":
            values |= {name: fields.word(name) for name in ("reset", "reset_timing")}
            values["threshold"] = numbers("threshold")
            if values["reset"] == "hard":
                values["reset_value"] = fields.integer("reset_value")
        if values["kind"] != "if":
            values |= {"leak_shift": fields.integer("leak_shift"), "leak_numerator": numbers("leak_numerator")}
        if fields.has("current_leak_numerator"):
            values["current_leak_numerator"] = numbers("current_leak_numerator")
            values |= {name: fields.integer(name) for name in ("current_leak_shift", "current_bits")}
        if fields.has("start_potential"):
            values["start_potential"] = numbers("start_potential")
        return cls(header.name, header.inputs, header.output, Neuron(**values))


def spread(parameter: npt.NDArray[np.int32], shape: Shape) -> Int64:
    """A neuron's parameter of shape (1,), (M,) or (M, P, Q) as int64 that fits (M, P, Q); one that is absent as 0."""
    values = parameter.astype(np.int64) if parameter.size else np.zeros(1, np.int64)
    return np.broadcast_to(values if values.ndim == 3 else values[:, None, None], shape)
