"""Kills a command at random moments, or fails its disk, lets it go on, and compares what it leaves; see FAULTS.md."""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

SOURCE = Path(__file__).with_name("failing_disk.c")
PARENT, WORKER, TREE = "parent", "worker", "tree"
LIMIT_S = 3_600


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, locks apart."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def finished(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    """Records that were there and are not, or are other ones: each is a finished point lost."""
    return [name for name, data in before.items() if _is_record(name) and after.get(name) != data]


def differences(found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    """Files that are there and should not be, the other way round, or that differ."""
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def kill(command: Sequence[str], what: str, after_s: float, environment: dict[str, str]) -> bool:
    """Start a command and kill it, one of its children, or all of them after a time; whether it was there to be."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait(after_s)
        return False
    except subprocess.TimeoutExpired:
        pass
    children = _children(process.pid)
    try:
        if what == TREE:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(children[-1] if what == WORKER and children else process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    process.wait(LIMIT_S)
    return True


def compiled(folder: Path) -> Path:
    """The library that fails the disk, built by the system's C compiler."""
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "failing_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def failing(library: Path, writes: int | None, number: int = errno.ENOSPC, locks: bool = True) -> dict[str, str]:
    """The environment in which writing fails after so many writes, with that error, or locks are not there."""
    environment = {**os.environ, "LD_PRELOAD": str(library), "SPIKECYCLE_ERRNO": str(number)}
    if writes is not None:
        environment["SPIKECYCLE_WRITES"] = str(writes)
    if not locks:
        environment["SPIKECYCLE_LOCKS"] = "none"
    return environment


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all faults and print what came of them; status 1 where something was lost, differs or was left."""
    options = _options(arguments)
    random = Random(options.seed)
    folder: Path = options.folder
    began_s = time.monotonic()
    _complete(options.command)
    took_s = time.monotonic() - began_s
    expected = content(folder)
    counts = {"killed": 0, "lost": 0, "different": 0, "left": 0, "failed": 0}
    for number in range(options.kills):
        shutil.rmtree(folder, ignore_errors=True)
        what = random.choice([PARENT, WORKER, TREE])
        counts["killed"] += kill(options.command, what, random.uniform(0, took_s), dict(os.environ))
        _compare(folder, options.command, expected, counts, f"kill {number} of the {what}")
    library = compiled(options.build)
    for number in range(options.disk):
        shutil.rmtree(folder, ignore_errors=True)
        error = random.choice([errno.ENOSPC, errno.EIO])
        environment = failing(library, random.randrange(options.writes), error)
        status = subprocess.run(options.command, env=environment, capture_output=True, text=True, timeout=LIMIT_S)
        counts["failed"] += status.returncode != 0
        if "Traceback" in status.stderr or status.returncode not in (0, 1, 2):
            sys.stdout.write(f"disk {number}: status {status.returncode}: {status.stderr[-500:]}\n")
            counts["left"] += 1
        _compare(folder, options.command, expected, counts, f"disk {number}")
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    sys.stdout.write(f"{options.kills} kills, {options.disk} failing disks, seed {options.seed}: {told}\n")
    return 1 if counts["lost"] + counts["different"] + counts["left"] else 0


def _compare(
    folder: Path, command: Sequence[str], expected: dict[str, bytes], counts: dict[str, int], what: str
) -> None:
    before = content(folder) if folder.exists() else {}
    _complete(command)
    after = content(folder)
    lost, differing = finished(before, after), differences(after, expected)
    left = [name for name in differing if name not in expected]
    counts["lost"] += bool(lost)
    counts["different"] += bool(set(differing) - set(left))
    counts["left"] += bool(left)
    if lost or differing:
        sys.stdout.write(f"{what}: lost {lost}, different {differing}\n")


def _complete(command: Sequence[str]) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    if ended.returncode:
        raise SystemExit(f"the command itself failed: {ended.stderr[-1000:]}")


def _is_record(name: str) -> bool:
    """A finished point of a study: its file of JSON in a folder of records."""
    return name.endswith(".json") and "/" in name and not name.startswith("failures/")


def _children(process: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--disk", type=int, default=20, help="Runs whose disk fails after some writes.")
    parser.add_argument("--writes", type=int, default=60, help="At most so many writes before it does.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", type=Path, default=Path(), help="A folder for the compiled helper.")
    parser.add_argument("folder", type=Path, help="Which the command writes to; it is removed before every try.")
    parser.add_argument("command", nargs="+", help="After --.")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
