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
from spikecycle.models.importing.answer import Answer
from spikecycle.models.importing.integer_run import read_out, run_operators
from spikecycle.models.importing.joined import JoinedLayers, joined
from spikecycle.models.importing.measure import BATCH_VALUES
from spikecycle.traces import Population, TensorSpec, Trace
from spikecycle.traces.network_writer import NetworkWriter

RECORDED_FIGURES = ("accuracy_", "spike_difference", "firing_rates", "float_firing_rates", "clipped_inputs", "remarks",
                    "measured_samples", "recorded")  # fmt: skip
"""Of a provenance: what is true of the samples that were recorded, and not of others."""
READS_OUT = "reads_out"
"""Of a provenance: populations that the trace has as neurons that never fire, and that are read by their potentials."""
ANSWERS = "output"
"""Of a provenance: the population that answers, where it is not the one at the end."""


@dataclass(frozen=True, eq=False)
class TraceNetwork:
    """The network of an open trace. network: its operators, joined; input: the tensor that frames enter by; output:
    the population that answers; classes: groups of its neurons."""

    trace: Trace
    network: JoinedLayers
    input: TensorSpec
    output: Population
    classes: int

    @classmethod
    def of(cls, trace: Trace, classes: int | None = None) -> TraceNetwork:
        """ModelsError, naming the file, where the trace does not say how samples become an answer.

        classes: by default what its provenance says, or as many as its samples have labels of, or one for each neuron
        of the output.
        """
        network = joined(trace)
        made = {operator.output.name for operator in network.operators}
        taken = {source.tensor for operator in network.operators for source in operator.inputs if not source.delay}
        inputs = [spec for name, spec in network.specs.items() if name not in made]
        ends = [each for each in network.operators if each.output.name not in taken]
        answering = trace.provenance.get(ANSWERS)
        ends = [each for each in network.operators if each.name == answering] or ends
        if len(inputs) != 1 or inputs[0].signed:
            raise ModelsError(f"{trace.path}: one input of counts or spikes is needed, found {_names(inputs)}")
        if len(ends) != 1 or not isinstance(ends[0], Population):
            outputs = _names([each.output for each in ends])
            raise ModelsError(f"{trace.path}: one population at the end is needed, found {outputs}")
        if trace.provenance.get("input_step", 1.0) != 1.0:
            raise ModelsError(f"{trace.path}: its inputs are codes of analog values, which frames of events are not")
        told, outputs_count = trace.provenance.get("classes"), ends[0].output.count
        told = told if isinstance(told, int) and told > 0 else _classes_of_labels(trace, outputs_count)
        found = classes or told or outputs_count
        if outputs_count % found:
            raise ModelsError(f"{trace.path}: {outputs_count} output neurons are no whole groups of {found}")
        return cls(trace, network, inputs[0], ends[0], found)

    @property
    def class_names(self) -> tuple[str, ...]:
        """By number, where its provenance has them, one for each class."""
        told = self.trace.provenance.get("class_names")
        if not isinstance(told, list) or not all(isinstance(each, str) for each in told):
            return ()
        return tuple(told) if len(set(told)) == len(told) == self.classes else ()

    def encode(self, frames: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Frames (N, T, C, H, W) as the network takes them: larger counts are cut."""
        codes: npt.NDArray[Any] = np.minimum(frames, self.input.range.highest).astype(self.input.dtype)
        return codes

    def clipped(self, samples: FrameSet) -> str | None:
        """How many counts are cut, for people; None where none is."""
        highest = self.input.range.highest
        cut, size = int(np.count_nonzero(samples.frames > highest)), samples.frames.size
        if not cut:
            return None
        return (
            f"{cut} of {size} input values ({100 * cut / size:.3g} %) are clipped to {highest}, what the trace's "
            f"{self.input.bits}-bit inputs hold; these are up to {int(samples.frames.max())}"
        )

    def predictions(self, samples: FrameSet, on_measured: OnProgress | None = None) -> list[int]:
        """The class of every sample."""
        found: list[int] = []
        answer = Answer.of_facts(self.trace.provenance, self.output.output.count)
        for batch in self._batches(samples.frames):
            made = self._run(samples.frames[batch], [self.output.output.name], self._answering())
            found += answer.predicted(made[self.output.output.name], self.classes).tolist()
            if on_measured is not None:
                on_measured(len(found), len(samples))
        return found

    def record(
        self, path: Path, samples: FrameSet, facts: dict[str, Any], on_recorded: OnProgress | None = None
    ) -> None:
        """Write a trace of the same network on other samples. facts: added to what its provenance says of it."""
        trace = self.trace
        kept = {name: fact for name, fact in trace.provenance.items() if not name.startswith(RECORDED_FIGURES)}
        operators, known = self.network.operators, trace.tensors
        recorded = [name for name in (each.output.name for each in operators) if name in known and known[name].recorded]
        timesteps = samples.frames.shape[1]
        with NetworkWriter(path, [self.input], operators, recorded, timesteps, {**kept, **facts}) as writer:
            for batch in self._batches(samples.frames):
                made = self._run(samples.frames[batch], [self.input.name, *recorded])
                for index, label in enumerate(samples.labels[batch]):
                    writer.append({name: values[index] for name, values in made.items()}, int(label))
                    if on_recorded is not None:
                        on_recorded(batch.start + index + 1, len(samples))

    def _answering(self) -> Population:
        """The population that answers, giving its potentials where those are read."""
        silent = self.trace.provenance.get(READS_OUT)
        named = isinstance(silent, list) and self.output.name in silent
        return read_out(self.output) if named and self.output.neuron.fires else self.output

    def _run(
        self, frames: npt.NDArray[Any], wanted: list[str], output: Population | None = None
    ) -> dict[str, npt.NDArray[Any]]:
        last = output or self.output
        operators = [last if each is self.output else each for each in self.network.operators]
        specs = {**self.network.specs, last.output.name: last.output}
        return run_operators(operators, specs, {self.input.name: self.encode(frames)}, wanted)

    def _batches(self, frames: npt.NDArray[Any]) -> Iterator[slice]:
        largest = max(each.output.count for each in self.network.operators) * frames.shape[1]
        size = max(1, BATCH_VALUES // max(frames[0].size, largest))
        return (slice(start, min(start + size, len(frames))) for start in range(0, len(frames), size))


def _classes_of_labels(trace: Trace, outputs: int) -> int | None:
    """As many as there are labels, where each of them occurs and the outputs are whole groups of so many."""
    labels = trace.labels
    if labels is None:
        return None
    found = np.unique(labels)
    return len(found) if (found == np.arange(len(found))).all() and outputs % len(found) == 0 else None


def _names(specs: list[TensorSpec]) -> str:
    return ", ".join(f"{spec.name}{' (signed)' if spec.signed else ''}" for spec in specs[:5]) or "none"
