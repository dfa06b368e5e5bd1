"""The page on compression and the README show of the shipped studies what their tables say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.study_section import front_table, pictures, section, studies
from spikecycle.models.study.losses import free_pruning, loss, reference, ternary
from spikecycle.models.study.results import Results
from tests.shown import picture_difference, text_difference

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "pages" / "studies" / "compression.md").read_text()
README = (ROOT / "README.md").read_text()
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


def test_the_table_of_the_readme_is_that_of_the_tables() -> None:
    expected = front_table(studies())
    (first,) = [line for line in README.splitlines() if line.startswith("| five seeds")]
    shown = (first + README.split(first, 1)[1]).splitlines()[: len(expected.splitlines())]
    assert not text_difference("\n".join(shown), expected), REMEDY


def test_the_readme_says_what_the_most_pruned_network_of_nmnist_that_once_was_free_loses() -> None:
    results = studies()["nmnist"]
    whole = reference(results)
    assert whole is not None
    (pruned,) = [network for network in results.pruned_alone()["global_magnitude"] if network.name == "pruned-0.95"]
    lost = loss(pruned, whole, results.margin)
    assert lost.is_significant
    assert f"95 % (N-MNIST: {100 * lost.lost:.2f} points)" in README


def test_what_digits_lose_is_significant_though_it_is_free() -> None:
    results = studies()["digits"]
    whole, few_bits = reference(results), ternary(results)
    assert whole is not None
    pruned, _ = free_pruning(results.pruned_alone()["global_magnitude"], whole, results.margin)
    for network in (few_bits, pruned):
        assert network is not None
        lost = loss(network, whole, results.margin)
        assert lost.is_free and lost.is_significant
