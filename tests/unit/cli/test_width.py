"""Every command that prints a table: at 80 columns no line is wider, no word of a wider window is missing."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from spikecycle.models.study.results import Results
from spikecycle.models.study.summary import summary
from spikecycle.simulator.bench.result import PeerTime, TimeGrowth
from spikecycle.simulator.report.bench_table import bench_report
from tests.bad_input.inputs import run, small_trace
from tests.unit.bench.test_bench import RESULT
from tests.unit.models.study.handmade import whole_study

WIDE, NARROW = 500, 80

FOUR_MACHINES = ("--hw", "spike_array", "--hw", "loas", "--hw", "mint", "--hw", "sato")
AXES = (
    "--hw", "spike_array", "--hw", "eyeriss_snn", "--set", "dram.burst_bits=256,512",
    "--set", "dram.latency_ns=20.0,50.0", "--residency", "activations=dram,chip",
)  # fmt: skip
SPACE = ("--set", "dataflow.pes=4,8", "--set", "dataflow.fifo_depth=2,4", "--format", "weights=csr,rle")
COMMANDS = [
    ("simulate", "TRACE", "--verify", "--explain"),
    ("simulate", "TRACE", "--hw", "eyeriss_snn"),
    ("formats", "TRACE"),
    ("sweep", "TRACE", *AXES, "--out", "sweep"),
    ("sweep", "TRACE", *SPACE, "--samples", "0", "--out", "space"),
    ("search", "TRACE", *SPACE, "--trials", "6", "--out", "search"),
    ("compare", "TRACE", *FOUR_MACHINES),
    ("advise", "TRACE", "--hw", "spike_array_edge", "--jobs", "1"),
    ("check", "TRACE"),
    ("check", "spike_array"),
    ("list",),
    ("audit",),
    ("validate", "--machine", "spikesim_rram"),
    ("validate", "--machine", "mint", "--rows"),
    ("synthesize", "net.csv", "net.h5", "--timesteps", "4", "--density", "0.1", "--sparsity", "0.8", "--force"),
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: " ".join(arguments)[:40])
def test_every_table_fits_and_keeps_its_columns(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    trace = str(small_trace(tmp_path))
    texts = []
    for width in (WIDE, NARROW):
        place = tmp_path / str(width)  # each in a folder of its own: a sweep says which points were there already
        place.mkdir()
        (place / "net.csv").write_text("name, h, w, r, s, c, m, stride,\nconv1, 18, 18, 3, 3, 2, 16, 1,\n")
        monkeypatch.chdir(place)
        monkeypatch.setenv("COLUMNS", str(width))
        ended = run(capsys, *(trace if word == "TRACE" else word for word in arguments))
        assert ended.status == 0, ended.err
        texts.append(ended.out)
    _compare(*texts)


def test_what_a_study_shows_fits() -> None:
    table = next(iter(summary(Results(whole_study()))))
    _compare(_shown(table, WIDE), _shown(table, NARROW))


def test_what_bench_shows_fits() -> None:
    (case, *_) = RESULT.cases
    long = case.model_copy(update={"machine": "systolic_output_stationary", "weight_format": "uncompressed"})
    peer = PeerTime(peer="PyTorch 2.0", work="a dense forward pass", problem="", seconds=1.0, ours_s=0.5, ratio=2.0)
    growth = TimeGrowth(size="timesteps", values=[1, 2, 4, 8, 16, 32, 64], seconds=[0.123] * 7, exponent=1.0)
    result = RESULT.model_copy(update={"cases": [case, long], "peers": [peer], "growth": [growth]})
    _compare(
        _shown(bench_report(result, ("before", result)), WIDE), _shown(bench_report(result, ("before", result)), NARROW)
    )


def _shown(table: RenderableType, width: int) -> str:
    page = io.StringIO()
    Console(file=page, width=width, markup=False, highlight=False, emoji=False).print(table)
    return page.getvalue()


def _compare(wide: str, narrow: str) -> None:
    assert max(map(len, narrow.splitlines())) <= NARROW
    assert max(map(len, wide.splitlines())) > NARROW  # else there was nothing to try
    assert "…" not in narrow
    lost = {word for word in _words(wide) if word not in narrow and word not in re.sub(r"\s+", "", narrow)}
    assert not lost


def _words(text: str) -> set[str]:
    return {word for word in text.split() if not word.startswith("──")}
