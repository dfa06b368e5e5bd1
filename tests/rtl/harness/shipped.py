"""The layers of the shipped traces, with their recorded output spikes."""

from __future__ import annotations

from collections.abc import Iterator

from tests.rtl.harness.comparison import Sample
from tests.rtl.harness.simulator import recorded, shipped_traces


def layers(trace: str, sample: int) -> Iterator[Sample]:
    """Every layer of a shipped trace with one of its samples."""
    for found in recorded(trace, sample):
        yield Sample(f"{trace}/{found.task.name}, sample {sample}", found.task, found.inputs, found.outputs)


def traces() -> tuple[str, ...]:
    """Names of the shipped traces."""
    return shipped_traces()
