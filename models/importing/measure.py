"""How much of the original network is left, figure by figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.inputs import InputEncoding, Samples
from spikecycle.models.importing.readout import integer_potentials
from spikecycle.models.importing.source import FloatStages, Original
from spikecycle.models.integer import IntegerLayer, IntegerNode, Values, run_network
from spikecycle.models.integer.network import OnRecorded
from spikecycle.models.readout import predicted_classes

BATCH_VALUES = 2**24  # values of inputs that are run at a time: some 100 MB with what the layers make of them


@dataclass(frozen=True)
class Measurement:
    """Figures over `samples` samples. Accuracies are None where there were no labels.

    float: the original network. mapped: its float weights in hardware's neurons (rational leak, reset in the same
    timestep, spike at the threshold) on the integer inputs. fake_quantized: the same with weights, biases and
    thresholds that are integers times their scale. integer: what the trace holds. spike differences: by layer, neurons
    and timesteps whose spike differs from the original's, for each spike of the original; a difference in one layer
    goes on into the next. firing_rates: spikes for each neuron and timestep of the integer network.
    """

    samples: int
    accuracy_float: float | None
    accuracy_mapped: float | None
    accuracy_fake_quantized: float | None
    accuracy_integer: float | None
    spike_difference_mapped: dict[str, float]
    spike_difference_integer: dict[str, float]
    firing_rates: dict[str, float]
    clipped_inputs: float

    def facts(self) -> dict[str, Any]:
        """For a trace's provenance."""
        figures = asdict(self)
        figures["measured_samples"] = figures.pop("samples")
        return {name: figure for name, figure in figures.items() if figure is not None}


@dataclass(frozen=True, eq=False)
class Versions:
    """The same network four times, and what turns real inputs into integers."""

    names: list[str]
    original: Original
    mapped: FloatStages
    faked: FloatStages
    nodes: Sequence[IntegerNode]
    reads_out: bool
    encoding: InputEncoding

    def integer_outputs(self, codes: Values) -> list[npt.NDArray[Any]]:
        """What each layer emits, and the potentials of the last one where it never fires."""
        emitted = run_network(self.nodes, codes)
        layers: list[npt.NDArray[Any]] = [
            out for node, out in zip(self.nodes, emitted, strict=True) if node.trace_layers()
        ]
        if self.reads_out:
            last = self.nodes[-1]
            assert isinstance(last, IntegerLayer)
            layers[-1] = integer_potentials(last, emitted[-2] if len(emitted) > 1 else codes)
        return layers


def check_labels(labels: npt.NDArray[np.int64], classes: int) -> None:
    """ModelsError where a label is none of the classes."""
    if not 0 <= labels.min() <= labels.max() < classes:
        raise ModelsError(f"labels must be 0 to {classes - 1}, found {labels.min()} to {labels.max()}")


def measure(
    versions: Versions,
    samples: Samples,
    labels: npt.NDArray[np.int64] | None,
    classes: int,
    on_measured: OnRecorded | None = None,
) -> Measurement:
    """Run all four networks on the samples; on_measured is called with samples done and samples in all.

    ModelsError where a label is none of the classes.
    """
    if labels is not None:
        check_labels(labels, classes)
    firing = len(versions.names) - versions.reads_out
    hits = np.zeros(4, np.int64)
    differing = np.zeros((2, firing), np.int64)
    fired = np.zeros((2, firing), np.int64)
    positions = np.zeros(firing, np.int64)
    for batch in batches(samples):
        part = samples[batch]
        codes = versions.encoding.encode(part)
        float_outputs = versions.original.outputs(part)
        twins = (versions.mapped.outputs(codes), versions.faked.outputs(codes))
        runs = (float_outputs, *twins, versions.integer_outputs(codes))
        for layer in range(firing):
            one, mapped, _, integer = (run[layer].reshape(len(part), part.shape[1], -1).astype(bool) for run in runs)
            differing[:, layer] += [np.count_nonzero(one != mapped), np.count_nonzero(one != integer)]
            fired[:, layer] += [np.count_nonzero(one), np.count_nonzero(integer)]
            positions[layer] += one.size
        if labels is not None:
            hits += [int((predicted_classes(run[-1], classes) == labels[batch]).sum()) for run in runs]
        if on_measured is not None:
            on_measured(min(batch.stop, len(samples)), len(samples))
    accuracies = [None if labels is None else float(hit / len(samples)) for hit in hits]
    names = versions.names[:firing]
    shares = differing / np.maximum(1, fired[0])
    return Measurement(
        samples=len(samples),
        accuracy_float=accuracies[0],
        accuracy_mapped=accuracies[1],
        accuracy_fake_quantized=accuracies[2],
        accuracy_integer=accuracies[3],
        spike_difference_mapped=dict(zip(names, shares[0].tolist(), strict=True)),
        spike_difference_integer=dict(zip(names, shares[1].tolist(), strict=True)),
        firing_rates=dict(zip(names, (fired[1] / positions).tolist(), strict=True)),
        clipped_inputs=versions.encoding.clipped_share(samples),
    )


def batches(samples: Samples) -> list[slice]:
    """Parts of the samples that fit in memory."""
    size = max(1, BATCH_VALUES // max(1, samples[0].size) // 16)
    return [slice(start, start + size) for start in range(0, len(samples), size)]
