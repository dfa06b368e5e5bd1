"""A network made elsewhere, on its way to a trace: read it, calibrate it, quantize it, record it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.inputs import InputEncoding, real_samples
from spikecycle.models.importing.leak import Leak
from spikecycle.models.importing.measure import Measurement, Versions, batches, measure
from spikecycle.models.importing.nir_nodes import DEFAULT_DT
from spikecycle.models.importing.nodes import FloatStage
from spikecycle.models.importing.source import FloatStages, ImportSource, ResetChoice, module_source, nir_source
from spikecycle.models.importing.to_integers import layer_in_integers
from spikecycle.models.integer import IntegerNode, record_network
from spikecycle.models.integer.network import OnRecorded

PACKAGES = ("nir", "snntorch", "torch", "numpy")


def import_network(
    source: str | Path | nn.Module | Any,
    example: Tensor | None = None,
    *,
    dt: float = DEFAULT_DT,
    reset: ResetChoice | None = None,
    classes: int | None = None,
) -> ImportedNetwork:
    """Read a network: a NIR file (or nir.NIRGraph), or a torch module of snntorch neurons with an example batch.

    dt: duration of a timestep in the unit of a NIR file's time constants, which NIR leaves open (1e-4 s is what most
    writers assume; see `nir_nodes`). reset: of the neurons of a NIR file whose writer means another than the file says:
    without it, to v_reset where the file has that, else by subtraction of the threshold, as NIR had it before 2025.
    snnTorch writes v_reset = 0 for its subtracting neurons too: reset="soft" for those. classes: how many the output
    neurons stand for, in groups of equal size, class by class; by default each is one.

    ModelsError, with one line for each node or module that a trace cannot hold.
    """
    if isinstance(source, nn.Module):
        return ImportedNetwork(module_source(source, example), classes)
    return ImportedNetwork(nir_source(source, dt, reset), classes)


@dataclass(frozen=True, eq=False)
class Calibration:
    """What the samples said. stages: the network on integer inputs; reach: largest potential by channel and stage."""

    encoding: InputEncoding
    steps: int
    stages: list[FloatStage]
    reach: list[npt.NDArray[np.float64]]


class ImportedNetwork:
    """`calibrate`, `quantize`, then `measure` and `record`, in this order.

    Samples are (N, T, C, H, W), (N, T, C, L) or (N, T, features), of NumPy or torch: spikes, counts or analog values.
    """

    def __init__(self, source: ImportSource, classes: int | None = None) -> None:
        self.source = source
        outputs = source.stages[-1].layer.shape.output_count
        self.classes = outputs if classes is None else classes
        if self.classes < 1 or outputs % self.classes:
            raise ModelsError(f"{source.name}: {outputs} output neurons cannot stand for {self.classes} classes")
        self._calibration: Calibration | None = None
        self._nodes: list[IntegerNode] = []
        self._faked: list[FloatStage] = []
        self._quantization: dict[str, Any] = {}

    @property
    def leaks(self) -> dict[str, tuple[float, Leak]]:
        """By layer: the leak of the original and the fraction that hardware gets, leak.value."""
        return {stage.layer.name: (stage.layer.neuron.leak, stage.layer.leak) for stage in self.source.stages}

    @property
    def nodes(self) -> list[IntegerNode]:
        """The integer network; ModelsError before `quantize`."""
        if not self._nodes:
            raise ModelsError(f"{self.source.name}: quantize the network first")
        return self._nodes

    def calibrate(self, samples: Any, input_bits: int = 8) -> None:
        """Learn from samples how inputs become integers, and how large potentials get.

        Spikes and counts are taken exactly. Analog values get codes of input_bits, up to the largest magnitude;
        negative ones go to OFF channels of their own.
        """
        reals = real_samples(samples, self.source.input_shape)
        encoding = InputEncoding.fitting(reals, input_bits)
        stages = [self._first_stage(encoding), *self.source.stages[1:]]
        reach = [np.zeros(stage.layer.shape.M) for stage in stages]
        for batch in batches(reals):
            for largest, new in zip(reach, _reach(stages, encoding.encode(reals[batch])), strict=True):
                np.maximum(largest, new, out=largest)
        for stage, largest in zip(stages, reach, strict=True):
            if not np.isfinite(largest).all():
                raise ModelsError(f"layer {stage.layer.name}: potentials leave the range of floats on these samples")
        self._calibration = Calibration(encoding, reals.shape[1], stages, reach)
        self._nodes = []

    def quantize(self, weight_bits: int = 8, potential_bits: int | None = None) -> None:
        """Turn weights into integers of weight_bits, and everything else with them.

        potential_bits: of all layers; by default of each layer what it needs, with HEADROOM. Weights that are
        integers times a scale already keep their integers.
        """
        calibration = self._calibrated()
        if not 2 <= weight_bits <= 16:
            raise ModelsError(f"weight_bits must be 2 to 16, found {weight_bits}")
        nodes: list[IntegerNode] = []
        faked: list[FloatStage] = []
        bits = calibration.encoding.bits
        for stage, reach in zip(calibration.stages, calibration.reach, strict=True):
            for pool in stage.pools:
                nodes.append(pool.integer(bits))
                bits = nodes[-1].output_bits
            try:
                layer = layer_in_integers(stage.layer, weight_bits, potential_bits, bits, calibration.steps, reach)
            except ModelsError as error:
                raise ModelsError(f"{self.source.name}: {error}") from None
            nodes.append(layer.integer)
            faked.append(replace(stage, layer=layer.faked))
            bits = nodes[-1].output_bits
        self._nodes, self._faked = nodes, faked
        self._quantization = {"weight_bits": weight_bits}

    @property
    def inputs(self) -> str:
        """What kind of inputs the calibration saw, in words."""
        return self._calibrated().encoding.kind

    def measure(self, samples: Any, labels: Any = None, on_measured: OnRecorded | None = None) -> Measurement:
        """Run the original, its twins in floats and the integer network on samples, and compare what they do."""
        nodes, calibration = self.nodes, self._calibrated()
        reals = real_samples(samples, self.source.input_shape)
        mapped = [replace(stage, layer=stage.layer.as_hardware()) for stage in calibration.stages]
        versions = Versions(
            names=[stage.layer.name for stage in calibration.stages],
            original=self.source.original,
            mapped=FloatStages(mapped),
            faked=FloatStages(self._faked),
            nodes=nodes,
            reads_out=calibration.stages[-1].layer.reads_out,
            encoding=calibration.encoding,
        )
        return measure(versions, reals, _labels(labels, len(reals)), self.classes, on_measured)

    def record(
        self,
        path: str | Path,
        samples: Any,
        labels: Any = None,
        measured: Measurement | None = None,
        on_recorded: OnRecorded | None = None,
    ) -> Measurement:
        """Write the trace of the integer network on the samples, and return what its provenance says of accuracy.

        measured: figures over other samples (a whole test set); by default they are measured on these.
        """
        nodes, calibration = self.nodes, self._calibrated()
        reals = real_samples(samples, self.source.input_shape)
        checked = _labels(labels, len(reals))
        figures = measured or self.measure(samples, labels)
        facts = {**self.source.facts, **self._provenance(calibration), **figures.facts()}
        record_network(Path(path), nodes, calibration.encoding.encode(reals), checked, facts, on_recorded)
        return figures

    def _provenance(self, calibration: Calibration) -> dict[str, Any]:
        return {
            **self._quantization,
            "inputs": self.inputs,
            "input_step": calibration.encoding.step,
            "classes": self.classes,
            "leak": {name: leak for name, (leak, _) in self.leaks.items()},
            "leak_error": {name: leak.value - original for name, (original, leak) in self.leaks.items()},
            "versions": {name: version(name) for name in PACKAGES},
        }

    def _calibrated(self) -> Calibration:
        if self._calibration is None:
            raise ModelsError(f"{self.source.name}: calibrate the network first")
        return self._calibration

    def _first_stage(self, encoding: InputEncoding) -> FloatStage:
        """The stage that receives codes: weights in units of a code, and OFF channels that count negatively."""
        stage = self.source.stages[0]
        weight, shape = stage.layer.weight * encoding.step, stage.layer.shape
        if encoding.signed:
            if shape.groups > 1 or not all(pool.linear for pool in stage.pools):
                raise ModelsError(
                    f"{self.source.name}: negative inputs need OFF channels, which a grouped convolution or max "
                    "pooling at the input cannot take; split the inputs into ON and OFF channels yourself"
                )
            weight, shape = np.concatenate([weight, -weight], axis=1), replace(shape, C=2 * shape.C)
        return replace(stage, layer=replace(stage.layer, weight=weight, shape=shape))


def _reach(stages: Sequence[FloatStage], codes: npt.NDArray[Any]) -> list[npt.NDArray[np.float64]]:
    """The largest magnitude of the potentials of every channel, (M,) by stage."""
    x, reach = torch.from_numpy(codes), []
    for stage in stages:
        x, potentials = stage.respond(x)
        reach.append(potentials.abs().amax(dim=(0, 1, 3, 4)).numpy())
    return reach


def _labels(labels: Any, samples: int) -> npt.NDArray[np.int64] | None:
    if labels is None:
        return None
    array = np.asarray(labels)
    if array.dtype.kind not in "iu" or array.shape != (samples,):
        raise ModelsError(f"labels must be {samples} integers, found {array.dtype} of shape {array.shape}")
    return array.astype(np.int64)
