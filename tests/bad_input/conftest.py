"""Nothing is left behind by what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest


class Folder:
    """A folder whose content is compared at the end of the test with what it was when it was marked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.marked: dict[str, bytes] | None = None

    def content(self) -> dict[str, bytes]:
        """Every file and its bytes."""
        return {
            path.relative_to(self.path).as_posix(): path.read_bytes() if path.is_file() else b""
            for path in self.path.rglob("*")
        }

    def mark(self) -> None:
        """From here on nothing may change."""
        self.marked = self.content()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """The working directory of the test."""
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path)
    yield folder
    assert folder.marked is not None, "the test never marked its folder"
    assert folder.content() == folder.marked
