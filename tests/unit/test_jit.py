"""The kernel decorator and its cache folder."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
import pytest

from spikecycle.simulator.jit import disjoint_kernel, lean_kernel

PROGRAM = """
import numpy as np
from spikecycle.simulator.compiling import cache_folder
from spikecycle.simulator.jit import kernel

@kernel
def total(values: np.ndarray) -> int:
    result = np.int64(0)
    for value in values:
        result += np.int64(value)
    return result

print(total(np.full(3, 200, np.uint8)), cache_folder())
"""


CALLS = """
import resource
from types import FunctionType
from spikecycle.simulator.jit import kernel

nothing = FunctionType((lambda: None).__code__.replace(co_stacksize=100), globals())  # has a frame of 800 bytes

def faults(depth):
    if depth:
        return faults(depth - 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(1000):
        nothing()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def most_faults():
    return max(faults(depth) for depth in range(300))

print(most_faults(), kernel(most_faults)())
"""


def _run(tmp_path: Path, *, warns: bool = False, **environment: str) -> tuple[str, str]:
    """What the program prints; warns: whether it says that its kernel cannot be kept."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    value, folder = done.stdout.split()
    assert done.stderr.count("KernelCacheWarning") == warns
    return value, folder


def test_compiled_kernels_are_cached_in_a_folder_named_by_the_sources(tmp_path: Path) -> None:
    environment = {"SPIKECYCLE_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0", "NUMBA_BOUNDSCHECK": "0"}
    value, folder = _run(tmp_path, **environment)
    assert value == "600"
    assert Path(folder).parent == tmp_path / "cache"
    assert list(Path(folder).rglob("*.nbi")), "nothing was cached"


def test_without_a_writable_cache_kernels_still_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    value, folder = _run(
        tmp_path, warns=True, SPIKECYCLE_CACHE_DIR=str(tmp_path / "file" / "below"), NUMBA_DISABLE_JIT="0"
    )
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
    assert done.stderr.count("kernels are compiled anew in every run") == 1
    assert f"cannot be kept in {tmp_path / 'cache' / 'kernels-'}" in done.stderr
    assert ": File too large; choose another folder with SPIKECYCLE_CACHE_DIR" in done.stderr


def test_a_command_tells_once_that_kernels_cannot_be_kept(tmp_path: Path) -> None:
    """In a line of its own; the second kernel, and processes that are started, tell nothing more."""
    (tmp_path / "file").write_text("")
    environment = {"SPIKECYCLE_CACHE_DIR": str(tmp_path / "file"), "NUMBA_DISABLE_JIT": "0", "NUMBA_BOUNDSCHECK": "0"}
    program = (
        "import sys; from spikecycle.simulator.cli import _warnings_in_lines\n"
        "from concurrent.futures import ProcessPoolExecutor; from multiprocessing import get_context\n"
        "from spikecycle.simulator.compiling import cache_folder\n"
        "if __name__ == '__main__':\n"
        "    with _warnings_in_lines(), ProcessPoolExecutor(1, get_context('spawn')) as pool:\n"
        "        print(pool.submit(cache_folder).result(), cache_folder(), cache_folder())\n"
    )
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")], env={**os.environ, **environment}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["None"] * 3
    (line,) = done.stderr.splitlines()
    assert line.startswith("spikecycle: kernels are compiled anew in every run, since they cannot be kept in ")
    assert line.endswith(": Not a directory; choose another folder with SPIKECYCLE_CACHE_DIR")


def test_with_the_jit_off_kernels_are_plain_python(tmp_path: Path) -> None:
    value, _ = _run(tmp_path, SPIKECYCLE_CACHE_DIR=str(tmp_path / "cache"), NUMBA_DISABLE_JIT="1")
    assert value == "600"
    assert not list((tmp_path / "cache").rglob("*.nbi"))


def _cached(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """A cache that holds the program's kernel."""
    environment = {"SPIKECYCLE_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0", "NUMBA_BOUNDSCHECK": "0"}
    value, folder = _run(tmp_path, **environment)
    assert value == "600"
    return environment, Path(folder)


PICKLES = {
    "exits": b"cos\n_exit\n(I7\ntR.",
    "interrupts": b"c_thread\ninterrupt_main\n(tR.",
    "raises": b"cbuiltins\nKeyboardInterrupt\n(tR.",
}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "flipped": lambda content: content[:200] + bytes([content[200] ^ 1]) + content[201:],
    "zeros": lambda content: bytes(len(content)),
    "ends early": lambda content: content[:-1],
    "longer": lambda content: content + b"x",
    **{f"pickle that {name}": lambda content, pickled=pickled: pickled for name, pickled in PICKLES.items()},  # type: ignore[misc]
}


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_costs_time_and_not_the_run(tmp_path: Path, suffix: str, damage: str) -> None:
    environment, folder = _cached(tmp_path)
    files = list(folder.rglob(f"*.{suffix}"))
    assert files
    for file in files:
        file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert _run(tmp_path, **environment)[0] == "600"
    assert all(len(file.read_bytes()) > 100 for file in folder.rglob(f"*.{suffix}")), "it was not written anew"


def test_a_kernel_under_the_name_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "from spikecycle.simulator.jit import kernel\n"
        "@kernel\ndef once(value: int) -> int:\n    return value\n"
        "@kernel\ndef twice(value: int) -> int:\n    return 2 * value\n"
        "print(once(3), twice(3))\n"
    )
    environment = {"SPIKECYCLE_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0", "NUMBA_BOUNDSCHECK": "0"}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, str(script)], env={**os.environ, **environment}, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == ["3", "6"]
        (once,) = (tmp_path / "cache").rglob("*.once-*.nbc")
        (twice,) = (tmp_path / "cache").rglob("*.twice-*.nbc")
        twice.write_bytes(once.read_bytes())


