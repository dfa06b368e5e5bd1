"""Pictures of a table written by hand: there, not empty, and the same bytes again."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.collections import LineCollection

from spikecycle.models.study.plots import PICTURES, draw_all, rendered
from spikecycle.models.study.plots.style import styled
from spikecycle.models.study.results import Results
from tests.unit.models.study.handmade import layers, network, table, whole_study


def test_every_picture_is_written_twice_over(tmp_path: Path) -> None:
    whole = whole_study()
    written = draw_all(tmp_path, Results(whole), layers(whole))
    assert [path.name for path in written] == [f"{name}.{kind}" for name in PICTURES for kind in ("png", "svg")]
    for path in written:
        start = b"\x89PNG" if path.suffix == ".png" else b"<?xml"
        assert path.read_bytes().startswith(start)
        assert path.stat().st_size > 5000


@pytest.mark.parametrize("name", PICTURES)
def test_the_same_table_gives_the_same_bytes(name: str) -> None:
    whole = whole_study()
    with styled():
        first, again = (rendered(PICTURES[name](Results(whole), layers(whole)), "svg") for _ in range(2))
    assert first == again


def test_the_front_shows_its_networks() -> None:
    whole = whole_study()
    with styled():
        figure = PICTURES["energy_accuracy"](Results(whole), layers(whole))
    assert figure is not None
    (axis,) = figure.axes
    (told,) = [text.get_text() for text in axis.texts if "\n" in text.get_text()]
    assert [line.split("  ", 1)[1].split(";")[0] for line in told.splitlines()] == [
        "ternary, 80 % pruned, sequential",
        "ternary, 80 % pruned",
        "ternary",
        "8-bit, 50 % pruned",
    ]


def test_what_is_not_shown_to_be_free_is_hollow_and_seeds_have_lines() -> None:
    """Three seeds of one network: a line from the lowest to the highest accuracy, and energy; no line of one seed."""
    rows = network("a", "quantization", 8, 0.0, 0.98, {"rle": 20.0})
    rows += network("b", "quantization", 2, 0.0, 0.80, {"rle": 10.0})
    for seed, (accuracy, energy_uj) in enumerate([(0.9, 12.0), (0.98, 14.0), (0.94, 16.0)]):
        rows += network("c", "quantization", 4, 0.0, accuracy, {"rle": energy_uj}, seed=seed)
    results = Results(table(rows))
    with styled():
        figure = PICTURES["energy_accuracy"](results, layers(results.table))
    assert figure is not None
    (axis,) = figure.axes
    points = next(one for one in axis.collections if len(one.get_offsets()) == 3)
    white = [tuple(colour[:3]) == (1.0, 1.0, 1.0) for colour in points.get_facecolor()]
    assert white == [False, True, True]
    lines = [
        segment.tolist()
        for one in axis.collections
        if isinstance(one, LineCollection)
        for segment in one.get_segments()
    ]
    assert [[pytest.approx(value) for value in end] for segment in lines for end in segment] == [
        [14.0, 2.0], [14.0, 10.0], [12.0, 6.0], [16.0, 6.0],
    ]  # fmt: skip


def test_what_there_is_no_longer_anything_to_show_of_goes(tmp_path: Path) -> None:
    whole = whole_study()
    draw_all(tmp_path, Results(whole), layers(whole))
    left = whole.filter(whole["method"] == "joint")
    written = draw_all(tmp_path, Results(left), layers(left))
    assert sorted(tmp_path.iterdir()) == sorted(written)


@pytest.mark.parametrize("name", ["energy_by_sparsity", "energy_by_bits"])
def test_a_study_that_has_nothing_to_show_gets_no_picture(name: str) -> None:
    whole = whole_study()
    left = whole.filter(whole["method"] == "joint")
    assert PICTURES[name](Results(left), layers(left)) is None
