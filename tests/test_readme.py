"""The README is short, and its figures are what the program finds today; its commands are run by `test_documents`."""

from __future__ import annotations

import re
from pathlib import Path

import spikecycle

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()
MOST_WORDS = 900


def test_it_is_short() -> None:
    assert len(TEXT.split()) <= MOST_WORDS


def test_its_table_has_every_machine() -> None:
    rows = re.findall(r"^\| (`.*?) \|", TEXT.split("## The machines", 1)[1].split("\n## ", 1)[0], re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(named) == list(spikecycle.shipped_machines())


def test_as_many_outputs_are_verified_as_it_says() -> None:
    (said,) = set(re.findall(r"(\d[\d,]*) of (\d[\d,]*) outputs of each shipped network", TEXT))
    for trace in spikecycle.list_samples():
        result = spikecycle.simulate(trace, "mint", verify=True)
        layers = result.verification or []
        outputs = sum(layer.spikes_compared for layer in layers)
        equal = outputs - sum(layer.mismatches for layer in layers)
        assert (f"{equal:,}", f"{outputs:,}") == said, trace
