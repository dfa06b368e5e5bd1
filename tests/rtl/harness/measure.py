"""The measure of agreement: generated layers on generated machines, and the shipped traces on the shipped machines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
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

    def build(self) -> None:
        """Make sure that the RTL is built; the cache keeps it."""
        binary(self.machine, capacities(self.pairs))

    def agreements(self) -> list[Agreement]:
        """Run simulator and RTL on all samples."""
        return compare(self.machine, self.pairs, binary(self.machine, capacities(self.pairs)))


def generated_groups() -> list[Group]:
    """One a generated machine."""
    return [Group(machine, generated.samples(machine, i)) for i, machine in enumerate(generated.machines())]


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


def measure_generated() -> Iterator[Agreement]:
    """The agreements of all generated groups in order, on all processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the compiler takes the time, in processes of its own
        for agreements in pool.map(Group.agreements, generated_groups()):
            yield from agreements


def measure_shipped() -> Iterator[Agreement]:
    """The agreements of all layers of all shipped traces on the shipped machines, on all processors."""
    jobs = [(machine, trace) for machine in SHIPPED_SAMPLES for trace in shipped.traces()]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:  # programs take the time, in Python
        for agreements in pool.map(_shipped_agreements, *zip(*jobs, strict=True)):
            yield from agreements


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
