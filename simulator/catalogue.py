"""What there is to choose from: everything that commands and machine files can name, with one line each."""

from __future__ import annotations

from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.machine.loader import load_machine, shipped_machines, shipped_path
from spikecycle.traces import list_samples, open_trace, sample_path


def catalogue() -> dict[str, list[tuple[str, str]]]:
    """Kind of thing -> its (name, description in one line), sorted by name."""
    return {
        "Sample traces": [(name, _describe_sample(name)) for name in list_samples()],
        "Machines": [(name, _describe_machine(name)) for name in shipped_machines()],
        "Dataflows": [(name, dataflow.summary) for name, dataflow in DATAFLOWS.items()],
        "Weight formats": [(name, weight_format.title) for name, weight_format in WEIGHT_FORMATS.items()],
        "Spike formats": [(name, spike_format.title) for name, spike_format in SPIKE_FORMATS.items()],
    }


def _describe_sample(name: str) -> str:
    """What its provenance says of compression and accuracy, else its size."""
    with open_trace(sample_path(name)) as trace:
        words = [str(trace.provenance["compression"])] if "compression" in trace.provenance else []
        accuracy = trace.provenance.get("accuracy_integer")
        if isinstance(accuracy, float):
            words.append(f"accuracy {100 * accuracy:.1f} %")
        return "; ".join(words) or f"{len(trace.layers)} layers, {trace.samples} samples, {trace.timesteps} timesteps"


def _describe_machine(name: str) -> str:
    """What it says of itself, up to the first full stop that ends a sentence."""
    text = load_machine(shipped_path(name)).describes
    return " ".join(text.split()).split(". ")[0].removesuffix(".")
