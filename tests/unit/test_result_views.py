"""Views of a result: one line, HTML, records; machines told apart; documents of another version refused."""

from __future__ import annotations

import hashlib
import html.parser
import json
import re
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from spikecycle.simulator import (
    FormatComparison,
    Machine,
    RunResult,
    UsageError,
    compare_formats,
    load_machine,
    override,
    simulate,
)
from spikecycle.simulator.report.document import to_json
from spikecycle.simulator.report.page.writing import write_report
from spikecycle.simulator.result import RecordKind, SlowBuffer
from tests.bad_input.inputs import machine_file, small_trace
from tests.unit.report.example import CYCLE_CATEGORIES, run_result

RECORDS: tuple[RecordKind, ...] = ("layer", "category", "component", "counter")


def test_one_line_has_the_figures_per_inference() -> None:
    # 200 + 4000 + 200,000 cycles of two samples at 200 MHz; 100 x (1 + 20 + 299) pJ
    assert repr(run_result()) == (
        "<RunResult: digits on two_buffers [0123456789]: 102,100 cycles, 510.5 µs, 0.016 µJ per inference "
        "(mean of 2 samples)>"
    )
    assert str(run_result()) == repr(run_result())
    changed = run_result().model_copy(update={"machine_file": "mine.yaml", "machine_overrides": {"a.b": 2, "c": "x"}})
    assert "digits on two_buffers (mine.yaml) with a.b=2, c=x [0123456789]: " in repr(changed)


def test_one_line_says_that_memories_are_slower_than_the_clock() -> None:
    slow = (SlowBuffer(buffer="weights", access_ns=6.0, period_ns=5.0),
            SlowBuffer(buffer="fifo", access_ns=5.5, period_ns=5.0))  # fmt: skip
    text = repr(run_result(too_slow=slow))
    assert text.endswith("(mean of 2 samples); cannot run at its clock: weights, fifo slower than a cycle>")
    assert "cannot run" not in repr(run_result())


