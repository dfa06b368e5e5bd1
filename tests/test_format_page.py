"""The page on formats shows what `spikecycle formats` finds today; the page on starting, what `simulate` shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from spikecycle.simulator import compare_formats, simulate
from spikecycle.simulator.report.picture import to_svg
from spikecycle.simulator.report.tables import run_report
from tests.shown import picture_difference, text_difference

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "pages" / "studies" / "formats.md").read_text()


def test_the_picture_of_simulate_shows_what_the_command_shows_today() -> None:
    result = simulate("digits-pruned80", "spike_array")
    drawn = to_svg(f"spikecycle simulate {result.trace}", run_report(result))
    shown = (ROOT / "benchmarks" / "pictures" / "simulate.svg").read_text()
    assert not picture_difference(shown, drawn), "run `make picture`"


@pytest.mark.parametrize("machine", ["spike_array", "eyeriss_snn"])
def test_its_table_of_formats_is_what_the_command_prints_today(machine: str) -> None:
    table = TEXT.split(f"| `{machine}` | digits", 1)[1].split("\n\n", 1)[0].splitlines()
    traces = [f"digits{name.strip(' |')}" for name in table[0].split("| digits")]
    rows = {cells[0]: [cell.strip("* ") for cell in cells[1:]] for cells in (_cells(line) for line in table[2:])}
    for column, trace in enumerate(traces):
        comparison = compare_formats(trace, machine)
        found = {run.format: f"{run.energy_per_inference_pj / 1e6:.1f}" for run in comparison.weights.runs}
        assert rows.keys() == found.keys()
        for name, row in rows.items():
            assert not text_difference(row[column], found[name]), f"{trace}, {name}"


def test_what_it_says_of_resident_weights_is_what_the_command_finds_today() -> None:
    said = re.search(r"on digits-pruned80 (\S+) µJ against (\S+) µJ in bitmask", TEXT)
    assert said
    for trace in ("digits-8bit", "digits-4bit", "digits-ternary", "digits-pruned80"):
        energies_uj = {
            name: simulate(
                trace, "spike_array", formats={"weights": name}, residency={"weights": "resident"}
            ).energy_per_inference_pj / 1e6
            for name in ("uncompressed", "ubm", "bitmask", "uop")
        }  # fmt: skip
        assert min(energies_uj, key=lambda name: energies_uj[name]) == "uncompressed"
    for shown, name in zip(said.groups(), ("uncompressed", "bitmask"), strict=True):
        assert not text_difference(shown, f"{energies_uj[name]:.1f}")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("| ").split("|")]
