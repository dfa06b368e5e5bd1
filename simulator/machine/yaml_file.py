"""Strict reading of YAML: duplicate keys are refused, and a value has the type that its writer meant.

Numbers are decimal (`1e-3` too; a leading zero, which YAML 1.1 takes for octal, is refused), dates and times of day are
text, merge keys (`<<`) merge. Refused, by line and key: tags, keys that are given twice or are no text, text that
cannot be printed, and files that are large, deep, or become large where aliases are put in.
"""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import yaml

from spikecycle.files import read_bytes
from spikecycle.simulator.errors import MachineError

LARGEST_BYTES = 2**18
"""Of a file: hundreds of times a machine file, and a study of a thousand entries."""
MOST_VALUES = 20_000
"""Keys and values of a file, those that aliases stand for counted as often as they stand."""
MOST_LEVELS = 40
"""Of lists and mappings within each other."""
LONGEST_NUMBER = 64
"""Characters of a number."""

_TEXTS_KEPT = 64
"""Texts whose values are remembered: as many as there are shipped machines, and some."""
_LONGEST_QUOTE = 80
_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories that text may not have, line feeds and tabs apart: they would break messages, or JSON."""
_TEXT, _MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
_INTEGER, _FLOAT, _BOOLEAN, _NULL, _LEADING_ZERO = "integer", "float", "boolean", "null", "leading zero"
_NUMBER_STARTS = list("-+.0123456789")
_TRUE = ("yes", "true", "on")


class _Limits(yaml.composer.Composer, yaml.resolver.BaseResolver):
    """Makes nodes of a parser's events, without tags, within limits."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's way: `add_implicit_resolver` fills it)

    def __init__(self) -> None:
        yaml.composer.Composer.__init__(self)
        yaml.resolver.BaseResolver.__init__(self)
        self._values = 0
        self._levels = 0

    def compose_node(self, parent: Any, index: Any) -> yaml.Node:
        event = cast("Any", self).peek_event()  # of the parser beside it
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise _problem(f"tags are not supported, found {quoted(tag)}", event)
        self._values += 1
        if self._values > MOST_VALUES:
            raise _problem(f"more than {MOST_VALUES} keys and values", event)
        if self._levels >= MOST_LEVELS:
            raise _problem(f"more than {MOST_LEVELS} lists and mappings within each other", event)
        self._levels += 1
        node: yaml.Node = super().compose_node(parent, index)  # type: ignore[assignment]
        self._levels -= 1
        return node


class _Composer(_Limits, yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """Reads a text to nodes, and says well what is wrong with it."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)
        _Limits.__init__(self)


for _kind, _pattern, _starts in (
    (_LEADING_ZERO, r"[-+]?0[0-9_]+(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?", list("-+0")),
    (_INTEGER, r"[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0b[01_]+)", _NUMBER_STARTS),
    (_FLOAT, r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?", _NUMBER_STARTS),
    (_FLOAT, r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+.")),
    (_BOOLEAN, r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", list("yYnNtTfFoO")),
    (_NULL, r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (_MERGE, r"<<", ["<"]),
):
    _Limits.add_implicit_resolver(_kind, re.compile(rf"(?:{_pattern})\Z"), _starts)


class _Builder:
    """Makes values of nodes; an alias stands for a copy of its anchor's."""

    def __init__(self) -> None:
        self._values = 0
        self._within: set[int] = set()

    def value(self, node: yaml.Node, key: str) -> Any:
        """The value of a node; `key` is its path, for messages."""
        self._values += 1
        if self._values > MOST_VALUES:
            raise _problem(f"{_at(key)}more than {MOST_VALUES} keys and values, those of aliases counted", node)
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node, key)
        if id(node) in self._within:
            raise _problem(f"{_at(key)}an alias within its own anchor", node)
        self._within.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            built: Any = [self.value(item, f"{key}.{place}".lstrip(".")) for place, item in enumerate(node.value)]
        else:
            built = self._mapping(node, key)
        self._within.remove(id(node))
        return built

    def _mapping(self, node: yaml.Node, key: str) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                merged = {**self._merged(value_node, key), **merged}  # of several, the first wins
                continue
            name = self._key(key_node, key)
            if name in own:
                raise _problem(f"{_at(key)}the key {quoted(name)} is given twice", key_node)
            own[name] = self.value(value_node, f"{key}.{name}".lstrip("."))
        return {**merged, **own}

    def _key(self, node: yaml.Node, key: str) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise _problem(f"{_at(key)}a key that is a list or a mapping; text is needed", node)
        name = self.value(node, key)
        if not isinstance(name, str):
            raise _problem(f"{_at(key)}the key {quoted(name)} is not text", node)
        if not name.isprintable():
            raise _problem(f"{_at(key)}the key {quoted(name)} is not one line", node)
        return name

    def _merged(self, node: yaml.Node, key: str) -> dict[str, Any]:
        """What a merge key brings: a mapping, or several of which earlier ones win."""
        found = self.value(node, f"{key}.<<".lstrip("."))
        mappings = found if isinstance(found, list) else [found]
        if not all(isinstance(mapping, dict) for mapping in mappings):
            raise _problem(f"{_at(key)}a merge key (<<) takes a mapping, or a list of mappings", node)
        return {name: value for mapping in reversed(mappings) for name, value in mapping.items()}