class _Cells(html.parser.HTMLParser):
    """The tables of a page: rows of cells; fails on what is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        assert tag in ("p", "b", "table", "caption", "thead", "tbody", "tr", "th", "td")
        assert all(name == "style" for name, _ in attrs)
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def test_a_notebook_gets_tables_that_need_nothing_else() -> None:
    rows = {row[0]: row[1:] for row in reversed(_Cells(run_result()._repr_html_()).rows)}
    assert rows["cycles"] == ["102,100"]
    assert rows["energy per SOP"] == ["0.03333 pJ"]  # 100 pJ for 3000
    assert rows["conv2"] == ["2,000", "0.001", "0.03333 pJ", "25.0%", "0 of 2", "none"]
    shares = {row[0]: row[1:] for row in _Cells(run_result()._repr_html_()).rows}
    assert shares["layer"] == [*CYCLE_CATEGORIES]
    assert shares["conv2"][:4] == ["75.0%", "2.5%", "1.5%", "1.0%"]


def test_names_are_no_markup() -> None:
    page = run_result().model_copy(update={"trace": "<script>alert(1)</script>"})._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_records_of_layers_are_means_per_inference() -> None:
    record = run_result().to_records()[1]
    assert (record["layer"], record["operator"], record["machine_file"]) == ("conv2", "conv2d", "two_buffers")
    assert record["cycles_per_inference"] == 2000.0
    assert record["energy_per_inference_pj"] == 1000.0
    assert record["dram_read_per_inference_bits"] == 8192 * 20 / 2
    assert record["input_spikes_per_inference"] == 600 * 20 / 2


@pytest.mark.parametrize("by", RECORDS)
def test_records_are_a_data_frame(by: RecordKind) -> None:
    result = simulate("digits-ternary", "spike_array_edge", samples=[0, 1])
    records = result.to_records(by)
    assert len({tuple(record) for record in records}) == 1, "every row has the same keys"
    frame = pl.DataFrame(records)
    assert frame.height == len(records) > 0
    assert set(frame["machine_sha256"]) == {result.machine_sha256}
    for column, total in (
        ("energy_per_inference_pj", result.energy_per_inference_pj),
        ("cycles_per_inference", result.cycles_per_inference),
    ):
        if column in frame.columns:
            leakage = sum(layer.sum_leakage_pj for layer in result.layers) / 2 if by == "counter" else 0.0
            assert frame[column].sum() + leakage == pytest.approx(total, rel=1e-9)


def test_records_go_to_pandas_too() -> None:
    pandas = pytest.importorskip("pandas")
    assert len(pandas.DataFrame(run_result().to_records("counter"))) == 3 * 9


@pytest.mark.parametrize("package", ["polars", "pandas"])
def test_views_as_data_frames(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(package)
    result = run_result()
    for by in RECORDS:
        frame = getattr(result, f"to_{package}")(by)
        assert type(frame).__module__.split(".")[0] == package
        assert list(frame.columns) == list(result.to_records(by)[0])
        assert len(frame) == len(result.to_records(by))
    assert list(getattr(result, f"to_{package}")()["layer"]) == ["conv1", "conv2", "dense [red]"]
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    with pytest.raises(
        UsageError, match=f"to_{package} needs {package}, which is not installed: pip install {package}"
    ):
        getattr(result, f"to_{package}")()


def test_a_report_is_written_from_python(tmp_path: Path) -> None:
    result = run_result()
    one, several = tmp_path / "one.html", tmp_path / "several.html"
    write_report(one, result)
    assert "digits on two_buffers" in one.read_text()
    write_report(several, {"mine": result, "<yours>": result})
    assert "mine, &lt;yours&gt;" in several.read_text()
    write_report(several, [result, result])
    assert "1: two_buffers, 2: two_buffers" in several.read_text()
    with pytest.raises(UsageError, match="there is nothing to report"):
        write_report(tmp_path / "none.html", [])


def test_other_records_are_refused_by_name() -> None:
    with pytest.raises(UsageError, match="no records by 'row', allowed: layer, category, cause, component, counter"):
        run_result().to_records("row")  # type: ignore[arg-type]


def test_sums_are_named_as_sums_and_means_come_first() -> None:
    """What grows with the number of samples begins with `sum_`; the other figures are the same for a sample twice."""
    one = simulate("digits-ternary", "spike_array_edge", samples=[0])
    twice = simulate("digits-ternary", "spike_array_edge", samples=[0, 0])
    for first, second in (
        (one, twice),
        (one.layers[0], twice.layers[0]),
        *zip(one.layers[0].counters, twice.layers[0].counters, strict=True),
    ):
        keys = list(type(first).model_fields)
        for key in keys:
            value, doubled = getattr(first, key), getattr(second, key)
            if key == "sum_accesses_by_bank":
                assert doubled == {memory: [2 * each for each in banks] for memory, banks in value.items()}
            elif key.startswith("sum_"):
                assert _times(value, 2) == pytest.approx(doubled, rel=1e-9), key
            elif isinstance(value, int | float):
                assert doubled == pytest.approx(value, rel=1e-9), key
    for model in (RunResult, type(one.layers[0])):
        keys = list(model.model_fields)
        assert keys.index("cycles_per_inference") < min(keys.index(key) for key in keys if key.startswith("sum_"))


def _times(value: Any, factor: int) -> Any:
    if isinstance(value, list):
        return [each * factor for each in value]
    return {key: each * factor for key, each in value.items()} if isinstance(value, dict) else value * factor


# ---- machines ----------------------------------------------------------------------------------------------------


def _json_sha256(machine: Machine) -> str:
    text = json.dumps(machine.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_result_names_file_overrides_and_fingerprints(tmp_path: Path) -> None:
    file = machine_file(tmp_path, {"name": "mine"})
    trace = small_trace(tmp_path)
    plain = simulate(trace, file)
    assert (plain.machine_file, plain.machine_overrides) == (str(file), {})
    assert plain.machine_sha256 == plain.base_machine_sha256 == _json_sha256(load_machine(file))
    changed = simulate(
        trace, file, settings={"dataflow.fifo_depth": 2}, formats={"weights": "rle", "weights.conv1": "cp"},
        residency={"weights": "resident"},
    )  # fmt: skip
    assert changed.machine_overrides == {
        "dataflow.fifo_depth": 2,
        "formats.weights.format": "rle",
        "formats.per_operator.conv1.weights.format": "cp",
        "residency.weights": "resident",
    }
    assert changed.base_machine_sha256 == plain.machine_sha256 != changed.machine_sha256
    assert changed.machine_file == str(file)


def test_a_fingerprint_can_be_made_from_the_document(tmp_path: Path) -> None:
    result = simulate(small_trace(tmp_path), "spike_array", settings={"dataflow.fifo_depth": 2})
    machine = json.loads(to_json(result))["machine"]
    text = json.dumps(machine, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == result.machine_sha256


def test_overrides_of_a_loaded_machine_add_up() -> None:
    first = load_machine("spike_array", {"dataflow.fifo_depth": 2, "dataflow.lanes": 2})
    second = override(first, {"dataflow.fifo_depth": 3}, {"spikes": "aer"})
    assert dict(second.origin.overrides) == {
        "dataflow.fifo_depth": 3, "dataflow.lanes": 2, "formats.spikes.format": "aer",
    }  # fmt: skip
    assert (second.origin.file, second.origin.sha256) == ("spike_array", load_machine("spike_array").fingerprint())
    assert override(first, {"dataflow.fifo_depth": 4, "dataflow.lanes": 4}) == load_machine(
        "spike_array", {"dataflow.fifo_depth": 4}
    ), "machines are equal whatever way they came"


def test_a_machine_made_in_python_is_its_own_base() -> None:
    made = type(load_machine("spike_array")).model_validate(load_machine("spike_array").model_dump())
    assert (made.origin.file, made.origin.sha256, made.origin.overrides) == ("", made.fingerprint(), {})
    changed = override(made, {"dataflow.fifo_depth": 2})
    assert (changed.origin.file, changed.origin.sha256) == ("", made.fingerprint())


def test_a_file_that_is_no_machine_by_itself_has_no_fingerprint(tmp_path: Path) -> None:
    file = machine_file(tmp_path, {"dataflow.fifo_depth": 0})
    machine = load_machine(file, {"dataflow.fifo_depth": 2})
    assert machine.origin.sha256 is None
    assert machine.fingerprint() == _json_sha256(machine)


def test_a_comparison_names_the_machine_too(tmp_path: Path) -> None:
    found = compare_formats(small_trace(tmp_path), "spike_array", settings={"dataflow.lanes": 2}, samples=[0])
    assert (found.machine_file, found.machine_overrides) == ("spike_array", {"dataflow.lanes": 2})
    assert found.base_machine_sha256 == load_machine("spike_array").fingerprint()
    assert found.machine_sha256 == load_machine("spike_array", {"dataflow.lanes": 2}).fingerprint()


# ---- versions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [RunResult, FormatComparison])
@pytest.mark.parametrize("version", [1, 3, "two"])
def test_a_document_of_another_version_is_refused_in_one_line(model: Any, version: object) -> None:
    text = json.dumps({"version": version, "cycles": 3})
    with pytest.raises(UsageError) as error:
        model.model_validate_json(text)
    assert re.fullmatch(
        rf"this (result|comparison) of spikecycle (simulate|formats) has version {version}, this program reads version "
        "2: run the command again",
        str(error.value),
    )
