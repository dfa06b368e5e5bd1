"""The page "Which file do I add?" is true: its paths exist, its examples run, and its rule passes the contract suite
when its files are put where it says."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import yaml

from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.machine.loader import MACHINES, load_machine
from spikecycle.simulator.plugins import REGISTRIES, load_plugin
from spikecycle.simulator.schedule import OVERLAPS
from spikecycle.traces import open_trace
from tests.contracts.networks import NETWORKS, write_network
from tests.contracts.suite import Case, check_all

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "simulator" / "ADDING.md"
TEXT = PAGE.read_text()
FILES = dict(re.findall(r"^`([\w/.]+)`\n\n```\w+\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SHELL = [line for language, block in BLOCKS if language == "bash" for line in block.splitlines()]
NAME = "window_skip"


def written(folder: Path) -> dict[str, Path]:
    """The example's files in a folder, by their ending."""
    paths = {}
    for path, text in FILES.items():
        place = "reference" if path.startswith("tests/") else "rule"
        target = folder / place / Path(path).name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text)
        paths["twin" if place == "reference" else target.suffix] = target
    return paths


def test_the_example_is_three_files_of_one_name() -> None:
    assert list(FILES) == [f"simulator/dataflows/{NAME}.py", f"hwconfigs/{NAME}.yaml", f"tests/reference/{NAME}.py"]
    rule, machine, _ = FILES.values()
    assert yaml.safe_load(machine)["name"] == NAME
    code = rule.split('"""', 2)[2].splitlines()
    assert len([line for line in code if line and not line.lstrip().startswith(('"""', "from ", "import "))]) < 35


def test_every_path_that_it_names_exists() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert len(linked) > 10
    for target in linked:
        assert (PAGE.parent / target).exists(), target
    for path in re.findall(r"`((?:simulator|traces|models|hwconfigs|tests)/[\w/.]*)`", TEXT):
        there = ROOT / (path if path not in FILES and "NAME" not in path else str(Path(path).parent))
        assert there.exists(), path


def test_the_readme_links_to_it() -> None:
    assert "(simulator/ADDING.md)" in (ROOT / "README.md").read_text()


def test_its_entry_points_are_those_that_are_asked() -> None:
    (toml,) = (block for language, block in BLOCKS if language == "toml")
    groups = {*tomllib.loads(toml)["project"]["entry-points"]}
    assert groups == {registry.group for registry in REGISTRIES} | {MACHINES}
    assert {DATAFLOWS, WEIGHT_FORMATS, SPIKE_FORMATS, OVERLAPS} == set(REGISTRIES)


@pytest.mark.parametrize("line", SHELL)
def test_its_commands_run(line: str) -> None:
    words = shlex.split(line)
    assert words[0] == "spikecycle"
    done = subprocess.run([sys.executable, "-m", "spikecycle", *words[1:]], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "lockstep_rows" in done.stdout


def test_its_python_runs() -> None:
    (block,) = (block for language, block in BLOCKS if language == "python" and "load_plugin" in block)
    done = subprocess.run([sys.executable, "-c", block], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) > 0


def test_the_rule_keeps_the_laws_as_a_plugin(tmp_path: Path) -> None:
    files = written(tmp_path)
    before = {registry: registry.registered() for registry in REGISTRIES}
    spec = spec_from_file_location("twin_of_window_skip", files["twin"])
    assert spec is not None and spec.loader is not None
    twin = module_from_spec(spec)
    spec.loader.exec_module(twin)
    try:
        load_plugin(files[".py"])
        machine = load_machine(files[".yaml"])
        run = []
        for name in NETWORKS:
            with open_trace(write_network(name, tmp_path)) as network:
                case = Case.of(machine, network, twin)
                if case.is_supported:
                    check_all(case)
                    run.append(name)
        assert {"convolution", "strided", "grouped", "dilated", "linear", "pooled_spikes", "many_bits"} <= set(run)
    finally:
        for registry, members in before.items():
            registry.restore(members)


def test_the_rule_is_found_where_the_page_says(tmp_path: Path) -> None:
    """A copy of the repository with the three files, and nothing else, passes its own contract suite and rules."""
    folders = ("simulator", "traces", "models", "hwconfigs", "tests", "spikecycle")
    for folder in folders:
        ignored = shutil.ignore_patterns("__pycache__", "rtl", "golden")
        shutil.copytree(ROOT / folder, tmp_path / folder, symlinks=True, ignore=ignored)
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, tmp_path)
    for path, text in FILES.items():
        assert not (tmp_path / path).exists()
        (tmp_path / path).write_text(text)
    environment = {
        **os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_DISABLE_JIT": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip

    def ended(*arguments: str) -> str:
        command = [sys.executable, "-m", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    listed = ended("spikecycle", "list").splitlines()
    assert [line.split()[0] for line in listed if line.startswith(NAME)] == [NAME, NAME], "machine and dataflow"
    tests = ("tests/contracts/test_dataflows.py", "tests/contracts/test_the_suite.py", "tests/test_house_rules.py")
    told = ended("pytest", "-p", "no:cacheprovider", "-o", "addopts=", "-v", "-k", f"{NAME} or has_a_machine", *tests)
    assert f"test_the_laws[{NAME}-convolution] PASSED" in told
    assert f"test_a_mistake_is_found[{NAME}-SevenTimesTheCycles] PASSED" in told
    assert f"test_every_dataflow_has_its_rules_written_down_and_its_twin[{NAME}] PASSED" in told
