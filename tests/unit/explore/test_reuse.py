"""Runs that share: the same result as a run by itself, and no stage runs again for a key that it did not read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spikecycle.simulator import Machine, SimulatorError, load_machine, override, shipped_machines, simulate
from spikecycle.simulator.machine.watched import watch
from spikecycle.simulator.reuse import Reuse
from spikecycle.traces import open_trace
from tests.unit.explore.small import small_trace


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_trace(tmp_path_factory.mktemp("reuse") / "small.h5")


def _leaves(section: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _variants(machine: Machine) -> Iterator[Machine]:
    """The machine with every third of its numbers doubled, one at a time, where that is a machine."""
    numbers = [
        (key, value)
        for key, value in _leaves(machine.model_dump(exclude={"sources"}))
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    for key, value in numbers[::3]:
        if value:
            try:
                yield override(machine, {key: 2 * value})
            except SimulatorError:
                continue


@pytest.mark.parametrize("name", shipped_machines())
def test_shared_runs_give_the_results_of_runs_by_themselves(trace: Path, name: str) -> None:
    machine = load_machine(name)
    variants = [machine, *_variants(machine), machine]
    assert len(variants) > 2
    with open_trace(trace) as network:
        reuse = Reuse(network)
        for variant in variants:
            try:
                alone = simulate(network, variant, samples=[0])
            except SimulatorError as refusal:
                with pytest.raises(type(refusal)):
                    simulate(network, variant, samples=[0], reuse=reuse)
                continue
            assert simulate(network, variant, samples=[0], reuse=reuse) == alone


def test_a_stage_runs_again_only_for_keys_that_it_read(trace: Path) -> None:
    machine = load_machine("spike_array")
    with open_trace(trace) as network:
        reuse = Reuse(network)

        def runs_of(changes: dict[str, Any]) -> int:
            before = reuse._count
            simulate(network, machine, settings=changes, reuse=reuse)
            return reuse._count - before

        assert runs_of({}) == 2
        assert runs_of({"technology.clock_mhz": 250}) == 0
        assert runs_of({"dram.energy_pj_per_bit": 4.0}) == 0
        assert runs_of({"dram.bandwidth_gbit_per_s": 1}) == 0
        assert runs_of({"dataflow.pes": 8}) == 2
        assert runs_of({"dataflow.pes": 8, "technology.clock_mhz": 250}) == 0
        assert runs_of({}) == 0


def test_other_samples_and_what_stays_on_chip_are_other_runs(trace: Path) -> None:
    with open_trace(trace) as network:
        reuse = Reuse(network)
        for samples, residency in (([0], {}), ([1], {}), ([0, 1], {}), ([0, 1], {"weights": "resident"})):
            shared = simulate(network, "spike_array", samples=samples, residency=residency, reuse=reuse)
            assert shared == simulate(network, "spike_array", samples=samples, residency=residency)
        assert reuse._count == 8


def test_no_more_is_kept_than_may_be(trace: Path) -> None:
    with open_trace(trace) as network:
        reuse = Reuse(network, limit_bytes=40_000)
        for pes in range(1, 12):
            simulate(network, "spike_array", settings={"dataflow.pes": pes}, reuse=reuse)
        assert 0 < reuse._bytes <= 40_000
        assert len(reuse._runs) < 6


def test_a_watched_machine_notes_what_is_read() -> None:
    machine = load_machine("spike_array")
    watched, reads = watch(machine)
    assert isinstance(watched, type(machine))
    assert not reads.values
    assert watched.buffers.weights.words == machine.buffers.weights.words  # type: ignore[attr-defined]
    assert set(reads.values) == {("buffers", "weights", "size_kib"), ("buffers", "weights", "width_bits")}
    assert reads.hold_for(override(machine, {"buffers.weights.banks": 2}))
    assert not reads.hold_for(override(machine, {"buffers.weights.size_kib": 64}))


@pytest.mark.parametrize(
    "look",
    [
        lambda machine: machine.technology.model_dump(),
        lambda machine: machine.technology.model_dump_json(),
        lambda machine: machine.technology.model_copy(),
        lambda machine: hash(machine.technology),
        lambda machine: list(machine.technology),
        lambda machine: repr(machine.technology),
        lambda machine: machine.technology == load_machine("mint").technology,
        lambda machine: load_machine("mint").technology == machine.technology,
        lambda machine: machine.fingerprint(),
    ],
)
def test_who_looks_at_a_section_as_a_whole_has_read_all_of_it(look: Any) -> None:
    machine = load_machine("spike_array")
    watched, reads = watch(machine)
    look(watched)
    assert reads.hold_for(machine)
    assert not reads.hold_for(override(machine, {"technology.clock_mhz": 250}))


def test_watched_sections_compare_as_what_they_are_copies_of() -> None:
    machine = load_machine("spike_array")
    watched, _ = watch(machine)
    assert watched.technology == machine.technology
    assert machine.technology == watched.technology
    assert watched == machine
