"""What the command line says and refuses: options given twice, explanations, compiling, decimal clocks, file kinds."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from numba.core import event

from spikecycle.simulator import compare_formats, load_machine, simulate
from spikecycle.simulator.activity import Resource
from spikecycle.simulator.cli import progress
from spikecycle.simulator.dataflows.row_stationary.kernel_types import CYCLE_CATEGORIES as ROW_CATEGORIES
from spikecycle.simulator.dataflows.spike_array.passes import CYCLE_CATEGORIES as ARRAY_CATEGORIES
from spikecycle.simulator.report.document import to_json
from spikecycle.simulator.report.explanations import CATEGORIES, ENERGY
from spikecycle.simulator.report.figures import ENERGY_KINDS, LEAKAGE
from spikecycle.simulator.schedule import OVERLAPS
from tests.bad_input.inputs import machine_file, refused, run, small_trace
from tests.unit.report.example import run_result

Capsys = pytest.CaptureFixture[str]
ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["simulate", "digits-8bit", "--hw", "spike_array", "--hw", "mint"], "--hw"),
        (["simulate", "digits-8bit", "--samples=0", "--samples", "1"], "--samples"),
        (["simulate", "digits-8bit", "--json", "a", "--json", "a"], "--json"),
        (["formats", "digits-8bit", "--max-memory", "1G", "--max-memory", "2G"], "--max-memory"),
        (["study", "digits", "--out", "a", "--out", "b"], "--out"),
        (["report", "a.json", "--out", "a.html", "--out", "b.html"], "--out"),
    ],
)
def test_an_option_that_takes_one_value_is_not_given_twice(capsys: Capsys, arguments: list[str], option: str) -> None:
    refused(run(capsys, *arguments), f"{option} is given twice; it takes one value")


def test_options_that_take_several_values_and_flags_are(capsys: Capsys, tmp_path: Path) -> None:
    settings = ("--set", "technology.clock_mhz=100", "--set", "dataflow.fifo_depth=4", "--verify", "--verify")
    assert run(capsys, "simulate", small_trace(tmp_path), *settings).status == 0


def test_everything_is_explained() -> None:
    stalls = {stall for name in OVERLAPS.names() for stall in OVERLAPS.lookup(name).stalls}
    assert {*ROW_CATEGORIES, *ARRAY_CATEGORIES, *stalls} <= set(CATEGORIES)
    assert set(ENERGY) == {*ENERGY_KINDS.values(), LEAKAGE}
    assert set(ENERGY_KINDS) == set(get_args(Resource))


def test_explanations_come_when_they_are_asked_for(capsys: Capsys, tmp_path: Path) -> None:
    trace = small_trace(tmp_path)
    words = CATEGORIES["bank_conflict"]
    asked, not_asked = (
        " ".join(run(capsys, "simulate", trace, *options).out.split()) for options in (("--explain",), ())
    )
    assert words in asked
    assert words not in not_asked
    for name in (*(ENERGY_KINDS[kind] for kind in ("dram", "sram", "clock")), LEAKAGE, "SOP"):
        assert f"{name} " in asked


PATIENCE_S = 20
"""Until a test that hangs gives up."""


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_compiling_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = _Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(progress, "APPEARS_AFTER_S", 0)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "200")

    def broadcast() -> None:
        """A kernel by its name."""

    with progress.shown_progress("simulating") as report:
        assert report is not None
        report("conv1", 1, 4)
        with event.trigger_event("numba:compile", data={"dispatcher": broadcast}):
            pass
        until_s = time.monotonic() + PATIENCE_S
        while "broadcast" not in terminal.getvalue() and time.monotonic() < until_s:
            time.sleep(0.01)  # the bar is drawn again ten times a second
        report("conv2", 2, 4)
    assert "simulating: conv1, compiling (once for each version) broadcast" in terminal.getvalue()
    with event.trigger_event("numba:compile", data={"dispatcher": test_everything_is_explained}):
        pass  # nobody is told any more


class _Clock:
    """Waits in no time, for some lines; what else happens until the next is asked of `then`."""

    def __init__(self, lines: int, then: Callable[[int], None]) -> None:
        self.now_s, self.pauses_s = 0.0, list[float]()
        self._lines, self._then = lines, then

    def wait(self, pause_s: float) -> bool:
        """Until the pause or the work is over; whether the work is."""
        self._then(len(self.pauses_s))
        self.pauses_s.append(pause_s)
        self.now_s += pause_s
        return len(self.pauses_s) > self._lines


def test_what_takes_long_says_a_plain_line_now_and_then() -> None:
    def go_on(line_number: int) -> None:
        if line_number == 1:
            line.compiling("record_passes")
        if line_number in (2, 3):
            line.report("one\x1b[2J.h5", 999 + line_number, 4000)

    clock = _Clock(4, go_on)
    line = progress.ProgressLine("sweep", lambda: clock.now_s)
    stream = io.StringIO()
    progress.write_lines(line, stream, clock.wait)
    assert clock.pauses_s == [10.0, 30.0, 30.0, 30.0, 30.0]
    assert stream.getvalue().splitlines() == [
        "spikecycle: sweep (10 s)",
        "spikecycle: sweep, compiling (once for each version) record_passes (40 s)",
        "spikecycle: sweep: one\\x1b[2J.h5, 1,001 of 4,000 (70 s)",
        "spikecycle: sweep: one\\x1b[2J.h5, 1,002 of 4,000 (100 s)",
    ]


def test_what_is_over_before_the_first_line_says_nothing() -> None:
    stream = io.StringIO()
    progress.write_lines(progress.ProgressLine("sweep"), stream, lambda pause_s: True)
    assert stream.getvalue() == ""


def test_where_lines_cannot_be_written_the_work_goes_on() -> None:
    stream = io.StringIO()
    stream.close()
    progress.write_lines(progress.ProgressLine("sweep"), stream, lambda pause_s: False)


def test_lines_are_those_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr(progress, "FIRST_LINE_AFTER_S", 0)
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.01)
    with progress.shown_progress("simulating") as report:
        assert report is not None
        report("conv1", 1, 4)
        while "conv1" not in stream.getvalue():  # it is written by another thread
            pass
    assert stream.getvalue().splitlines()[-1].startswith("spikecycle: simulating: conv1, 1 of 4 (")
    assert all(thread.name != "lines of progress" for thread in threading.enumerate())


def test_a_clock_may_be_decimal(tmp_path: Path) -> None:
    trace = small_trace(tmp_path)
    slow, fast = (simulate(trace, "spike_array", settings={"technology.clock_mhz": mhz}) for mhz in (62.5, 125))
    assert slow.clock_mhz == 62.5
    # 512 Gbit/s: 8192 bits per cycle at 62.5 MHz; 50 ns are 4 cycles, and 7 at 125 MHz
    assert slow.sum_cycle_breakdown["compute"] == fast.sum_cycle_breakdown["compute"]
    assert slow.seconds_per_inference == pytest.approx(slow.cycles_per_inference / 62.5e6)
    whole = load_machine("spike_array", {"technology.clock_mhz": 500.0})
    assert whole.fingerprint() == load_machine("spike_array").fingerprint()
    assert type(whole.technology.clock_mhz) is int


@pytest.mark.parametrize(
    ("value", "words"), [(0, "0.001"), (33.3333, "three decimals"), (-1.5, "0.001"), (1e9, "1000000")]
)
def test_a_clock_is_within_bounds(capsys: Capsys, tmp_path: Path, value: float, words: str) -> None:
    machine = machine_file(tmp_path, {"technology.clock_mhz": value})
    refused(run(capsys, "check", machine), "technology.clock_mhz", words)


def _written(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def test_every_kind_of_file_is_recognized(capsys: Capsys, tmp_path: Path) -> None:
    trace = small_trace(tmp_path)
    result, formats, timeline = (tmp_path / f"{name}.json" for name in ("result", "formats", "timeline"))
    assert run(capsys, "simulate", trace, "--json", result, "--timeline", timeline).status == 0
    formats.write_text(to_json(compare_formats(trace, "spike_array", samples=[0])))
    sweep = {"version": 1, "spikecycle": "0", "folder": None, "columns": ["dataflow.pes"],
             "points": [{"dataflow.pes": 8, "problem": None}, {"dataflow.pes": 0, "problem": "too few"}]}  # fmt: skip
    table = ROOT / "benchmarks" / "results" / "digits.parquet"
    for file, words in (
        (trace, "valid trace"),
        (ROOT / "hwconfigs" / "mint.yaml", "valid machine mint"),
        (result, "valid result of simulate"),
        (formats, "valid comparison of formats"),
        (timeline, "valid timeline"),
        (_written(tmp_path / "v.json", json.dumps({"rows": [], "skipped": []})), "valid validation"),
        (_written(tmp_path / "s.json", json.dumps(sweep)), "valid result of a sweep"),
        (ROOT / "models" / "study" / "studies" / "digits.yaml", "valid study"),
        (table, "valid table"),
    ):
        ended = run(capsys, "check", file)
        assert (ended.status, ended.err) == (0, ""), file
        assert " ".join(ended.out.split()).startswith(words)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.json", "{}", "is JSON, but no document of spikecycle"),
        ("x.json", "", "is no JSON"),
        ("no_suffix", '{"a": 1}', "is JSON, but no document"),
        ("x.json", json.dumps({"layers": [], "cycles_per_inference": 1}), "Field required"),
        ("x.json", json.dumps({"rows": [{}], "skipped": []}), "machine: Field required"),
        ("x.json", json.dumps({"traceEvents": 3, "otherData": {}}), "traceEvents: a list is expected"),
        ("x.json", json.dumps({"points": 3, "columns": []}), "Field required"),
        ("x.parquet", "PAR1 and no more", "cannot be read as Parquet"),
        ("x.yaml", "data: 1\nnetwork: 2\ntraining: 3\ncompressions: 4\n", "data"),
        ("x.yaml", "nothing: 1\n", "dataflow"),
    ],
)
def test_what_is_no_file_of_ours_is_told(capsys: Capsys, tmp_path: Path, name: str, content: str, words: str) -> None:
    path = _written(tmp_path / name, content)
    ended = run(capsys, "check", path)
    assert ended.status == 2
    assert str(path) in ended.err
    assert words in ended.err
    assert "internal error" not in ended.err


def test_a_result_of_another_version_is_told(capsys: Capsys, tmp_path: Path) -> None:
    old: dict[str, Any] = json.loads(to_json(run_result()))
    path = _written(tmp_path / "old.json", json.dumps({**old, "version": 1}))
    refused(run(capsys, "check", path), "has version 1, this program reads version 2")
