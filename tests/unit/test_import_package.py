"""Everything is one import package: `spikecycle`, with a face that costs nothing and collides with nobody's folders."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import spikecycle

OWN_FOLDERS = ("simulator", "models", "traces", "hwconfigs")
"""Folders of the repository that a user may well have under the same names."""


def python(code: str, folder: Path) -> str:
    """What a fresh interpreter prints that runs `code` in `folder`, as `python -c` does: the folder comes first."""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_users_own_folders_of_the_same_names_do_not_collide(tmp_path: Path) -> None:
    for name in OWN_FOLDERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise ImportError('the user's own {name} was imported')\n")
    code = (
        "import spikecycle\n"
        "result = spikecycle.simulate('digits-ternary', 'spike_array_edge', samples=[0])\n"
        "spikecycle.import_network\n"
        "print(result.cycles_per_inference > 0)"
    )
    assert python(code, tmp_path) == "True"


def test_the_face_loads_only_what_is_used(tmp_path: Path) -> None:
    code = (
        "import sys, spikecycle\n"
        "heavy = {'numpy', 'numba', 'torch', 'h5py', 'pydantic', 'yaml'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    assert python(code, tmp_path) == "[]"


def test_every_name_of_the_face_is_there() -> None:
    assert dir(spikecycle) == sorted(spikecycle.__all__)
    for name in spikecycle.__all__:
        assert getattr(spikecycle, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'spikecycle' has no attribute 'simulat'"):
        _ = spikecycle.simulat


def test_types_are_there_for_users() -> None:
    assert (Path(spikecycle.__file__).parent / "py.typed").is_file()
