"""What was found once is not found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.children import run_child
from tests.fuzz.replay import CORPUS, inputs

WITHOUT_TORCH = ("machines", "layer-traces", "network-traces", "command-lines", "sweep-files", "plugin-files")
WITH_TORCH = ("studies", "nir-files", "sample-files", "event-files")
RESULTS = (
    "study-stores",
    "study-tables",
    "sweep-stores",
)  # Polars and torch together need more memory than a process has here
ALL = (*WITHOUT_TORCH, *WITH_TORCH, *RESULTS)


def test_every_surface_has_a_corpus() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(ALL)
    assert all(len(inputs(surface)) >= 2 for surface in ALL)


@pytest.mark.parametrize(
    "surfaces",
    [WITHOUT_TORCH, *(pytest.param(names, marks=pytest.mark.train) for names in (WITH_TORCH, RESULTS))],
    ids=["simulator", "models", "results"],
)
def test_the_corpus_is_refused_or_taken_as_it_should_be(surfaces: tuple[str, ...], tmp_path: Path) -> None:
    ended = run_child(["-m", "tests.fuzz.replay", tmp_path, *surfaces], seconds=600)
    came = {(surface, name): kind for surface, name, kind in map(json.loads, ended.out.splitlines())}
    assert ended.status == 0, f"status {ended.status} after {list(came)[-1:]}: {ended.err[-2000:]}"
    expected = {(surface, path.name): path.name.partition("-")[0] for surface in surfaces for path in inputs(surface)}
    assert came == expected


def test_every_kind_of_attack_has_its_test() -> None:
    root = Path(__file__).parents[2]
    rows = [line for line in (root / "tests/fuzz/FUZZING.md").read_text().splitlines() if "::test_" in line]
    assert len(rows) > 30
    for row in rows:
        file, _, name = row.split("`")[-2].partition("::")
        assert f"def {name}(" in (root / file).read_text(), row
