"""`spikecycle bench`: what it measures, and what it says."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from spikecycle.installing import how_to_install
from spikecycle.simulator import MachineError, UsageError, simulate
from spikecycle.simulator.bench import measure
from spikecycle.simulator.bench.growth import exponent, fitted
from spikecycle.simulator.bench.measure import OURS, BenchPlan, bench
from spikecycle.simulator.bench.networks import NETWORKS, write_network
from spikecycle.simulator.bench.process import BenchProcess
from spikecycle.simulator.bench.result import BenchCase, BenchResult, PeerTime, TimeGrowth
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


def test_the_exponent_is_the_slope_of_the_logarithms() -> None:
    assert exponent([1, 2, 4, 8], [3.0, 12.0, 48.0, 192.0]) == pytest.approx(2)
    assert exponent([1, 10], [5.0, 5.0]) == pytest.approx(0)


def test_the_line_of_a_fit_is_its_own_where_points_lie_on_it() -> None:
    assert [fitted([1, 2, 4], [3.0, 12.0, 48.0], 2.0, value) for value in (1, 2, 8)] == pytest.approx([3, 12, 192])


def test_networks_have_the_layers_that_they_are_known_for() -> None:
    dense = {
        name: sum(shape.M * shape.P * shape.Q * shape.fan_in for shape in make().shapes)
        for name, make in NETWORKS.items()
    }
    assert dense["lenet"] == 6 * 784 * 25 + 16 * 100 * 150 + 400 * 120 + 120 * 84 + 84 * 10
    convolutions = 1024 * (3 * 64 + 64 * 64) + 256 * (64 * 128 + 128 * 128) + 64 * (128 * 256 + 2 * 256 * 256)
    assert dense["vgg9"] == 9 * convolutions + 4096 * 1024 + 1024 * 10
    assert len(NETWORKS["resnet"]().shapes) == 17 + 3 + 1  # convolutions, shortcuts, dense
    assert dense["reference"] * 20 == pytest.approx(16.8e9, rel=0.01)


def test_a_case_is_measured(tmp_path: Path) -> None:
    plan = BenchPlan(("lenet",), machines=("mint", "spikesim_rram"), runs=1, peers=False, growth=False)
    found = bench(plan)
    assert [case.machine for case in found.cases] == ["mint", "spikesim_rram"]
    first = found.cases[0]
    write_network(NETWORKS["lenet"](), tmp_path / "lenet.h5", 0.1, 0.8)
    result = simulate(tmp_path / "lenet.h5", "mint")
    assert first.cycles_per_s * first.seconds == pytest.approx(result.sum_cycles)
    assert first.sops_per_s * first.seconds == pytest.approx(result.sum_synaptic_operations)
    assert first.dense_sops_per_s * first.seconds == pytest.approx(result.sum_dense_synaptic_operations)
    assert first.peak_bytes > 2**20
    assert datetime.fromisoformat(found.date) <= datetime.now(UTC)


def test_a_shipped_sample_is_measured_by_its_name() -> None:
    result = bench(BenchPlan(("digits-4bit",), machines=("spiker",), runs=1, peers=False, growth=False))
    assert [(case.network, case.density, case.problem) for case in result.cases] == [("digits-4bit", None, "")]


def test_a_peak_is_of_the_measuring_process_alone() -> None:
    """Linux passes ru_maxrss on to what a process starts."""
    held = np.ones(400 * 2**20, np.uint8)
    with BenchProcess(OURS, {"trace": "digits-4bit", "machine": "spiker"}) as process:
        peak_bytes = process.run()["peak_bytes"]
    assert 20 * 2**20 < peak_bytes < held.nbytes


def test_who_waits_is_told_what_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPIKECYCLE_CACHE_DIR", str(tmp_path))
    told: list[str] = []
    plan = BenchPlan(("lenet",), machines=("spiker",), runs=1, peers=False, growth=False)
    bench(plan, lambda what, done, total: told.append(what))
    assert told[0] == "lenet on spiker"
    assert told[1].startswith("lenet on spiker, compiling (once for each version) ")


def test_threads_take_turns_with_one_thread() -> None:
    plan = BenchPlan(("lenet",), machines=("mint",), threads=(1, 2), samples=3, runs=2, peers=False, growth=False)
    found = bench(plan)
    assert [(case.threads, case.samples) for case in found.cases] == [(1, 3), (2, 3)]
    (pair,) = found.peers
    assert (pair.peer, pair.work) == ("spikecycle, 1 thread", "lenet on mint, 3 samples, 2 threads")
    assert pair.case == 1
    assert pair.ours_s == found.cases[1].seconds
    assert pair.seconds > 0 and pair.ratio > 0
    assert CASE.key != CASE.model_copy(update={"samples": 2}).key


def test_what_a_machine_does_not_run_is_told_and_the_others_go_on() -> None:
    plan = BenchPlan(("lenet",), machines=("mint", "spike_array"), formats=("rle",), runs=1, peers=False, growth=False)
    refused, measured = bench(plan).cases
    assert "formats" in refused.problem
    assert not measured.problem
    assert "formats" in shown(RESULT.model_copy(update={"cases": [refused]}))


def test_a_peer_that_is_not_installed_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "is_installed", lambda: False)
    found = measure._beside_sanafe(1)
    assert found.problem == f"sanafe is not installed: {how_to_install('peers')}"
    assert "sanafe is not installed: " in shown(RESULT.model_copy(update={"peers": [found]}))


def test_a_peer_that_fails_says_so_and_the_others_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libtorch is no library')")
    (tmp_path / "sanafe.py").write_text("raise ImportError('a symbol is missing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(measure, "is_installed", lambda: True)
    monkeypatch.setattr(measure, "cores", lambda: 1)
    found = bench(BenchPlan(("lenet",), machines=("mint",), runs=1, growth=False))
    torch, sanafe = found.peers
    assert torch.problem == "the measuring process ended: OSError: libtorch is no library"
    assert "a symbol is missing" in sanafe.problem
    assert found.cases[0].seconds > 0


@pytest.mark.parametrize("ends", ["at first", "in a run"])
def test_a_process_that_ends_is_a_problem_of_its_case(ends: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"at first": "pass", "in a run": "print('{}', flush=True); sys.stdin.readline()"}[ends]
    program = f"import sys; sys.stdin.readline(); {answers}; sys.exit('out of memory')"
    popen = subprocess.Popen

    def other(command: list[str], **options: object) -> subprocess.Popen[str]:
        return popen([sys.executable, "-c", program], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", other)
    with BenchProcess("any", {}) as process:
        if ends == "in a run":
            assert not process.problem
            assert process.run() == {}
        assert process.problem == "the measuring process ended: out of memory"


def test_a_process_that_is_interrupted_at_its_first_run_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def other(command: list[str], **options: object) -> subprocess.Popen[str]:
        started.append(popen([sys.executable, "-c", "import time; time.sleep(600)"], **options))  # type: ignore[call-overload]
        return started[-1]

    def interrupted(self: BenchProcess, line: str) -> dict[str, object]:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", other)
    monkeypatch.setattr(BenchProcess, "_ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        BenchProcess("any", {})
    assert started[0].poll() is not None


def test_growth_that_a_computer_cannot_hold_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused:
        problem = "needs about 3 GiB of memory"

        def __enter__(self) -> Refused:
            return self

        def __exit__(self, *error: object) -> None:
            pass

    monkeypatch.setattr(measure, "_simulation", lambda *arguments: Refused())
    assert measure._growth("PEs", tmp_path, 1) == []


def test_a_bench_of_nothing_that_can_be_measured_is_refused(tmp_path: Path) -> None:
    plan = BenchPlan(("lenet",), machines=("mint",), formats=("rle",), runs=1, peers=False, growth=False)
    with pytest.raises(UsageError, match=r"the machine file has no section 'weights'$"):
        bench(plan)
    plan = replace(plan, machines=("mint", "prosperity"))
    with pytest.raises(UsageError, match=r"'weights' \(the first of 2 cases, none of which can be measured\)$"):
        bench(plan)


def test_tables_show_what_was_measured_and_how_it_compares() -> None:
    other = RESULT.model_copy(update={"cases": [CASE.model_copy(update={"seconds": 1.5})]})
    text = shown(RESULT, other)
    (line,) = [line for line in text.splitlines() if "bitmask" in line]
    assert line.split()[-7:] == ["2", "0.5", "2", "3", "4", "5", "3.00"]
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
    for part, key in ((data, "date"), (data["peers"][0], "case"), (data["peers"][0], "version")):
        del part[key]
    file.write_text(json.dumps(data))
    assert read_bench(file) == RESULT
    file.write_text(json.dumps({**data, "version": 2}))
    with pytest.raises(UsageError, match="document of spikecycle bench has version 2, this program reads version 1"):
        read_bench(file)


def test_what_was_measured_is_drawn_beside_a_document_of_before(tmp_path: Path) -> None:
    before, page, picture = tmp_path / "before.json", tmp_path / "page.html", tmp_path / "times.svg"
    case = CASE.model_copy(update={"machine": "mint", "weight_format": None})
    before.write_text(RESULT.model_copy(update={"cases": [case]}).model_dump_json())
    options = ["--quick", "--runs", "1", "--no-peers", "--against", before, "--report", page, "--picture", picture]
    command = [sys.executable, "-m", "spikecycle", "bench", "lenet", "--hw", "mint", *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "times as" in done.stdout
    assert "2 benches side by side" in page.read_text()
    assert "before, this run" in page.read_text()
    assert "lenet, 10 % spikes, 80 % zeros, mint (this run): " in picture.read_text()
    assert "(before): 500 ms per sample" in picture.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.h5"], "nowhere.h5: there is no such network or file"),
        (["/dev/zero"], "/dev/zero: is not a regular file"),
        (["lennet"], "lennet: there is no such network or file; did you mean 'lenet'?"),
        (["digits-8bits"], "digits-8bits: there is no such network or file; did you mean 'digits-8bit'?"),
        (["--density", "2"], "--density 2: write shares from 0 to 1"),
        (["--threads", "0"], "--threads 0: write a number from 1 to 1024, or all"),
        (["own.h5", "--density", "0.1"], "--density: is for lenet, vgg9, resnet, reference; a trace of yours has its"),
        (
            ["own.h5", "--samples", "3"],
            "--samples: is for lenet, vgg9, resnet, reference; a trace of yours has its own",
        ),
        (["--against", "nowhere.json"], "nowhere.json: cannot be read"),
        (["--report", "page.pdf"], "--report page.pdf: the report is HTML, name the file .html"),
        (["--picture", "times.png"], "--picture times.png: pictures are SVG"),
    ],
)
def test_bad_input_is_refused_in_a_line(arguments: list[str], said: str) -> None:
    command = [sys.executable, "-m", "spikecycle", "bench", *arguments, "--no-peers"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_named_twice_is_measured_once(tmp_path: Path) -> None:
    twice = ["lenet", "lenet", "--density", "0.1,1e-1", "--zeros", "0,0.0", "--hw", "mint", "--hw", "mint"]
    command = [sys.executable, "-m", "spikecycle", "bench", *twice, "--quick", "--no-peers", "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (case,) = json.loads(done.stdout)["cases"]
    assert (case["network"], case["density"], case["zero_weights"], case["machine"]) == ("lenet", 0.1, 0, "mint")


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (BenchPlan(("lenet",), machines=("spike_array", "nosuch")), "nosuch"),
        (BenchPlan(("lenet",), machines=("spike_array",), formats=(None, "nosuch")), "nosuch"),
    ],
)
def test_what_there_is_not_is_refused_before_anything_is_measured(
    plan: BenchPlan, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(*arguments: object) -> None:
        raise AssertionError("a network was written")

    monkeypatch.setattr(measure, "write_network", written)
    with pytest.raises((UsageError, MachineError), match=words):
        measure.bench(plan)
