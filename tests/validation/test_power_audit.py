"""A trace priced by published power and by what machines count: by hand, refusals, and in the command's documents."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import spikecycle
from spikecycle.simulator.cli import main
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.validation import power_audit
from spikecycle.simulator.validation.power_audit import PublishedPower
from spikecycle.traces import GraphBuilder
from tests.one_neuron import one_dense_neuron


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return one_dense_neuron(tmp_path)


@pytest.fixture
def two_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    powers = [PublishedPower("mint", 100, "constant", "nobody"), PublishedPower("catalyst_n1", 50, "peak", "nobody")]
    monkeypatch.setattr(power_audit, "published_powers", lambda: powers)


def test_by_hand(path: Path, two_machines: None) -> None:
    """130 cycles of spikes at 500 MHz are 260 ns: 26,000 pJ at 100 mW, whatever power the machine's file has; nothing
    on the chip is counted of it. A core of Catalyst has 16-bit weights and at most 256 inputs, and runs the layer."""
    mint, catalyst = power_audit.priced(path)
    assert (mint.cycles, mint.by_actions_pj) == (130, 0)
    assert mint.at_power_pj == pytest.approx(26_000)
    assert mint.cells()[-1] == "nothing is counted"
    alone = spikecycle.simulate(path, "catalyst_n1")
    assert catalyst.at_power_pj == pytest.approx(50 * alone.sum_cycles * 1e3 / alone.clock_mhz)
    assert catalyst.by_actions_pj == pytest.approx(alone.sum_energy_pj)  # it has no DRAM


def test_what_does_not_run_is_told(tmp_path: Path, two_machines: None) -> None:
    graph = GraphBuilder(1)
    q, k = (graph.input(name, np.ones((1, 1, 4, 1, 3), int)) for name in "qk")
    graph.attention("scores", q, k, heads=1, transpose_right=True)
    graph.write(tmp_path / "attention.h5")
    mint, catalyst = power_audit.priced(tmp_path / "attention.h5")
    assert mint.told()["sum_cycles"] == 0  # attention is free in the study that gives its rule
    assert "scores" in catalyst.refusal and catalyst.cells()[-1] == "does not run there"
    assert catalyst.told()["on_chip_at_power_pj"] is None


def test_every_published_power_is_of_a_machine_and_has_a_source() -> None:
    for each in power_audit.published_powers():
        machine = load_machine(each.machine)
        assert each.source and each.what and each.power_mw > 0
        assert machine.energy.on_chip_power_mw in (None, each.power_mw)


def test_the_command(path: Path, tmp_path: Path, two_machines: None) -> None:
    out = tmp_path / "audit.json"
    assert main(["audit", "--trace", str(path), "--json", str(out), "--markdown", str(tmp_path / "audit.md")]) == 0
    told = json.loads(out.read_text())
    assert [each["machine"] for each in told["at_published_power"]] == ["mint", "catalyst_n1"]
    assert "| mint | 100 | constant | 130 |" in (tmp_path / "audit.md").read_text()
    assert main(["audit", "--trace", str(tmp_path / "none.h5")]) == 2
