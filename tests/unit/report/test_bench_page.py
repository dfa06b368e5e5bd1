"""What a page draws of benches: values of the document, by hand; what could not be measured; names of others."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence

import pytest

from spikecycle.simulator.bench.growth import fitted
from spikecycle.simulator.bench.result import ONE_THREAD, BenchResult
from spikecycle.simulator.report.page.bench_charts import bench_charts
from spikecycle.simulator.report.page.bench_dots import MOST_ROWS
from spikecycle.simulator.report.page.bench_times import times_picture
from spikecycle.simulator.report.page.benches import bench_grounds, bench_tables, bench_tiles
from spikecycle.simulator.report.page.chart import Chart
from spikecycle.simulator.report.page.contents import Material
from spikecycle.simulator.report.page.html import MOST_BYTES, page
from tests.unit.report.example import run_result
from tests.unit.report.example_bench import ALONE, BENCH, CASE, FASTER, GROWTH, REFUSED, TORCH
from tests.unit.report.test_charts import SVG, boxes, marks, texts
from tests.unit.report.test_page import HOSTILE, Page

ONE = [("here", BENCH)]
TWO = [("before", BENCH), ("after", FASTER)]


def charts(benches: Sequence[tuple[str, BenchResult]]) -> dict[str, Chart]:
    return {chart.key.removeprefix("b-"): chart for chart in bench_charts("b", benches)}


def drawn(chart: Chart, view: int = 0, width: int = 1080) -> str:
    return list(chart.views.values())[view](width, "k")


def changed(**changes: object) -> BenchResult:
    return BENCH.model_copy(update=changes)


def said_of(page_text: str) -> str:
    return "".join(Page(page_text).text)


def test_times_are_those_of_a_sample_beside_other_programs() -> None:
    chart = charts(ONE)["times"]
    rows = {(row[4], row[6], row[8]): row[9:] for row in chart.table.rows}
    # 2 s for 4 samples; PyTorch takes 3 times the 0.5 s that one of them takes
    assert rows["spike_array", 1, "spikecycle"] == (0.5, None, "")
    assert rows["spike_array", 1, "PyTorch, 1 thread"] == (1.5, 3.0, "")
    assert rows["spike_array", 2, "spikecycle"] == (0.3125, None, "")
    assert rows["prosperity", 1, "spikecycle"] == (0.1, None, "")
    assert rows["mint", 1, "spikecycle"] == (None, None, "mint takes weights of 2 bits")
    assert rows[None, None, "SANA-FE"] == (2.0, 8.0, "")
    assert rows[None, None, "spikecycle"] == (0.25, None, "")


def test_dots_lie_on_a_logarithmic_axis_and_the_ratio_is_written() -> None:
    drawing = drawn(charts(ONE)["times"])
    found = marks(drawing)
    where = {tip.partition(": ")[0]: mark for tip, mark in found.items()}
    network = "lenet, 10 % spikes, 80 % zeros"
    first, on_two = (float(where[f"{network}, spike_array, bitmask{more}"]["cx"]) for more in ("", ", 2 threads"))
    ours, sanafe = (float(where[f"small network on Loihi, {name}"]["cx"]) for name in ("spikecycle", "SANA-FE"))
    # from 0.25 s to 2 s, a factor of 8, is three times as far as from 0.25 s to 0.5 s
    assert sanafe - ours == pytest.approx(3 * (first - ours), abs=0.1)
    assert ours < on_two < first
    assert f"{network}, PyTorch, 1 thread: 1.50 s per sample, spike_array, bitmask is 3.00 x as fast" in found
    words = texts(drawing)
    assert {"500 ms", "1.50 s, ours 3.00 x as fast", "2.00 s, ours 8.00 x as fast", "not measured"} <= set(words)
    assert words.index("spike_array, bitmask") < words.index("PyTorch, 1 thread") < words.index("prosperity")
    hollow = next(mark for tip, mark in found.items() if "PyTorch" in tip)
    assert hollow["fill"] == "var(--surface)"


def test_throughput_and_memory_are_those_of_the_document() -> None:
    made = charts(ONE)
    assert made["throughput"].table.rows[0][2:] == ("spike_array, bitmask", 3e6, 5e9, 7e6)
    assert len(made["throughput"].table.rows) == 3  # the refused one has none
    assert made["resources"].table.rows[0][3:] == (8.0, 100.0)
    tips = marks(drawn(made["throughput"], 1))
    assert "lenet, 10 % spikes, 80 % zeros, prosperity: dense SOPs per s 5.00 G" in tips
    assert "100 MiB" in texts(drawn(made["resources"], 1))


def test_threads_take_the_ratio_of_runs_in_turns() -> None:
    (row,) = charts(ONE)["threads"].table.rows
    assert row[2:] == ("spike_array, bitmask, 2 threads", 4, 2, 1.6)
    tips = list(marks(drawn(charts(ONE)["threads"])))
    assert tips[0].endswith("1.60 x one thread, 80.0 % of the best")
    assert tips[1].endswith("2 threads, at best")


def test_without_runs_in_turns_threads_are_compared_with_the_case_on_one() -> None:
    (row,) = charts([("a", changed(peers=[]))])["threads"].table.rows
    assert row[-1] == 1.6  # 2 s over 1.25 s
    alone = changed(cases=[BENCH.cases[1]], peers=[])
    assert "threads" not in charts([("a", alone)])


def test_lines_of_growth_pass_where_the_fit_says() -> None:
    # log2: sizes 0, 1, 2 and seconds 0, 1, 3; means 1 and 4/3, slope 1.5: at size 1 the line is at 2^(4/3 - 1.5)
    assert fitted(GROWTH.values, GROWTH.seconds, GROWTH.exponent, 1) == pytest.approx(2 ** (-1 / 6))
    rows = charts(ONE)["growth"].table.rows
    assert [row[1:4] for row in rows] == [("channels", 1, 1.0), ("channels", 2, 2.0), ("channels", 4, 8.0)]
    assert [row[4] for row in rows] == pytest.approx([2 ** (-1 / 6), 2 ** (4 / 3), 2 ** (17 / 6)])
    drawing = drawn(charts(ONE)["growth"])
    assert "exponent 1.50" in texts(drawing)
    points = {tip: (float(mark["cx"]), float(mark["cy"])) for tip, mark in marks(drawing).items()}
    tips = ("1 channels: 1.00 s", "2 channels: 2.00 s", "4 channels: 8.00 s")
    (x1, y1), (x2, y2), (x4, y4) = (points[tip] for tip in tips)
    assert x2 - x1 == pytest.approx(x4 - x2, abs=0.1)
    assert (y2 - y4) == pytest.approx(2 * (y1 - y2), abs=0.1)  # a factor of 4, and one of 2
    line = next(e.attrib for e in ET.fromstring(drawing).iter(f"{SVG}line") if e.get("stroke-width") == "2")
    # 1/6 of a factor of 2 below the first point, and as much below the last
    sixth = (y1 - y2) / 6
    assert (float(line["x1"]), float(line["y1"])) == pytest.approx((x1, y1 + sixth), abs=0.1)
    assert (float(line["x2"]), float(line["y2"])) == pytest.approx((x4, y4 + sixth), abs=0.1)
    # the dashed line has slope 1: four times the size, twice the height of a factor of 2
    guide = next(e.attrib for e in ET.fromstring(drawing).iter(f"{SVG}line") if e.get("stroke-dasharray") == "5 4")
    assert float(guide["y1"]) - float(guide["y2"]) == pytest.approx(2 * (y1 - y2), abs=0.1)
    assert (float(guide["x1"]), float(guide["x2"])) == pytest.approx((x1, x4), abs=0.1)


def test_computers_lie_side_by_side() -> None:
    chart = charts(TWO)["times"]
    words = texts(drawn(chart))
    assert {"4.00 x", "1.00 x", "-"} <= set(words)  # the case on two threads is in one of them only
    tips = marks(drawn(chart))
    mark = next(each for tip, each in tips.items() if tip.endswith("bitmask (after): 125 ms per sample"))
    assert mark["fill"] == "var(--c1)"
    assert "how many times as fast it is on 'after' as on 'before'" in chart.reading
    # the geometric mean of 4 and 1
    assert bench_tiles(TWO) == [("times as fast as before: after, geometric mean of 2 cases", "2.00 x")]
    title, table = bench_tables(TWO)[0]
    assert title == "Speed of the simulation"
    column = list(table.columns).index("times as fast as before")
    assert [row[column] for row in table.rows if row[4] == "spike_array, bitmask"] == [1.0, 4.0]
    grounds = {row[0]: row[1:] for row in bench_grounds(TWO).rows}
    assert grounds["processor"] == ("Processor A", "Processor B")
    assert grounds["processes at work when it began"] == ("not in this document", "not in this document")
    assert grounds["measured"] == ("2026-11-29 06:25 UTC", "not in this document")
    assert grounds["other programs"] == ("PyTorch 2.0, SANA-FE 2.2", "none")
    nothing = [("a", BENCH), ("b", FASTER.model_copy(update={"cases": [CASE.model_copy(update={"samples": 1})]}))]
    assert bench_tiles(nothing)[0][1] == "no case in both"


def test_what_is_faster_only_within_the_spread_is_marked() -> None:
    before, after = (
        changed(cases=[CASE.model_copy(update={"seconds": seconds, "run_s": run_s})], peers=[])
        for seconds, run_s in ((4.0, [3.0, 4.0, 5.0]), (2.0, [0.5, 2.0, 3.5]))
    )
    chart = charts([("before", before), ("after", after)])["times"]
    assert "2.00 x (unclear)" in texts(drawn(chart))  # from 3 / 3.5
    assert "(unclear) where both are as fast within the spread of their runs" in chart.reading
    _, table = bench_tables([("after", after)])[0]
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert (row["± (%)"], row["compiling (s)"]) == (75, None)


def test_a_bench_at_a_glance() -> None:
    tiles = dict(bench_tiles(ONE))
    assert tiles["synaptic events per s, at most"] == "3.00 M"
    assert tiles["times as fast as PyTorch, 1 thread"] == "3.00 x"
    assert tiles["times as fast as one thread, on 2"] == "1.60 x"
    assert tiles["memory, at most"] == "100 MiB"
    second = TORCH.model_copy(update={"case": 2, "ratio": 0.25})
    assert dict(bench_tiles([("a", changed(peers=[TORCH, second]))]))["times as fast as PyTorch, 1 thread"] == (
        "0.250 to 3.00 x"
    )


def test_a_page_says_what_it_rests_on_and_what_could_not_be_measured() -> None:
    text = said_of(page(Material(benches=ONE)))
    assert "Speed of the simulator on 2 cores of Processor A" in text
    assert "Medians of 3 runs after the first" in text
    assert "of peers, runs take turns with ours" in text
    assert "lenet: LeNet-5" in text
    assert "Measured 2026-11-29 06:25 UTC." in text
    assert "Not measured: lenet, 10 % spikes, 80 % zeros, mint: mint takes weights of 2 bits" in text
    assert "energy-delay product" not in text  # a word of results
    both = said_of(page(Material(benches=TWO)))
    assert "Not measured in after: SANA-FE: sanafe is not installed: pip install it" in both
    assert "2 benches side by side" in both


@pytest.mark.parametrize(
    ("bench", "keys"),
    [
        (changed(cases=[CASE], peers=[], growth=[]), "times throughput resources"),
        (changed(growth=[]), "times throughput threads resources"),
        (changed(cases=[REFUSED], peers=[], growth=[]), ""),
        (changed(cases=[REFUSED], peers=[BENCH.peers[2]], growth=[GROWTH]), "times growth"),
    ],
)
def test_what_was_not_measured_has_no_chart(bench: BenchResult, keys: str) -> None:
    assert list(charts([("a", bench)])) == keys.split()
    assert "not measured" in page(Material(benches=[("a", bench)])).lower() or not bench.cases[0].problem
    ET.fromstring(times_picture([("a", bench)]).partition("\n")[2])


def test_documents_of_before_do_not_say_which_case_a_peer_belongs_to() -> None:
    chart = charts([("a", changed(peers=[TORCH.model_copy(update={"case": None})]))])["times"]
    words = texts(drawn(chart))
    work = words.index("lenet, dense layers")
    assert words[work + 1 : work + 5] == ["spikecycle", "500 ms", "PyTorch, 1 thread", "1.50 s, ours 3.00 x as fast"]


def test_times_over_densities_by_hand() -> None:
    cases = [
        CASE.model_copy(update={"density": density, "seconds": 4 * seconds})
        for density, seconds in ((0.4, 4.0), (0.01, 1.0), (0.1, 2.0))
    ]
    chart = charts([("a", changed(cases=cases, peers=[]))])["density"]
    assert list(chart.views) == ["over spikes"]
    assert [row[2:] for row in chart.table.rows] == [
        ("inputs that spike (%)", 1, 1.0), ("inputs that spike (%)", 10, 2.0), ("inputs that spike (%)", 40, 4.0)
    ]  # fmt: skip
    places = [(float(mark["cx"]), float(mark["cy"])) for mark in marks(drawn(chart)).values() if "cx" in mark]
    assert places[2][0] - places[1][0] == pytest.approx(0.602 * (places[1][0] - places[0][0]), abs=1)  # log10 of 4
    assert places[0][1] - places[1][1] == pytest.approx(places[1][1] - places[2][1], abs=0.1)
    assert "spike_array, bitmask" in texts(drawn(chart))
    zeros = [CASE.model_copy(update={"zero_weights": share}) for share in (0.0, 0.5, 0.98, 1.0)]
    over = charts([("a", changed(cases=zeros, peers=[]))])
    assert [row[3] for row in over["density"].table.rows] == [2, 50, 100]  # none at all has no logarithm
    assert "density" not in charts([("a", changed(cases=cases[:2], peers=[]))])


def test_names_of_others_are_no_markup() -> None:
    names = {"network": HOSTILE, "machine": HOSTILE, "density": None}
    bench = changed(
        processor=HOSTILE, date=HOSTILE, python=HOSTILE,
        cases=[each.model_copy(update=names) for each in BENCH.cases],
        peers=[each.model_copy(update={"peer": HOSTILE, "work": HOSTILE, "version": HOSTILE}) for each in BENCH.peers],
        growth=[GROWTH.model_copy(update={"size": HOSTILE})],
    )  # fmt: skip
    refused = changed(cases=[REFUSED.model_copy(update={"problem": HOSTILE})], peers=[], growth=[])
    found = Page(page(Material(benches=[(HOSTILE, bench), ("b", refused)]))).found
    assert [tag for tag, _ in found].count("script") == 1
    assert "img" not in {tag for tag, _ in found}
    assert "<script" not in times_picture([(HOSTILE, bench)])


def test_the_page_loads_nothing_and_every_key_is_used_once() -> None:
    text = page(Material(results=[("a", run_result())], benches=TWO))
    found = Page(text).found
    assert all("src" not in attributes for _, attributes in found)
    assert set(re.findall(r"https?://[^\s\"'<)]+", text)) <= {"http://www.w3.org/2000/svg"}
    keys = [str(attributes["id"]) for _, attributes in found if "id" in attributes]
    assert len(keys) == len(set(keys))
    targets = {str(a["href"])[1:] for tag, a in found if tag == "a" and str(a["href"]).startswith("#")}
    assert targets <= set(keys)
    alone = Page(page(Material(benches=ONE))).found
    links = {str(a["href"]) for tag, a in alone if tag == "a" and "href" in a}
    assert {"#bench-times", "#bench-growth", "#bench-threads"} <= links


@pytest.mark.parametrize("width", [1080, 330])
@pytest.mark.parametrize("benches", [ONE, TWO, [*TWO, *((f"no. {n}", BENCH) for n in range(6))]])
def test_no_text_is_cut_or_lies_over_another(benches: Sequence[tuple[str, BenchResult]], width: int) -> None:
    for chart in charts(benches).values():
        for view in range(len(chart.views)):
            drawing = drawn(chart, view, width)
            assert "…" not in drawing
            found = [box for box in boxes(drawing) if box[2] > box[0]]
            assert all(left >= -1 and right <= width + 1 for left, _, right, _ in found)
            for index, (left, top, right, bottom) in enumerate(found):
                for x0, y0, x1, y1 in found[index + 1 :]:
                    assert left >= x1 or x0 >= right or top >= y1 or y0 >= bottom, (chart.key, width)


def test_a_page_of_many_cases_has_a_bound() -> None:
    cases = [CASE.model_copy(update={"machine": f"machine_{n}"}) for n in range(2000)]
    bench = changed(cases=cases, peers=[])
    text = page(Material(benches=[("a", bench)]))
    assert len(text.encode()) <= MOST_BYTES
    chart = charts([("a", bench)])["times"]
    assert len(chart.table.rows) == 2000
    assert chart.notes == (f"Drawn are the first {MOST_ROWS} of 2,000 rows; the table has all.",)
    assert len(marks(drawn(chart))) == MOST_ROWS


def test_a_case_that_is_measured_twice_has_two_rows() -> None:
    twice = changed(cases=[CASE, CASE.model_copy(update={"seconds": 4.0})], peers=[], growth=[])
    said = texts(drawn(charts([("a", twice)])["times"]))
    assert said.count("spike_array, bitmask") == 2
    assert {"500 ms", "1.00 s"} <= set(said)


def test_numbers_of_samples_are_named_where_they_differ() -> None:
    cases = [CASE, CASE.model_copy(update={"samples": 1})]
    said = texts(drawn(charts([("a", changed(cases=cases, peers=[], growth=[]))])["times"]))
    assert {"spike_array, bitmask, 4 samples", "spike_array, bitmask, 1 sample"} <= set(said)


def test_one_thread_does_all_samples_and_is_shown_per_sample() -> None:
    rows = charts([("a", changed(peers=[ALONE]))])["times"].table.rows
    assert [row[9] for row in rows if row[8] == ONE_THREAD] == [0.5]  # 2 s of four samples


def test_no_event_at_all_has_no_place_on_a_logarithmic_axis() -> None:
    silent = CASE.model_copy(update={"network": "silent", "sops_per_s": 0.0})
    drawing = drawn(charts([("a", changed(cases=[CASE, silent], peers=[]))])["throughput"])
    assert len(marks(drawing)) == 1
    assert {"3.00 M", "0"} <= set(texts(drawing))
