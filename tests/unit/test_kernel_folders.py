"""Folders of compiled kernels that nobody uses are removed, and nothing else is."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from spikecycle.simulator.kernel_folders import kernel_folder

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
PRESENT = "f" * 64


def _old(root: Path, ages_s: Iterable[float], first: int = 0) -> list[Path]:
    """Folders of other versions, each with a kernel in it, last used so long ago."""
    folders = []
    for index, age_s in enumerate(ages_s, start=first):
        folder = root / f"kernels-{index:016x}"
        (folder / "dataflows_0").mkdir(parents=True)
        (folder / "dataflows_0" / "kernel.1.nbc").write_bytes(b"code")
        _used(folder, age_s)
        folders.append(folder)
    return folders


def _used(folder: Path, age_s: float) -> None:
    then_s = time.time() - age_s
    os.utime(folder, (then_s, then_s))


def _left(root: Path) -> set[Path]:
    return {path for path in root.iterdir() if path.name != f"kernels-{PRESENT[:16]}"}


def test_beside_the_present_folder_nine_stay_that_were_used_last(tmp_path: Path) -> None:
    days = _old(tmp_path, [(1 + index) * DAY_S for index in range(14)])
    assert kernel_folder(tmp_path, PRESENT) == tmp_path / ("kernels-" + "f" * 16)
    assert _left(tmp_path) == set(days[:9])


def test_folders_of_the_last_hours_stay_however_many_there_are(tmp_path: Path) -> None:
    """Twenty in five hours: nine would do. Of two that are older none is among the nine."""
    lately = _old(tmp_path, [index * 0.25 * HOUR_S for index in range(20)])
    _old(tmp_path, [7 * HOUR_S, 8 * HOUR_S], first=20)
    kernel_folder(tmp_path, PRESENT)
    assert _left(tmp_path) == set(lately)


def test_what_nobody_used_for_a_month_goes_however_few_there_are(tmp_path: Path) -> None:
    fresh, _ = _old(tmp_path, [29 * DAY_S, 31 * DAY_S])
    kernel_folder(tmp_path, PRESENT)
    assert _left(tmp_path) == {fresh}


def test_taking_a_folder_counts_as_use_and_removes_nothing(tmp_path: Path) -> None:
    """No command waits for a removal unless it compiles."""
    folder = kernel_folder(tmp_path, PRESENT)
    assert folder is not None
    _used(folder, 40 * DAY_S)
    (old,) = _old(tmp_path, [50 * DAY_S])
    assert kernel_folder(tmp_path, PRESENT) == folder
    assert old.is_dir()
    assert time.time() - folder.stat().st_mtime < HOUR_S
    kernel_folder(tmp_path, "e" * 64)
    assert _left(tmp_path) == {tmp_path / ("kernels-" + "e" * 16)}
    assert folder.is_dir(), "it was used just now"


def test_a_backlog_goes_in_parts_oldest_first(tmp_path: Path) -> None:
    """Of 50 folders, 32 at once; then the rest of those that are over."""
    folders = _old(tmp_path, [(1 + index / 10) * DAY_S for index in range(50)])
    kernel_folder(tmp_path, PRESENT)
    assert _left(tmp_path) == set(folders[:18])
    kernel_folder(tmp_path, "e" * 64)
    assert _left(tmp_path) == {tmp_path / ("kernels-" + "e" * 16), *folders[:8]}


def test_what_is_no_folder_of_kernels_stays(tmp_path: Path) -> None:
    """Whoever moves the cache may move it to a folder with other things in it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    root = tmp_path / "root"
    others = ["kernels", "kernels-0", "kernels-" + "0" * 17, "kernels-" + "G" * 16, "x" + "kernels-" + "0" * 16]
    for name in [*others, "kernels-" + "0" * 16 + ".kept"]:
        (root / name).mkdir(parents=True)
        _used(root / name, 99 * DAY_S)
    then_s = time.time() - 99 * DAY_S
    for number, (linked, name) in enumerate([(True, ""), (False, ""), (True, ".removed"), (False, ".removed")]):
        path = root / f"kernels-{number:016x}{name}"
        if linked:
            path.symlink_to(outside)
            os.utime(path, (then_s, then_s), follow_symlinks=False)
        else:
            path.write_text("a file")
            os.utime(path, (then_s, then_s))
    before = set(root.iterdir())
    kernel_folder(root, PRESENT)
    assert _left(root) == before
    assert (outside / "mine").read_text() == "mine"


