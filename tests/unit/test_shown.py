"""The comparison of pictures and texts: it passes over last digits and over nothing that a reader sees."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.shown import picture_difference, text_difference

PICTURES = sorted((Path(__file__).parents[2] / "benchmarks" / "pictures").glob("*.svg"))
SERIES = re.compile(r"line2d_|PathCollection_")
SMALL = """\
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="60pt" height="40pt">
 <metadata>drawn today</metadata>
 <defs><path id="m0123456789" d="M 0 0 L 0 3.5" style="stroke: #0e2b00"/></defs>
 <g id="line2d_1"><path d="M 1 2 L 49.000407 8.5" clip-path="url(#pabcdef0123)" style="stroke: #0072b2"/></g>
 <g id="line2d_2"><use xlink:href="#m0123456789" x="10.5" y="-3"/></g>
 <g id="text_1"><!-- ternary, 12.34 % --><use xlink:href="#DejaVuSans-41"/></g>
 <text x="4">80 % pruned</text>
</svg>
"""


def test_every_shipped_picture_is_like_itself() -> None:
    assert len(PICTURES) >= 5
    for path in PICTURES:
        assert picture_difference(path.read_bytes(), path.read_text()) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("49.000407", "49.000408"),
        ("49.000407", "49.0005"),
        ("10.5", "10.500001"),
        ("12.34 %", "12.35 %"),
        ("drawn today", "drawn by another version"),
        ("m0123456789", "mfedcba9876"),
        ("pabcdef0123", "p0000000000"),
    ],
)
def test_last_digits_and_hashed_names_are_not_seen(old: str, new: str) -> None:
    assert old in SMALL
    assert picture_difference(SMALL, SMALL.replace(old, new)) == ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("49.000407", "49.100407"),
        ('x="10.5"', 'x="10.6"'),
        ('y="-3"', 'y="3"'),
        ("L 49.000407 8.5", "L 49.000407 8.5 L 50 9"),
        ("ternary,", "4-bit,"),
        ("12.34 %", "12.44 %"),
        ("80 % pruned", "90 % pruned"),
        ("80 % pruned", "80 % quantized"),
        ("#0072b2", "#0072b3"),
        ("#0e2b00", "#0e2c00"),
        ("DejaVuSans-41", "DejaVuSans-42"),
        ('href="#m0123456789"', 'href="#m1111111111"'),
        ('<g id="line2d_2"><use xlink:href="#m0123456789" x="10.5" y="-3"/></g>', ""),
        (' <text x="4">80 % pruned</text>\n', ""),
        ("</svg>", '<text x="4">more</text></svg>'),
        ('<g id="line2d_1"', '<g opacity="0" id="line2d_1"'),
    ],
)
def test_what_can_be_seen_is_seen_in_both_directions(old: str, new: str) -> None:
    assert old in SMALL
    changed = SMALL.replace(old, new)
    assert picture_difference(SMALL, changed)
    assert picture_difference(changed, SMALL)


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_in_a_shipped_picture_a_point_may_move_by_a_millionth_and_not_by_a_tenth(path: Path) -> None:
    text = path.read_text()
    place = re.search(r'(?<=<use xlink:href="#m)(\w{10}" x=")([\d.]+)', text) or re.search(
        r'(<rect[^>]* x=")([\d.]+)', text
    )
    assert place is not None

    def moved(by: float) -> str:
        return text[: place.start(2)] + f"{float(place[2]) + by:.6f}" + text[place.end(2) :]

    assert picture_difference(text, moved(1e-6)) == ""
    assert picture_difference(text, moved(0.1))


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_in_a_shipped_picture_no_label_changes_and_no_series_goes(path: Path) -> None:
    text = path.read_text()
    label = re.search(r"(?:<!-- |<text [^>]*>)[^<>]*?([a-z]{4,})", text)
    assert label is not None
    assert picture_difference(text, text[: label.start(1)] + "quantum" + text[label.end(1) :])
    root = ElementTree.fromstring(text)
    series = [(parent, child) for parent in root.iter() for child in parent if SERIES.match(child.get("id", ""))]
    for parent, child in series[:: max(1, len(series) // 5)]:
        place = list(parent).index(child)
        whole = ElementTree.tostring(root)
        parent.remove(child)
        assert picture_difference(whole, ElementTree.tostring(root))
        parent.insert(place, child)
    assert series or path.stem == "simulate", "a picture of text"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("55.1 µJ in rle", "55.1 µJ in rle"),
        ("12.3 against 4", "12.4 against 4"),
        ("9.99", "10.0"),
        ("97.50 %", "97.49 %"),
    ],
)
def test_a_figure_may_be_rounded_the_other_way(one: str, other: str) -> None:
    assert text_difference(f"before\n{one}\nafter", f"before\n{other}\nafter") == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12.3 µJ", "12.5 µJ"), ("pruned-0.8", "pruned-0.9"), ("8-bit", "4-bit"), ("55 %", "56 %"), ("-1.25", "+1.25"),
        ("rle", "uop"), ("one line", "one line\nand another"), ("12.3", "12.3 12.3"),
    ],
)  # fmt: skip
def test_other_figures_and_other_words_are_told(one: str, other: str) -> None:
    assert text_difference(one, other)
    assert text_difference(other, one)
