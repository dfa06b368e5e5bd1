"""Drawings: scales, bars, heat maps, fronts, by hand; and that text of others stays text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from spikecycle.simulator.report.charts import palette
from spikecycle.simulator.report.charts.axes import Scale, linear_ticks, log_ticks, spanning, tick_text
from spikecycle.simulator.report.charts.blocks import Block, machine_blocks
from spikecycle.simulator.report.charts.heat import heat_map
from spikecycle.simulator.report.charts.raster import Band, raster
from spikecycle.simulator.report.charts.roofline import roofline
from spikecycle.simulator.report.charts.scatter import Point, front, scatter
from spikecycle.simulator.report.charts.stacked import BarPart, stacked_bars
from spikecycle.simulator.report.charts.svg import as_file, plain, wrapped

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>&\x07\u2028"


def marks(drawing: str) -> dict[str, dict[str, str]]:
    """Attributes of everything that can be pointed at, by what is said of it."""
    root = ET.fromstring(drawing)
    return {
        (title.text or ""): parent.attrib for parent in root.iter() for title in parent.findall(f"{SVG}title")
    }  # fmt: skip


def texts(drawing: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(drawing).iter(f"{SVG}text")]


def test_linear_scales_and_ticks() -> None:
    scale = Scale(0, 10, 100, 200)
    assert [scale(value) for value in (0, 5, 10, 12, -3)] == [100, 150, 200, 200, 100]
    assert linear_ticks(0, 10, 5) == [0, 2, 4, 6, 8, 10]
    assert linear_ticks(0, 7, 4) == [0, 2, 4, 6]
    assert linear_ticks(3, 3, 5) == [3]


def test_logarithmic_scales_and_ticks() -> None:
    scale = Scale(1, 100, 0, 200, is_log=True)
    assert [scale(value) for value in (1, 10, 100)] == pytest.approx([0, 100, 200])
    assert scale(0) == 0
    assert log_ticks(0.5, 2000, 6) == pytest.approx([1, 10, 100, 1000])
    assert log_ticks(3, 60, 6) == pytest.approx([5, 10, 20, 50])


def test_a_scale_starts_at_zero_unless_all_values_are_far_from_it() -> None:
    assert spanning([1, 10], 0, 1, is_log=False).low == 0
    assert 90 < spanning([100, 101], 0, 1, is_log=False).low < 100
    assert spanning([], 0, 1, is_log=False).high > 0
    assert spanning([0.0, 0.0], 0, 1, is_log=False).high > 0


@pytest.mark.parametrize(("value", "words"), [(0, "0"), (0.25, "0.25"), (1500, "1.5k"), (2e7, "20M"), (1e-6, "1e-06")])
def test_ticks_are_short(value: float, words: str) -> None:
    assert tick_text(value) == words


def test_bars_are_as_long_as_their_amounts() -> None:
    drawn = stacked_bars(
        1000, "k", "t", ["one", "two"], [BarPart("a", [1, 2]), BarPart("b", [3, 0])], "nJ"
    )  # fmt: skip
    found = marks(drawn)
    a, b, two = (
        found[tip] for tip in ("one, a: 1.00 nJ (25.0 %)", "one, b: 3.00 nJ (75.0 %)", "two, a: 2.00 nJ (100.0 %)")
    )
    assert float(b["width"]) == pytest.approx(3 * float(a["width"]), rel=1e-3)
    assert float(two["width"]) == pytest.approx(2 * float(a["width"]), rel=1e-3)
    assert float(b["x"]) == pytest.approx(float(a["x"]) + float(a["width"]), abs=0.02)
    assert float(two["y"]) > float(a["y"])
    assert not any(tip.startswith("two, b") for tip in found)


def test_bars_of_shares_are_all_of_one_length() -> None:
    parts = [BarPart("a", [1, 4]), BarPart("b", [3, 4])]
    found = marks(stacked_bars(300, "k", "t", ["one", "two"], parts, "nJ", shares=True))
    ends = [
        float(found[tip]["x"]) + float(found[tip]["width"])
        for tip in ("one, b: 3.00 nJ (75.0 %)", "two, b: 4.00 nJ (50.0 %)")
    ]
    assert ends[0] == pytest.approx(ends[1], abs=0.02)


def test_nothing_at_all_can_be_drawn() -> None:
    assert marks(stacked_bars(300, "k", "t", [], [], "nJ")) == {}
    assert ET.fromstring(stacked_bars(300, "k", "t", ["silent"], [BarPart("a", [0])], "nJ")) is not None
    assert ET.fromstring(scatter(300, "k", "t", [], ("x", "y"))) is not None


def test_colours_beyond_the_hues_are_hatched() -> None:
    parts = [BarPart(str(number), [1]) for number in range(palette.HUES + 1)]
    drawn = stacked_bars(900, "key", "t", ["row"], parts, "x")
    assert drawn.count("url(#key-hatch)") == 2  # in the legend and in the bar
    assert "url(#key-hatch)" not in stacked_bars(900, "key", "t", ["row"], parts[:-1], "x")


def test_a_heat_map_is_darker_for_more() -> None:
    drawn = heat_map(600, "k", "t", ["r"], ["a", "b", "c"], [[0, 50, 100]], "%")
    shades = [float(mark["fill-opacity"]) for mark in marks(drawn).values()]
    assert shades == [0, 0.5, 1]
    assert "r, b: 50.0 %" in marks(drawn)


def test_equal_factors_are_equal_steps_of_a_logarithmic_heat_map() -> None:
    drawn = heat_map(600, "k", "t", ["r"], ["a", "b", "c", "d"], [[0, 1, 10, 100]], "x", is_log=True)
    none, *some = (float(mark["fill-opacity"]) for mark in marks(drawn).values())
    assert none == 0 < some[0]
    assert some[1] - some[0] == pytest.approx(some[2] - some[1], abs=0.011)


def test_the_front_has_what_no_other_beats() -> None:
    points = [(3, 3), (1, 9), (2, 5), (2, 4), (9, 1), (3, 3), (4, 4)]
    assert front(points) == [1, 3, 0, 4]
    assert front([]) == []


def test_groups_differ_in_shape_as_well_as_in_colour() -> None:
    points = [Point(1, 2, "p", "one", 0), Point(2, 1, "q", "two", 1), Point(3, 3, "r", "three", 2)]
    root = ET.fromstring(scatter(500, "k", "t", points, ("x, s", "y, J"), ["a", "b", "c"]))
    shapes = {title.text: parent.tag for parent in root.iter() for title in parent.findall(f"{SVG}title")}
    assert (shapes["one"], shapes["two"], shapes["three"]) == (f"{SVG}circle", f"{SVG}rect", f"{SVG}path")


def test_a_point_under_its_roof_is_drawn_below_it() -> None:
    # 4 operations per cycle at most, 2 bits per cycle: the ridge lies at 2 operations per bit
    drawn = roofline(600, "k", "t", [Point(1, 1, "op", "tip")], 4, 2, ("x", "y"), ("flat", "slanting"))
    path = next(
        e.attrib["d"]
        for e in ET.fromstring(drawn).iter(f"{SVG}path")
        if e.get("stroke-width") == "2" and "L" in e.attrib["d"] and e.get("stroke") == "var(--ink)"
    )
    ridge_y = float(re.split("[ L]", path)[3])
    assert float(marks(drawn)["tip"]["cy"]) > ridge_y
    assert "flat" in texts(drawn)


def test_a_raster_has_a_tick_for_each_spike() -> None:
    drawn = raster(300, "k", "t", [Band("op", "2 neurons", ["101", "010"])], 3)
    ticks = [
        e.attrib["d"]
        for e in ET.fromstring(drawn).iter(f"{SVG}path")
        if "stroke" in e.attrib and "M0 6" not in e.attrib["d"]
    ]
    assert sum(path.count("M") for path in ticks) == 3


@pytest.mark.parametrize("width", [1080, 330])
def test_text_of_others_stays_text(width: float) -> None:
    block = Block(HOSTILE, HOSTILE, HOSTILE)
    for drawn in (
        stacked_bars(width, "k", HOSTILE, [HOSTILE], [BarPart(HOSTILE, [1])], HOSTILE),
        heat_map(width, "k", HOSTILE, [HOSTILE], [HOSTILE], [[1]], HOSTILE),
        scatter(
            width,
            "k",
            HOSTILE,
            [Point(1, 1, HOSTILE, HOSTILE), Point(2, 2, "b", "c", 1)],
            (HOSTILE, HOSTILE),
            [HOSTILE, "b"],
        ),
        roofline(width, "k", HOSTILE, [Point(1, 1, HOSTILE, HOSTILE)], 4, 2, (HOSTILE, HOSTILE), (HOSTILE, HOSTILE)),
        raster(width, "k", HOSTILE, [Band(HOSTILE, HOSTILE, ["1"])], 1),
        machine_blocks(width, "k", HOSTILE, block, HOSTILE, [block], 4, [block], [block]),
    ):
        names = {element.tag for element in ET.fromstring(drawn).iter()}
        assert f"{SVG}script" not in names
        assert "<script" not in drawn
    assert plain("a\x00b") == "a?b"


def test_a_file_of_its_own_needs_no_page() -> None:
    drawn = as_file(stacked_bars(400, "k", "t", ["r"], [BarPart("a", [1])], "nJ"))
    assert "var(--" not in drawn
    root = ET.fromstring(drawn.partition("\n")[2])
    assert root.attrib["viewBox"].startswith("-12 -12 424 ")
    assert root.attrib["width"] == "424"


def test_light_and_dark_have_the_same_names_and_text_can_be_read() -> None:
    assert set(palette.LIGHT) == set(palette.DARK)
    for values in (palette.LIGHT, palette.DARK):
        for text in ("ink", "faint", "accent", "warn"):
            for ground in ("page", "surface"):
                assert contrast(values[text], values[ground]) >= 4.5, (text, ground)
        for number in range(palette.HUES):
            assert contrast(values[f"c{number}"], values["surface"]) >= 1.6, number


def contrast(one: str, other: str) -> float:
    """Contrast of two colours by WCAG 2.2, 1 to 21."""
    lights = sorted(_luminance(colour) for colour in (one, other))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def boxes(drawing: str) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every text, as wide as texts are taken to be."""
    found = []
    for text in ET.fromstring(drawing).iter(f"{SVG}text"):
        x, y, px = float(text.get("x", 0)), float(text.get("y", 0)), float(text.get("font-size", 12))
        width = len(text.text or "") * px * 0.6
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[text.get("text-anchor", "start")]
        found.append((left, y - 0.8 * px, left + width, y + 0.2 * px))
    return found


