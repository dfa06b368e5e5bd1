"""`spikecycle bench`: what it measures, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from spikecycle.installing import how_to_install
from spikecycle.simulator import MachineError, UsageError, simulate
from spikecycle.simulator.bench import measure
from spikecycle.simulator.bench.growth import exponent, fitted
from spikecycle.simulator.bench.measure import MOST_RUNS, OURS, QUICK, BenchPlan, bench
from spikecycle.simulator.bench.networks import NETWORKS, write_network
from spikecycle.simulator.bench.process import BenchProcess
from spikecycle.simulator.errors import KernelCacheWarning
from tests.unit.bench.test_table import CASE, RESULT, shown

ONE_RUN = BenchPlan(("lenet",), runs=1, at_least_s=0.0, growth=False)


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
    plan = replace(ONE_RUN, machines=("mint", "spikesim_rram"), peers=False)
    found = bench(plan)
    assert [case.machine for case in found.cases] == ["mint", "spikesim_rram"]
    first = found.cases[0]
    write_network(NETWORKS["lenet"](), tmp_path / "lenet.h5", 0.1, 0.8)
    result = simulate(tmp_path / "lenet.h5", "mint")
    assert first.cycles_per_s * first.seconds == pytest.approx(result.sum_cycles)
    assert first.sops_per_s * first.seconds == pytest.approx(result.sum_synaptic_operations)
    assert first.dense_sops_per_s * first.seconds == pytest.approx(result.sum_dense_synaptic_operations)
    assert first.peak_bytes > 2**20
    weights = 150 + 2_400 + 48_000 + 10_080 + 840
    assert first.describes == f"LeNet-5 on 28 x 28 pixels, as SNN papers use it; {weights:,} weights, 8 timesteps"
    assert datetime.fromisoformat(found.date) <= datetime.now(UTC)


def test_a_shipped_sample_is_measured_by_its_name() -> None:
    result = bench(replace(ONE_RUN, traces=("digits-4bit",), machines=("spiker",), peers=False))
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
    plan = replace(ONE_RUN, machines=("spiker",), peers=False)
    bench(plan, lambda what, done, total: told.append(what))
    assert told[0] == "lenet on spiker"
    assert told[1].startswith("lenet on spiker, compiling (once for each version) ")


def test_threads_take_turns_with_one_thread() -> None:
    plan = replace(ONE_RUN, machines=("mint",), threads=(1, 2), samples=3, runs=2, peers=False)
    found = bench(plan)
    assert [(case.threads, case.samples) for case in found.cases] == [(1, 3), (2, 3)]
    (pair,) = found.peers
    assert (pair.peer, pair.work) == ("spikecycle, 1 thread", "lenet, 3 samples")
    assert pair.case == 1
    assert pair.seconds > 0 and pair.ours_s > 0 and pair.ratio > 0
    assert CASE.key != CASE.model_copy(update={"samples": 2}).key


def test_what_a_machine_does_not_run_is_told_and_the_others_go_on() -> None:
    """A machine with formats of its own says so once, whatever is asked of it."""
    plan = replace(ONE_RUN, machines=("mint", "spike_array"), formats=("rle", "csr"), threads=(1, 2), peers=False)
    refused, *measured = bench(plan).cases
    assert refused.problem == "format rle, csr: mint has formats of its own, and no other can be chosen"
    assert [(case.weight_format, case.threads, case.problem) for case in measured] == [
        ("rle", 1, ""), ("rle", 2, ""), ("csr", 1, ""), ("csr", 2, "")
    ]  # fmt: skip


def test_torch_takes_turns_with_the_first_machine_that_runs_the_network_whatever_its_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measure, "is_installed", lambda: False)
    monkeypatch.setattr(measure, "cores", lambda: 1)
    plan = replace(ONE_RUN, machines=("mint", "spike_array"), formats=("rle", "csr"), threads=(2,))
    found = bench(plan)
    assert [(peer.peer, peer.case) for peer in found.peers] == [
        ("PyTorch, 1 thread", 1), ("spikecycle, 1 thread", 1), ("spikecycle, 1 thread", 2), ("SANA-FE", None)
    ]  # fmt: skip
    lines = shown(found).splitlines()
    for peer, ours in (("PyTorch", "rle"), ("spikecycle", "rle"), ("spikecycle", "csr")):
        assert any(f"{peer}, 1 thread" in line and f"spike_array, {ours}, 2 threads" in line for line in lines)


def test_compiling_is_a_part_of_the_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPIKECYCLE_CACHE_DIR", str(tmp_path))
    plan = replace(ONE_RUN, machines=("spiker",), peers=False)
    (compiled,), (cached,) = bench(plan).cases, bench(plan).cases
    assert compiled.compile_s is not None
    assert 0 < compiled.compile_s < compiled.first_s
    assert cached.compile_s == 0 < cached.first_s


def test_a_cache_that_cannot_be_used_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "file").touch()
    monkeypatch.setenv("SPIKECYCLE_CACHE_DIR", str(tmp_path / "file"))
    with pytest.warns(KernelCacheWarning, match="cannot be kept in"):
        bench(replace(ONE_RUN, machines=("spiker",), peers=False))


def test_short_cases_are_run_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(1000))
    monkeypatch.setattr(measure, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    plan = BenchPlan(runs=3, at_least_s=0.0)
    assert len(list(measure._turns(plan))) == 3
    assert len(list(measure._turns(replace(plan, at_least_s=8.0)))) == 3 + 7  # it looks after each, a second later
    assert len(list(measure._turns(replace(plan, at_least_s=900.0)))) == MOST_RUNS
    assert len(list(measure._turns(replace(plan, runs=60, at_least_s=900.0)))) == 60


def test_runs_that_are_asked_for_are_made() -> None:
    command = [sys.executable, "-m", "spikecycle", "bench", "lenet", "--hw", "spiker", "--runs", "2", "--no-peers"]
    done = subprocess.run([*command, "--quick", "--json", "-"], capture_output=True, text=True, check=True)
    (case,) = json.loads(done.stdout)["cases"]
    assert len(case["run_s"]) == 2
    assert case["seconds"] == pytest.approx(sum(case["run_s"]) / 2)


def test_help_says_the_defaults() -> None:
    command = [sys.executable, "-m", "spikecycle", "bench", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "400"})
    plan = BenchPlan()
    for said in (
        "All four by default",
        f"{', '.join(plan.machines[:-1])} and {plan.machines[-1]} by default",
        f"{plan.densities[0]:g} by default",
        f"{plan.zero_weights[0]:g} by default",
        f"{plan.threads[0]} by default",
        f"By default {plan.runs} (--quick: {QUICK.runs}), of short ones up to {MOST_RUNS} for a second",
        f"{', '.join(QUICK.traces[:-1])} and {QUICK.traces[-1]} on {', '.join(QUICK.machines)}",
    ):
        assert said in done.stdout
    assert (len(plan.traces), plan.at_least_s) == (4, 1)


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
    found = bench(replace(ONE_RUN, machines=("mint",)))
    torch, sanafe = found.peers
    assert torch.problem == "the measuring process ended: OSError: libtorch is no library"
    assert "a symbol is missing" in sanafe.problem
    assert found.cases[0].seconds > 0


def test_what_a_measuring_process_prints_is_no_answer_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """More than a pipe holds, in lines and without an end of one."""
    program = "import sys; print('a' * 100_000); print('b' * 100_000, file=sys.stderr); print('c', end='')"
    (tmp_path / "torch.py").write_text(f"{program}; raise OSError('libtorch is no library')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(measure, "is_installed", lambda: False)
    monkeypatch.setattr(measure, "cores", lambda: 1)
    torch, _ = bench(replace(ONE_RUN, machines=("mint",))).peers
    assert torch.problem == "the measuring process ended: OSError: libtorch is no library"


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
    assert measure._growth("PEs", tmp_path, BenchPlan(runs=1)) == []


def test_a_bench_of_nothing_that_can_be_measured_is_refused(tmp_path: Path) -> None:
    plan = replace(ONE_RUN, machines=("mint",), formats=("rle",), peers=False)
    with pytest.raises(UsageError, match=r"^format rle: mint has formats of its own, and no other can be chosen$"):
        bench(plan)
    plan = replace(plan, machines=("mint", "prosperity"))
    with pytest.raises(UsageError, match=r"chosen \(the first of 2 cases, none of which can be measured\)$"):
        bench(plan)


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
        (replace(ONE_RUN, machines=("spike_array", "nosuch")), "nosuch"),
        (replace(ONE_RUN, machines=("spike_array",), formats=(None, "nosuch")), "nosuch"),
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


@pytest.mark.parametrize("runs", [1, 2])
def test_a_process_that_ends_in_the_middle_ends_its_case_alone(runs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system kills one that takes too much memory: in turns, or while a size grows."""

    class Ending(BenchProcess):
        def __init__(self, module: str, task: Mapping[str, Any], *others: Any) -> None:
            super().__init__(module, task, *others)
            self.runs_left = runs if task.get("machine") == "mint" else 0 if "timesteps-" in task["trace"] else 1000

        def run(self) -> dict[str, Any]:
            if self.runs_left == 0:
                self._process.kill()
            self.runs_left -= 1
            return super().run()

    monkeypatch.setattr(measure, "BenchProcess", Ending)
    sizes: dict[str, tuple[int, ...]] = {"timesteps": (1, 2), "PEs": (4, 8)}
    monkeypatch.setattr(measure, "_SIZES", sizes)
    plan = replace(ONE_RUN, machines=("mint", "spiker"), threads=(2,), runs=runs, growth=True)
    monkeypatch.setattr(measure, "is_installed", lambda: False)
    monkeypatch.setattr(measure, "cores", lambda: 1)
    found = bench(plan)
    assert [case.problem.partition(":")[0] for case in found.cases] == [
        "the measuring process was ended by signal 9",
        "",
    ]
    assert [growth.size for growth in found.growth] == ["PEs"]
