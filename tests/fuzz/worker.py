"""The process that tries inputs, one after the other: it may run out of memory, hang or crash."""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.fuzz.outcomes import FINDINGS, Finding, Kind, Outcome
from tests.fuzz.surface import Surface

MEMORY_BYTES = 2**31
_LONGEST_WORDS = 1_500


class Job(NamedTuple):
    """One input: a surface and the number that it is made from."""

    surface: Surface
    index: int


def random_of(seed: int, surface: Surface, index: int) -> Random:
    """What makes an input: the same on every computer."""
    return Random(f"{seed}/{surface.name}/{index}")  # of a text, by its SHA-512


def outcome_of(job: Job, seed: int, folder: Path, on_made: Callable[[], None] = lambda: None) -> Outcome:
    """Try one input in a folder of its own; what escapes the program's own handling is its internal error."""
    folder.mkdir()
    try:
        trial = job.surface.make(random_of(seed, job.surface, job.index), folder)
    except Exception:
        return Outcome(Kind.NOT_MADE, _where())
    on_made()
    try:
        return trial()
    except Finding as finding:
        return Outcome(finding.kind, str(finding))
    except MemoryError:
        return Outcome(Kind.MEMORY, _where())
    except BaseException:
        return Outcome(Kind.INTERNAL_ERROR, _where())


def work(jobs: Sequence[Job], seed: int, folder: Path, report: int) -> None:
    """Try all jobs and write a line of JSON about each, before (its place) and after, to a descriptor; never returns.

    folder: of this worker alone. What a finding is about stays in it, by the name of its surface and index.
    """
    _limit()
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.enable(2)
    for place, job in enumerate(jobs):
        _tell(report, {"began": place})
        case = folder / f"{job.surface.name}-{job.index}"
        _forget_peak()
        began_s = time.process_time()
        outcome = outcome_of(job, seed, case, lambda place=place: _tell(report, {"made": place}))
        if outcome.kind not in FINDINGS:
            shutil.rmtree(case)
        words = outcome.words[-_LONGEST_WORDS:]
        seconds = time.process_time() - began_s
        told = {"kind": outcome.kind.value, "words": words, "peak": _peak_bytes(), "seconds": seconds}
        _tell(report, {"ended": place, **told})
    os._exit(0)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**28, 2**28))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _tell(report: int, message: dict[str, object]) -> None:
    os.write(report, json.dumps(message).encode() + b"\n")


def _where() -> str:
    return traceback.format_exc()


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_bytes() -> int:
    """The most memory that this process had since `_forget_peak`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
