"""How much of the original network is left, figure by figure, and what looks wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.answer import Answer
from spikecycle.models.importing.graph import FloatGraph, FloatPopulation, run_graph
from spikecycle.models.importing.inputs import InputEncoding, Samples
from spikecycle.models.importing.integer_run import run_operators
from spikecycle.models.importing.source import FloatRun, Original
from spikecycle.models.integer import Values
from spikecycle.models.integer.network import OnRecorded
from spikecycle.traces import Operator, TensorSpec

BATCH_VALUES = 2**22  # values of the largest tensor, over all timesteps, that are run at a time
SATURATED = 0.9
"""Spikes for each neuron and timestep beyond which a population, or a channel of it, is said to be saturated."""
LEAST_LEAKED = 0.1
"""A leak that takes less than this of a potential over all timesteps of a sample is said to look wrong."""
MOST_BY_ROUNDING = 0.02
"""Differing spikes, for each spike, beyond which the rounding of float32 is not what makes a module differ from the
network that was read from it."""
MOST_NAMED = 8
FRAMEWORK, NEURONS = "the framework's floating point", "neurons as a trace has them"
INPUTS, INTEGERS = "inputs as integers", "weights as integers"


@dataclass(frozen=True)
class Measurement:
    """Figures over `samples` samples. Accuracies are None where there were no labels.

    float: the original network. mapped: its weights in real numbers in hardware's neurons (leaks that are fractions)
    on the integer inputs. fake_quantized: the same with weights, biases and thresholds that are integers times their
    scale. integer: what the trace holds. spike differences: by population, neurons and timesteps whose spike differs
    from the original's, for each spike of the original; a difference in one layer goes on into the next. causes: by
    population, how many spikes differ on each step of the way: between the framework's floating point and exact sums,
    those and neurons as a trace has them (leaks as fractions), real and integer inputs, real and integer weights.
    firing_rates: spikes for each neuron and timestep of the integer network; float_firing_rates: of the original.
    remarks: what a person should look at.
    """

    samples: int
    accuracy_float: float | None
    accuracy_mapped: float | None
    accuracy_fake_quantized: float | None
    accuracy_integer: float | None
    spike_difference_mapped: dict[str, float]
    spike_difference_integer: dict[str, float]
    spike_difference_causes: dict[str, dict[str, int]]
    firing_rates: dict[str, float]
    float_firing_rates: dict[str, float]
    clipped_inputs: float
    remarks: tuple[str, ...] = ()
    predictions: tuple[int, ...] = field(default=(), repr=False)
    """The class of every sample, by the integer network."""

    def facts(self) -> dict[str, Any]:
        """For a trace's provenance."""
        figures = asdict(self)
        figures["measured_samples"] = figures.pop("samples")
        figures["remarks"] = list(self.remarks)
        del figures["predictions"]
        return {name: figure for name, figure in figures.items() if figure is not None}


@dataclass(frozen=True, eq=False)
class Versions:
    """The same network several times, and what turns real inputs into integers.

    graph: as it was read. operators: of the integer network, whose readouts give their potentials. answer: how outputs
    become classes, in all of them.
    """

    graph: FloatGraph
    original: Original
    in_neurons: FloatGraph
    mapped: FloatGraph
    faked: FloatGraph
    operators: Sequence[Operator]
    specs: Mapping[str, TensorSpec]
    encoding: InputEncoding
    input_name: str
    answer: Answer

    @property
    def populations(self) -> list[FloatPopulation]:
        """In their order."""
        return self.graph.populations


class _Counts:
    """Spikes of one population, added up over batches."""

    def __init__(self, population: FloatPopulation) -> None:
        self.population = population
        self.positions = 0
        self.differing = dict.fromkeys((FRAMEWORK, NEURONS, INPUTS, INTEGERS, "mapped", "integer"), 0)
        channels = population.shape[0]
        self.by_channel = {"float": np.zeros(channels, np.int64), "integer": np.zeros(channels, np.int64)}

    def add(self, runs: Mapping[str, npt.NDArray[Any]]) -> None:
        """runs: the same batch by original, exact, mapped and integer network, (N, T, ...)."""
        size = runs["integer"].size
        own, exact, neurons, mapped, integer = (
            np.asarray(runs[key]).reshape(-1, *self.population.shape).astype(bool)
            for key in ("original", "exact", "in_neurons", "mapped", "integer")
        )
        self.positions += size
        for what, one, other in (
            (FRAMEWORK, own, exact), (NEURONS, exact, neurons), (INPUTS, neurons, mapped),
            (INTEGERS, mapped, integer), ("mapped", own, mapped), ("integer", own, integer),
        ):  # fmt: skip
            self.differing[what] += int(np.count_nonzero(one != other))
        self.by_channel["float"] += own.sum(axis=(0, 2, 3))
        self.by_channel["integer"] += integer.sum(axis=(0, 2, 3))

    def fired(self, which: str) -> int:
        return int(self.by_channel[which].sum())


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
    """Run all networks on the samples; on_measured is called with samples done and samples in all.

    ModelsError where a label is none of the classes.
    """
    if labels is not None:
        check_labels(labels, classes)
    firing = {each.name: _Counts(each) for each in versions.populations if not each.neuron.reads_out}
    output = versions.graph.outputs[0]
    names = [each.name for each in versions.populations]
    hits = np.zeros(4, np.int64)
    predictions: list[int] = []
    for batch in batches(versions.graph, samples):
        part = samples[batch]
        runs = _runs(versions, part, names)
        for name, counts in firing.items():
            counts.add({which: run[name] for which, run in runs.items()})
        classified = [
            versions.answer.predicted(np.asarray(runs[which][output]), classes)
            for which in ("original", "mapped", "faked", "integer")
        ]
        predictions += classified[-1].tolist()
        if labels is not None:
            hits += [int((found == labels[batch]).sum()) for found in classified]
        if on_measured is not None:
            on_measured(min(batch.stop, len(samples)), len(samples))
    accuracies = [None if labels is None else float(hit / len(samples)) for hit in hits]

    def shares(what: str) -> dict[str, float]:
        return {name: each.differing[what] / max(1, each.fired("float")) for name, each in firing.items()}

    return Measurement(
        samples=len(samples),
        accuracy_float=accuracies[0],
        accuracy_mapped=accuracies[1],
        accuracy_fake_quantized=accuracies[2],
        accuracy_integer=accuracies[3],
        spike_difference_mapped=shares("mapped"),
        spike_difference_integer=shares("integer"),
        spike_difference_causes={
            name: {
                cause: each.differing[cause]
                for cause in (FRAMEWORK, NEURONS, INPUTS, INTEGERS)
                if each.differing[cause]
            }
            for name, each in firing.items()
        },
        firing_rates={name: each.fired("integer") / each.positions for name, each in firing.items()},
        float_firing_rates={name: each.fired("float") / each.positions for name, each in firing.items()},
        clipped_inputs=versions.encoding.clipped_share(samples),
        remarks=(*versions.encoding.remarks(samples), *_remarks(versions, firing, samples.shape[1])),
        predictions=tuple(predictions),
    )


