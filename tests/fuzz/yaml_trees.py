"""Hostile YAML: a good tree with values changed, moved or taken away, and its text with what YAML knows besides."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import yaml

from tests.fuzz import random_values
from tests.fuzz.random_bytes import damaged

Place = tuple[Any, Any]
"""A container and the key or index in it."""


def hostile_yaml(random: Random, tree: dict[str, Any], text: str) -> bytes:
    """A file made from a good one, of which `tree` is the content and `text` the text."""
    way = random.random()
    if way < 0.65:
        return dumped(random, changed_tree(random, tree)).encode()
    if way < 0.8:
        return changed_text(random, dumped(random, changed_tree(random, tree))).encode("utf-8", "surrogatepass")
    if way < 0.92:
        return changed_text(random, text).encode("utf-8", "surrogatepass")
    return damaged(random, text.encode())


def dumped(random: Random, tree: Any) -> str:
    """The text of a tree, in one of YAML's styles."""
    return yaml.dump(
        tree, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False,
        default_flow_style=random.choice([None, False, False, True]), width=10_000,
    )  # fmt: skip


def changed_tree(random: Random, tree: Any) -> Any:
    """A copy with one change, or a few."""
    changed = copy.deepcopy(tree)
    for _ in range(random.choice([1, 1, 1, 1, 2, 3])):
        places = list(_places(changed))
        if not places:
            break
        # Numbers more often than their share: they pass the first checks.
        numbers = [place for place in places if _is_number(place[0][place[1]])]
        if numbers and random.random() < 0.4:
            container, key = random.choice(numbers)
            container[key] = random_values.number_near(random, container[key])
        else:
            random.choice(_CHANGES)(random, changed, *random.choice(places))
    return changed


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _places(tree: Any) -> Iterator[Place]:
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in list(keys):
        yield tree, key
        yield from _places(tree[key])


def _set(random: Random, tree: Any, container: Any, key: Any) -> None:
    container[key] = random_values.value(random)


def _delete(random: Random, tree: Any, container: Any, key: Any) -> None:
    del container[key]


def _add(random: Random, tree: Any, container: Any, key: Any) -> None:
    if isinstance(container, dict):
        container[random.choice(random_values.WORDS)] = random_values.value(random)
    else:
        container.insert(key, random_values.value(random))


def _misspell(random: Random, tree: Any, container: Any, key: Any) -> None:
    if isinstance(container, dict) and isinstance(key, str) and key:
        place = random.randrange(len(key))
        container[key[:place] + random.choice(["", "_", key[place].upper()]) + key[place + 1 :]] = container.pop(key)


def _copy_from_elsewhere(random: Random, tree: Any, container: Any, key: Any) -> None:
    other, other_key = random.choice(list(_places(tree)))
    container[key] = copy.deepcopy(other[other_key])


def _wrap(random: Random, tree: Any, container: Any, key: Any) -> None:
    container[key] = random.choice([lambda v: [v], lambda v: {"x": v}, lambda v: [v, v], str])(container[key])


def _unwrap(random: Random, tree: Any, container: Any, key: Any) -> None:
    value = container[key]
    if isinstance(value, dict) and value:
        container[key] = random.choice(list(value.values()))
    elif isinstance(value, list) and value:
        container[key] = random.choice(value)


def _repeat(random: Random, tree: Any, container: Any, key: Any) -> None:
    if isinstance(container, list):
        container[key:key] = [copy.deepcopy(container[key])] * random.choice([1, 2, 50])
    elif isinstance(key, str):
        for number in range(random.choice([1, 2, 50])):
            container[f"{key}{number}"] = copy.deepcopy(container[key])


_CHANGES: tuple[Callable[[Random, Any, Any, Any], None], ...] = (
    _set, _set, _set, _delete, _add, _misspell, _copy_from_elsewhere, _wrap, _unwrap, _repeat,
)  # fmt: skip


def changed_text(random: Random, text: str) -> str:
    """A text with one change of its lines, or a few."""
    lines = text.split("\n")
    for _ in range(random.choice([1, 1, 2, 3])):
        if lines:
            random.choice(_LINE_CHANGES)(random, lines)
    return "\n".join(lines)


