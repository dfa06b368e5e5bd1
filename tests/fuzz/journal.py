"""The journal of a campaign: a line of JSON per input, written as it ends, so that a campaign goes on where it was cut.

A line says the seed, the surface and the number of the input, what came of it, and the code that it was tried on. Of an
input that is in it twice, the last line counts.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.fuzz.outcomes import FINDINGS, Kind


@dataclass(frozen=True)
class Entry:
    """What came of one input. seconds: of the processor. code: the commit that it was tried on."""

    seed: int
    surface: str
    index: int
    kind: str
    words: str
    peak_bytes: int
    seconds: float
    code: str

    @property
    def is_finding(self) -> bool:
        """Whether it should not have come to that."""
        return Kind(self.kind) in FINDINGS


class Journal:
    """A file of entries; several processes may write to it."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path

    def add(self, entry: Entry) -> None:
        """Append a line, in one piece."""
        words = entry.words if entry.is_finding else ""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**vars(entry), "words": words, "seconds": round(entry.seconds, 2)}) + "\n")

    def entries(self, seed: int) -> dict[tuple[str, int], Entry]:
        """The last entry of every input of that seed, by surface and number; a line that was cut is left out."""
        found = {}
        lines = self._path.read_text(encoding="utf-8").split("\n") if self._path.exists() else []
        for line in lines[:-1]:
            entry = Entry(**json.loads(line))
            if entry.seed == seed:
                found[entry.surface, entry.index] = entry
        return found


def codes(entries: list[Entry]) -> Counter[str]:
    """How many inputs were tried on which code."""
    return Counter(entry.code for entry in entries)


@cache
def code() -> str:
    """The commit of this working tree, with a plus where files differ from it."""
    here = Path(__file__).parent
    try:
        words = ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--exclude=*"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
