"""The scripts of benchmarks/: each says what it measures, and refuses what it does not know."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SCRIPTS = sorted(
    path.stem for path in (CHECKOUT / "benchmarks").glob("*.py") if '__name__ == "__main__"' in path.read_text()
)


def _run(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """As its first lines say: a module of the checkout, or a file."""
    path = CHECKOUT / "benchmarks" / f"{script}.py"
    is_module = re.search(rf"^    python -m benchmarks\.{script}\b", path.read_text(), re.MULTILINE)
    command = ["-m", f"benchmarks.{script}"] if is_module else [str(path)]
    return subprocess.run([sys.executable, *command, *words], capture_output=True, text=True, check=False, cwd=CHECKOUT)


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_says_what_is_measured_and_how(script: str) -> None:
    done = _run(script, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    usage, what, *_ = done.stdout.split("\n\n")
    assert usage.startswith(f"usage: {script}.py")
    assert what
    assert "-h, --help" in done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_unknown_option_is_refused(script: str) -> None:
    done = _run(script, "--no-such-option")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("usage: ")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("cacti_sweep", ("benchmarks", "itrs-lstp", "300", "2rw")),
        ("imported_network", ("few",)),
        ("search_against_random", ("0",)),
        ("sram_model", ("laws",)),
        ("study_section", ("no-such-folder",)),
        ("own_memory", ("no-such-trace",)),
        ("dataflow_speed", ("spike_aray",)),
        ("reference_network", ("--set", "no-value")),
        ("stages", ("--machine", "spike_aray")),
        ("streaming_memory", ("--machine", "spike_array,spike_aray")),
        ("workload_speed", ("--density", "8")),
    ],
)
def test_a_wrong_argument_is_refused(script: str, words: tuple[str, ...]) -> None:
    done = _run(script, *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert words[-1].rpartition(",")[2] in done.stderr
