"""The simulator and the RTL on the same sample of the same layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from tests.rtl.harness.coverage import Capacities
from tests.rtl.harness.program import Program
from tests.rtl.harness.rtl import RtlResult, run
from tests.rtl.harness.simulator import LayerTask, Simulated, SimulatedLayer, SpikeArrayMachine, replayed_outputs


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
        return cls(name, task, inputs, replayed_outputs(task, inputs))


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


def compare(machine: SpikeArrayMachine, pairs: Sequence[tuple[Sample, Program]], binary: Path) -> list[Agreement]:
    """Run both on samples and say what differs: spikes, cycles of a pass, counts."""
    found = []
    for (sample, program), rtl in zip(pairs, run([program for _, program in pairs], binary), strict=True):
        simulated = SimulatedLayer(machine, sample.task).run(sample.inputs, sample.outputs)
        differences = tuple(_differences(sample, program, rtl, simulated))
        found.append(Agreement(sample.name, int(simulated.cycles.sum()), int(rtl.cycles.sum()), differences))
    return found


def capacities(pairs: Sequence[tuple[Sample, Program]]) -> Capacities:
    """What serves all programs."""
    return reduce(Capacities.at_least, (program.capacities for _, program in pairs)).rounded()


def _differences(sample: Sample, program: Program, rtl: RtlResult, simulated: Simulated) -> list[str]:
    found = []
    cycles, counts = simulated.cycles, simulated.counts
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
