"""Names that would forge lines of output, or cannot be written to a document, are refused before anything is done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from spikecycle.simulator.cli import main
from tests.bad_input.inputs import refused, run, small_trace

Capsys = pytest.CaptureFixture[str]


@pytest.mark.parametrize("name", ["a\nspikecycle: done", "a\n", "a\rb", "a\x0bb", "a\x0cb", "a\x85b", "a\u2028b"])
def test_a_name_with_a_line_break_forges_no_line(capsys: Capsys, tmp_path: Path, name: str) -> None:
    path = tmp_path / f"{name}.h5"
    small_trace(tmp_path).rename(path)
    before = sorted(tmp_path.iterdir())
    for arguments in (
        ("check", path), ("simulate", path), ("simulate", path, "--json", tmp_path / "r.json"),
        ("sweep", path, "--out", tmp_path / "sweep"), ("report", path), ("copy", "spike_array", path),
        ("validate", "--machine", name), ("simulate", path, "--hw", path),
    ):  # fmt: skip
        refused(run(capsys, *arguments), "has a line break")
    assert sorted(tmp_path.iterdir()) == before


def test_a_name_that_is_no_text_is_refused_before_a_document_is_made_of_it(capsys: Capsys, tmp_path: Path) -> None:
    """Any bytes but 0 and / make a name on Linux; JSON, YAML and Parquet hold text."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.h5")
    try:
        small_trace(tmp_path).rename(path)
    except OSError:
        pytest.skip("a file system that has names of text alone")
    before = sorted(tmp_path.iterdir())
    for arguments in (
        ("check", path), ("simulate", path, "--json", tmp_path / "r.json"), ("formats", path, "--json", "-"),
        ("sweep", path, "--out", tmp_path / "sweep"), ("search", path, "--out", tmp_path / "search"),
        ("advise", path, "--json", tmp_path / "r.json"),
    ):  # fmt: skip
        refused(run(capsys, *arguments), "caf\\udce9.h5: is no text in utf-8")
    assert sorted(tmp_path.iterdir()) == before


def test_an_argument_that_a_shell_has_emptied(capsys: Capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--charts "$FOLDER"` without FOLDER would be the working directory."""
    monkeypatch.chdir(tmp_path)
    for arguments in (("report", "r.json", "--charts", ""), ("sweep", "digits-8bit", "--out", ""), ("check", "")):
        refused(run(capsys, *arguments), "an argument is empty")
    assert not list(tmp_path.iterdir())


def test_text_of_any_script_is_a_name(capsys: Capsys, tmp_path: Path) -> None:
    path = tmp_path / "ネット größe ё 🙂.h5"
    small_trace(tmp_path).rename(path)
    assert run(capsys, "check", path).status == 0


@pytest.mark.parametrize(
    ("command", "text", "words"),
    [
        ("sweep", 'traces: ["a\\nb.h5"]\nmachines: [mint]\n', "traces.0: text of one line is needed, found '"),
        ("sweep", 'traces: [a.h5]\nmachines: ["m\\n"]\n', "machines.0: text of one line is needed, found 'm\\n'"),
        ("sweep", 'traces: [a.h5]\nmachines: [m]\nplugins: ""\n', "plugins.0: text of one line is needed, found ''"),
        ("draw", 'timesteps: 1\ndensity: 0.1\ntopology: "a\\nb.csv"\n', "topology: text of one line is needed"),
    ],
)
def test_names_in_files_are_of_one_line_too(
    capsys: Capsys, tmp_path: Path, command: str, text: str, words: str
) -> None:
    path = tmp_path / "asked.yaml"
    path.write_text(text)
    arguments = ("sweep", path, "--out", tmp_path / "o") if command == "sweep" else ("synthesize", path, "t.h5")
    refused(run(capsys, *arguments), f"{path}: {words}")
    refused(run(capsys, "check", path), f"{path}: {words}")
    assert [each.name for each in tmp_path.iterdir()] == ["asked.yaml"]


def test_with_debug_a_refusal_shows_where_it_was_made(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="has a line break"):
        main(["check", "a\nb", "--debug"])
