"""Runs of many threads that share one `Reuse`: the results of runs by themselves, and no more kept than may be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from spikecycle.simulator import Machine, MappingError, load_machine, shipped_machines, simulate
from spikecycle.simulator.machine.watched import Reads
from spikecycle.simulator.reuse import Reuse
from spikecycle.simulator.stage_run import StageRun
from spikecycle.traces import open_trace
from tests.unit.explore.small import small_trace

THREADS = 8
MACHINES = ("spike_array", "eyeriss_snn", "prosperity", "ptb", "loihi", "bishop")
PRICES = [{}, {"technology.clock_mhz": 100}, {"dram.bandwidth_gbit_per_s": 3}, {"technology.clock_mhz": 333}]
FEW_BYTES = 60_000
"""Of runs, weights and tensors: fewer than the runs of a test, which are put out again and again."""


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_trace(tmp_path_factory.mktemp("threads") / "small.h5")


@pytest.fixture(autouse=True)
def _switching() -> Iterator[None]:
    """Python hands its lock on all the time, not every 5 ms."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def side_by_side(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What calls return that many threads make."""
    with ThreadPoolExecutor(THREADS) as pool:
        return [done.result() for done in [pool.submit(call) for call in calls]]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("limit_bytes", [2**28, FEW_BYTES])
def test_many_threads_get_the_results_of_runs_by_themselves(limit_bytes: int, threads: int, trace: Path) -> None:
    cases: list[dict[str, Any]] = []
    for name in MACHINES:
        machine = load_machine(name)
        for prices in PRICES if machine.dram else PRICES[:1]:
            cases.append({"hardware": machine, "settings": prices, "samples": [0]})
        cases.append({"hardware": machine, "samples": [1, 0]})
    alone = [simulate(trace, **case) for case in cases]
    with open_trace(trace) as network:
        reuse = Reuse(network, limit_bytes)

        def run(case: dict[str, Any]) -> Any:
            return simulate(network, **case, reuse=reuse, threads=threads)

        for _ in range(3):
            order = [number for number in range(len(cases)) for _ in range(2)]
            found = side_by_side([lambda number=number: run(cases[number]) for number in order])
            for number, result in zip(order, found, strict=True):
                assert result == alone[number], cases[number]
        assert reuse._bytes == sum(kept.bytes for kept in reuse._runs.values()) <= limit_bytes
        weights = sum(codes.nbytes + bias.nbytes for codes, bias in reuse._weights.values())
        assert reuse._weight_bytes == weights <= limit_bytes


def test_keys_may_be_read_while_others_compare_them() -> None:
    """Of a kept run, whose rows of work are made when somebody goes through them."""
    reads = Reads({("first",): 0, ("second",): 0})

    class ReadMeanwhile:
        def __getattr__(self, name: str) -> int:
            reads.values[f"after {name}",] = 1
            return 0

    assert reads.hold_for(cast("Machine", ReadMeanwhile()))
    assert len(reads.values) == 4


@pytest.mark.parametrize("machine", shipped_machines())
def test_rows_of_kept_runs_are_made_of_what_the_run_has_read(machine: str, trace: Path) -> None:
    """Another machine that holds for the keys at the moment when a run is kept gets the rows that it would make."""
    chosen = load_machine(machine)
    with open_trace(trace) as network:
        reuse = Reuse(network)
        seen: list[tuple[Reads, set[Any]]] = []
        keep = Reuse._keep

        def keeping(self: Reuse, what: Any, run: StageRun, reads: Reads) -> None:
            seen.append((reads, set(reads.values)))
            keep(self, what, run, reads)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Reuse, "_keep", keeping)
            try:
                simulate(network, chosen, reuse=reuse)
            except MappingError:
                pytest.skip("the machine does not take the trace")
        assert seen
        for reads, at_first in seen:
            assert set(reads.values) == at_first