def test_links_in_a_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "mine").write_text("mine")
    (old,) = _old(tmp_path / "root", [99 * DAY_S])
    (old / "link").symlink_to(tmp_path / "outside")
    _used(old, 99 * DAY_S)
    kernel_folder(tmp_path / "root", PRESENT)
    assert not old.exists()
    assert (tmp_path / "outside" / "mine").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can give folders away")
def test_a_folder_of_somebody_else_stays(tmp_path: Path) -> None:
    theirs, _ = _old(tmp_path, [99 * DAY_S, 99 * DAY_S])
    os.chown(theirs, 65534, 65534)
    kernel_folder(tmp_path, PRESENT)
    assert _left(tmp_path) == {theirs}


def test_what_an_interrupted_removal_left_goes(tmp_path: Path) -> None:
    (left,) = _old(tmp_path, [HOUR_S])
    left.rename(left.with_name(left.name + ".removed"))
    kernel_folder(tmp_path, PRESENT)
    assert _left(tmp_path) == set()


def test_a_folder_is_renamed_before_anything_in_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So no process finds half of one: removal itself is made to do nothing here."""
    (old,) = _old(tmp_path, [99 * DAY_S])
    monkeypatch.setattr("shutil.rmtree", lambda path, **options: None)
    kernel_folder(tmp_path, PRESENT)
    (renamed,) = _left(tmp_path)
    assert renamed.name == old.name + ".removed"
    assert (renamed / "dataflows_0" / "kernel.1.nbc").is_file()


@pytest.mark.parametrize("action", ["rename", "utime", "scandir"])
def test_a_cache_that_cannot_be_changed_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    def refused(*arguments: object, **options: object) -> None:
        raise PermissionError(30, "Read-only file system")

    (old,) = _old(tmp_path, [99 * DAY_S])
    monkeypatch.setattr(os, action, refused)
    monkeypatch.setattr(Path, "rename", refused)
    assert kernel_folder(tmp_path, PRESENT) == tmp_path / ("kernels-" + "f" * 16)
    monkeypatch.undo()
    assert _left(tmp_path) == {old}


def test_many_at_once_remove_the_same_folders(tmp_path: Path) -> None:
    kept = _old(tmp_path, [HOUR_S] * 3)
    _old(tmp_path, [99 * DAY_S] * 30, first=3)
    digests = [f"{0xABC0 + number:x}" * 16 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda digest: kernel_folder(tmp_path, digest), digests))
    kernel_folder(tmp_path, PRESENT)  # what a thread has renamed, and is about to remove, was another's to remove too
    assert None not in made
    assert _left(tmp_path) == {*kept, *made}


def test_a_process_whose_folder_was_removed_compiles_and_makes_it_again(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import shutil\n"
        "from spikecycle.simulator.compiling import cache_folder\n"
        "from spikecycle.simulator.jit import kernel\n\n"
        "@kernel\ndef first(value: int) -> int:\n    return value + 1\n\n"
        "@kernel\ndef second(value: int) -> int:\n    return value + 2\n\n"
        "first(1)\n"
        "shutil.rmtree(cache_folder())\n"
        "print(first(1.0), second(1))\n"
    )
    environment = {"SPIKECYCLE_CACHE_DIR": str(tmp_path / "cache"), "NUMBA_DISABLE_JIT": "0", "NUMBA_BOUNDSCHECK": "0"}
    done = subprocess.run(
        [sys.executable, str(script)], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "2.0 3\n"
    assert {path.stem.split(".")[1].split("-")[0] for path in (tmp_path / "cache").rglob("*.nbi")} == {
        "first",
        "second",
    }
