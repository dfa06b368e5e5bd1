"""tinyODIN: cycles of runs of its RTL, with the stimulus that each run had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from spikecycle.simulator.dataflows.neuron_sweep import (
    FIRST_CYCLES,
    LATE_CYCLES,
    WAIT_CYCLES,
    SweepRun,
    run_cycles,
)
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.tables import read_table

SOURCE = "public RTL of tinyODIN (ChFrenkel/tinyODIN), run with Icarus Verilog"
RANDOM = (
    "the run's random synapses are not published, which decide how often an event waits in the queue behind a time "
    "reference: that number is taken from the run's own wait cycles, all other cycles are ours"
)


def rows(data: Path | None) -> Iterator[Row]:
    """Every run, in all."""
    for index, line in enumerate(read_table("tinyodin_rtl")):
        scenario = line["scenario"]
        by_controller = "ctrl" in scenario
        run = stimulus(line, by_controller)
        ours = run_cycles(run, 8 if "ack8" in scenario else 0, "controller" if by_controller else "neurons")
        quantity = f"run {index + 1}, {scenario}, {run.neurons} neurons, {line['inputs']} inputs: cycles"
        yield Row("tinyodin", quantity, ours, int(line["total_cycles"]), 0, SOURCE, RANDOM if run.own_events else "")


def stimulus(line: Mapping[str, str], by_controller: bool) -> SweepRun:
    """What a run of the table was given; its events push themselves where neurons feed back (closed loop)."""
    inputs, events, sent = (int(line[name]) for name in ("inputs", "push", "aer_out_spikes"))
    references = inputs - events
    own = sent - events if by_controller else 0
    run = SweepRun(
        neurons=int(line["max_neur"]) + 1,
        events=events,
        own_events=own,
        references=0 if "single" in line["scenario"] else references,
        single_references=references if "single" in line["scenario"] else 0,
        ends_with_reference=events == 0,
        spikes=sent,
    )
    if not own:
        return run
    waits = int(line["wait"]) - FIRST_CYCLES - WAIT_CYCLES * (inputs + sent)
    return run._replace(met_by_events=references - waits // LATE_CYCLES)


CHECKS.register("tinyodin_rtl", Check("tinyodin_rtl", "cycles of 16 runs of tinyODIN's RTL", ("tinyodin",), (), rows))
