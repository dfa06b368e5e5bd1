"""Stacked bars."""

import pytest
from rich.console import Console

from spikecycle.simulator.report.bars import colour, stacked_bar


@pytest.mark.parametrize("shares", [[1.0], [0.5, 0.5], [0.3, 0.0, 0.7], [0.01] * 100, [0.2, 0.1]])
def test_a_bar_is_as_wide_as_it_should_be(shares: list[float]) -> None:
    assert len(stacked_bar(shares, 20).plain) == 20


def test_parts_take_their_shares() -> None:
    bar = stacked_bar([0.25, 0.75], 8)
    assert bar.plain == "████████"
    colours = [bar.get_style_at_offset(Console(), position).color for position in (1, 2)]
    assert [found.name for found in colours if found] == ["green", "yellow"]


def test_a_boundary_within_a_character_shows_both_parts() -> None:
    bar = stacked_bar([0.5, 0.5], 1)
    assert bar.plain == "▌"
    assert "on" in str(bar.spans[0].style)


def test_nothing_is_blank() -> None:
    assert stacked_bar([0.0], 4).plain == "    "
    assert stacked_bar([0.5], 4).plain == "██  "


def test_more_parts_than_colours_begin_again() -> None:
    assert colour(0) == colour(14)
    assert colour(0) != colour(1)
