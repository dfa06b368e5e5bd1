"""The site shows of the checks that need data of others what they say with that data."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from docs.generators.figures_with_data import kept_rows, made_rows
from spikecycle.simulator.validation import CHECKS
from tests.reference_data import VARIABLE, reference_file


def test_kept_figures_are_those_of_the_checks() -> None:
    for _, check in CHECKS.items():
        for name in check.needs:
            reference_file(name)
    kept, made = kept_rows(), list(made_rows(Path(os.environ[VARIABLE])))
    assert [(row.machine, row.quantity) for row in kept] == [(row.machine, row.quantity) for row in made]
    for shown, row in zip(kept, made, strict=True):
        assert (shown.ours, shown.theirs) == pytest.approx((row.ours, row.theirs), rel=1e-9), row
        assert (shown.tolerance, shown.source, shown.note, shown.comparison) == (
            row.tolerance, row.source, row.note, row.comparison,
        )  # fmt: skip


def test_every_kept_figure_passes_or_says_why_there_is_none() -> None:
    rows = kept_rows()
    assert {row.machine for row in rows} >= {"eyeriss_sparseloop", "quantisenc", "prosperity"}
    assert all(row.passed is not False for row in rows)
