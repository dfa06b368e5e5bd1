"""The helper that fails a disk, on a command that takes a second: no half-written file, one line, status 2."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bad_input.inputs import MACHINE
from tests.faults.failing_disk import compiled, failing

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("faults"))


def _environment(library: Path, told: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **told, "LD_PRELOAD": str(library)}


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "No space left"), (errno.EIO, "Input/output error")])
def test_a_copy_is_whole_or_not_there(library: Path, tmp_path: Path, number: int, words: str) -> None:
    command = [sys.executable, "-m", "spikecycle", "copy", str(MACHINE), str(tmp_path / "own.yaml")]
    done = subprocess.run(command, env=_environment(library, failing(0, number)), capture_output=True, text=True)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, []), done.stderr
    assert words in done.stderr and done.stderr.startswith("spikecycle: ") and done.stderr.count("\n") == 1
    done = subprocess.run(command, env=_environment(library, failing(1, number)), capture_output=True, text=True)
    assert done.returncode == 0
    named_as_its_file = MACHINE.read_text().replace("name: spike_array\n", "name: own\n", 1)
    assert (tmp_path / "own.yaml").read_text() == named_as_its_file


def test_the_helper_takes_locks_away(library: Path, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    code = f"import fcntl; fcntl.flock(open({str(tmp_path / 'f')!r}), fcntl.LOCK_EX)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=_environment(library, failing(None, locks=False)), capture_output=True
    )
    assert done.returncode == 1 and b"No locks available" in done.stderr
    assert subprocess.run([sys.executable, "-c", code], env=_environment(library, failing(None))).returncode == 0


def test_below_a_folder_every_step_can_fail(library: Path, tmp_path: Path) -> None:
    """Of a copy there are four: a file is made, written, brought to the disk, and gets its name."""
    (tmp_path / "below").mkdir()
    command = [sys.executable, "-m", "spikecycle", "copy", str(MACHINE), str(tmp_path / "below" / "own.yaml")]
    for steps in range(5):
        told = _environment(library, failing(steps, errno.EROFS, below=tmp_path / "below"))
        done = subprocess.run(command, env=told, capture_output=True, text=True)
        assert done.returncode == (2 if steps < 4 else 0), (steps, done.stderr)
        assert ("Read-only file system" in done.stderr) == (steps < 4)
        assert [path.name for path in (tmp_path / "below").iterdir()] == (["own.yaml"] if steps == 4 else [])
