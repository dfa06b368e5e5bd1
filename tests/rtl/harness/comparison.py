"""The simulator and the RTL on the same sample of the same layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.spike_array import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.passes import CAUSES
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.simulator.replay import replay_layer
from tests.rtl.harness.coverage import Capacities
from tests.rtl.harness.program import Program
from tests.rtl.harness.rtl import RtlResult, run

PHASES = {"update": "cycles.update", "encode": "cycles.encode"}


@dataclass(frozen=True, eq=False)
class Sample:
    """A sample of a layer: inputs (T, C, H, W), and the output spikes that are right, uint8 (T, M, P, Q)."""

    name: str
    task: LayerTask
    inputs: np.ndarray
    outputs: np.ndarray

    @classmethod
    def replayed(cls, name: str, task: LayerTask, inputs: np.ndarray) -> Sample:
        """With the outputs that the integer replay says."""
        return cls(name, task, inputs, replay_layer(task, inputs).outputs)


@dataclass(frozen=True)
class Agreement:
    """How a sample compares. Cycles without DRAM; differences: what is not equal, in words, empty if all is."""

    name: str
    simulated_cycles: int
    rtl_cycles: int
    differences: tuple[str, ...]

    @property
    def error(self) -> float:
        """Of the simulated cycles, relative to the RTL's."""
        return abs(self.simulated_cycles - self.rtl_cycles) / self.rtl_cycles


def simulate(machine: SpikeArrayMachine, sample: Sample) -> tuple[np.ndarray, dict[str, int]]:
    """What the simulator says: cycles of each pass, and counts by name; also cycles by phase and busy PE-cycles."""
    plan = SpikeArrayPlan(machine, sample.task)
    active = None
    if plan.needs_active:
        active = replay_layer(sample.task, sample.inputs, track_active=True).active
    passes = plan.run(LayerSample(sample.inputs, sample.outputs, active))
    counts = {counter.name: passes.counts[counter.name] for counter in plan.counters}
    causes = dict(zip(CAUSES, passes.work.causes.sum(axis=0).tolist(), strict=True))
    counts |= {name: causes.pop(phase) for phase, name in PHASES.items()}
    counts |= {"cycles.accumulate": sum(causes.values()), "busy": passes.busy["pe"]}
    return passes.work.cycles, counts


def compare(machine: SpikeArrayMachine, pairs: Sequence[tuple[Sample, Program]], binary: Path) -> list[Agreement]:
    """Run both on samples and say what differs: spikes, cycles of a pass, counts."""
    found = []
    for (sample, program), rtl in zip(pairs, run([program for _, program in pairs], binary), strict=True):
        cycles, counts = simulate(machine, sample)
        differences = tuple(_differences(sample, program, rtl, cycles, counts))
        found.append(Agreement(sample.name, int(cycles.sum()), int(rtl.cycles.sum()), differences))
    return found


def capacities(pairs: Sequence[tuple[Sample, Program]]) -> Capacities:
    """What serves all programs."""
    return reduce(Capacities.at_least, (program.capacities for _, program in pairs)).rounded()


def _differences(
    sample: Sample, program: Program, rtl: RtlResult, cycles: np.ndarray, counts: dict[str, int]
) -> list[str]:
    found = []
    wrong = np.argwhere(rtl.outputs != sample.outputs)
    if len(wrong):
        found.append(f"{len(wrong)} output spikes, the first (t, m, p, q) = {tuple(wrong[0].tolist())}")
    if len(rtl.cycles) != len(cycles):
        found.append(f"passes: simulator {len(cycles)}, RTL {len(rtl.cycles)}")
    else:
        for i in np.flatnonzero(rtl.cycles != cycles)[:1]:
            what = program.passes[i]
            found.append(f"cycles of pass {i}: simulator {cycles[i]}, RTL {rtl.cycles[i]} ({what})")
    for name, value in rtl.counts.items():
        if counts[name] != value:
            found.append(f"{name}: simulator {counts[name]}, RTL {value}")
    return found
