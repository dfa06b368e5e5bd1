"""Kills a study and a sweep at random moments, fails their disk, lets them go on, and compares; see FAULTS.md."""

from __future__ import annotations

import argparse
import ctypes
import errno
import json
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from tests.faults.failing_disk import compiled, failing
from tests.faults.forked import PARENT, TREE, WORKER, Ended, begin
from tests.faults.subjects import SUBJECTS, Subject

PRELOAD = "LD_PRELOAD"
LOCK = ".lock"
BAD = ("lost", "different", "left", "badly ended")
_MOST_TRIES = 3
"""Times as many as kills that are wanted: of some, nothing is there to be killed."""


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, locks apart."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != LOCK)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def differences(found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    """Files that are there and should not be, the other way round, or that differ."""
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def words_problem(ended: Ended) -> str | None:
    """What is wrong with how a command ended that met a fault: it has to be done, or refused in clean lines."""
    if "Traceback" in ended.words or ended.status not in (0, 1, 2):
        return f"status {ended.status}: {ended.words[-600:]}"
    if ended.status and not any(line.startswith("spikecycle: ") for line in ended.words.splitlines()):
        return f"status {ended.status} and no reason: {ended.words[-600:]}"
    return None


class Trials:
    """The faults of one subject. counts: what came of them, by name. Every problem is told as it is found."""

    def __init__(self, subject: Subject, folder: Path, seed: int) -> None:
        self._subject, self._folder = subject, folder
        self._random = Random(f"{seed}/{subject.name}")
        self._out, self._temporary = folder / "out", folder / "temporary"
        self.counts: Counter[str] = Counter()
        subject.prepare(folder)
        alone = self._run(1)
        self._expected = content(self._out)
        self._steps = int(re.findall(r"steps (\d+)", alone.words)[-1])
        shutil.rmtree(self._out)
        self._seconds = {1: alone.seconds, 2: self._run(2).seconds}
        self._check("without any fault, in two processes", {})

    def kills(self, count: int) -> None:
        """Kill it until so many kills have hit something."""
        for number in range(_MOST_TRIES * count):
            if self.counts["killed"] == count:
                return
            what = self._random.choice([PARENT, PARENT, PARENT, WORKER, TREE])
            jobs = 1 if what == PARENT and self._random.random() < 0.7 else 2
            after_s = self._random.uniform(0, self._seconds[jobs])
            self._clean()
            running = begin(self._subject.command(self._out, jobs), self._log, {}, self._temporary)
            hit = not running.wait(after_s) and running.kill(what, self._random)
            ended = running.ended()
            title = f"{number}: {what} of {jobs} after {after_s:.1f} s"
            if hit:
                self.counts["killed"] += 1
                self.counts[f"killed {what}"] += 1
            if what == WORKER and hit:
                self._judge(ended, title, survives=self._subject.survives_a_worker)
            if ended.orphans:
                self._tell("left", title, f"{ended.orphans} processes")
            self._go_on(title)
            self._tell_progress()

    def disks(self, count: int) -> None:
        """Let its disk fail at so many places, be read-only, and be without locks."""
        for number in range(count):
            error = self._random.choice([errno.ENOSPC, errno.EIO])
            self._fail(failing(self._random.randrange(self._steps), error, below=self._out), f"disk {number}")
        self._fail(failing(0, errno.EROFS, below=self._out), "read-only from the first step")
        self._fail(failing(self._steps // 2, errno.EROFS, below=self._out), "read-only from the middle on")
        self._fail(failing(None, locks=False), "without locks")

    def _fail(self, environment: dict[str, str], title: str) -> None:
        self._clean()
        ended = begin(self._subject.command(self._out, 1), self._log, environment, self._temporary).ended()
        self.counts["disks"] += 1
        self.counts["refused"] += ended.status == 2
        title += f" {environment}"
        self._judge(ended, title, survives=False)
        if self._out.is_dir():
            half = [name for name in content(self._out) if name.endswith(".tmp") or "/.spikecycle-" in name]
            if half:
                self._tell("left", title, f"half-written {half}")
        self._go_on(title)
        self._tell_progress()

    def _go_on(self, title: str) -> None:
        """Run it to its end, and compare what it leaves with what an undisturbed run leaves."""
        before = self._records()
        self._run(1)
        self._check(title, before)

    def _check(self, title: str, before: dict[str, str]) -> None:
        after, found = self._records(), content(self._out)
        lost = [name for name in before if after.get(name) != before[name]]
        if lost:
            self._tell("lost", title, str(lost))
        differing = differences(found, self._expected)
        left = [name for name in differing if name not in self._expected]
        if len(differing) > len(left):
            self._tell("different", title, str(differing))
        left += [path.name for path in self._temporary.iterdir()]
        if left:
            self._tell("left", title, str(left))

    def _judge(self, ended: Ended, title: str, survives: bool) -> None:
        problem = words_problem(ended)
        if problem is None and survives and ended.status:
            problem = f"status {ended.status}: {ended.words[-600:]}"
        if problem is not None:
            self._tell("badly ended", title, problem)

    def _records(self) -> dict[str, str]:
        """Finished points by name, read in a process of its own: the threads of a reader do not live on in a fork."""
        if not self._out.is_dir():
            return {}

        def call() -> int:
            sys.stdout.write(json.dumps(self._subject.records(self._out)))
            return 0

        ended = begin(call, self._folder / "records.log", {}, self._folder / "other").ended()
        if ended.status:
            raise SystemExit(f"records cannot be read: {ended.words[-1000:]}")
        found: dict[str, str] = json.loads(ended.words)
        return found

    def _run(self, jobs: int) -> Ended:
        """Run it undisturbed; the log says at last how many steps of the disk it took."""
        command = self._subject.command(self._out, jobs)

        def counted() -> int:
            status = command()
            sys.stderr.write(f"\nsteps {_steps()}\n")
            return status

        environment = failing(10**9, below=self._out)
        ended = begin(counted, self._log, environment, self._temporary).ended()
        if ended.status or ended.orphans:
            raise SystemExit(f"the command itself failed: {ended.orphans} left, {ended.words[-1000:]}")
        return ended

    def _clean(self) -> None:
        for folder in (self._out, self._temporary):
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _tell_progress(self) -> None:
        sys.stderr.write(f"{self}\n")
        sys.stderr.flush()

    def __str__(self) -> str:
        told = ", ".join(f"{self.counts[kind]} {kind}" for kind in BAD)
        kinds = ", ".join(f"{self.counts[f'killed {what}']} {what}" for what in (PARENT, WORKER, TREE))
        disks = f"{self.counts['disks']} disks ({self.counts['refused']} refused)"
        return f"{self._subject.name}: {self.counts['killed']} kills ({kinds}), {disks}: {told}"

    def _tell(self, kind: str, title: str, words: str) -> None:
        self.counts[kind] += 1
        sys.stdout.write(f"{self._subject.name}: {kind}: {title}: {words}\n")
        sys.stdout.flush()


def _steps() -> int:
    steps: Callable[[], int] = ctypes.CDLL(None).failing_disk_steps
    return steps()


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all faults and print what came of them; status 1 where something was lost, differs or was left."""
    options = _options(arguments)
    if PRELOAD not in os.environ:
        library = compiled(options.build)
        environment = {**os.environ, PRELOAD: str(library.resolve())}
        os.execve(sys.executable, [sys.executable, "-m", "tests.faults", *(arguments or sys.argv[1:])], environment)
    bad = 0
    for subject in SUBJECTS:
        if options.only in (None, subject.name):
            with tempfile.TemporaryDirectory(prefix="spikecycle-faults-") as folder:
                trials = Trials(subject, Path(folder), options.seed)
                trials.kills(options.kills)
                trials.disks(options.disk)
            sys.stdout.write(f"seed {options.seed}, {trials}\n")
            sys.stdout.flush()
            bad += sum(trials.counts[kind] for kind in BAD)
    return 1 if bad else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="Of each subject.")
    parser.add_argument("--disk", type=int, default=20, help="Runs of each whose disk fails at some step.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[subject.name for subject in SUBJECTS], help="Only this subject.")
    parser.add_argument("--build", type=Path, default=Path("build"), help="A folder for the compiled helper.")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
