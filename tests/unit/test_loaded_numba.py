"""What a working directory, or the environment, makes of Numba's settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spikecycle.simulator.loaded_numba import CONFIG_FILE

SCRIPT = """
import sys, yaml
before = yaml.safe_load
from spikecycle.simulator.cli import main
from spikecycle.simulator.errors import UsageError
try:
    from spikecycle.simulator.loaded_numba import numba
except UsageError as error:
    sys.exit(f"refused: {error}")
numba.core.config.reload_config()
assert yaml.safe_load is before
print(numba.config.DISABLE_JIT, numba.config.DEBUG)
"""


def _run(folder: Path, **environment: str) -> tuple[str, str]:
    script = folder.parent / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True
    )
    return done.stdout.strip(), done.stderr.strip()


@pytest.mark.parametrize("text", ["disable_jit: 1\ndebug: 1\nnum_threads: abc\n", "{{{"])
def test_a_file_of_the_working_directory_decides_nothing(tmp_path: Path, text: str) -> None:
    """Neither when Numba is loaded, nor when it looks for changes before it compiles."""
    folder = tmp_path / "of_somebody"
    folder.mkdir()
    (folder / CONFIG_FILE).write_text(text)
    assert _run(folder) == ("0 0", "")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("NUMBA_OPT", "abc", "NUMBA_OPT=abc: Numba cannot read this setting of the environment"),
        ("NUMBA_NUM_THREADS", "0", "Numba cannot be loaded with NUMBA_NUM_THREADS=0 in the environment: ValueError"),
        ("NUMBA_COLOR_SCHEME", "abc", "Numba cannot be loaded with NUMBA_COLOR_SCHEME=abc in the environment: KeyErr"),
    ],
)
def test_settings_that_numba_cannot_take_are_named_in_a_line(tmp_path: Path, name: str, value: str, words: str) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    out, err = _run(folder, **{name: value})
    assert not out and err.startswith(f"refused: {words}") and len(err.splitlines()) == 1


def test_settings_that_it_can_take_are_taken(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    assert _run(folder, NUMBA_DISABLE_JIT="1")[0] == "1 0"
