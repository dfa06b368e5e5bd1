"""The network in a trace, run on other samples than those that were recorded: the integers that hardware runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.models.data.frames import FrameSet
from spikecycle.models.data.options import OnProgress
from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.integer_run import run_operators
from spikecycle.models.importing.measure import BATCH_VALUES
from spikecycle.models.readout import predicted_classes
from spikecycle.traces import Population, TensorSpec, Trace
from spikecycle.traces.network_writer import NetworkWriter

RECORDED_FIGURES = ("accuracy_", "spike_difference", "firing_rates", "float_firing_rates", "clipped_inputs", "remarks",
                    "measured_samples", "recorded")  # fmt: skip
"""Of a provenance: what is true of the samples that were recorded, and not of others."""


@dataclass(frozen=True, eq=False)
class TraceNetwork:
    """The network of an open trace. input: the tensor that frames enter by; output: the population that answers;
    classes: groups of its neurons."""

    trace: Trace
    input: TensorSpec
    output: Population
    classes: int

    @classmethod
    def of(cls, trace: Trace, classes: int | None = None) -> TraceNetwork:
        """ModelsError, naming the file, where the trace does not say how samples become an answer.

        classes: by default what its provenance says, or one for each neuron of the output.
        """
        if trace.version == 1 and len(trace.layers) > 1:
            raise ModelsError(
                f"{trace.path}: a trace of version 1 does not say how its layers are joined; record the network again"
            )
        made = {operator.output.name for operator in trace.operators}
        inputs = [tensor.spec for name, tensor in trace.tensors.items() if name not in made]
        taken = {source.tensor for operator in trace.operators for source in operator.inputs if not source.delay}
        ends = [each for each in trace.operators if each.output.name not in taken]
        if len(inputs) != 1 or inputs[0].signed:
            raise ModelsError(f"{trace.path}: one input of counts or spikes is needed, found {_names(inputs)}")
        if len(ends) != 1 or not isinstance(ends[0], Population):
            outputs = _names([each.output for each in ends])
            raise ModelsError(f"{trace.path}: one population at the end is needed, found {outputs}")
        if trace.provenance.get("input_step", 1.0) != 1.0:
            raise ModelsError(f"{trace.path}: its inputs are codes of analog values, which frames of events are not")
        told = trace.provenance.get("classes")
        found = classes or (told if isinstance(told, int) and told > 0 else ends[0].output.count)
        if ends[0].output.count % found:
            raise ModelsError(f"{trace.path}: {ends[0].output.count} output neurons are no whole groups of {found}")
        return cls(trace, inputs[0], ends[0], found)

    def encode(self, frames: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Frames (N, T, C, H, W) as the network takes them: larger counts are cut."""
        codes: npt.NDArray[Any] = np.minimum(frames, self.input.range.highest).astype(self.input.dtype)
        return codes

    def predictions(self, samples: FrameSet, on_measured: OnProgress | None = None) -> list[int]:
        """The class of every sample."""
        found: list[int] = []
        for batch in self._batches(samples.frames):
            made = self._run(samples.frames[batch], [self.output.output.name])
            found += predicted_classes(made[self.output.output.name], self.classes).tolist()
            if on_measured is not None:
                on_measured(len(found), len(samples))
        return found

    def record(
        self, path: Path, samples: FrameSet, facts: dict[str, Any], on_recorded: OnProgress | None = None
    ) -> None:
        """Write a trace of the same network on other samples. facts: added to what its provenance says of it."""
        trace = self.trace
        kept = {name: fact for name, fact in trace.provenance.items() if not name.startswith(RECORDED_FIGURES)}
        recorded = [each.output.name for each in trace.operators if trace.tensors[each.output.name].recorded]
        timesteps = samples.frames.shape[1]
        with NetworkWriter(path, [self.input], trace.operators, recorded, timesteps, {**kept, **facts}) as writer:
            for batch in self._batches(samples.frames):
                made = self._run(samples.frames[batch], [self.input.name, *recorded])
                for index, label in enumerate(samples.labels[batch]):
                    writer.append({name: values[index] for name, values in made.items()}, int(label))
                    if on_recorded is not None:
                        on_recorded(batch.start + index + 1, len(samples))

    def _run(self, frames: npt.NDArray[Any], wanted: list[str]) -> dict[str, npt.NDArray[Any]]:
        specs = {name: tensor.spec for name, tensor in self.trace.tensors.items()}
        return run_operators(self.trace.operators, specs, {self.input.name: self.encode(frames)}, wanted)

    def _batches(self, frames: npt.NDArray[Any]) -> Iterator[slice]:
        largest = max(each.output.count for each in self.trace.operators) * frames.shape[1]
        size = max(1, BATCH_VALUES // max(frames[0].size, largest))
        return (slice(start, min(start + size, len(frames))) for start in range(0, len(frames), size))


def _names(specs: list[TensorSpec]) -> str:
    return ", ".join(f"{spec.name}{' (signed)' if spec.signed else ''}" for spec in specs[:5]) or "none"
