"""The page in Chromium, as Debian has it: nothing goes wrong, charts are seen, controls work, files are saved.

Skipped where there is no Chromium (`make browser` installs it).
"""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spikecycle.simulator.report.page.contents import Material
from spikecycle.simulator.report.page.html import page as page_of
from tests.unit.report.example_bench import BENCH, FASTER
from tests.unit.report.test_page import whole_result

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
PNG = b"\x89PNG\r\n\x1a\n"

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium here: make browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two results side by side, one with every chart, and two benches."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    result = whole_result()
    frugal = result.model_copy(update={"energy_per_inference_pj": 9000.0, "seconds_per_inference": 1e-3})
    material = Material(results=[("fast", result), ("frugal", frugal)], benches=[("a", BENCH), ("b", FASTER)])
    path.write_text(page_of(material), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Any]:
    """Opens the page in a window of some size and scheme; fails on anything in the console, and on any request."""
    troubles: list[str] = []
    contexts = []

    def opening(width: int = 1280, scheme: str = "light") -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: troubles.append(request.url) if request.url.startswith("http") else None)
        page.goto(file.as_uri())
        return page

    yield opening
    for context in contexts:
        context.close()
    assert not troubles


@pytest.mark.parametrize("width", [1280, 360])
def test_charts_are_drawn_and_nothing_hangs_over(opened: Any, width: int) -> None:
    page = opened(width)
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("figure.chart")].map((chart) => {
            const seen = [...chart.querySelectorAll("svg")].map((svg) => svg.getBoundingClientRect().width);
            return [chart.id, Math.max(...seen), seen.filter((size) => size > 0).length];
        })"""
    )
    assert len(boxes) == 3 + 2 * 11 + 5
    for key, widest, seen in boxes:
        assert widest > 200, key
        assert seen == 1, key
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelectorAll('.mark title').length") == 0


def test_a_view_is_chosen_with_mouse_or_keys(opened: Any) -> None:
    page = opened()
    chart = page.locator("#r1-energy")
    assert [view.is_visible() for view in chart.locator(".view").all()] == [True, False, False, False]
    chart.get_by_text("components, %").click()
    assert [view.is_visible() for view in chart.locator(".view").all()] == [False, False, False, True]
    page.keyboard.press("ArrowLeft")
    assert [view.is_visible() for view in chart.locator(".view").all()] == [False, False, True, False]


def test_a_mark_says_what_it_is_under_the_mouse_and_by_keys(opened: Any) -> None:
    page = opened()
    tip = page.locator("#tip")
    assert tip.is_hidden()
    page.locator("#tradeoffs .view:not([hidden]) .wide circle.mark").first.hover()
    assert tip.is_visible()
    assert tip.inner_text().startswith("fast: energy 16.0 nJ, time 511 µs")
    plot = page.locator("#r1-cycles .plot")
    plot.focus()
    assert tip.is_hidden()
    marks = page.locator("#r1-cycles .view:not([hidden]) .wide .mark")
    page.keyboard.press("End")
    assert tip.inner_text() == marks.last.get_attribute("data-tip")
    page.keyboard.press("ArrowRight")
    assert tip.inner_text() == marks.first.get_attribute("data-tip")
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_everything_that_can_be_used_is_reached_by_tab(opened: Any) -> None:
    page = opened()
    reached = set()
    at = "(document.activeElement.closest('figure') || document.activeElement)"
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(f"{at}.id || {at}.className"))
    assert {"skip", "theme", "compared-energy", "compared-cycles", "tradeoffs"} <= reached


def test_light_and_dark(opened: Any) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = opened(scheme="light"), opened(scheme="dark")
    assert light.evaluate(ground) == "rgb(246, 247, 249)"
    assert dark.evaluate(ground) == "rgb(18, 22, 28)"
    light.locator("#theme").click()
    assert light.evaluate(ground) == "rgb(18, 22, 28)"
    dark.locator("#theme").click()
    assert dark.evaluate(ground) == "rgb(246, 247, 249)"


def test_a_chart_is_saved_as_csv_svg_and_png(opened: Any, tmp_path: Path) -> None:
    page = opened(scheme="dark")
    chart = page.locator("#r1-energy")
    for kind in ("CSV", "SVG", "PNG"):
        with page.expect_download() as waiting:
            chart.get_by_text(kind, exact=True).click()
        name = waiting.value.suggested_filename
        assert name == f"r1-energy.{kind.lower()}"
        waiting.value.save_as(tmp_path / name)
    assert (tmp_path / "r1-energy.csv").read_text().splitlines()[1] == "conv1,weights,5.0"
    svg = (tmp_path / "r1-energy.svg").read_text()
    assert "var(--" not in svg
    assert "#1a2029" in svg  # the ground of dark charts
    assert "conv1, DRAM: 0.0200 nJ (40.0 %)" in "".join(ET.fromstring(svg).itertext())
    assert (tmp_path / "r1-energy.png").read_bytes().startswith(PNG)


def test_without_scripts_charts_and_tables_are_there(browser: Any, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator("#r1-energy svg").first.is_visible()
    assert page.locator("#theme").is_hidden()
    page.locator("#r1-energy summary").click()
    assert page.locator("#r1-energy table").is_visible()
    context.close()
