"""Reports as pictures."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from spikecycle.simulator.report.picture import to_svg
from spikecycle.simulator.report.tables import run_report
from tests.unit.report.example import run_result


def test_a_picture_holds_the_report_and_loads_nothing() -> None:
    svg = to_svg("a title & more", run_report(run_result()))
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    text = "".join(root.itertext()).replace("\N{NO-BREAK SPACE}", " ")
    for words in ("a title & more", "conv1", "conv2", "Cycles per inference", "4 pJ/bit"):
        assert words in text
    assert "@font-face" not in svg
    assert "url(http" not in svg


def test_the_same_report_gives_the_same_picture() -> None:
    assert to_svg("title", run_report(run_result())) == to_svg("title", run_report(run_result()))
