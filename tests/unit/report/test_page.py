"""The HTML page: it needs nothing but itself, its numbers are the result's, and names of others are no markup."""

from __future__ import annotations

import base64
import csv
import html.parser
import io
import re
from typing import Any

import pytest

from spikecycle.simulator.explore.results import SweepResult
from spikecycle.simulator.report.page import overview
from spikecycle.simulator.report.page.chart import Chart, DataTable
from spikecycle.simulator.report.page.contents import Material, charts_of
from spikecycle.simulator.report.page.fronts import Candidate, candidates_of_rows, front_chart
from spikecycle.simulator.report.page.grounds import points_ground
from spikecycle.simulator.report.page.html import MOST_BYTES, page
from spikecycle.simulator.result import RunResult, SpikeRaster
from tests.unit.report.example import run_result

VOID = ("meta", "link", "input", "img", "br")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
ROW = {
    "machine": "two_buffers", "quantity": "cycles", "ours": 99.0, "theirs": 100.0, "error": -0.01, "tolerance": 0.02,
    "passed": True, "source": "a paper", "note": "",
}  # fmt: skip


class Page(html.parser.HTMLParser):
    """Elements of a page; fails on what is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


def whole_result() -> RunResult:
    """The example with what it takes for every chart."""
    result = run_result()
    layers = [
        layer.model_copy(
            update={
                "output_neurons": 4,
                "sum_input_spikes_by_timestep": [60] * 10,
                "sum_output_spikes_by_timestep": [4] * 10,
                "raster": SpikeRaster(sample=0, neurons=[0, 1], rows=["1010101010", "0000000001"]),
                "sum_busy_cycles_by_pe": [layer.sum_cycles // 2] * 15 + [layer.sum_cycles // 4],
                "sum_accesses_by_bank": {"potentials": [300, 100]},
            }
        )
        for layer in result.layers
    ]
    buffers = [
        area.model_copy(update={"size_kib": 4.0, "width_bits": 32, "banks": 2, "instances": 1 + 15 * index})
        for index, area in enumerate(result.buffers)
    ]
    machine = {**result.machine, "dram": {"bandwidth_gbit_per_s": 16, "latency_ns": 50, "energy_pj_per_bit": 4.0}}
    changed = {"layers": layers, "buffers": buffers, "machine": machine, "peak_additions_per_cycle": 16}
    return result.model_copy(update=changed)


def charts(result: RunResult) -> dict[str, Chart]:
    return {chart.key.removeprefix("r1-"): chart for chart in charts_of(Material(results=[("a", result)]))}


def test_the_page_loads_nothing() -> None:
    text = page(Material(results=[("a", whole_result())]))
    found = Page(text).found
    for tag, attributes in found:
        assert tag not in ("img", "iframe", "object", "embed", "base")
        assert "src" not in attributes
        if "href" in attributes:
            assert str(attributes["href"]).startswith(("#", "data:")), attributes
        assert not any(name.startswith("on") for name in attributes)
    assert set(re.findall(r"https?://[^\s\"'<)]+", text)) <= {"http://www.w3.org/2000/svg"}
    policy = next(str(a["content"]) for tag, a in found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")


def test_every_chart_is_there_and_every_key_is_used_once() -> None:
    found = Page(page(Material(results=[("a", whole_result())]))).found
    figures = [str(attributes["id"]) for tag, attributes in found if tag == "figure"]
    names = "energy cycles roofline memories banks dram pes density raster machine area"
    assert figures == [f"r1-{name}" for name in names.split()]
    keys = [str(attributes["id"]) for _, attributes in found if "id" in attributes]
    assert len(keys) == len(set(keys))
    targets = {str(a["href"])[1:] for tag, a in found if tag == "a" and str(a["href"]).startswith("#")}
    assert targets <= set(keys)


def test_results_of_older_programs_have_fewer_charts() -> None:
    assert set(charts(run_result())) == {"energy", "cycles", "memories", "dram", "machine", "area"}


def test_banks_are_shown_where_they_are_told_apart() -> None:
    chart = charts(whole_result())["banks"]
    # 300 and 100 accesses of two samples: the busier bank has 1.5 times the mean of 200
    assert list(chart.table.rows)[:2] == [("conv1", "potentials", 0, 150.0), ("conv1", "potentials", 1, 50.0)]
    assert "1.50 in conv1 (potentials)" in chart.reading
    assert chart.notes == ("In which bank a word of these lies, the dataflow does not say: weights.",)


def test_totals_are_those_of_the_result() -> None:
    text = "".join(Page(page(Material(results=[("a", run_result())]))).text)
    # 100 pJ x (1 + 20 + 299) of two samples; 204,200 cycles of two samples at 200 MHz
    assert "16.0 nJ" in text
    assert "102.1 k" in text
    assert dict(overview.totals(run_result()))["energy per SOP"] == "0.0333 pJ"  # 100 pJ for 3000


def test_sentences_name_the_largest() -> None:
    said = " ".join(overview.sentences(run_result()))
    assert (
        "40.0 % of the energy goes to DRAM, 30.0 % to memories. The operator dense [red] takes 93.4 % of all energy"
        in said
    )
    assert "the largest loss is 'barrier', 24.5 %" in said  # 50,005 of 204,200


def test_numbers_behind_the_charts_are_those_of_the_result() -> None:
    result = whole_result()
    made = charts(result)
    for key, column, sums in (
        ("energy", 2, {layer.name: layer.sum_energy_pj / 2 for layer in result.layers}),
        ("cycles", 2, {layer.name: layer.sum_cycles / 2 for layer in result.layers}),
        ("dram", 2, {layer.name: (sum(layer.sum_dram_read_bits.values()) + sum(layer.sum_dram_write_bits.values())) / 2
                     for layer in result.layers}),
    ):  # fmt: skip
        for layer in result.layers:
            rows = [row for row in made[key].table.rows if row[0] == layer.name]
            assert sum(float(row[column] or 0) for row in rows) == pytest.approx(sums[layer.name])
    accesses = {(row[0], row[1], row[2]): row[3] for row in made["memories"].table.rows}
    assert accesses["conv1", "weights", "read"] == 500  # 1000 of two samples
    pes = {(row[0], row[1]): row[3] for row in made["pes"].table.rows}
    assert pes["conv2", 0] == 50
    assert pes["conv2", 15] == 25
    # 15 PEs with half of the cycles, one with a quarter: 0.5 / (7.75 / 16)
    assert "1.03 in conv1" in made["pes"].reading


def test_rooflines_by_hand() -> None:
    rows = {row[0]: row for row in charts(whole_result())["roofline"].table.rows}
    # conv2: 60,000 SOPs in 4000 cycles. 16 adders; DRAM: 16 Gbit/s at 200 MHz are 80 bits per cycle, 184,320 bits
    # moved: 26 SOPs per cycle; the weights' memory, 1 x 2 banks x 32 bits per cycle, 22,000 words: 5.45; potentials,
    # 16 times as wide, 80,000 words: 24
    assert rows["conv2"][1] == pytest.approx(15)
    assert rows["conv2"][2] == "weights"
    assert rows["conv2"][3] == pytest.approx(60_000 / (22_000 * 32) * 64)


def test_density_is_spikes_over_places() -> None:
    rows = charts(whole_result())["density"].table.rows
    # conv1: 600 spikes are 6.25 %: 9600 inputs, 960 in each timestep, of which 60; 4 neurons, 2 samples, 4 spikes
    assert rows[0][:2] == ("conv1", 0)
    assert rows[0][2] == pytest.approx(6.25)
    assert rows[0][3] == pytest.approx(50)


def test_every_table_can_be_had_as_csv() -> None:
    found = Page(page(Material(results=[("a", whole_result())]))).found
    links = [str(a["href"]) for tag, a in found if tag == "a" and "download" in a]
    assert len(links) == 11
    head, _, content = links[0].partition(",")
    assert head == "data:text/csv;charset=utf-8;base64"
    rows = list(csv.reader(io.StringIO(base64.b64decode(content).decode())))
    assert rows[0] == ["operator", "component", "energy per inference (pJ)"]
    assert ["conv1", "accumulator", "10.0"] in rows


def test_no_name_is_a_formula_of_a_spreadsheet() -> None:
    assert DataTable(("a",), [("=1+1",), ("+x",), (-1,), (None,)]).csv().splitlines() == [
        "a",
        "'=1+1",
        "'+x",
        "-1",
        '""',
    ]


def test_names_of_others_are_no_markup() -> None:
    result = whole_result()
    layers = [layer.model_copy(update={"name": f"{HOSTILE}{index}"}) for index, layer in enumerate(result.layers)]
    machine = {**result.machine, "name": HOSTILE, "describes": HOSTILE, "sources": {HOSTILE: HOSTILE}}
    changed = {"layers": layers, "machine": machine, "trace": HOSTILE, "provenance": {HOSTILE: HOSTILE}}
    result = result.model_copy(update={**changed, "machine_file": HOSTILE, "machine_overrides": {HOSTILE: HOSTILE}})
    row = {**ROW, "machine": HOSTILE, "note": HOSTILE, "source": HOSTILE}
    text = page(Material(results=[(HOSTILE, result), ("b", run_result())], validation=[row], unchecked=[HOSTILE]))
    found = Page(text).found
    assert [tag for tag, _ in found].count("script") == 1
    assert "img" not in {tag for tag, _ in found}


def test_several_results_lie_side_by_side() -> None:
    first = run_result()
    half = first.model_copy(update={"energy_per_inference_pj": first.energy_per_inference_pj / 2})
    table = {str(row[0]): row for row in overview.side_by_side([("a", first), ("b", half)]).rows}
    assert list(table["energy"][1:]) == ["16.0 nJ", "8.00 nJ (0.500 x)"]
    other = half.model_copy(update={"machine": {**first.machine, "dram": {"burst_bits": 64}}})
    differ = overview.differences([("a", first), ("b", other)])
    assert differ is not None
    assert list(differ.rows) == [("dram.burst_bits", "-", "64")]
    assert overview.differences([("a", first), ("b", half)]) is None
    keys = [chart.key for chart in charts_of(Material(results=[("a", first), ("b", half)]))]
    assert keys[:3] == ["compared-energy", "compared-cycles", "tradeoffs"]


def test_points_on_a_front_are_named() -> None:
    made = [
        Candidate(f"p{x}", "sweep", {"energy (J)": x, "time (s)": y}, {"banks": x}) for x, y in ((1, 3), (2, 2), (3, 4))
    ]
    chart = front_chart("k", made)
    assert chart is not None
    assert list(chart.views) == ["energy over time"]
    assert [row[-1] for row in chart.table.rows] == ["yes", "yes", ""]
    assert chart.table.columns[4] == "banks"
    assert front_chart("k", made[:1]) is None


def test_errors_of_the_machine_are_shown() -> None:
    failed = {**ROW, "quantity": "energy", "error": 0.5, "passed": False}
    text = "".join(Page(page(Material(results=[("a", run_result())], validation=[ROW, failed]))).text)
    assert "1 of 2 figures of others are met within their tolerance, the largest error is 50.0 %." in text


def test_a_page_has_a_bound() -> None:
    """Five results of 300 operators and 256 PEs with long names."""
    result = whole_result()
    layer = result.layers[0]
    rows = ["10" * 200] * 48
    many = [
        layer.model_copy(
            update={
                "name": f"encoder.blocks.{index}.attention.projection",
                "raster": SpikeRaster(sample=0, neurons=list(range(48)), rows=rows),
                "sum_busy_cycles_by_pe": [1] * 256,
                "sum_input_spikes_by_timestep": [1] * 400,
                "sum_output_spikes_by_timestep": [1] * 400,
            }
        )
        for index in range(300)
    ]
    result = result.model_copy(update={"layers": many, "timesteps": 400})
    text = page(Material(results=[(f"r{index}", result) for index in range(5)]))
    assert len(text.encode()) <= MOST_BYTES
    assert "operators with most energy of 300" in text


def test_points_of_a_sweep_by_hand() -> None:
    columns = ["trace", "dataflow.lanes"]
    row = {"trace": "digits", "energy_per_inference_pj": 2e6, "seconds_per_inference": 1e-3, "area_mm2": 4.0}
    rows = [
        {**row, "dataflow.lanes": 1, "accuracy": 0.9},
        {**row, "dataflow.lanes": 2, "accuracy": 0.9, "area_mm2": 8.0},
        {**row, "dataflow.lanes": 4, "accuracy": 0.9, "too_slow": "weights"},
        {**row, "dataflow.lanes": 8, "problem": "does not fit"},
        {**row, "dataflow.lanes": 16, "area_mm2": "large"},
    ]
    found, missing = candidates_of_rows("mine", columns, rows)
    assert missing == 3
    assert [(each.name, each.group) for each in found] == [("lanes 1", "mine"), ("lanes 2", "mine")]
    assert found[0].settings == {"trace": "digits", "dataflow.lanes": 1}
    assert found[1].figures == pytest.approx(
        {"energy per inference (J)": 2e-6, "time per inference (s)": 1e-3, "area (mm²)": 8.0,
         "error of the network (share of samples)": 0.1}
    )  # fmt: skip
    text = page(Material(candidates=found, failed=missing))
    assert "3 more points have no result, or cannot run at their clock." in text
    assert "2 points compared" in text
    assert candidates_of_rows("none", columns, rows[3:]) == ([], 2)


def test_what_is_not_modelled_is_no_zero() -> None:
    """A machine without prices is not the one with the least energy."""
    priced = run_result()
    free = [
        layer.model_copy(update={"counters": [], "sum_energy_pj": 0.0, "sum_leakage_pj": 0.0})
        for layer in priced.layers
    ]
    nothing = {"energy_per_inference_pj": 0.0, "sum_energy_pj": 0.0, "edp_per_inference_js": 0.0, "area_mm2": 0.0}
    unpriced = priced.model_copy(update={**nothing, "layers": free, "seconds_per_inference": 1e-3})
    assert "energy" not in charts(unpriced)
    assert dict(overview.totals(unpriced))["energy"] == "not priced"
    faster = priced.model_copy(update={"seconds_per_inference": 1e-4, "energy_per_inference_pj": 1e5})
    made = charts_of(Material(results=[("a", priced), ("b", unpriced), ("c", faster)]))
    front = next(chart for chart in made if chart.key == "tradeoffs")
    table = {str(row[0]): row for row in front.table.rows}
    column = front.table.columns.index("on the front of energy and time")
    assert [table[name][column] for name in "abc"] == ["yes", "", "yes"]
    assert front.notes == (
        "1 of them is not in every chart. Without a figure for energy, area: b. Their machines do not model it.",
    )


def test_a_page_of_a_sweep_says_what_its_points_rest_on() -> None:
    rows = [
        {"trace": "net", "machine": "m", "dataflow.pes": pes, "machine_sha256": f"sha{pes}", "trace_sha256": "abc",
         "energy_per_inference_pj": 1e4 * pes, "seconds_per_inference": 1 / pes, "area_mm2": 1.0, "problem": None}
        for pes in (8, 16)
    ]  # fmt: skip
    columns = ["trace", "machine", "dataflow.pes"]
    sweep = SweepResult(spikecycle="1.2.3", folder=None, columns=columns, points=rows)
    found, _ = candidates_of_rows("sw", columns, rows)
    told = {str(row[0]): row[1] for row in points_ground(sweep.spikecycle, columns, rows).rows}
    assert (told["spikecycle"], told["trace"], told["SHA-256 of the trace"]) == ("1.2.3", "net", "abc")
    assert (told["fingerprint of the machine"], told["varied: dataflow.pes"]) == ("sha8, sha16", "8, 16")
    assert told["overlap"] == "not in this document"
    text = page(Material(candidates=found, sweeps=[("sw", sweep)]))
    assert "2 points compared: net on m" in text
    assert "Provenance of the points of sw" in text
    assert "sha8, sha16" in text


def test_results_without_an_accuracy_are_said_to_lack_it() -> None:
    """Two results of simulate, which hold no accuracy, beside two points of a sweep, which have one."""
    other = run_result().model_copy(update={"seconds_per_inference": 1e-4})
    rows = [
        {"trace": "t", "machine": name, "accuracy": accuracy, "energy_per_inference_pj": 1e4 * accuracy,
         "seconds_per_inference": 1e-3, "area_mm2": 1.0, "problem": None}
        for name, accuracy in (("m", 0.9), ("n", 0.8))
    ]  # fmt: skip
    found, _ = candidates_of_rows("sw", ["trace", "machine"], rows)
    made = charts_of(Material(results=[("r2", run_result()), ("r8", other)], candidates=found))
    (note,) = next(chart for chart in made if chart.key == "tradeoffs").notes
    assert note.startswith("2 of them are not in every chart. Without a figure for error of the network: r2, r8. ")
    assert "Results of simulate hold no accuracy" in note
    assert "model" not in note


def test_cycles_of_a_network_are_those_of_its_critical_path() -> None:
    """Operators that overlap: 100 cycles together, of which 90 compute."""
    result = run_result().model_copy(
        update={"sum_cycles": 100, "cycles_per_inference": 50.0, "sum_cycle_breakdown": {"compute": 90, "barrier": 10}}
    )
    made = {chart.key: chart for chart in charts_of(Material(results=[("a", result), ("b", result)]))}
    assert list(made["compared-cycles"].table.rows[:2]) == [("a", "compute", 45.0), ("a", "barrier", 5.0)]
    assert made["r1-cycles"].notes == ("Operators overlap: they take 102.1 k cycles apart, 50 together.",)


def test_cores_side_by_side_are_compared_too() -> None:
    """Three cores of 4000 cycles: busy in half of them, a quarter, and never."""
    result = run_result()
    layers = [
        layer.model_copy(update={"sum_busy_cycles": {"mesh": 7, "core 0": 2000, "core 1": 1000, "core 2": 0}})
        if layer.name == "conv2"
        else layer
        for layer in result.layers
    ]
    chart = charts(result.model_copy(update={"layers": layers}))["pes"]
    assert chart.short == "Cores"
    assert [tuple(row) for row in chart.table.rows] == [
        ("conv2", 0, 1000.0, 50.0), ("conv2", 1, 500.0, 25.0), ("conv2", 2, 0.0, 0.0),
    ]  # fmt: skip
    assert "2.00 in conv2" in chart.reading