def crossed(box: tuple[float, float, float, float], places: list[tuple[float, float]]) -> bool:
    """Whether a line of upright and level parts crosses a box."""
    left, top, right, bottom = box
    return any(
        min(x0, x1) < right and max(x0, x1) > left and min(y0, y1) < bottom and max(y0, y1) > top
        for (x0, y0), (x1, y1) in pairwise(places)
    )


SHORT = ["a", "bb", "ccc", "dddd", "eeeee", "f"]
LONG = [f"weights bitmask, pes {number}, fifo_depth 4, lanes 2" for number in range(6)]


@pytest.mark.parametrize("width", [330, 1080])
@pytest.mark.parametrize("names", [SHORT, LONG])
def test_no_name_is_cut_or_struck_through(names: list[str], width: int) -> None:
    places = [(1, 9), (2, 5), (3, 4.8), (4, 3), (8, 2), (9, 1)]
    points = [Point(x, y, name, name) for (x, y), name in zip(places, names, strict=True)]
    drawn = scatter(width, "k", "t", points, ("x, s", "y, J"))
    (path,) = re.findall(r'd="M([^"]*)"[^>]*stroke-dasharray="5 3"', drawn)
    line = [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]
    assert len(line) == 2 * len(places) - 1
    assert not [box for box in boxes(drawn) if crossed(box, line)]
    assert "…" not in drawn
    assert all(left >= 0 and right <= width + 1 for left, _, right, _ in boxes(drawn))
    found = boxes(drawn)
    for index, (left, top, right, bottom) in enumerate(found):
        for x0, y0, x1, y1 in found[index + 1 :]:
            assert left >= x1 or x0 >= right or top >= y1 or y0 >= bottom


