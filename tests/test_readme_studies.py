"""The README shows of the shipped studies what their tables say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.study_section import pictures, section, studies
from spikecycle.models.study.view import Results

README = (Path(__file__).parent.parent / "README.md").read_text()
LARGEST_BYTES = 200_000


@pytest.mark.parametrize(("name", "results"), studies().items())
def test_claims_and_pictures_are_those_of_the_table(name: str, results: Results) -> None:
    for path, picture in pictures(name, results).items():
        assert path.read_bytes() == picture, "run python benchmarks/study_section.py"
        assert len(picture) < LARGEST_BYTES
        if path.name not in README:
            pytest.skip(f"the README does not show {name}")
    assert section(name, results) in README, "run python benchmarks/study_section.py"
