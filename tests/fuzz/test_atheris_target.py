"""What Atheris is given, and that this says so where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.fuzz.atheris_target import main, one_input
from tests.fuzz.replay import inputs


def test_it_takes_the_corpus(tmp_path: Path) -> None:
    for path in [*inputs("sweep-files"), *inputs("machines"), *inputs("studies")]:
        one_input(path.read_bytes(), tmp_path)


def test_where_there_is_no_atheris_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("atheris is not installed, nothing was fuzzed: pip install atheris")
