"""Tables and documents of `spikecycle bench`: what they say of what was measured."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pytest
from rich.console import Console

from spikecycle.simulator import UsageError
from spikecycle.simulator.bench.result import BenchCase, BenchResult, PeerTime, TimeGrowth
from spikecycle.simulator.bench.spread import Faster, faster, spread
from spikecycle.simulator.documents import read_bench
from spikecycle.simulator.report.bench_table import bench_report

CASE = BenchCase(
    network="lenet", density=0.1, zero_weights=0.8, machine="spike_array", weight_format="bitmask", threads=1,
    problem="", samples=1, first_s=2.0, seconds=0.5, sops_per_s=2e6, dense_sops_per_s=3e9, cycles_per_s=4e6,
    peak_bytes=5 * 2**20,
)  # fmt: skip
RESULT = BenchResult(
    spikecycle="0", python="3", numba="0", processor="one", cores=2, runs=3, cases=[CASE],
    peers=[PeerTime(peer="P", work="w", problem="", seconds=1.0, ours_s=0.5, ratio=2.0)],
    growth=[TimeGrowth(size="PEs", values=[1, 2], seconds=[1.0, 2.0], exponent=1.0)],
)  # fmt: skip


def shown(result: BenchResult, other: BenchResult | None = None) -> str:
    page = io.StringIO()
    Console(width=120, file=page).print(bench_report(result, ("before", other) if other else None))
    return page.getvalue()


def test_a_problem_that_several_cases_of_a_machine_have_is_told_once() -> None:
    refused = CASE.model_copy(update={"problem": "too wide", "weight_format": None})
    cases = [refused, refused.model_copy(update={"network": "vgg9"}), refused.model_copy(update={"machine": "mint"})]
    lines = shown(RESULT.model_copy(update={"cases": cases, "peers": []})).splitlines()
    assert [line.strip() for line in lines if "too wide" in line] == [
        "lenet, 10 % spikes, 80 % zeros, spike_array and 1 more: too wide",
        "lenet, 10 % spikes, 80 % zeros, mint: too wide",
    ]


def test_half_of_the_runs_are_no_farther_from_the_median_than_their_spread() -> None:
    assert spread([5.0, 1.0, 2.0, 4.0, 9.0]) == 2  # from the median 4: 1, 3, 2, 0, 5
    assert spread([2.0, 3.0]) == 0.5
    assert spread([2.0]) is None


def test_what_is_faster_only_within_the_spread_is_unclear() -> None:
    found = faster(4.0, 1.0, 6.0, 2.0)
    assert (found.times, found.span) == (1.5, (4 / 5, 8 / 3))
    assert not found.is_clear
    assert faster(4.0, 0.5, 6.0, 0.5).is_clear
    assert not faster(4.0, 0.0, 4.0, 0.0).is_clear
    assert faster(4.0, None, 6.0, 2.0) == Faster(1.5, None)
    assert faster(4.0, 4.0, 6.0, 8.0) == Faster(1.5, (0.0, math.inf))  # nothing can be said


def test_a_comparison_says_what_the_spread_leaves_of_it() -> None:
    case = CASE.model_copy(update={"run_s": [0.4, 0.5, 0.6]})  # spread 0.1
    before = CASE.model_copy(update={"seconds": 1.5, "run_s": [1.25, 1.5, 1.75]})  # 0.25
    text = shown(*(RESULT.model_copy(update={"cases": [each], "peers": []}) for each in (case, before)))
    (line,) = [line for line in text.splitlines() if "bitmask" in line]
    assert line.split()[-2:] == ["3.00", "2.08-4.38"]  # 1.25 / 0.6 and 1.75 / 0.4
    assert "with 1 between, they show no difference" in " ".join(text.split())
    assert line.split()[4] == "20"  # its spread in percent of the median


def test_of_two_cases_alike_the_first_is_compared() -> None:
    before = [CASE.model_copy(update={"seconds": seconds}) for seconds in (1.5, 9.0)]
    assert "3.00" in shown(RESULT, RESULT.model_copy(update={"cases": before})).split()


def test_it_says_how_often_cases_were_run() -> None:
    cases = [CASE.model_copy(update={"run_s": [0.5] * runs}) for runs in (4, 9)]
    assert "Medians of 4 to 9 runs" in shown(RESULT.model_copy(update={"cases": cases}))
    assert "Medians of 4 runs" in shown(RESULT.model_copy(update={"cases": cases[:1]}))


def test_what_a_terminal_obeys_is_written_out() -> None:
    data = RESULT.model_dump()
    data["processor"] = data["cases"][0]["network"] = "\x1b[31mred"
    found = BenchResult.model_validate(data)
    assert "\x1b" not in shown(found)
    assert found.processor == found.cases[0].network == "\\x1b[31mred"


def test_it_says_what_networks_are_and_how_many_samples_a_run_has() -> None:
    case = CASE.model_copy(update={"samples": 6, "describes": "LeNet-5"})
    text = " ".join(shown(RESULT.model_copy(update={"cases": [case]})).split())
    assert "lenet, 6 samples" in text
    assert "lenet: LeNet-5" in text


def test_programs_that_could_not_be_measured_are_no_rows() -> None:
    missing = [RESULT.peers[0].model_copy(update={"peer": f"PyTorch, {n}", "problem": "is missing"}) for n in (1, 2)]
    lines = shown(RESULT.model_copy(update={"peers": missing})).splitlines()
    assert [line.strip() for line in lines if "PyTorch" in line] == ["PyTorch: is missing"]
    assert "In turns with others" not in "".join(lines)


def test_a_computer_that_was_busy_is_told_of() -> None:
    busy, idle = (RESULT.model_copy(update={"load": load}) for load in (1.5, 0.5))
    assert "This bench began with 1.5 processes at work on 2 cores" in shown(busy)
    assert "processes at work" not in shown(idle)
    assert "before began with 1.5 processes at work on 2 cores" in shown(idle, busy)


def test_what_torch_does_is_said_and_why_it_may_be_faster() -> None:
    def told(ratio: float, peer: str = "PyTorch, 1 thread") -> str:
        peers = [RESULT.peers[0].model_copy(update={"peer": peer, "ratio": ratio})]
        return " ".join(shown(RESULT.model_copy(update={"peers": peers})).split())

    assert "PyTorch: one sample; all dense SOPs" in told(2.0)
    assert "Below 1 x, running the network takes less than simulating it" in told(0.9)
    assert "Below 1 x" not in told(2.0)
    assert "PyTorch" not in told(0.9, "spikecycle, 1 thread")
    assert "Where several threads are no faster" in told(0.9, "spikecycle, 1 thread")


def test_tables_show_what_was_measured_and_how_it_compares() -> None:
    other = RESULT.model_copy(update={"cases": [CASE.model_copy(update={"seconds": 1.5})]})
    text = shown(RESULT, other)
    (line,) = [line for line in text.splitlines() if "bitmask" in line]
    assert line.split()[-10:] == ["500", "-", "2.00", "3.00", "4.00", "2.00", "-", "5.00", "3.00", "-"]
    assert "2.00 x" in text
    assert "Times as fast as before: spikecycle 0, 2 cores of one." in text
    unlike = RESULT.model_copy(update={"cases": [CASE.model_copy(update={"samples": 2})]})
    assert "before has none of these cases" in shown(RESULT, unlike)


def test_peers_of_several_densities_are_told_apart() -> None:
    cases = [CASE, CASE.model_copy(update={"density": 0.4})]
    peers = [RESULT.peers[0].model_copy(update={"case": index}) for index in range(2)]
    text = " ".join(shown(RESULT.model_copy(update={"cases": cases, "peers": peers})).split())
    assert "w (10 % spikes, 80 %" in text
    assert "w (40 % spikes, 80 %" in text
    alike = shown(RESULT)
    assert "Speed of the simulation, 10 % spikes, 80 % zeros" in alike
    assert "w (10 % spikes" not in alike


def test_a_document_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    file.write_text(RESULT.model_dump_json())
    assert read_bench(file) == RESULT
    file.write_text(json.dumps({"cases": 1}))
    with pytest.raises(UsageError, match=r"bench\.json: is a JSON file of no kind .*; needed here: a measured speed"):
        read_bench(file)


def test_a_document_of_before_is_read_and_one_of_another_version_is_not(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    data = RESULT.model_dump()
    keys = {"": ("date", "load"), "cases": ("compile_s", "run_s"), "peers": ("case", "version")}
    for part, key in ((part, key) for part, of_part in keys.items() for key in of_part):
        del (data[part][0] if part else data)[key]
    file.write_text(json.dumps(data))
    assert read_bench(file) == RESULT
    file.write_text(json.dumps({**data, "version": 2}))
    with pytest.raises(UsageError, match="document of spikecycle bench has version 2, this program reads version 1"):
        read_bench(file)
