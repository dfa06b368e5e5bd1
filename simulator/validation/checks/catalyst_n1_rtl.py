"""Catalyst N1: cycles of timesteps of its RTL's core."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spikecycle.simulator.dataflows.fan_out_walk import step_cycles
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.tables import read_table

SOURCE = "public RTL of Catalyst N1 (catalyst-neuromorphic/catalyst-n1), run with Icarus Verilog"


def rows(data: Path | None) -> Iterator[Row]:
    """Every run: a timestep with its delivered spikes."""
    for index, line in enumerate(read_table("catalyst_n1_rtl")):
        neurons, spikes, fan_out = (int(line[name]) for name in ("num_neurons", "spikes_delivered", "fanout"))
        quantity = f"run {index + 1}, {neurons} neurons, {spikes} spikes of fan-out {fan_out}: cycles of a timestep"
        ours = step_cycles(neurons, spikes, spikes * fan_out)
        yield Row("catalyst_n1", quantity, ours, int(line["cycles_timestep_with_delivery"]), 0, SOURCE)


CHECKS.register(
    "catalyst_n1_rtl",
    Check("catalyst_n1_rtl", "cycles of 30 timesteps of Catalyst N1's core", ("catalyst_n1",), (), rows),
)
