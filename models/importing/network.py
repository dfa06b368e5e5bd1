"""A network made elsewhere, on its way to a trace: read it, calibrate it, quantize it, record it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from spikecycle.files import is_regular
from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.answer import Answer
from spikecycle.models.importing.chain import Segment, segments
from spikecycle.models.importing.changes import changes
from spikecycle.models.importing.fit import unfit, word_bits
from spikecycle.models.importing.graph import INPUT, FloatGraph, run_graph
from spikecycle.models.importing.importers import ResetChoice, source_of
from spikecycle.models.importing.inputs import InputEncoding, Samples, real_samples
from spikecycle.models.importing.integer_run import read_out, run_operators
from spikecycle.models.importing.leak import Leak, nearest_leak
from spikecycle.models.importing.lower import lower
from spikecycle.models.importing.measure import Measurement, Versions, batches, measure
from spikecycle.models.importing.neuron import NeuronRun, Reals
from spikecycle.models.importing.nir_nodes import DEFAULT_DT
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.source import ImportSource
from spikecycle.models.importing.to_integers import NeuronChoice, Quantized, Reach, in_hardware, quantize
from spikecycle.models.importing.trace_network import ANSWERS, READS_OUT
from spikecycle.models.integer.network import OnRecorded
from spikecycle.traces import GraphBuilder, Operator, Population, TensorSpec

ASSUMED = {
    "hard": ' (as the file says; reset="soft" where its writer subtracts, as snnTorch does)',
    "soft": " (assumed: the file has no v_reset)",
    "none": "",
}
MOST_POTENTIAL = 2.0**127
"""Larger potentials leave float32, in which frameworks compute."""
PACKAGES = ("nir", "snntorch", "torch", "numpy")


def import_network(
    source: Any,
    example: Any = None,
    *,
    dt: float = DEFAULT_DT,
    reset: ResetChoice | None = None,
    classes: int | None = None,
    neurons: NeuronChoice = "exact",
    leak_tolerance: float = 0.0,
) -> ImportedNetwork:
    """Read a network: a NIR file (or nir.NIRGraph), or a torch module of spiking neurons with an example batch.

    example: inputs as the module takes them. dt: duration of a timestep in the unit of a NIR file's time constants,
    which NIR leaves open (1e-4 s is what most writers assume; see `nir_nodes`). reset: of the neurons of a NIR file
    whose writer means another than the file says: without it, to v_reset where the file has that, else by subtraction
    of the threshold, as NIR had it before 2025. snnTorch writes v_reset = 0 for its subtracting neurons too:
    reset="soft" for those. classes: how many the output neurons stand for, in groups of equal size, class by class; by
    default as many as a module returns scores of, or else each is one. neurons: `exact` for all that a trace can hold,
    `plain` for what every machine has, as near as that comes (see `to_integers.in_hardware`). leak_tolerance: relative
    error of what leaks away that is accepted for a leak of fewer bits.

    ModelsError, with one line for each node or module that a trace cannot hold.
    """
    if not 0 <= leak_tolerance < 1:
        raise ModelsError(f"leak_tolerance must be 0 to 1, found {leak_tolerance:g}")
    return ImportedNetwork(source_of(source, example, dt, reset), classes, neurons, leak_tolerance)


@dataclass(frozen=True, eq=False)
class ImportCalibration:
    """What the samples said. mapped: the network on integer inputs, in hardware's neurons."""

    encoding: InputEncoding
    steps: int
    mapped: FloatGraph
    reach: dict[str, Reach]


