"""The kernel decorator and its cache folder."""

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import numpy as np
from spikecycle.simulator.jit import kernel, _cache_folder

@kernel
def total(values: np.ndarray) -> int:
    result = np.int64(0)
    for value in values:
        result += np.int64(value)
    return result

print(total(np.full(3, 200, np.uint8)), _cache_folder())
"""


def _run(tmp_path: Path, **environment: str) -> tuple[str, str]:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    value, folder = done.stdout.split()
    return value, folder


def test_compiled_kernels_are_cached_in_a_folder_named_by_the_sources(tmp_path: Path) -> None:
    environment = {"SPIKECYCLE_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0", "NUMBA_BOUNDSCHECK": "0"}
    value, folder = _run(tmp_path, **environment)
    assert value == "600"
    assert Path(folder).parent == tmp_path / "cache"
    assert list(Path(folder).rglob("*.nbi")), "nothing was cached"


def test_without_a_writable_cache_kernels_still_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    value, folder = _run(tmp_path, SPIKECYCLE_CACHE_DIR=str(tmp_path / "file" / "below"), NUMBA_DISABLE_JIT="0")
    assert (value, folder) == ("600", "None")


def test_a_full_cache_disk_costs_time_and_not_the_run(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    script.write_text(limit + PROGRAM)
    environment = {"SPIKECYCLE_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0", "NUMBA_BOUNDSCHECK": "0"}
    done = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("600 ")
    assert not list((tmp_path / "cache").rglob("*.nbi"))


def test_with_the_jit_off_kernels_are_plain_python(tmp_path: Path) -> None:
    value, _ = _run(tmp_path, SPIKECYCLE_CACHE_DIR=str(tmp_path / "cache"), NUMBA_DISABLE_JIT="1")
    assert value == "600"
    assert not list((tmp_path / "cache").rglob("*.nbi"))
