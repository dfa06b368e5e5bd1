"""Components of installed packages: a package is put on the path as an installer would."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import spikecycle
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.errors import PluginError
from spikecycle.simulator.formats import WEIGHT_FORMATS
from spikecycle.simulator.machine.loader import known_machines, shipped_machines
from tests.bad_input.inputs import refused, run, small_trace
from tests.unit.plugins.plugin_texts import CYCLES, FORMAT, MACHINE, POLICY, RULE, SPIKES

Capsys = pytest.CaptureFixture[str]
ENTRY_POINTS = """
[spikecycle.dataflows]
tiny = tiny_machines.rule
spike_array = tiny_machines.rule
broken = not_there_at_all
silent = tiny_machines.silent

[spikecycle.weight_formats]
short_runs = tiny_machines.formats
same_runs = tiny_machines.formats:SAME

[spikecycle.spike_formats]
addresses = tiny_machines.spikes

[spikecycle.overlaps]
nothing_hidden = tiny_machines.policy

[spikecycle.machines]
tiny_machines = tiny_machines
nowhere = not_there_at_all
"""
SAME = """
from dataclasses import replace

SAME = replace(WEIGHT_FORMATS.lookup("rle"), name="same_runs")
"""


@pytest.fixture(autouse=True)
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registries: None) -> None:
    folder = tmp_path / "tiny_machines"
    folder.mkdir()
    texts = {
        "__init__": "", "rule": RULE.replace("{result}", CYCLES), "formats": FORMAT + SAME, "spikes": SPIKES,
        "policy": POLICY, "silent": "",
    }  # fmt: skip
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, f"tiny_machines.{name}", raising=False)
    monkeypatch.delitem(sys.modules, "tiny_machines", raising=False)
    (folder / "tiny.yaml").write_text(MACHINE)
    (folder / "mint.yaml").write_text(MACHINE)
    metadata = tmp_path / "tiny_machines-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny-machines\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)


def loaded() -> list[str]:
    """Modules of the package that were imported."""
    return sorted(name for name in sys.modules if name.startswith("tiny_machines"))


def test_a_machine_and_its_dataflow_are_found_by_their_names(tmp_path: Path) -> None:
    result = spikecycle.simulate(small_trace(tmp_path), "tiny")
    assert result.machine["name"] == "tiny"
    assert loaded() == ["tiny_machines", "tiny_machines.rule"], "nothing else of the package was asked"


def test_what_is_shipped_asks_nobody_and_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spikecycle.simulator.machine.loader.entry_points", None)
    result = spikecycle.simulate(small_trace(tmp_path), "spike_array", samples=[0])
    assert result.machine["name"] == "spike_array"
    assert spikecycle.load_machine("mint").dataflow.kind == "spike_serial"
    assert loaded() == []


def test_formats_policies_and_machines(tmp_path: Path) -> None:
    formats = {"weights": "same_runs", "spikes": "addresses"}
    assert spikecycle.simulate(small_trace(tmp_path), "spike_array", formats=formats).weight_format == "same_runs"
    assert {"short_runs", "same_runs"} <= set(WEIGHT_FORMATS.names())
    assert set(known_machines()) == {*shipped_machines(), "tiny"}
    chosen = {"overlap": {"policy": "nothing_hidden"}}
    result = spikecycle.simulate(small_trace(tmp_path), "spike_array", settings=chosen)
    assert result.sum_cycle_breakdown["dram_fill"] > 0
    with pytest.raises(spikecycle.MachineError, match="'nothing_hidden' does not fit the dataflow row_stationary"):
        spikecycle.load_machine("eyeriss_snn", chosen)


def test_all_are_listed_and_what_cannot_be_loaded_disturbs_nothing(capsys: Capsys) -> None:
    ended = run(capsys, "list")
    assert (ended.status, ended.err) == (0, "")
    lines = {line.split()[0]: line for line in ended.out.splitlines() if line.strip()}
    for name in ("tiny", "short_runs", "same_runs", "addresses", "nothing_hidden", "mint"):
        assert len(lines[name].split()) > 1
    assert "cannot be loaded: ModuleNotFoundError" in " ".join(ended.out.split())


def test_what_cannot_be_loaded_is_one_line_when_it_is_named(capsys: Capsys, tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(MACHINE.replace("kind: tiny", "kind: broken"))
    words = "the dataflow broken of the package tiny-machines cannot be loaded: ModuleNotFoundError: No module named"
    refused(run(capsys, "check", file, "--load-plugins"), words)
    with pytest.raises(
        PluginError, match=r"the dataflow silent of the package tiny-machines cannot be loaded: .* has no"
    ):
        DATAFLOWS.lookup("silent")
    assert "silent" not in DATAFLOWS.registered()


def test_check_runs_nothing_of_a_package(capsys: Capsys, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(MACHINE)
    words = "dataflow tiny of the package tiny-machines is code that is not run here; --load-plugins runs it"
    refused(run(capsys, "check", file), words)
    refused(run(capsys, "check", "tiny"), words)  # a machine file of the package itself is only data
    refused(run(capsys, "check", "nobody"), "no such file, shipped trace or shipped machine")
    assert run(capsys, "check", "spike_array").status == 0
    assert loaded() == []
    assert run(capsys, "check", file, "--load-plugins").status == 0
    assert loaded() == ["tiny_machines", "tiny_machines.rule"]
    assert run(capsys, "simulate", small_trace(tmp_path), "--hw", file, "--json", "-").status == 0


def test_a_package_within_a_package_is_found_without_running_either(tmp_path: Path) -> None:
    inner = tmp_path / "tiny_machines" / "inner"
    inner.mkdir()
    (tmp_path / "tiny_machines" / "__init__.py").write_text("raise SystemExit(3)")
    (inner / "__init__.py").write_text("raise SystemExit(4)")
    (inner / "innermost.yaml").write_text(MACHINE)
    entries = tmp_path / "tiny_machines-1.0.dist-info" / "entry_points.txt"
    entries.write_text("[spikecycle.machines]\nm = tiny_machines.inner\nn = tiny_machines.nothing.there\n")
    assert known_machines()["innermost"] == inner / "innermost.yaml"
    assert loaded() == []


def test_plugins_are_listed_with_their_package_and_not_loaded(capsys: Capsys) -> None:
    ended = run(capsys, "list", "--plugins")
    assert (ended.status, ended.err) == (0, "")
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert "broken tiny-machines 1.0: not_there_at_all" in lines
    assert "same_runs tiny-machines 1.0: tiny_machines.formats:SAME" in lines
    groups = ("dataflows", "weight_formats", "spike_formats", "overlaps", "machines", "commands")
    assert [line for line in lines if line.startswith("spikecycle.")] == [f"spikecycle.{group}" for group in groups]
    assert loaded() == []
