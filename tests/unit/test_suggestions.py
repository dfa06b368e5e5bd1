"""Suggestions for unknown names."""

from __future__ import annotations

import pytest

from spikecycle.suggestions import LIST, MOST_LISTED, did_you_mean, known_names, nearest

FEW = tuple(f"n{number}" for number in range(MOST_LISTED))


def test_the_nearest_name_is_suggested_and_nothing_where_none_is_near() -> None:
    known = ("spike_array", "eyeriss_snn")
    assert nearest("spike_aray", known) == "spike_array"
    assert nearest("zzz", known) is None
    assert did_you_mean("eyeris_snn", iter(known)) == "; did you mean 'eyeriss_snn'?"
    assert did_you_mean("zzz", known) == ""
    assert did_you_mean("x", ()) == ""


@pytest.mark.parametrize(
    ("name", "known", "told"),
    [
        ("zzz", ("spike_array", "mint"), ", allowed: spike_array, mint"),
        ("mimt", ("spike_array", "mint"), ", allowed: spike_array, mint; did you mean 'mint'?"),
        ("zzz", FEW, f", allowed: {', '.join(FEW)}"),
        ("zzz", (*FEW, "one_more"), "; `spikecycle list` shows the 13 names"),
        ("spike_aray", (*FEW, "spike_array"), "; did you mean 'spike_array'?"),
        ("zzz", (), ", allowed: none"),
    ],
)
def test_few_names_are_listed_and_of_many_the_nearest_or_who_lists_them(
    name: str, known: tuple[str, ...], told: str
) -> None:
    assert known_names(name, iter(known), listed_by=LIST) == told


def test_many_names_that_no_command_lists_are_listed() -> None:
    assert known_names("zzz", (*FEW, "n13"), "there are:") == f", there are: {', '.join(FEW)}, n13"