def _put(random: Random, lines: list[str]) -> None:
    lines.insert(random.randrange(len(lines) + 1), random.choice(_SNIPPETS))


def _put_behind(random: Random, lines: list[str]) -> None:
    """After a key, instead of its value."""
    place = random.randrange(len(lines))
    lines[place] = lines[place].split(":")[0] + ": " + random.choice(_SNIPPETS)


def _take(random: Random, lines: list[str]) -> None:
    del lines[random.randrange(len(lines))]


def _double(random: Random, lines: list[str]) -> None:
    place = random.randrange(len(lines))
    lines.insert(random.randrange(len(lines) + 1), lines[place])


def _swap(random: Random, lines: list[str]) -> None:
    one, other = random.randrange(len(lines)), random.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _indent(random: Random, lines: list[str]) -> None:
    place = random.randrange(len(lines))
    lines[place] = random.choice([" ", "  ", "\t", "- "]) + lines[place]


def _outdent(random: Random, lines: list[str]) -> None:
    place = random.randrange(len(lines))
    lines[place] = lines[place].removeprefix(random.choice([" ", "  "]))


def _put_a_character(random: Random, lines: list[str]) -> None:
    place = random.randrange(len(lines))
    at = random.randrange(len(lines[place]) + 1)
    lines[place] = lines[place][:at] + random.choice(_CHARACTERS) + lines[place][at:]


_LINE_CHANGES: tuple[Callable[[Random, list[str]], None], ...] = (
    _put, _put_behind, _put_behind, _put_behind, _take, _double, _swap, _indent, _outdent, _put_a_character,
    _put_a_character,
)  # fmt: skip
_CHARACTERS = (
    "\x00", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\ufeff", "\ud800", "\U0001f9e0", "\t", "\r", "&", "*", "!", "|",
    ">", "'", '"', "%", "@", "`", "{", "}", "[", "]", ",", "?", ":", "-", "#", "~", "\\", "0", "9", ".", "_", "e",
)  # fmt: skip
_SNIPPETS = (
    "!!python/object/apply:os.system ['false']", "!!bool maybe", "!!map [1]", "!!float 1:2:3:4.5", "!!int '1'",
    "!!set {a, b}", "!!binary aGVsbG8=", "!!timestamp 2026-13-45", "!local x", "!<tag:yaml.org,2002:str> 7",
    "&a [*a]", "&a {b: *a}", "*nothing", "<<: {a: 1}", "<<: *nothing", "<<: [1]", "<<", "? [1, 2]\n: 3", "? {a: b}",
    "&a [1,1,1,1,1,1,1,1,1]", "{? *a : 1}", "[" * 60, "{a: " * 60, "- " * 60 + "x", "---", "...", "%YAML 1.1",
    "%TAG ! x", "|\n  text\n  of lines", ">-\n folded", "'not closed", '"\\x41\\ud800"', '"\\u0000"', "1_000", "0o17",
    "0b12", "017", "08", "1:30", "1:30:45.5", "+.inf", "-.INF", ".nan", "1e400", "9" * 70, "9" * 5000, "0x" + "f" * 60,
    "~", "", "2026-01-01T00:00:00Z", "y", "n", "on", "off", "[1, 2, [3, {a: b}]]", "{a: 1, a: 2}", "x: 1", "- 1",
    "a" * 3000, "[" + "0," * 25_000 + "]", "{" + ",".join(f"k{i}: 0" for i in range(300)) + "}",
)  # fmt: skip


def bomb(random: Random) -> bytes:
    """Aliases of aliases: a few hundred bytes that stand for very much."""
    width, levels = random.choice([2, 9, 50]), random.choice([5, 9, 30])
    lines = ["a0: &a0 [1]"]
    for level in range(1, levels):
        aliases = ", ".join([f"*a{level - 1}"] * width)
        lines.append(random.choice([f"a{level}: &a{level} [{aliases}]", f"? &a{level} [{aliases}]\n: 1"]))
    return "\n".join(lines).encode()
