"""Cycles of runs of two open cores: every one of them exactly, and what they are made of."""

from __future__ import annotations

import pytest

from spikecycle.simulator.dataflows.fan_out_walk import step_cycles
from spikecycle.simulator.dataflows.neuron_sweep import SweepRun, run_cycles
from spikecycle.simulator.validation.checks.tinyodin_rtl import stimulus
from spikecycle.simulator.validation.run import validate
from spikecycle.simulator.validation.tables import read_table


@pytest.mark.parametrize(("machine", "runs"), [("tinyodin", 16), ("catalyst_n1", 30)])
def test_every_run_is_exact(machine: str, runs: int) -> None:
    rows = validate(machine=machine).rows
    assert len(rows) == runs
    assert [(row.ours, row.tolerance) for row in rows] == [(row.theirs, 0) for row in rows]


def test_what_is_taken_from_random_runs_is_possible() -> None:
    """How often an event waits behind a reference: a whole number, of 20 references, and of as many events at most."""
    random = [line for line in read_table("tinyodin_rtl") if "random" in line["scenario"]]
    runs = [stimulus(line, by_controller=True) for line in random]
    assert [run.own_events for run in runs] == [33, 6]
    for run, line in zip(runs, random, strict=True):
        assert 0 <= run.met_by_events <= min(run.references, run.own_events)
        before_each = run.events + (run.events + run.own_events) + run.references  # pushes, pops, references
        assert (int(line["wait"]) - 2 - before_each) % 3 == 0


@pytest.mark.parametrize(
    ("run", "acknowledge", "sent_by", "cycles"),
    [
        (SweepRun(neurons=1, events=1), 0, "neurons", 2 + 2 + 8),
        (SweepRun(neurons=10, events=3), 0, "neurons", 2 + 3 * 28),
        (SweepRun(neurons=10, events=3, spikes=2), 7, "neurons", 2 + 3 * 28 + 2 * 15),
        (SweepRun(neurons=10, events=3, spikes=2), 7, "controller", 2 + 3 * 28 + 3 * 15),
        (SweepRun(neurons=10, events=1, references=1), 0, "neurons", 2 + 28 + 28),
        (SweepRun(neurons=10, events=1, references=1, met_by_events=1), 0, "neurons", 2 + 28 + 25),
        (SweepRun(neurons=10, single_references=2, ends_with_reference=True), 0, "neurons", 2 * (2 + 8)),
    ],
)
def test_runs_by_hand(run: SweepRun, acknowledge: int, sent_by: str, cycles: int) -> None:
    assert run_cycles(run, acknowledge, sent_by) == cycles  # type: ignore[arg-type]


def test_a_timestep_by_hand() -> None:
    assert step_cycles(neurons=3, spikes=2, synapses=5) == 4 + 12 + 6 + 30