class ImportedNetwork:
    """`calibrate`, `quantize`, then `measure` and `record`, in this order.

    Samples are (N, T, C, H, W), (N, T, C, L) or (N, T, features), of NumPy or torch: spikes, counts or analog values.
    """

    def __init__(
        self,
        source: ImportSource,
        classes: int | None = None,
        neurons: NeuronChoice = "exact",
        leak_tolerance: float = 0.0,
    ) -> None:
        self.source = source
        self._neurons, self._tolerance = neurons, leak_tolerance
        self._lowered(None)  # says now what would not fit
        outputs = int(np.prod(source.graph[source.graph.outputs[0]].shape))
        self.classes = (source.answer.classes or outputs) if classes is None else classes
        if self.classes < 1 or outputs % self.classes:
            raise ModelsError(f"{source.name}: {outputs} output neurons cannot stand for {self.classes} classes")
        asked_otherwise = source.answer.classes not in (None, self.classes)
        self.answer = Answer(source.answer.over_time) if asked_otherwise else source.answer
        self._calibration: ImportCalibration | None = None
        self._quantized: Quantized | None = None
        self._quantization: dict[str, Any] = {}

    @property
    def leaks(self) -> dict[str, tuple[Reals, Leak]]:
        """By population: the leak of the original and the fraction that hardware gets, leak.value."""
        return {
            each.name: (each.neuron.leak, nearest_leak(each.neuron.leak, self._tolerance))
            for each in self.source.graph.populations
        }

    @property
    def resets(self) -> dict[str, str]:
        """By population, its reset, leak and start in words, and whether the reset was assumed."""
        return {
            each.name: each.neuron.words() + (ASSUMED[each.neuron.reset] if each.reset_assumed else "")
            for each in self.source.graph.populations
        }

    @property
    def operators(self) -> tuple[Operator, ...]:
        """The integer network; ModelsError before `quantize`."""
        return tuple(self._ready().builder.operators)

    @property
    def nodes(self) -> list[Segment]:
        """The integer network as a chain, one part for each population; ModelsError where it is no chain."""
        found = segments(self.operators, self._ready().builder.tensors, INPUT)
        if found is None:
            raise ModelsError(f"{self.source.name}: is no chain of layers; see `operators`")
        return found

    @property
    def potential_bits(self) -> dict[str, int]:
        """Bits of a potential, by population."""
        return {each.name: each.neuron.potential_bits for each in self.operators if isinstance(each, Population)}

    @property
    def beyond_plain(self) -> list[str]:
        """Names of populations that not every machine has: neurons="plain" makes others of them."""
        return [
            each.name
            for each in self.operators
            if isinstance(each, Population)
            and (
                not each.neuron.fires
                or each.neuron.has_current
                or each.neuron.reset_timing == "next"
                or bool(each.neuron.start_potential.any())
            )
        ]

    def unfit(self, machines: Sequence[str] | None = None) -> list[str]:
        """For each machine, shipped ones by default, whose words are too narrow for the potentials: a line."""
        return unfit(word_bits(self.operators, self._ready().builder.tensors), machines)

    def calibrate(self, samples: Any, input_bits: int = 8) -> None:
        """Learn from samples how inputs become integers, and how large potentials get.

        Spikes and counts are taken exactly. Analog values get codes of input_bits, up to the largest magnitude;
        negative ones go to OFF channels of their own.
        """
        reals = real_samples(samples, self.source.input_shape, self.source.timesteps)
        encoding = InputEncoding.fitting(reals, input_bits)
        mapped = self._lowered(encoding)
        reach = {each.name: [np.zeros(each.shape[0]), np.zeros(each.shape[0])] for each in mapped.populations}

        def observe(name: str, run: NeuronRun) -> None:
            for largest, now in zip(reach[name], (run.peak, run.current), strict=True):
                if now is not None:
                    np.maximum(largest, now.abs().amax(dim=(0, 2, 3)).numpy(), out=largest)

        for batch in batches(mapped, reals):
            run_graph(mapped, encoding.encode(reals[batch]), (), observe=observe)
        for name, largest in reach.items():
            if not all((each < MOST_POTENTIAL).all() for each in largest):
                raise ModelsError(f"{name}: potentials leave the range of floats on these samples")
        found = {name: Reach(potential, current) for name, (potential, current) in reach.items()}
        self._calibration = ImportCalibration(encoding, reals.shape[1], mapped, found)
        self._quantized = None

    def quantize(self, weight_bits: int = 8, potential_bits: int | None = None) -> None:
        """Turn weights into integers of weight_bits, and everything else with them.

        potential_bits: of all populations; by default of each what it needs, with HEADROOM. Weights that are integers
        times a scale already keep their integers.
        """
        calibration = self._calibrated()
        if not 2 <= weight_bits <= 16:
            raise ModelsError(f"weight_bits must be 2 to 16, found {weight_bits}")
        try:
            self._quantized = quantize(
                calibration.mapped, calibration.encoding, weight_bits, potential_bits, calibration.steps,
                calibration.reach, self._neurons == "plain",
            )  # fmt: skip
        except Refusal as refusal:
            raise self._error(refusal) from None
        self._quantization = {"weight_bits": weight_bits}

    @property
    def inputs(self) -> str:
        """What kind of inputs the calibration saw, in words."""
        return self._calibrated().encoding.kind

    def measure(self, samples: Any, labels: Any = None, on_measured: OnRecorded | None = None) -> Measurement:
        """Run the original, its twins in real numbers and the integer network on samples, and compare what they do."""
        quantized, calibration = self._ready(), self._calibrated()
        reals = real_samples(samples, self.source.input_shape, calibration.steps)
        versions = Versions(
            graph=self.source.graph,
            original=self.source.original,
            in_neurons=self._lowered(None),
            mapped=calibration.mapped,
            faked=quantized.faked,
            operators=[_read_out(each, self.source.graph) for each in quantized.builder.operators],
            specs=_specs_read_out(quantized.builder, self.source.graph),
            encoding=calibration.encoding,
            input_name=INPUT,
            answer=self.answer,
        )
        found = measure(versions, reals, _labels(labels, len(reals)), self.classes, on_measured)
        told = (*self.source.remarks, *changes(self.source.graph, versions.in_neurons), *quantized.remarks)
        return replace(found, remarks=(*told, *found.remarks))

    def record(
        self,
        path: str | Path,
        samples: Any,
        labels: Any = None,
        measured: Measurement | None = None,
        on_recorded: OnRecorded | None = None,
        class_names: Sequence[str] = (),
        *,
        force: bool = False,
    ) -> Measurement:
        """Write the trace of the integer network on the samples, and return what its provenance says of accuracy.

        measured: figures over other samples (a whole test set); by default they are measured on these. class_names: by
        number, which the provenance then has too. A trace (HDF5) that is there already is replaced, so that a script
        can run again; force: replace any other file, too, which is a ModelsError else.
        """
        if not force and os.path.lexists(path) and not (is_regular(Path(path)) and h5py.is_hdf5(path)):
            raise ModelsError(f"{path}: is there already, and no trace; name another, or replace it with force=True")
        quantized, calibration = self._ready(), self._calibrated()
        reals = real_samples(samples, self.source.input_shape, calibration.steps)
        checked = _labels(labels, len(reals))
        figures = measured or self.measure(samples, labels)
        if not figures.clipped_inputs:  # of samples other than these
            told = [each for each in calibration.encoding.remarks(reals) if each not in figures.remarks]
            figures = replace(figures, remarks=(*told, *figures.remarks))
        named = {"class_names": list(class_names)} if class_names else {}
        facts = {**self.source.facts, **self._provenance(calibration), **named, **figures.facts()}
        self._write(Path(path), quantized, calibration.encoding, reals, checked, facts, on_recorded)
        return figures

    def _write(
        self, path: Path, quantized: Quantized, encoding: InputEncoding, reals: Samples,
        labels: npt.NDArray[np.int64] | None, facts: dict[str, Any], on_recorded: OnRecorded | None,
    ) -> None:  # fmt: skip
        builder = quantized.builder
        with builder.writer(path, facts) as writer:
            wanted = [INPUT, *sorted(builder.recorded)]
            for batch in batches(self.source.graph, reals):
                codes = encoding.encode(reals[batch])
                made = run_operators(builder.operators, builder.tensors, {INPUT: codes}, wanted)
                for index in range(len(codes)):
                    sample = batch.start + index
                    label = None if labels is None else int(labels[sample])
                    writer.append({name: values[index] for name, values in made.items()}, label)
                    if on_recorded is not None:
                        on_recorded(sample + 1, len(reals))

    def _provenance(self, calibration: ImportCalibration) -> dict[str, Any]:
        return {
            **self._quantization,
            "inputs": self.inputs,
            "input_step": calibration.encoding.step,
            "classes": self.classes,
            **self.answer.facts(),
            **self._reading_out(),
            **self._answering(),
            "neurons": self._neurons,
            "neuron": self.resets,
            "leak": {name: _span(leak) for name, (leak, _) in self.leaks.items()},
            "leak_error": {
                name: float(np.abs(leak.value - original).max()) for name, (original, leak) in self.leaks.items()
            },
            "versions": {name: version(name) for name in PACKAGES},
        }

    def _reading_out(self) -> dict[str, Any]:
        """Neurons that are read by their potentials, though the trace has them as ones that never fire (plain)."""
        silent = [each.name for each in self.operators if _is_silent(each, self.source.graph)]
        return {READS_OUT: silent} if silent else {}

    def _answering(self) -> dict[str, Any]:
        """Which population answers, where that is not the one at the end."""
        taken = {source.tensor for each in self.operators for source in each.inputs if not source.delay}
        ends = [each.name for each in self.operators if each.output.name not in taken]
        answering = self.source.graph.outputs[0]
        return {} if ends == [answering] else {ANSWERS: answering}

    def _lowered(self, encoding: InputEncoding | None) -> FloatGraph:
        try:
            return in_hardware(lower(self.source.graph, encoding), self._tolerance, self._neurons)
        except Refusal as refusal:
            raise self._error(refusal) from None

    def _error(self, refusal: Refusal) -> ModelsError:
        return ModelsError(f"{self.source.name}: {self.source.place(refusal.place)}{refusal}")

    def _calibrated(self) -> ImportCalibration:
        if self._calibration is None:
            raise ModelsError(f"{self.source.name}: calibrate the network first")
        return self._calibration

    def _ready(self) -> Quantized:
        if self._quantized is None:
            raise ModelsError(
                f"{self.source.name}: {'quantize' if self._calibration else 'calibrate'} the network first"
            )
        return self._quantized


def _read_out(operator: Operator, graph: FloatGraph) -> Operator:
    """A population that only reads out, as one that gives its potentials."""
    if not _is_silent(operator, graph):
        return operator
    assert isinstance(operator, Population)
    return read_out(operator)


def _specs_read_out(builder: GraphBuilder, graph: FloatGraph) -> dict[str, TensorSpec]:
    made = {each.output.name: _read_out(each, graph).output for each in builder.operators}
    return {**builder.tensors, **made}


def _is_silent(operator: Operator, graph: FloatGraph) -> bool:
    found = {each.name: each for each in graph.populations}.get(operator.name)
    return isinstance(operator, Population) and found is not None and found.neuron.reads_out and operator.neuron.fires


def _labels(labels: Any, samples: int) -> npt.NDArray[np.int64] | None:
    if labels is None:
        return None
    array = np.asarray(labels)
    if array.dtype.kind not in "iu" or array.shape != (samples,):
        raise ModelsError(f"labels must be {samples} integers, found {array.dtype} of shape {array.shape}")
    return array.astype(np.int64)


def _span(values: Reals) -> float | list[float]:
    low, high = float(values.min()), float(values.max())
    return low if low == high else [low, high]
