"""Compares pictures (SVG) and texts by what they show, so that the last digit of floating point decides no test.

Two processors may differ in the last bit of a logarithm, an exponential, a sum or a matrix product. Written with six
decimals, a coordinate of a picture then differs in its last digit, and rounded, a figure in a table may do so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import zip_longest
from xml.etree import ElementTree

COORDINATE_TOLERANCE = 1e-3
"""Units of a picture (points, of which 72 are an inch) that nobody sees; matplotlib writes 1e-6."""
RELATIVE_TOLERANCE = Decimal("0.02")
"""What one unit of the last decimal may be of its number: 12.3 may be 12.4 by rounding, 0.8 is not 0.9."""

# Not within a word: colours and names are equal or not.
_NUMBER = re.compile(r"(?<![#\w.])([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)")
_DECIMAL = re.compile(r"(\d+\.\d+)")
# Matplotlib names clip paths and markers by a hash of their coordinates.
_HASHED_NAME = re.compile(r"\b(?:[a-z]|C[0-9a-f]+_[0-9a-f]+_)[0-9a-f]{10}\b")


def picture_difference(expected: str | bytes, found: str | bytes) -> str:
    """The first thing that one SVG shows and the other does not, or nothing where they show the same.

    Elements, texts (also those that matplotlib writes as comments beside the glyphs), colours and styles must be
    equal, coordinates within COORDINATE_TOLERANCE; metadata are not looked at.
    """
    for one, other in zip_longest(_parts(expected), _parts(found)):
        if one is None or other is None:
            return f"only in what is {'expected' if one else 'found'}: {_words(one or other or ('', '', ''))}"
        kind, name, text = one
        if (kind, name) != other[:2] or not _AGREE[kind](text, other[2]):
            return f"expected {_words(one)}, found {_words(other)}"
    return ""


def text_difference(expected: str, found: str) -> str:
    """The first line in which two texts differ, or nothing where they say the same.

    Numbers with decimals may differ by one unit of the last decimal where that is a small part of the number
    (RELATIVE_TOLERANCE); everything else, whole numbers included, must be equal.
    """
    for one, other in zip_longest(expected.splitlines(), found.splitlines()):
        if one is None or other is None or not _same_text(one, other):
            return f"expected {one!r}, found {other!r}"
    return ""


Part = tuple[str, str, str]
"""Kind (a key of _AGREE), name and content of a part of a picture."""


def _parts(picture: str | bytes) -> Iterator[Part]:
    """Everything a picture is made of, in its order, hashed names numbered as they come."""
    builder = ElementTree.TreeBuilder(insert_comments=True)
    root = ElementTree.fromstring(picture, ElementTree.XMLParser(target=builder))
    numbers: dict[str, int] = {}

    def numbered(text: str) -> str:
        return _HASHED_NAME.sub(lambda match: f"#{numbers.setdefault(match[0], len(numbers))}", text)

    yield from _of_element(root, numbered)


def _of_element(element: ElementTree.Element, numbered: Callable[[str], str]) -> Iterator[Part]:
    if not isinstance(element.tag, str):
        yield "text", "comment", element.text or ""
        return
    tag = element.tag.rpartition("}")[2]
    if tag == "metadata":
        return
    yield "element", tag, ""
    for key, value in element.attrib.items():
        yield "attribute", f"{tag} {key.rpartition('}')[2]}", numbered(value)
    if (element.text or "").strip():
        yield ("attribute" if tag == "style" else "text"), tag, numbered(element.text or "")
    for child in element:
        yield from _of_element(child, numbered)
        if (child.tail or "").strip():
            yield "text", tag, child.tail or ""
    yield "element", f"end of {tag}", ""


def _same_text(one: str, other: str) -> bool:
    return _agree(_DECIMAL.split(one), _DECIMAL.split(other), _rounded_alike)


def _same_attribute(one: str, other: str) -> bool:
    return _agree(_NUMBER.split(one), _NUMBER.split(other), _close)


def _agree(ones: list[str], others: list[str], numbers_agree: Callable[[str, str], bool]) -> bool:
    """Whether words are equal and the numbers between them, which `re.split` puts at odd places, agree."""
    return len(ones) == len(others) and all(
        one == other or (place % 2 == 1 and numbers_agree(one, other))
        for place, (one, other) in enumerate(zip(ones, others, strict=True))
    )


def _close(one: str, other: str) -> bool:
    return abs(float(one) - float(other)) <= COORDINATE_TOLERANCE


def _rounded_alike(one: str, other: str) -> bool:
    first, second = Decimal(one), Decimal(other)
    unit = max(Decimal(1).scaleb(int(number.as_tuple().exponent)) for number in (first, second))
    return abs(first - second) <= unit <= RELATIVE_TOLERANCE * max(first, second)


_AGREE: dict[str, Callable[[str, str], bool]] = {
    "element": lambda one, other: one == other,
    "attribute": _same_attribute,
    "text": _same_text,
}


def _words(part: Part) -> str:
    return " ".join(part[1:]).strip()[:200]
