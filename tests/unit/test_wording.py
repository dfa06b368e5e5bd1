"""Words for readers: the first sentence of a description."""

from __future__ import annotations

import pytest

from spikecycle.simulator.catalogue import catalogue
from spikecycle.wording import first_sentence


@pytest.mark.parametrize(
    ("text", "first"),
    [
        (
            "Cores of ODIN, that\n  Frenkel et al. derived (2019). A core has",
            "Cores of ODIN, that Frenkel et al. derived (2019)",
        ),
        ("As Frenkel et al. (2019) say. More.", "As Frenkel et al. (2019) say"),
        ("Of J. Smith (cf. Fig. 2). 4 cores.", "Of J. Smith (cf. Fig. 2)"),
        ("Windows of 1.5 ms, e.g. 3. Then more", "Windows of 1.5 ms, e.g. 3"),
        ("One sentence.", "One sentence"),
        ("no stop", "no stop"),
        ("", ""),
    ],
)
def test_a_sentence_ends_where_it_ends(text: str, first: str) -> None:
    assert first_sentence(text) == first


def test_no_machine_is_listed_with_half_a_sentence() -> None:
    listed = dict(catalogue()["Machines"])
    assert listed["tinyodin"].startswith("Cores of tinyODIN, ")
    assert "Frenkel et al. derived from ODIN (IEEE TBioCAS 13(1), 2019): every event updates" in listed["tinyodin"]
