"""The measure of agreement: generated layers on generated machines, and the shipped traces on the shipped machines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median

from tests.rtl.harness import generated, shipped
from tests.rtl.harness.build import binary
from tests.rtl.harness.comparison import Agreement, Sample, capacities, compare
from tests.rtl.harness.program import Program, Programmer
from tests.rtl.harness.simulator import SpikeArrayMachine, machine_of

SHIPPED_SAMPLES = {"spike_array": range(10), "spike_array_edge": range(1)}
"""Samples by machine: the small one loads its weights anew in every timestep, which takes the RTL long."""


@dataclass(frozen=True, eq=False)
class Group:
    """Samples that one binary serves, with their programs."""

    machine: SpikeArrayMachine
    pairs: list[tuple[Sample, Program]]

    def agreements(self) -> list[Agreement]:
        """Build the RTL, or take it from the cache, and run simulator and RTL on all samples."""
        return compare(self.machine, self.pairs, binary(self.machine, capacities(self.pairs)))


def generated_group(number: int) -> Group:
    """A generated machine with its layers."""
    machine = generated.machines()[number]
    return Group(machine, generated.samples(machine, number))


def shipped_group(machine_name: str, trace: str, samples: Iterable[int]) -> Group:
    """All layers of a shipped trace on a shipped machine."""
    machine = machine_of(machine_name)
    programmers: dict[str, Programmer] = {}
    pairs = []
    for number in samples:
        for sample in shipped.layers(trace, number):
            programmer = programmers.setdefault(sample.task.name, Programmer(machine, sample.task))
            pairs.append((sample, programmer.program(sample.inputs)))
    return Group(machine, pairs)


def workers() -> ProcessPoolExecutor:
    """A process per processor: besides the compiler, programs and the simulator take the time, in Python."""
    return ProcessPoolExecutor(os.cpu_count(), get_context("spawn"))


def measure_generated(pool: ProcessPoolExecutor) -> Iterator[Agreement]:
    """The agreements of all generated groups in order."""
    for agreements in pool.map(_generated_agreements, range(len(generated.machines()))):
        yield from agreements


def measure_shipped(pool: ProcessPoolExecutor) -> Iterator[Agreement]:
    """The agreements of all layers of all shipped traces on the shipped machines."""
    jobs = [(machine, trace) for machine in SHIPPED_SAMPLES for trace in shipped.traces()]
    for agreements in pool.map(_shipped_agreements, *zip(*jobs, strict=True)):
        yield from agreements


def _generated_agreements(number: int) -> list[Agreement]:
    return generated_group(number).agreements()


def _shipped_agreements(machine: str, trace: str) -> list[Agreement]:
    return shipped_group(machine, trace, SHIPPED_SAMPLES[machine]).agreements()


def summary(agreements: list[Agreement]) -> str:
    """Cases, worst and median difference of cycles, and what is not equal."""
    errors = [agreement.error for agreement in agreements]
    exact = sum(not agreement.differences for agreement in agreements)
    cycles = sum(agreement.rtl_cycles for agreement in agreements)
    return (
        f"{len(agreements)} cases, {exact} exact in output spikes, accesses and cycles; {cycles:,} cycles; "
        f"difference of cycles: worst {max(errors):.4%}, median {median(errors):.4%}"
    )