@pytest.mark.parametrize("kind", ["folder", "pipe", "link", "loop"])
def test_what_is_no_file_in_a_cache(tmp_path: Path, kind: str) -> None:
    environment, folder = _cached(tmp_path)
    for file in [*folder.rglob("*.nbi"), *folder.rglob("*.nbc")]:
        kept = file.with_suffix(".kept")
        file.rename(kept)
        if kind == "folder":
            file.mkdir()
        elif kind == "pipe":
            os.mkfifo(file)
        else:
            file.symlink_to(kept if kind == "link" else file)
    assert _run(tmp_path, warns=True, **environment)[0] == "600"


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can give files away")
def test_files_of_somebody_else_are_not_read(tmp_path: Path) -> None:
    """Sealed rightly, they would end the process: a digest is no proof of who wrote it."""
    environment, folder = _cached(tmp_path)
    for file in [*folder.rglob("*.nbi"), *folder.rglob("*.nbc")]:
        named = file.name.encode() + b"\0" + PICKLES["exits"]
        file.write_bytes(hashlib.sha256(named).digest() + PICKLES["exits"])
        os.chown(file, 65534, 65534)
    assert _run(tmp_path, **environment)[0] == "600"


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can give files away")
def test_a_folder_of_somebody_else_is_no_cache(tmp_path: Path) -> None:
    environment, folder = _cached(tmp_path)
    os.chown(folder, 65534, 65534)
    assert _run(tmp_path, warns=True, **environment) == ("600", "None")


def test_a_folder_that_others_may_write_to_is_closed_to_them(tmp_path: Path) -> None:
    environment, folder = _cached(tmp_path)
    folder.chmod(0o777)
    assert _run(tmp_path, **environment)[0] == "600"
    assert folder.stat().st_mode & 0o022 == 0


def test_a_link_in_place_of_the_folder_is_no_cache(tmp_path: Path) -> None:
    environment, folder = _cached(tmp_path)
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert _run(tmp_path, warns=True, **environment) == ("600", "None")


CACHED_PROGRAM = """
import sys
import numpy as np
from spikecycle.simulator.jit import kernel

@kernel
def total(values: np.ndarray, divisor: int) -> int:
    return values.sum() // divisor  # a sum that Numba compiles from a module of its own

print(total(np.full(3, 200, np.int64), 2))
loaded = sorted({"numba.np.arraymath", "scipy.linalg"} & set(sys.modules))
try:
    total(np.full(3, 200, np.int64), 0)
except ZeroDivisionError:
    print("refused")
print(total(np.full(3, 100, sys.argv[1]), 2), loaded)
"""


def test_a_cached_kernel_loads_nothing_that_only_compiling_needs(tmp_path: Path) -> None:
    """And it raises what it should, and another signature of it is compiled beside it."""
    script = tmp_path / "program.py"
    script.write_text(CACHED_PROGRAM)
    environment = {"SPIKECYCLE_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0", "NUMBA_BOUNDSCHECK": "0"}
    said = []
    for dtype in ("int64", "int32", "int32"):
        done = subprocess.run(
            [sys.executable, str(script), dtype],
            env={**os.environ, **environment}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        said.append(done.stdout.splitlines())
    compiled, half_cached, cached = said
    assert [lines[:2] for lines in said] == [["300", "refused"]] * 3
    assert "numba.np.arraymath" in compiled[2], "compiling does not need it: the test would show nothing"
    assert half_cached[2] == cached[2] == "150 []"


def test_a_lean_kernel_borrows_its_arrays() -> None:
    """Nobody holds them longer than the call, and slices of them are right."""

    @lean_kernel
    def row_sum(values: np.ndarray) -> int:
        total = 0
        for row in range(len(values)):
            total += one_row(values[row])
        return total

    @lean_kernel
    def one_row(row: np.ndarray) -> int:
        total = 0
        for value in row[1:]:
            total += value
        return total

    values = np.arange(6, dtype=np.int64).reshape(2, 3)
    held = sys.getrefcount(values)
    assert row_sum(values) == (1 + 2) + (4 + 5)
    assert row_sum(values.T) == 3 + 4 + 5
    assert sys.getrefcount(values) == held


def test_a_disjoint_kernel_is_compiled_for_arrays_that_do_not_overlap() -> None:
    """What tells Numba is no option of a decorator: if it is no longer heeded, kernels are only slower."""

    @disjoint_kernel
    def add(values: np.ndarray, values_out: np.ndarray) -> None:
        for value in values:
            for i in range(len(values_out)):
                values_out[i] += value

    @lean_kernel
    def add_all(values: np.ndarray, values_out: np.ndarray) -> None:
        add(values, values_out)

    sums = np.zeros(2, np.int64)
    add_all(np.arange(5), sums)
    assert sums.tolist() == [10, 10]
    if not numba.config.DISABLE_JIT:
        add._compiled.recompile()  # type: ignore[attr-defined]  # what came from the cache can't be looked into
        (text,) = add._compiled.inspect_llvm().values()  # type: ignore[attr-defined]
        (arguments,) = [line for line in text.splitlines() if line.startswith("define") and "add" in line]
        assert arguments.count("noalias") >= 4, "both arrays, and the results"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="page faults are counted as Linux does")
def test_calls_while_a_kernel_is_compiled_ask_the_system_for_no_memory() -> None:
    """Whatever the depth of calls; elsewhere there are depths at which every call does. Without Numba, the kernel is
    the function itself, in the place of Numba's compiler."""
    done = subprocess.run(
        [sys.executable, "-c", CALLS], env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    outside, inside = map(int, done.stdout.split())
    assert inside < 100 < 500 < outside