def test_long_names_stand_in_a_list_by_their_numbers() -> None:
    points = [Point(x, 10 - x, name, name) for x, name in enumerate(LONG, start=1)]
    said = texts(scatter(330, "k", "t", points, ("x", "y")))
    for number, name in enumerate(LONG, start=1):
        assert said.count(str(number)) >= 2  # beside the point, and in the list
        assert name.replace(" ", "") in "".join(said).replace(" ", "")
    many = [Point(x, 100 - x, f"{LONG[0]} {x}", "") for x in range(25)]
    assert "and 5 more, in the table" in texts(scatter(1080, "k", "t", many, ("x", "y")))


@pytest.mark.parametrize("width", [330, 1080])
def test_roofs_and_blocks_are_named_in_full(width: int) -> None:
    roofs = ("flat roof: the adders, 64.0 SOP per cycle", "slanting roof: DRAM channel, 1,024 bits per cycle")
    drawn = roofline(width, "k", "t", [Point(1, 1, "op", "tip")], 64, 1024, ("x", "y"), roofs)
    block = Block("potentials", "48.0 KiB, 24 bit words, 4 banks", "")
    machine = machine_blocks(width, "k", "t", None, "", [block, block], 2, [block], [Block("neuron", "1 mm²", "")] * 4)
    heat = heat_map(width, "k", "t", ["potentials write", "dataflow.fifo_depth"], ["a", "b"], [[1, 2], [3, 4]], "x")
    for each in (drawn, machine, heat):
        assert "…" not in each
        assert all(left >= -1 and right <= width + 1 for left, _, right, _ in boxes(each))
    joined = " ".join(texts(drawn))
    assert all(roof in joined for roof in roofs)


def test_texts_go_on_between_words_or_after_points() -> None:
    # 100 px are 15 characters of 11 px
    assert wrapped("dataflow.fifo_depth", 100, 11) == ["dataflow.fifo_", "depth"]
    assert wrapped("several words that go on", 100, 11) == ["several words", "that go on"]
    assert wrapped("x" * 20, 100, 11) == ["x" * 15, "x" * 5]
    assert wrapped("", 100) == [""]
