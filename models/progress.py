"""Bars that show trainings as they go: epochs done, loss, samples per second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from spikecycle.models.pipeline import OnPhaseEpoch
    from spikecycle.models.training import EpochReport


@contextmanager
def training_bars(console: Console, title: str, epochs: Mapping[str, int]) -> Iterator[OnPhaseEpoch]:
    """One bar per training, named and with its number of epochs; yields what the pipeline reports to."""
    figures = TextColumn("loss {task.fields[loss]:.3f}  {task.fields[rate]:.0f} samples/s")
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("epochs"), figures,
        TimeElapsedColumn(), console=console,
    )  # fmt: skip
    bar = {
        phase: bars.add_task(f"{title}, {phase}", total=total, loss=float("nan"), rate=0.0, start=False)
        for phase, total in epochs.items()
    }

    def show(phase: str, report: EpochReport) -> None:
        bars.start_task(bar[phase])
        bars.update(bar[phase], completed=report.epoch, loss=report.loss, rate=report.samples_per_second)

    with bars:
        yield show
