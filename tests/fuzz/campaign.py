"""Workers and their supervisor: shares the inputs out, ends what hangs, goes on after what crashes, and counts."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.journal import Entry, Journal, code
from tests.fuzz.outcomes import Kind
from tests.fuzz.surface import Surface
from tests.fuzz.watch import LIMIT_S, LONGEST_SLEEP_S, Watch
from tests.fuzz.worker import Job, work

INPUTS_OF_A_WORKER = 500


@dataclass
class Tally:
    """Counts of a campaign. kinds: outcomes by surface. longest_s: processor time of one input."""

    kinds: dict[str, Counter[str]] = field(default_factory=dict)
    found: list[Entry] = field(default_factory=list)
    peak_bytes: dict[str, int] = field(default_factory=dict)
    longest_s: dict[str, float] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Count one input."""
        name = entry.surface
        self.kinds.setdefault(name, Counter())[entry.kind] += 1
        self.peak_bytes[name] = max(self.peak_bytes.get(name, 0), entry.peak_bytes)
        self.longest_s[name] = max(self.longest_s.get(name, 0.0), entry.seconds)
        if entry.is_finding:
            self.found.append(entry)

    def sums(self) -> str:
        """Counts over all surfaces, in words."""
        whole = sum(self.kinds.values(), Counter())
        return ", ".join(f"{count:,} {kind}" for kind, count in whole.items())


def share_out(surfaces: Sequence[Surface], inputs: int, first: int = 0) -> list[Job]:
    """So many inputs, by the shares of the surfaces; of each, numbers from `first` on."""
    whole = sum(surface.share for surface in surfaces)
    counts = [inputs * surface.share // whole for surface in surfaces]
    counts[0] += inputs - sum(counts)
    return [
        Job(surface, first + index) for surface, count in zip(surfaces, counts, strict=True) for index in range(count)
    ]


def campaign(
    jobs: Sequence[Job],
    seed: int,
    folder: Path,
    kept: Path | None = None,
    shown: bool = True,
    limit_s: float = LIMIT_S,
    longest_sleep_s: float = LONGEST_SLEEP_S,
    journal: Journal | None = None,
) -> Tally:
    """Try all inputs, one worker at a time. Surfaces are prepared. kept: where files of findings are copied to."""
    tally = Tally()
    rest = list(jobs)
    began_s = told_s = time.monotonic()
    while rest:
        batch, done = rest[:INPUTS_OF_A_WORKER], 0
        for done, entry in enumerate(_outcomes(batch, seed, folder, limit_s, longest_sleep_s), 1):
            tally.add(entry)
            if journal is not None:
                journal.add(entry)
            if entry.is_finding:
                if shown:
                    sys.stderr.write(f"{entry.kind}: {entry.surface} {entry.index}: {_last(entry.words)}\n")
                _keep(folder / f"{entry.surface}-{entry.index}", kept, entry.words)
            if shown and time.monotonic() - told_s > 30:
                told_s = time.monotonic()
                count = len(jobs) - len(rest) + done
                sys.stderr.write(f"{count:,} of {len(jobs):,} inputs in {told_s - began_s:.0f} s: {tally.sums()}\n")
        rest = rest[max(done, 1) :]
    return tally


def _outcomes(batch: Sequence[Job], seed: int, folder: Path, limit_s: float, longest_sleep_s: float) -> Iterator[Entry]:
    """Outcomes of a batch as one worker comes to them; the last may be that of an input that ended the worker."""
    folder.mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            work(batch, seed, folder, writing)
        finally:
            os._exit(99)
    os.close(writing)

    def entry(kind: Kind, words: str, peak_bytes: int, seconds: float) -> Entry:
        surface, index = batch[place]
        return Entry(seed, surface.name, index, kind.value, words, peak_bytes, seconds, code())

    place, watch = 0, Watch(child, limit_s, longest_sleep_s)
    hung = made = False
    seconds = 0.0
    with os.fdopen(reading, "rb", buffering=0) as stream:
        for message in _messages(stream.fileno()):
            if message is None:  # nothing was said for a while
                seconds = watch.seconds
                if watch.hangs():
                    os.kill(child, signal.SIGKILL)
                    hung = True
            elif "began" in message:
                place, made, seconds = int(str(message["began"])), False, 0.0
                watch.begin()
            elif "made" in message:
                made = True
            else:
                words, peak_bytes = str(message["words"]), int(str(message["peak"]))
                yield entry(Kind(message["kind"]), words, peak_bytes, float(str(message["seconds"])))
                place += 1
    _, status = os.waitpid(child, 0)
    if place < len(batch):
        kind = Kind.NOT_MADE if not made else Kind.HANG if hung else Kind.CRASH
        words = f"ended with {os.waitstatus_to_exitcode(status)}\n{_tail(folder / 'log')}"
        yield entry(kind, words, 0, seconds)


def _messages(descriptor: int) -> Iterator[dict[str, object] | None]:
    """What a worker says, until it ends; None for every second in which it says nothing."""
    text = b""
    while True:
        ready, _, _ = select.select([descriptor], [], [], 1.0)
        if not ready:
            yield None
            continue
        more = os.read(descriptor, 2**16)
        if not more:
            return
        *lines, text = (text + more).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _tail(log: Path) -> str:
    try:
        text = log.read_text(errors="replace")
        return text[max(0, text.rfind("Fatal Python error")) :][:1_500]
    except OSError:
        return ""


def _last(words: str) -> str:
    return (words.strip().splitlines() or [""])[-1][:300]


def _pipes(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_fifo()]


def _keep(case: Path, kept: Path | None, words: str) -> None:
    """Move the folder of a finding to where it stays, and say in it what was found."""
    if case.is_dir() and kept is not None:
        place = kept / case.name
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(case, place, symlinks=True, ignore=_pipes)
        (place / "FINDING.txt").write_text(words)
    shutil.rmtree(case, ignore_errors=True)
