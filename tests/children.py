"""Hostile input is tried in a process of its own, under a limit of memory and of time: what ends it ends only it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

MEMORY_BYTES = 2**31
SECONDS = 120
# The limits are set by the child itself: to run code between fork and exec may hang where this process has threads.
LIMITED = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


class Child(NamedTuple):
    """How a process ended: its status (below 0 where a signal ended it), and what it wrote."""

    status: int
    out: str
    err: str


def run_child(
    arguments: Sequence[str | Path],
    memory_bytes: int = MEMORY_BYTES,
    seconds: float = SECONDS,
    folder: Path | None = None,
) -> Child:
    """Run Python with arguments in that folder; subprocess.TimeoutExpired where it takes longer."""

    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(memory_bytes), *map(str, arguments)],
        capture_output=True, text=True, timeout=seconds, cwd=folder, errors="replace",
    )  # fmt: skip
    return Child(ended.returncode, ended.stdout, ended.stderr)


def run_limited(*arguments: str | Path, **limits: Any) -> Child:
    """Run the command `spikecycle`; limits: those of `run_child`."""
    return run_child(["-m", "spikecycle", *arguments], **limits)


def outcomes(script: str, paths: Sequence[Path], **limits: Any) -> dict[str, str]:
    """What a script says of each path, by its name.

    script: defines `outcome(path: Path) -> str`. AssertionError where the process does not come to its end.
    """
    loop = "import json, sys\nfrom pathlib import Path\nfor name in sys.argv[1:]:\n" + (
        "    print(json.dumps([Path(name).name, outcome(Path(name))]), flush=True)\n"
    )
    ended = run_child(["-c", f"{script}\n{loop}", *paths], **limits)
    said = dict(json.loads(line) for line in ended.out.splitlines())
    assert ended.status == 0, f"status {ended.status} after {list(said)[-1:]} of {list(paths)}: {ended.err[-2000:]}"
    return said
