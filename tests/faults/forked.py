"""Commands of `spikecycle` in forks of this process, which has loaded all that they need: begun, killed, and over.

A fork starts in milliseconds with its kernels compiled, so that most kills hit work and not the loading of modules.
Each is the leader of a group of its own, has a folder of its own for temporary files, and writes to a log.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

PARENT, WORKER, TREE = "parent", "worker", "tree"
LIMIT_S = 3_600
_ENDED_S = 60.0
"""Within which the children of a killed process have to end by themselves."""
_KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Ended:
    """How a command ended. status: negative where a signal did it. orphans: processes that outlived it."""

    status: int
    words: str
    seconds: float
    orphans: int


@dataclass
class Running:
    """A command at work."""

    process: int
    log: Path
    began_s: float

    def wait(self, seconds: float) -> bool:
        """Whether it ended by itself within so many seconds."""
        until_s = self.began_s + seconds
        while time.monotonic() < until_s:
            if os.waitid(os.P_PID, self.process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return True
            time.sleep(0.005)
        return False

    def kill(self, what: str, random: Random) -> bool:
        """Kill the command, one of its workers, or all of it; whether that was there to be killed."""
        victims = {PARENT: [self.process], TREE: group(self.process), WORKER: workers(self.process)}[what]
        if what == WORKER and victims:
            victims = [random.choice(victims)]
        for victim in victims:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        return bool(victims)

    def ended(self) -> Ended:
        """Wait until it is over, and all that it started."""
        self.wait(LIMIT_S)
        seconds = time.monotonic() - self.began_s
        with suppress(ProcessLookupError):
            if not self.wait(0.0):
                os.killpg(self.process, signal.SIGKILL)
        _, status = os.waitpid(self.process, 0)
        until_s = time.monotonic() + _ENDED_S
        while (orphans := group(self.process)) and time.monotonic() < until_s:
            time.sleep(0.05)
        for orphan in orphans:
            with suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
        words = self.log.read_text(errors="replace")
        return Ended(os.waitstatus_to_exitcode(status), words, seconds, len(orphans))


def begin(call: Callable[[], int], log: Path, environment: dict[str, str], temporary: Path) -> Running:
    """Start a call in a fork; its status is what the call gives. environment: added to this process's own."""
    temporary.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process == 0:
        status = 70
        try:
            os.setsid()
            target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(target, 1)
            os.dup2(target, 2)
            os.environ.update(environment, TMPDIR=str(temporary))
            status = call()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(status)
    return Running(process, log, time.monotonic())


def group(leader: int) -> list[int]:
    """Processes of the session that a process leads, itself among them, in the order of their numbers."""
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            with suppress(OSError, IndexError):
                fields = (place / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == leader and fields[0] != "Z":
                    found.append(int(place.name))
    return sorted(found)


def workers(leader: int) -> list[int]:
    """Processes that a command started to work for it, those that only clean up after others left out."""
    found = []
    for process in group(leader):
        with suppress(OSError):
            words = Path(f"/proc/{process}/cmdline").read_text()
            if process != leader and "resource_tracker" not in words:
                found.append(process)
    return found


def spikecycle(arguments: Sequence[str], before: Callable[[], None] = lambda: None) -> Callable[[], int]:
    """The call of a command line."""

    def call() -> int:
        from spikecycle.program import run

        before()
        sys.argv = ["spikecycle", *arguments]
        return run()

    return call
