"""Simulations equal their golden files: integers to the bit, energies to a billionth.

These are snapshots, against the habit of this suite: they say nothing about what is right, which the twins, the RTL and
the worked examples do, but that a change of structure changes no result.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.golden.cases import CASES
from tests.golden.golden_file import ENERGY, FOLDER, META, differences, path_of, simulated

ENERGY_TOLERANCE = 1e-9
"""Relative: sums of the same terms in another order differ by less."""
MOST_TOLD = 30
"""Differences in a failure's message."""


@pytest.mark.parametrize("name", CASES)
def test_a_simulation_is_what_it_was(name: str, tmp_path: Path) -> None:
    golden = json.loads(path_of(name).read_text(encoding="utf-8"))
    del golden[META]
    energy_pj = golden.pop(ENERGY, None)  # a file may go without
    found, _ = simulated(CASES[name], tmp_path)
    found_energy_pj = found.pop(ENERGY)
    told = list(differences(golden, found))
    assert not told, "\n".join((f"{len(told)} differences", *told[:MOST_TOLD]))
    for layer, components in (energy_pj or {}).items():
        assert found_energy_pj[layer] == pytest.approx(components, rel=ENERGY_TOLERANCE, abs=0), f"{layer}, pJ"


@pytest.mark.parametrize("name", CASES)
def test_a_golden_file_is_of_its_case_and_exact(name: str) -> None:
    golden, case = json.loads(path_of(name).read_text(encoding="utf-8")), CASES[name]
    recorded = {key: golden[META][key] for key in ("trace", "machine", "samples", "settings", "formats")}
    assert recorded == {
        "trace": case.trace,
        "machine": case.machine,
        "samples": list(case.samples),
        "settings": dict(case.settings),
        "formats": dict(case.formats),
    }
    assert all(layer["mismatches"] == 0 for layer in golden["layers"].values())


def test_every_golden_file_has_a_case() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(CASES)


def test_a_changed_a_missing_and_a_new_count_are_told() -> None:
    before = {"layers": {"fc": {"cycles": 12, "counters": {"reads": 3}}}}
    after = {"layers": {"fc": {"cycles": 13, "counters": {"writes": 3}}}}
    assert list(differences(before, after)) == [
        "layers / fc / cycles: frozen is 12, found 13",
        "layers / fc / counters / reads: is missing, frozen is 3",
        "layers / fc / counters / writes: is new, found 3",
    ]
    assert list(differences(before, before)) == []
