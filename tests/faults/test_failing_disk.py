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
from tests.faults.__main__ import TREE, compiled, content, differences, failing, finished, kill

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("faults"))


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "No space left"), (errno.EIO, "Input/output error")])
def test_a_copy_is_whole_or_not_there(library: Path, tmp_path: Path, number: int, words: str) -> None:
    command = [sys.executable, "-m", "spikecycle", "copy", str(MACHINE), str(tmp_path / "own.yaml")]
    done = subprocess.run(command, env=failing(library, 0, number), capture_output=True, text=True)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, []), done.stderr
    assert words in done.stderr and done.stderr.startswith("spikecycle: ") and done.stderr.count("\n") == 1
    done = subprocess.run(command, env=failing(library, 1, number), capture_output=True, text=True)
    assert done.returncode == 0 and (tmp_path / "own.yaml").read_bytes() == MACHINE.read_bytes()


def test_the_helper_takes_locks_away(library: Path, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    code = f"import fcntl; fcntl.flock(open({str(tmp_path / 'f')!r}), fcntl.LOCK_EX)"
    done = subprocess.run([sys.executable, "-c", code], env=failing(library, None, locks=False), capture_output=True)
    assert done.returncode == 1 and b"No locks available" in done.stderr
    assert subprocess.run([sys.executable, "-c", code], env=failing(library, None)).returncode == 0


def test_what_is_lost_different_and_left_is_seen(tmp_path: Path) -> None:
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "a.json").write_text("1")
    before = content(tmp_path)
    (tmp_path / "networks" / "a.json").write_text("2")
    (tmp_path / "left").write_text("")
    assert finished(before, content(tmp_path)) == ["networks/a.json"]
    assert differences(content(tmp_path), before) == ["left", "networks/a.json"]


def test_a_tree_is_killed_with_its_children(tmp_path: Path) -> None:
    code = "import subprocess, sys, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
    assert kill([sys.executable, "-c", code], TREE, 1.0, dict(os.environ))
    assert not kill([sys.executable, "-c", ""], TREE, 60.0, dict(os.environ))
