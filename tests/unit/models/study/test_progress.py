"""What a run tells, where nobody watches and where somebody does."""

from __future__ import annotations

import io

import pytest

from spikecycle.models.study.jobs import Epoch, FloatJob, Simulated
from spikecycle.models.study.progress import CHECKING, WHOLE, Bars, Lines
from spikecycle.models.study.store import Failure

JOBS = [FloatJob("a", 0, None, 2), FloatJob("b", 1, None, 2)]


class Flushed(io.StringIO):
    """A stream of which only what was flushed is seen."""

    def __init__(self) -> None:
        super().__init__()
        self.seen = ""

    def flush(self) -> None:
        """Let it be seen."""
        super().flush()
        self.seen = self.getvalue()


def test_lines_tell_the_check_the_parts_and_the_beginning_and_end_of_each_at_once() -> None:
    stream = Flushed()
    with Lines(stream) as lines:
        lines.checks()
        assert stream.seen == f"{CHECKING}\n"
        lines.starts(JOBS)
        assert stream.seen.endswith("2 parts to do\n")
        lines.happens(JOBS[0], Epoch("float", 1, 2, 0.5, 90.0))
        assert stream.seen.endswith("float network, seed 0: float, epoch 1/2, loss 0.500, 90 samples/s\n")
        told = stream.seen
        lines.happens(JOBS[0], Epoch("float", 2, 2, 0.25, 90.0))
        assert stream.getvalue() == told
        lines.happens(JOBS[1], Simulated(1, 3))
        assert stream.seen.endswith("float network, seed 1: simulation 1/3\n")
        lines.ends(JOBS[0], None)
        lines.ends(JOBS[1], Failure(what="b", reason="it diverged"))
    assert stream.seen.endswith("[1/2] float network, seed 0: done\n[2/2] float network, seed 1: failed: it diverged\n")


@pytest.mark.parametrize(("jobs", "told"), [([], "0 parts to do\n"), (JOBS[:1], "1 part to do\n")])
def test_lines_count_in_english(jobs: list[FloatJob], told: str) -> None:
    stream = Flushed()
    Lines(stream).starts(jobs)
    assert stream.seen == told


def test_bars_are_called_after_the_check_until_the_study_starts() -> None:
    bars = Bars(io.StringIO())
    bars.checks()
    assert [task.description for task in bars._progress.tasks] == [CHECKING]
    bars.starts(JOBS)
    bars.happens(JOBS[0], Simulated(1, 3))
    assert [task.description for task in bars._progress.tasks] == [WHOLE, JOBS[0].title]
    assert bars._progress.tasks[0].total == 4
