"""Pictures of a table written by hand: there, not empty, and the same bytes again."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikecycle.models.study.plots import PICTURES, draw_all, rendered
from spikecycle.models.study.plots.style import styled
from spikecycle.models.study.results import Results
from tests.unit.models.study.handmade import layers, whole_study


def test_every_picture_is_written_twice_over(tmp_path: Path) -> None:
    table = whole_study()
    written = draw_all(tmp_path, Results(table), layers(table))
    assert [path.name for path in written] == [f"{name}.{kind}" for name in PICTURES for kind in ("png", "svg")]
    for path in written:
        start = b"\x89PNG" if path.suffix == ".png" else b"<?xml"
        assert path.read_bytes().startswith(start)
        assert path.stat().st_size > 5000


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_table_gives_the_same_bytes(name: str) -> None:
    table = whole_study()
    with styled():
        first, again = (rendered(PICTURES[name](Results(table), layers(table)), "svg") for _ in range(2))
    assert first == again


def test_the_front_shows_its_networks() -> None:
    table = whole_study()
    with styled():
        figure = PICTURES["energy_accuracy"](Results(table), layers(table))
    assert figure is not None
    (axis,) = figure.axes
    (told,) = [text.get_text() for text in axis.texts if "\n" in text.get_text()]
    assert [line.split("  ", 1)[1].split(";")[0] for line in told.splitlines()] == [
        "ternary, 80 % pruned, sequential",
        "ternary, 80 % pruned",
        "ternary",
        "8-bit, 50 % pruned",
    ]


def test_what_there_is_no_longer_anything_to_show_of_goes(tmp_path: Path) -> None:
    table = whole_study()
    draw_all(tmp_path, Results(table), layers(table))
    left = table.filter(table["method"] == "joint")
    written = draw_all(tmp_path, Results(left), layers(left))
    assert sorted(tmp_path.iterdir()) == sorted(written)


@pytest.mark.parametrize("name", ["energy_by_sparsity", "energy_by_bits"])
def test_a_study_that_has_nothing_to_show_gets_no_picture(name: str) -> None:
    table = whole_study()
    left = table.filter(table["method"] == "joint")
    assert PICTURES[name](Results(left), layers(left)) is None
