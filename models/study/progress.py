"""Progress of a study on standard error: bars in a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from spikecycle.models.study.jobs import Epoch, Event, Job
from spikecycle.models.study.store import Damage, Failure
from spikecycle.traces.errors import one_line

ETA_PERIOD_S = 600.0
"""Speed is averaged over so long: jobs differ."""
MOST_DAMAGED = 50
"""Lines about damaged files."""
WHOLE, CHECKING = "study", "checking the network on every machine and format"


class Lines:
    """One line when a part tells of itself for the first time, and one when it has ended."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun: set[str] = set()
        self._jobs = self._ended = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def damaged(self, found: Sequence[Damage]) -> None:
        """One line each, and no more than a screen."""
        for line in _damage_lines(found):
            self._say(line)

    def checks(self) -> None:
        """Say so."""
        self._say(CHECKING)

    def starts(self, jobs: Sequence[Job]) -> None:
        """Count them, and say how many there are."""
        self._jobs = len(jobs)
        self._say(f"{len(jobs)} {'part' if len(jobs) == 1 else 'parts'} to do")

    def happens(self, job: Job, event: Event) -> None:
        """Say so, the first time."""
        if job.key not in self._begun:
            self._begun.add(job.key)
            self._say(f"{job.title}: {_figures(event)}")

    def ends(self, job: Job, failure: Failure | None) -> None:
        """Say so."""
        self._ended += 1
        how = "done" if failure is None else f"failed: {failure.reason}"
        self._say(f"[{self._ended}/{self._jobs}] {job.title}: {how}")

    def _say(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


class Bars:
    """A bar for the whole, with the time that is left, and one for every part that is at work."""

    def __init__(self, stream: TextIO) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(file=stream),
            speed_estimate_period=ETA_PERIOD_S,
            transient=True,
        )
        self._whole = self._progress.add_task(WHOLE, total=None, figures="")
        self._bars: dict[str, TaskID] = {}
        self._done: dict[str, int] = {}
        self._jobs = self._ended = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def damaged(self, found: Sequence[Damage]) -> None:
        """Said above the bars, and stays."""
        for line in _damage_lines(found):
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def checks(self) -> None:
        """The whole is called so until it starts."""
        self._progress.update(self._whole, description=CHECKING)

    def starts(self, jobs: Sequence[Job]) -> None:
        """Set the whole."""
        self._jobs = len(jobs)
        self._progress.update(self._whole, description=WHOLE, total=sum(job.units for job in jobs))
        self._show_whole()

    def happens(self, job: Job, event: Event) -> None:
        """Move the bar of the job, and the whole."""
        if job.key not in self._bars:
            self._bars[job.key] = self._progress.add_task(job.title, total=job.units, figures="")
        self._done[job.key] = self._done.get(job.key, 0) + 1
        self._progress.update(self._bars[job.key], completed=self._done[job.key], figures=_figures(event))
        self._progress.advance(self._whole)

    def ends(self, job: Job, failure: Failure | None) -> None:
        """Take its bar away; what failed is said above the bars, and stays."""
        self._ended += 1
        if job.key in self._bars:
            self._progress.remove_task(self._bars.pop(job.key))
        self._progress.advance(self._whole, job.units - self._done.pop(job.key, 0))
        if failure is not None:
            self._progress.console.print(f"{job.title}: failed: {failure.reason}", markup=False, highlight=False)
        self._show_whole()

    def _show_whole(self) -> None:
        self._progress.update(self._whole, figures=f"{self._ended}/{self._jobs} parts")


def shown() -> Lines | Bars:
    """What suits standard error."""
    stream = sys.stderr
    return Bars(stream) if stream.isatty() else Lines(stream)


def _damage_lines(found: Sequence[Damage]) -> Iterator[str]:
    for damage in found[:MOST_DAMAGED]:
        path = one_line(damage.path, longest=1000)
        yield f"{path}: {damage.reason}; what the study needs of it is made again"
    if len(found) > MOST_DAMAGED:
        yield f"and {len(found) - MOST_DAMAGED:,} more of the kind"


def _figures(event: Event) -> str:
    if isinstance(event, Epoch):
        return (
            f"{event.phase}, epoch {event.epoch}/{event.epochs}, loss {event.loss:.3f}, "
            f"{event.samples_per_second:.0f} samples/s"
        )
    return f"simulation {event.done}/{event.total}"