def _runs(versions: Versions, part: Samples, names: Sequence[str]) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """What each population emits in each version of the network."""
    codes: Values = versions.encoding.encode(part)
    own = dict(zip(names, versions.original.outputs(part), strict=True))
    is_exact = isinstance(versions.original, FloatRun)
    exact: Mapping[str, Any] = own if is_exact else run_graph(versions.graph, part, names)
    mapped = run_graph(versions.mapped, codes, names)
    in_neurons = mapped if versions.encoding.keeps(part) else run_graph(versions.in_neurons, part, names)
    return {
        "original": own,
        "exact": {name: np.asarray(values) for name, values in exact.items()},
        "in_neurons": {name: values.numpy() for name, values in in_neurons.items()},
        "mapped": {name: values.numpy() for name, values in mapped.items()},
        "faked": {name: values.numpy() for name, values in run_graph(versions.faked, codes, names).items()},
        "integer": run_operators(versions.operators, versions.specs, {versions.input_name: codes}, names),
    }


def _remarks(versions: Versions, firing: Mapping[str, _Counts], timesteps: int) -> list[str]:
    remarks = []
    for each in versions.populations:
        leaked = (1 - each.neuron.leak[each.neuron.leak < 1]) * timesteps
        if leaked.size and leaked.min() < LEAST_LEAKED:
            kept = 100 * (1 - leaked.min() / timesteps)
            remarks.append(
                f"{each.name} keeps {kept:.6g} % of its potential in a timestep, so that it hardly leaks within "
                f"{timesteps} timesteps: are its time constant and dt right?"
            )
    for name, counts in firing.items():
        own, integer = counts.by_channel["float"], counts.by_channel["integer"]
        rate = counts.fired("float") / max(1, counts.positions)
        most = SATURATED * counts.positions / len(own)
        apart = counts.differing[FRAMEWORK]
        if apart > max(1, MOST_BY_ROUNDING * counts.fired("float")):
            remarks.append(
                f"{apart} spikes of {name} are not those of the network that was read, too many for rounding: on these "
                "samples the module does something that it did not do on the example (a bound, another timestep)"
            )
        if not own.any():
            remarks.append(f"{name} never fires on these samples: are inputs, thresholds and dt right?")
        elif not integer.any():
            remarks.append(f"{name} never fires in integers, though it did before: more weight bits may help")
        elif rate > SATURATED:
            remarks.append(f"{name} is saturated: {rate:.2f} spikes for each neuron and timestep")
        elif (own > most).any():
            remarks.append(f"{_channels(own > most)} of {name} are saturated: they fire in nearly every timestep")
        if ((integer > most) & (own <= most)).any():
            remarks.append(f"{_channels((integer > most) & (own <= most))} of {name} are saturated in integers only")
        if own.any() and not own.all():
            remarks.append(f"{_channels(own == 0)} of {name} never fire on these samples")
        if integer.any() and ((own > 0) & (integer == 0)).any():
            remarks.append(f"{_channels((own > 0) & (integer == 0))} of {name} fire no more in integers")
    return remarks


def _channels(chosen: npt.NDArray[np.bool_]) -> str:
    places = np.flatnonzero(chosen)
    named = ", ".join(map(str, places[:MOST_NAMED].tolist())) + (", ..." if len(places) > MOST_NAMED else "")
    return f"{len(places)} of {len(chosen)} channels ({named})"


def batches(graph: FloatGraph, samples: Samples) -> list[slice]:
    """Parts of the samples that fit in memory."""
    largest = max(int(np.prod(each.shape)) for each in graph.operators)
    size = max(1, BATCH_VALUES // max(1, samples[0].size, largest * samples.shape[1]))
    return [slice(start, start + size) for start in range(0, len(samples), size)]
