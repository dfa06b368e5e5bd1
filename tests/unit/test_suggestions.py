"""Suggestions for unknown names."""

from __future__ import annotations

from spikecycle.suggestions import did_you_mean, nearest


def test_the_nearest_name_is_suggested_and_nothing_where_none_is_near() -> None:
    known = ("spike_array", "eyeriss_snn")
    assert nearest("spike_aray", known) == "spike_array"
    assert nearest("zzz", known) is None
    assert did_you_mean("eyeris_snn", iter(known)) == "; did you mean 'eyeriss_snn'?"
    assert did_you_mean("zzz", known) == ""
    assert did_you_mean("x", ()) == ""
