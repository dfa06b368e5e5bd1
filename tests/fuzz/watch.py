"""Whether a process hangs: by the processor time that it takes, or by doing nothing; never because others are busy."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

LIMIT_S = 20.0
"""Processor time that one input may take."""
LONGEST_SLEEP_S = 60
"""Seconds for which everything in a process may sleep, one after the other: it then waits for what never comes."""
LIMIT_ON_THE_CLOCK_S = 3_600.0
"""Whatever the reason. A busy computer does not come near it."""
_ASLEEP = frozenset("SITtZX")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Watch:
    """Looks at a process once in a while, from the beginning of an input on; its children count as itself."""

    def __init__(self, process: int, limit_s: float = LIMIT_S, longest_sleep_s: float = LONGEST_SLEEP_S) -> None:
        self._process, self._limit_s, self._longest_sleep_s = process, limit_s, longest_sleep_s
        self.begin()

    def begin(self) -> None:
        """The next input has begun."""
        self._began_s = time.monotonic()
        self._before_s = self._last_s = processor_s(self._process)
        self._asleep_since_s: float | None = None

    @property
    def seconds(self) -> float:
        """Processor time since the input began."""
        return processor_s(self._process) - self._before_s

    def hangs(self) -> bool:
        """Whether the input took too much, or the process sleeps for good. Asked about once a second."""
        now_s, used_s = time.monotonic(), processor_s(self._process)
        if used_s - self._before_s > self._limit_s or now_s - self._began_s > LIMIT_ON_THE_CLOCK_S:
            return True
        # One that is ready to run and is not let is in state R; one that waits for a disk is in D.
        if used_s > self._last_s or not is_asleep(self._process):
            self._last_s, self._asleep_since_s = used_s, None
        elif self._asleep_since_s is None:
            self._asleep_since_s = now_s
        return self._asleep_since_s is not None and now_s - self._asleep_since_s > self._longest_sleep_s


def processor_s(process: int) -> float:
    """Processor time of a process, its children that are there, and those that were; 0 where it is gone."""
    ticks = 0
    for place in _family(process):
        fields = _fields(place / "stat")
        ticks += sum(map(int, fields[11:15])) if len(fields) > 14 else 0
    return ticks / _TICKS_PER_S


def is_asleep(process: int) -> bool:
    """Whether every thread of a process and of its children sleeps."""
    threads = [thread for place in _family(process) for thread in _entries(place / "task")]
    return all((_fields(thread / "stat") or "X")[0] in _ASLEEP for thread in threads)


def children(process: int) -> list[int]:
    """The processes that all threads of a process started, in the order of their numbers."""
    texts = [_text(thread / "children") for thread in _entries(Path(f"/proc/{process}/task"))]
    return sorted(int(child) for text in texts for child in text.split())


def _family(process: int) -> Iterator[Path]:
    yield Path(f"/proc/{process}")
    for child in children(process):
        yield from _family(child)


def _fields(stat: Path) -> list[str]:
    """What stands after the name, which may have anything in it: the state first."""
    return _text(stat).rpartition(")")[2].split()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []
