"""The page on compression shows of the shipped studies what their tables say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.study_section import pictures, section, studies
from spikecycle.models.study.results import Results
from tests.shown import picture_difference, text_difference

PAGE = (Path(__file__).parent.parent / "docs" / "pages" / "studies" / "compression.md").read_text()
LARGEST_BYTES = 200_000
REMEDY = "run python benchmarks/study_section.py"


@pytest.mark.parametrize(("name", "results"), studies().items())
def test_claims_and_pictures_are_those_of_the_table(name: str, results: Results) -> None:
    for path, picture in pictures(name, results).items():
        assert not picture_difference(path.read_bytes(), picture), f"{path.name}: {REMEDY}"
        assert len(picture) < LARGEST_BYTES
        if path.name not in PAGE:
            pytest.skip(f"the page does not show {name}")
    found = section(name, results)
    first = found.splitlines()[0]
    assert first in PAGE, REMEDY
    shown = (first + PAGE.split(first, 1)[1]).splitlines()[: len(found.splitlines())]
    assert not text_difference("\n".join(shown), found), REMEDY
