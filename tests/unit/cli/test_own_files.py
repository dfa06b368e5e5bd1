"""No document replaces what its command reads, however it is named, or keeps in a folder of its own."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.bad_input.inputs import MACHINE, refused, run, small_trace

Capsys = pytest.CaptureFixture[str]
TOPOLOGY = "Layer,H,W,R,S,C,M,Stride\nfc1,1,1,1,1,8,4,1\n"


def _state(folder: Path) -> dict[str, str]:
    """Digest by name of every file below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: a trace, a machine, a plugin, and files that name others."""
    small_trace(tmp_path)
    (tmp_path / "m.yaml").write_bytes(MACHINE.read_bytes())
    (tmp_path / "p.py").write_text("")
    (tmp_path / "sweep.yaml").write_text(
        "traces: [small.h5]\nmachines: [m.yaml]\nplugins: [p.py]\nset: {dataflow.pes: [4, 8]}\n"
    )
    (tmp_path / "network.csv").write_text(TOPOLOGY)
    (tmp_path / "drawn.yaml").write_text("timesteps: 2\ndensity: 0.1\ntopology: network.csv\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("target", ["small.h5", "./m.yaml", "p.py", "sweep.yaml", "hard.json"])
@pytest.mark.parametrize("command", ["sweep", "search"])
def test_files_that_a_sweep_file_names_are_inputs(capsys: Capsys, folder: Path, command: str, target: str) -> None:
    os.link("m.yaml", "hard.json")
    before = _state(folder)
    refused(run(capsys, command, "sweep.yaml", "--out", "o", "--json", target), f"--json {target}: would overwrite")
    assert _state(folder) == before


def test_the_topology_that_a_file_names_is_an_input(capsys: Capsys, folder: Path) -> None:
    os.link("network.csv", "network.h5")
    before = _state(folder)
    refused(run(capsys, "synthesize", "drawn.yaml", "network.h5", "--force"), "network.h5: would overwrite the input")
    refused(run(capsys, "synthesize", "drawn.yaml", "new.h5", "--json", "network.csv"), "--json network.csv: would")
    assert _state(folder) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("simulate", "small.h5"), ("formats", "small.h5"), ("advise", "small.h5"),
        ("compare", "small.h5", "--hw", "m.yaml", "--hw", "mint"), ("sweep", "small.h5", "--out", "o"),
        ("search", "small.h5", "--out", "o", "--set", "dataflow.pes=4,8"),
    ],
)  # fmt: skip
def test_plugins_are_inputs(capsys: Capsys, folder: Path, arguments: tuple[str, ...]) -> None:
    before = _state(folder)
    ended = run(capsys, *arguments, "--plugin", "p.py", "--json", "p.py")
    refused(ended, "--json p.py: would overwrite the input p.py")
    assert _state(folder) == before


def test_what_is_measured_is_an_input(capsys: Capsys, folder: Path) -> None:
    before = _state(folder)
    for target in ("small.h5", "m.yaml"):
        ended = run(capsys, "bench", "small.h5", "--hw", "m.yaml", "--json", target)
        refused(ended, f"would overwrite the input {target}")
    (folder / "before.html").write_text("{}")
    before = _state(folder)
    refused(run(capsys, "bench", "--against", "before.html", "--report", "before.html"), "would overwrite the input")
    refused(run(capsys, "bench", "--report", "a.html", "--json", "a.html"), "would overwrite what")
    assert _state(folder) == before


def test_data_of_others_are_inputs(capsys: Capsys, folder: Path) -> None:
    (folder / "data" / "deep").mkdir(parents=True)
    (folder / "data" / "deep" / "theirs.csv").write_text("1,2\n")
    before = _state(folder)
    for option in ("--json", "--markdown"):
        ended = run(capsys, "validate", "--data", "data", option, "data/deep/theirs.csv")
        refused(ended, f"{option} data/deep/theirs.csv: would overwrite a file of the input data")
    assert _state(folder) == before


@pytest.mark.parametrize(
    "name", ["points.parquet", "sweep.json", ".lock", "study.db", "study.db-journal", "parts/1-a.parquet"]
)
@pytest.mark.parametrize("command", ["sweep", "search"])
def test_files_of_a_folder_of_points_are_its_own(capsys: Capsys, folder: Path, command: str, name: str) -> None:
    """Also those that are not there yet: in `parts` every file counts as points."""
    (folder / "o" / "parts").mkdir(parents=True)
    refused(
        run(capsys, command, "sweep.yaml", "--out", "o", "--json", f"./o/{name}"),
        f"--json ./o/{name}: is a name of a file that the command keeps there",
    )
    assert [path.name for path in (folder / "o").rglob("*")] == ["parts"]


def test_a_copy_on_standard_output_is_a_machine_file(capsys: Capsys) -> None:
    ended = run(capsys, "copy", "spike_array", "-")
    assert (ended.status, ended.out) == (0, MACHINE.read_text(encoding="utf-8"))
