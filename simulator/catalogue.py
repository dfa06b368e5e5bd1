"""Lists all that commands and machine files can name (machines, traces, dataflows, formats), with a line each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.errors import SimulatorError
from spikecycle.simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.machine.loader import known_machines, load_machine
from spikecycle.simulator.registry import Registry
from spikecycle.simulator.schedule import OVERLAPS
from spikecycle.traces import list_samples, open_trace, sample_path
from spikecycle.wording import first_sentence, numbered

T = TypeVar("T")


def catalogue() -> dict[str, list[tuple[str, str]]]:
    """Kind of thing -> its (name, description in one line), sorted by name."""
    return {
        "Sample traces": [(name, _describe_sample(name)) for name in list_samples()],
        "Machines": [(name, _describe_machine(path)) for name, path in known_machines().items()],
        "Dataflows": _members(DATAFLOWS, lambda dataflow: dataflow.summary),
        "Overlap policies": _members(OVERLAPS, lambda policy: policy.summary),
        "Weight formats": _members(WEIGHT_FORMATS, lambda weight_format: weight_format.title),
        "Spike formats": _members(SPIKE_FORMATS, lambda spike_format: spike_format.title),
    }


def _members(registry: Registry[T], describe: Callable[[T], str]) -> list[tuple[str, str]]:
    """All members of a registry; of those that cannot be loaded, why."""
    return sorted([(name, describe(member)) for name, member in registry.items()] + list(registry.problems().items()))


def _describe_machine(path: Path) -> str:
    """The first sentence of its description; of one that cannot be loaded, why."""
    try:
        return first_sentence(load_machine(path).describes)
    except SimulatorError as error:
        return str(error).splitlines()[0]


def _describe_sample(name: str) -> str:
    """What its provenance says of compression and accuracy, else its size."""
    with open_trace(sample_path(name)) as trace:
        words = [str(trace.provenance["compression"])] if "compression" in trace.provenance else []
        accuracy = trace.provenance.get("accuracy_integer")
        if isinstance(accuracy, float):
            words.append(f"accuracy {100 * accuracy:.1f} %")
        return "; ".join(words) or ", ".join(
            (
                numbered(len(trace.layers), "layer"),
                numbered(trace.samples, "sample"),
                numbered(trace.timesteps, "timestep"),
            )
        )
