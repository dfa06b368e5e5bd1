"""The library that fails the disk of a process which has loaded it (`failing_disk.c`), and how it is told when."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("failing_disk.c")


def compiled(folder: Path) -> Path:
    """The library, built by the system's C compiler."""
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "failing_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def failing(
    steps: int | None, number: int = errno.ENOSPC, locks: bool = True, below: Path | None = None
) -> dict[str, str]:
    """The environment in which writing fails after so many steps, with that error, or locks are not there.

    below: only in that folder; steps are then also to make files and folders, to sync them, and to rename them.
    """
    environment = {"SPIKECYCLE_ERRNO": str(number)}
    if steps is not None:
        environment["SPIKECYCLE_WRITES"] = str(steps)
    if below is not None:
        environment["SPIKECYCLE_BELOW"] = str(below)
    if not locks:
        environment["SPIKECYCLE_LOCKS"] = "none"
    return environment
