"""The layers of the shipped traces, with their recorded output spikes."""

from __future__ import annotations

from collections.abc import Iterator

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.traces import list_samples, open_trace
from tests.rtl.harness.comparison import Sample


def layers(trace: str, sample: int) -> Iterator[Sample]:
    """Every layer of a shipped trace with one of its samples."""
    with open_trace(trace) as opened:
        for layer in opened.layers:
            outputs = layer.outputs(sample)
            assert outputs is not None
            yield Sample(f"{trace}/{layer.name}, sample {sample}", LayerTask.of(layer), layer.inputs(sample), outputs)


def traces() -> tuple[str, ...]:
    """Names of the shipped traces."""
    return list_samples()
