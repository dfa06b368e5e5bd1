"""The README says only what is true: its commands run, its Python runs, its files exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from spikecycle.simulator import compare_formats, simulate
from spikecycle.simulator.report.picture import to_svg
from spikecycle.simulator.report.tables import run_report
from tests.shown import picture_difference, text_difference

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SHELL_LINES = [
    line for language, block in BLOCKS if language == "bash" for line in block.replace("\\\n", " ").splitlines() if line
]
TAKES_MINUTES = {
    "python -m spikecycle.models.samples",
    "spikecycle study digits",
    "spikecycle study nmnist --data-root FOLDER",
}
"""Run by hand; what they do is tested in small."""
SPIKECYCLE = [line for line in SHELL_LINES if line.startswith("spikecycle ") and line not in TAKES_MINUTES]
PYTHON = [block for language, block in BLOCKS if language == "python"]
RUN_BY_CI = {"make bench", "make demo", "make kernels", "make lint", "make rtl", "make test"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all blocks: later ones use what earlier ones wrote."""
    return tmp_path_factory.mktemp("readme")


def test_there_is_something_to_run() -> None:
    assert SPIKECYCLE
    assert PYTHON
    assert {"make demo", "make test"} <= {line.split("  #")[0].strip() for line in SHELL_LINES}


@pytest.mark.parametrize("block", PYTHON)
def test_the_python_runs(block: str, folder: Path) -> None:
    done = subprocess.run([sys.executable, "-c", block], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", SPIKECYCLE)
def test_the_commands_run(line: str, folder: Path) -> None:
    words = shlex.split(line, comments=True)
    done = subprocess.run([sys.executable, "-m", "spikecycle", *words[1:]], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_every_other_command_is_run_by_ci_or_listed_here() -> None:
    makefile = (ROOT / "Makefile").read_text()
    ci = (ROOT / ".ci" / "run").read_text()
    for line in SHELL_LINES:
        command = line.split("  #")[0].strip()
        if command.startswith("spikecycle ") or command in TAKES_MINUTES:
            continue
        assert command in RUN_BY_CI, f"nobody runs {command!r}"
        target = command.split()[1]
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
        assert re.search(rf"make (-C \S+ )?{target}\b", ci), f"CI does not run make {target}"


def test_the_files_it_links_to_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXT):
        assert (ROOT / target).exists(), target


def test_its_picture_shows_what_the_command_shows_today() -> None:
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