def _scalar(node: yaml.ScalarNode, key: str) -> Any:
    """Text, number, boolean or nothing."""
    text: str = node.value
    if node.tag in (_TEXT, _MERGE):  # << merges as a key; as a value it is text
        if any(unicodedata.category(c) in _UNPRINTABLE and c not in "\n\t" for c in text):
            raise _problem(f"{_at(key)}the text {quoted(text)} cannot be printed", node)
        return text
    if node.tag == _NULL:
        return None
    if node.tag == _BOOLEAN:
        return text.lower() in _TRUE
    if len(text) > LONGEST_NUMBER:
        raise _problem(f"{_at(key)}a number of {len(text)} characters; at most {LONGEST_NUMBER} are allowed", node)
    digits = text.replace("_", "")
    if node.tag == _LEADING_ZERO:
        rest = digits.lstrip("-+0")
        plain = f"{digits[0] if digits[0] in '-+' else ''}{rest if rest[:1].isdigit() else f'0{rest}'}"
        raise _problem(f"{_at(key)}{text} has a leading zero; write {plain}, or '{text}' if it is text", node)
    if node.tag == _INTEGER:
        return int(digits, 0)
    return float(digits.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _at(key: str) -> str:
    """The path of a key as the beginning of a message."""
    return f"{key if len(key) <= _LONGEST_QUOTE else f'{key[: _LONGEST_QUOTE - 3]}...'}: " if key else ""


if yaml.__with_libyaml__:

    class _FastComposer(_Limits, yaml.CBaseLoader):
        """The same by libyaml, many times faster; its own words for what is wrong are poorer."""

        def __init__(self, text: str) -> None:
            yaml.CBaseLoader.__init__(self, text)
            _Limits.__init__(self)

    def _fast_composer(text: str) -> _Limits:
        return _FastComposer(text)

else:

    def _fast_composer(text: str) -> _Limits:
        return _Composer(text)


def _problem(words: str, place: Any) -> yaml.MarkedYAMLError:
    """The error about a node or event."""
    return yaml.MarkedYAMLError(problem=words, problem_mark=place.start_mark)


def read_yaml(path: Path, *, shipped: bool = False) -> dict[str, Any]:
    """The mapping in the YAML file `path`; anything else raises MachineError with file and line.

    shipped: the file comes with the package, and is well-formed, so that the faster parser may read it.
    """
    text = _text_of(path)
    try:
        data = copy.deepcopy(_parsed_fast(text)) if shipped else parse_yaml(text)
    except yaml.MarkedYAMLError as error:
        line_of_mark = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise MachineError(f"{path}{line_of_mark}: {' '.join(str(error.problem or error.context).split())}") from error
    if not isinstance(data, Mapping):
        raise MachineError(f"{path}: a mapping of keys is expected, found {type(data).__name__}")
    return dict(data)


def key_lines(path: Path) -> dict[str, int]:
    """The line, from 1, of every key and list item of a file that `read_yaml` reads, by its path: "dram.width_bits"."""
    lines: dict[str, int] = {}

    def walk(node: yaml.Node, key: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key_node, value_node in node.value:
                place(value_node, key, str(key_node.value), key_node)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                place(item, key, str(index), item)

    def place(node: yaml.Node, key: str, name: str, at: yaml.Node) -> None:
        path_of_key = f"{key}.{name}".lstrip(".")
        if path_of_key not in lines and len(lines) < MOST_VALUES:  # aliases stand for much
            lines[path_of_key] = at.start_mark.line + 1
            walk(node, path_of_key)

    node = _Composer(_text_of(path)).get_single_node()
    if node is not None:
        walk(node, "")
    return lines


def _text_of(path: Path) -> str:
    """The text of a file; MachineError where it cannot be read, or is none."""
    try:
        content = read_bytes(path, LARGEST_BYTES)
    except OSError as error:
        raise MachineError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise MachineError(f"{path}, line {line}: cannot be read: it is not UTF-8 text") from error


def parse_yaml(text: str) -> Any:
    """The value of a YAML text; raises yaml.MarkedYAMLError, whose problem is one line, where it is none."""
    return copy.deepcopy(_parsed(text))


@lru_cache(_TEXTS_KEPT)
def _parsed(text: str) -> Any:
    """The same, not to be changed: runs of one process read the same machine files again and again."""
    try:
        node: yaml.Node | None = _Composer(text).get_single_node()
    except yaml.reader.ReaderError as error:
        place = yaml.Mark("", error.position, text.count("\n", 0, error.position), 0, None, 0)
        raise yaml.MarkedYAMLError(
            problem=f"the character {ascii(chr(error.character))[1:-1]} is not allowed", problem_mark=place
        ) from error
    return _built(node)


def _built(node: yaml.Node | None) -> Any:
    return None if node is None else _Builder().value(node, "")


@lru_cache(_TEXTS_KEPT)
def _parsed_fast(text: str) -> Any:
    """The same of a text that is well-formed, by the faster parser; of any other as `_parsed` does."""
    try:
        return _built(_fast_composer(text).get_single_node())
    except (yaml.YAMLError, UnicodeError):
        return _parsed(text)


def quoted(value: object) -> str:
    """A foreign value for a message: as Python writes it, on one line, cut where it is long."""
    if isinstance(value, int) and value.bit_length() > _LONGEST_QUOTE:
        return f"an integer of {value.bit_length()} bits"  # Python refuses to write the longest ones
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."
