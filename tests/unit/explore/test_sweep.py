"""Sweeps: rows equal single runs, failing points stop nothing, what is finished is never run again nor lost."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from spikecycle.simulator import OutputError, UsageError, simulate
from spikecycle.simulator.explore import measure, store, worker_process, workers
from spikecycle.simulator.explore import sweep as sweeping
from spikecycle.simulator.explore.measure import Chunk
from spikecycle.simulator.explore.results import SweepResult, pareto_front
from spikecycle.simulator.explore.search import search
from spikecycle.simulator.explore.sweep import sweep
from spikecycle.simulator.explore.sweep_spec import parse_sweep
from spikecycle.simulator.report.sweep_table import sweep_report
from tests.children import run_limited
from tests.unit.explore.small import small_trace


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(small_trace(tmp_path_factory.mktemp("sweep") / "small.h5"))


def _sweep(trace: str, out: Path | None = None, **keys: Any) -> SweepResult:
    settings = keys.pop("settings", {"dataflow.pes": [4, 8], "technology.clock_mhz": [100, 200]})
    return sweep(trace, keys.pop("machines", "spike_array"), settings=settings, out=out, jobs=1, **keys)


def test_a_row_has_the_figures_of_a_run_by_itself(trace: str) -> None:
    swept = sweep(
        trace, ["spike_array", "prosperity"], settings={"technology.clock_mhz": [100, 200]}, jobs=1,
        ideal_memory=[False, True], samples=[1],
    )  # fmt: skip
    assert len(swept.points) == 8
    for point in swept.points:
        alone = simulate(
            trace, point["machine"], settings={"technology.clock_mhz": point["technology.clock_mhz"]}, samples=[1],
            ideal_memory=point["ideal_memory"],
        )  # fmt: skip
        assert point["energy_per_inference_pj"] == alone.energy_per_inference_pj
        assert point["seconds_per_inference"] == alone.seconds_per_inference
        assert point["area_mm2"] == (alone.area_mm2 or None)  # mint models none
        categories = {name: value for name, value in point.items() if name.startswith("cycles.")}
        assert categories == {f"cycles.{name}": cycles for name, cycles in alone.sum_cycle_breakdown.items()}
        parts = sum(value for name, value in point.items() if name.startswith("energy_pj."))
        assert parts == pytest.approx(alone.energy_per_inference_pj, rel=1e-12)


def test_points_that_fail_say_why_and_stop_nothing(trace: str, tmp_path: Path) -> None:
    swept = _sweep(trace, tmp_path / "out", settings={"dataflow.pes": [8, 0, 16], "dataflow.lanes": [0]})
    assert len(swept.failed) == 3
    swept = _sweep(trace, tmp_path / "out", settings={"dataflow.pes": [8, 0, 16]})
    assert [point["problem"] is None for point in swept.points] == [True, False, True]
    assert "dataflow.pes" in swept.points[1]["problem"]
    frame = pl.read_parquet(tmp_path / "out" / "points.parquet")
    assert frame.height == 6
    assert frame.filter(pl.col("problem").is_null()).height == 2


def test_a_fault_of_the_program_stops_nothing_either(trace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any, **keys: Any) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(measure, "simulate", fails)
    assert {point["problem"] for point in _sweep(trace).points} == {"internal error: ZeroDivisionError: a fault"}


def test_a_second_run_runs_only_what_is_new(trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    real = measure.simulate

    def counted(*arguments: Any, **keys: Any) -> Any:
        ran.append(arguments)
        return real(*arguments, **keys)

    monkeypatch.setattr(measure, "simulate", counted)
    first = _sweep(trace, tmp_path / "out")
    assert len(ran) == 4
    assert _sweep(trace, tmp_path / "out").points == first.points
    assert len(ran) == 4
    more = _sweep(trace, tmp_path / "out", settings={"dataflow.pes": [2, 4, 8], "technology.clock_mhz": [100, 200]})
    assert len(ran) == 6
    assert [point["dataflow.pes"] for point in more.points] == [2, 2, 4, 4, 8, 8]
    assert pl.read_parquet(tmp_path / "out" / "points.parquet")["number"].to_list() == list(range(6))


def test_points_of_other_samples_are_told_apart(trace: str, tmp_path: Path) -> None:
    """A folder may have points of several runs; without a column they would be two rows that say the same."""
    settings = {"dataflow.pes": [8]}
    for samples in ([0], [1], None):
        swept = _sweep(trace, tmp_path / "out", settings=settings, samples=samples)
        assert len(swept.points) == 1
    frame = pl.read_parquet(tmp_path / "out" / "points.parquet")
    assert sorted(frame["samples"].to_list()) == ["0", "1", "all"]
    inferences = dict(zip(frame["samples"], frame["inferences"], strict=True))
    assert inferences == {"0": 1, "1": 1, "all": 2}


def test_failed_points_run_again_only_if_asked(trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any, **keys: Any) -> None:
        raise MemoryError("for now")

    with monkeypatch.context() as patch:
        patch.setattr(measure, "simulate", fails)
        assert len(_sweep(trace, tmp_path / "out").failed) == 4
    assert len(_sweep(trace, tmp_path / "out").failed) == 4
    assert len(_sweep(trace, tmp_path / "out", retry_failed=True).done) == 4
    assert len(_sweep(trace, tmp_path / "out").done) == 4


def test_points_that_a_memory_limit_stopped_run_again_by_themselves(trace: str, tmp_path: Path) -> None:
    """Another limit is another run; a key that is wrong (no PEs) stays wrong, and is not tried again."""
    settings = {"dataflow.pes": [8, 0]}
    small = _sweep(trace, tmp_path / "out", settings=settings, max_memory_bytes=1000)
    assert "--max-memory" in small.points[0]["problem"]
    assert "dataflow.pes" in small.points[1]["problem"]
    tried: list[int] = []
    enough = _sweep(trace, tmp_path / "out", settings=settings, progress=lambda *said: tried.append(said[2]))
    assert set(tried) == {1}
    assert [point["problem"] is None for point in enough.points] == [True, False]
    assert _sweep(trace, tmp_path / "out", settings=settings).points == enough.points


def test_a_search_runs_points_again_that_a_memory_limit_stopped(trace: str, tmp_path: Path) -> None:
    said = {"traces": trace, "machines": "spike_array", "set": {"dataflow.pes": [4, 8]}}
    assert len(_sweep(trace, tmp_path, settings=said["set"], max_memory_bytes=1000).failed) == 2
    found = search(said, tmp_path, trials=8, at_random=True)
    assert (found.trials, found.failed, found.simulated) == (8, 0, 2)


def test_a_chunk_gives_back_what_it_has_when_its_time_is_over(trace: str) -> None:
    said = {"traces": trace, "machines": "mint", "set": {"technology.clock_mhz": [1, 2, 3]}}
    points = list(sweeping.parse_sweep(said, "").points())
    assert len(measure.run_chunk(Chunk(points, seconds=0))) == 1
    assert len(list(workers.run_here([Chunk(points, seconds=0)]))) == 3
    assert [len(part.points) for part in measure.split(Chunk(points), 2)] == [2, 1]


def test_a_folder_of_another_version_or_of_other_files_is_left_alone(tmp_path: Path) -> None:
    trace = small_trace(tmp_path / "own.h5")
    folder = tmp_path / "out"
    _sweep(str(trace), folder)
    before = sorted((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file())
    small_trace(trace, samples=3)
    with pytest.raises(UsageError, match=r"holds points of another .*own\.h5, which has changed since"):
        _sweep(str(trace), folder)
    small_trace(trace)
    about = json.loads((folder / "sweep.json").read_text())
    (folder / "sweep.json").write_text(json.dumps({**about, "result_version": 0}))
    with pytest.raises(UsageError, match="another version: result_version 0"):
        _sweep(str(trace), folder)
    (folder / "sweep.json").write_text("no")
    with pytest.raises(UsageError, match=r"sweep\.json: cannot be read"):
        _sweep(str(trace), folder)
    (folder / "sweep.json").write_text(json.dumps(about, indent=2, sort_keys=True) + "\n")
    assert sorted((path, path.read_bytes()) for path in folder.rglob("*") if path.is_file()) == before


def test_a_folder_of_something_else_is_left_alone(trace: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="is no folder of a sweep, and not empty"):
        _sweep(trace, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises((UsageError, OutputError)):
        _sweep(trace, tmp_path / "file")


def test_a_damaged_file_of_points_is_named(trace: str, tmp_path: Path) -> None:
    _sweep(trace, tmp_path / "out")
    points = tmp_path / "out" / "points.parquet"
    points.write_bytes(points.read_bytes()[:100])
    with pytest.raises(UsageError, match=r"points\.parquet: cannot be read as points of a sweep"):
        _sweep(trace, tmp_path / "out")


def test_a_full_disk_is_told_and_what_is_finished_stays(
    trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    monkeypatch.setattr(sweeping, "LARGEST_CHUNK", 1)
    written = []
    real = store.write_file

    def full(path: Path, content: Any) -> None:
        if len(written) == 3:  # sweep.json and two points
            raise OutputError(f"{path}: cannot be written: No space left on device")
        written.append(path)
        real(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_file", full)
        with pytest.raises(OutputError, match="No space left"):
            _sweep(trace, folder)
    assert len(list((folder / "parts").glob("*.parquet"))) == 2
    assert not list(folder.rglob("*.tmp"))
    assert len(_sweep(trace, folder).done) == 4


def test_values_of_several_kinds_can_lie_in_one_column(trace: str, tmp_path: Path) -> None:
    swept = _sweep(trace, tmp_path / "out", settings={"dataflow.pes": [8, "many"], "technology.node_nm": [45, 32.5]})
    assert swept.to_polars()["dataflow.pes"].to_list() == ["8", "8", "many", "many"]
    assert swept.to_polars()["technology.node_nm"].to_list() == [45.0, 32.5, 45.0, 32.5]
    assert len(_sweep(trace, tmp_path / "out", settings={"dataflow.pes": [8]}).done) == 1


def test_the_front_is_what_nobody_beats() -> None:
    points = [{"a": a, "b": b, "name": name} for name, (a, b) in enumerate([(1, 5), (2, 2), (3, 3), (5, 1), (2, 2)])]
    assert [point["name"] for point in pareto_front(points, ("a", "b"))] == [0, 1, 3]


def test_where_no_scheduler_answers_no_folder_is_made(
    trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CONNECT_S", 1)
    with pytest.raises(UsageError, match=r"^no Dask scheduler answers at 'tcp://127\.0\.0\.1:9': [^\n]*$"):
        sweep(trace, "spike_array", cluster="tcp://127.0.0.1:9", out=tmp_path / "out")
    with pytest.raises(UsageError, match="no Dask scheduler answers at"):
        search(
            parse_sweep({"traces": trace, "machines": "spike_array", "set": {"dataflow.pes": [4, 8]}}, "search"),
            tmp_path / "best", cluster="tcp://127.0.0.1:9",
        )  # fmt: skip
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nonsense",
        "x y",
        "foo://127.0.0.1:1",
        "tcp://",
        "tcp://host",
        "tcp://host:x",
        "tcp://host:65536",
        "host:0",
        "inproc://127.0.0.1/1/1:5",
        "tls://127.0.0.1:9",
        "tcp://127.0.0.1:9",
    ],
)
def test_no_client_is_made_where_no_scheduler_answers(
    trace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """A client that fails at its address waits 30 s for itself when it is deleted, and then prints a traceback."""
    import distributed

    monkeypatch.setattr(workers, "CONNECT_S", 1)
    monkeypatch.setattr(distributed, "Client", lambda *_, **__: pytest.fail("a client was made"))
    with pytest.raises(UsageError) as refused:
        sweep(trace, "spike_array", cluster=address, out=tmp_path / "out")
    assert str(refused.value).startswith(f"no Dask scheduler answers at {address!r}: ")
    assert str(refused.value).endswith("; write tcp://HOST:PORT")
    assert not (tmp_path / "out").exists()


def test_the_command_tells_an_address_that_is_none_in_one_line(trace: str, tmp_path: Path) -> None:
    ended = run_limited("sweep", trace, "--out", tmp_path / "out", "--cluster", "nonsense", memory_bytes=2**33)
    assert (ended.status, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore")  # of other people's packages, in threads of theirs
def test_a_cluster_that_loses_a_worker_loses_no_point(trace: str, tmp_path: Path) -> None:
    from distributed import LocalCluster

    clocks = list(range(100, 500, 4))
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        victims = [worker.process.pid for worker in cluster.workers.values()]
        killed = []

        def kill_one(what: str, done: int, total: int) -> None:
            if done and not killed:
                killed.append(victims[0])
                os.kill(victims[0], signal.SIGKILL)

        swept = sweep(
            trace, "spike_array", settings={"dataflow.pes": [4, 8], "technology.clock_mhz": clocks},
            cluster=cluster.scheduler_address, out=tmp_path / "out", progress=kill_one,
        )  # fmt: skip
    assert killed
    assert len(swept.done) == 200
    alone = simulate(trace, "spike_array", settings={"dataflow.pes": 8, "technology.clock_mhz": 100})
    row = next(p for p in swept.points if (p["dataflow.pes"], p["technology.clock_mhz"]) == (8, 100))
    assert row["energy_per_inference_pj"] == alone.energy_per_inference_pj


def test_a_killed_sweep_goes_on_where_it_was(trace: str, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    clocks = ",".join(map(str, range(100, 400)))
    command = ["-m", "spikecycle", "sweep", trace, "--hw", "spike_array", "--set", f"technology.clock_mhz={clocks}"]
    command += ["--set", "dataflow.pes=1,2,3,4,5,6,7,8", "--out", str(folder), "--jobs", "1"]
    running = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    parts = folder / "parts"
    deadline = time.monotonic() + 100
    while not (parts.is_dir() and len(list(parts.glob("*.parquet"))) >= 2) and time.monotonic() < deadline:
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    finished = store.SweepFolder(folder, {}).rows()
    assert 2 <= len(finished) < 2400
    settings = {"technology.clock_mhz": [100, 101], "dataflow.pes": [1, 8]}
    swept = sweep(trace, "spike_array", settings=settings, out=folder, jobs=1)
    assert len(swept.done) == 4
    kept = {row["point"] for row in store.SweepFolder(folder, {}).rows()}
    assert {row["point"] for row in finished} <= kept


def test_the_command_tells_in_one_line_and_with_status_2_what_failed(trace: str, tmp_path: Path) -> None:
    ended = run_limited(
        "sweep",
        trace,
        "--set",
        "dataflow.pes=8,0",
        "--out",
        tmp_path / "out",
        "--jobs",
        "1",
        memory_bytes=2**33,
    )
    assert ended.status == 2
    assert ended.err.startswith("spikecycle: 1 of 2 points failed: spike_array: dataflow.pes:")
    assert len(ended.err.splitlines()) == 1
    assert "2 points: 1 simulated, 1 failed" in ended.out


def test_processes_do_not_mind_who_has_the_port_of_a_dashboard() -> None:
    with socket.socket() as taken, warnings.catch_warnings():
        with suppress(OSError):  # somebody has it already: as good
            taken.bind(("", 8787))
            taken.listen()
        warnings.filterwarnings("error", message="Port 8787")
        with workers.local_client(1) as client:
            assert workers.threads(client) == 1


def test_a_worker_leaves_an_interrupt_to_who_started_it() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        worker_process.dask_setup(None)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_report_of_a_sweep_fits_a_terminal(trace: str) -> None:
    settings = {
        "dataflow.pes": [4, 8, 16], "dataflow.lanes": [1, 2, 4], "dataflow.fifo_depth": [1, 4],
        "dram.burst_bits": [64, 0],
    }  # fmt: skip
    page = io.StringIO()
    Console(file=page, width=80).print(sweep_report(_sweep(trace, settings=settings)))
    text = page.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "36 points: 18 simulated, 18 failed" in text
    assert "Least energy: dataflow.pes=" in text
    assert "18 failed: spike_array: dram.burst_bits" in text
    for column in ("energy", "time", "area"):
        assert f"{column}," in text
