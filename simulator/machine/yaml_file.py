"""Read a YAML file strictly: safe types only, and a key given twice is refused (PyYAML keeps the last silently)."""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from spikecycle.simulator.errors import MachineError

_LONGEST_QUOTE = 80
_UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
"""Unicode categories that text may not have, line feeds and tabs apart: they would break messages, or JSON."""


class _StrictLoader(yaml.SafeLoader):
    """Safe loader that refuses duplicate keys, keys of several lines, and text that cannot be printed."""

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        if isinstance(value, str) and any(unicodedata.category(c) in _UNPRINTABLE and c not in "\n\t" for c in value):
            raise yaml.MarkedYAMLError(
                problem=f"the text {quoted(value)} cannot be printed", problem_mark=node.start_mark
            )
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.MarkedYAMLError(
                    problem=f"the key {quoted(key)} is not text", problem_mark=key_node.start_mark
                )
            if not key.isprintable():
                raise yaml.MarkedYAMLError(
                    problem=f"the key {quoted(key)} is not one line", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {quoted(key)} is given twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in the YAML file `path`; anything else raises MachineError with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise MachineError(f"{path}: cannot be read: {reason}") from error
    try:
        data = parse_yaml(text)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise MachineError(f"{path}{line}: {error.problem}") from error
    except ValueError as error:
        raise MachineError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise MachineError(f"{path}: a mapping of keys is expected, found {type(data).__name__}")
    return data


def parse_yaml(text: str) -> Any:
    """The value of a YAML text; raises yaml.MarkedYAMLError where a line is known, else ValueError in one line."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # a SafeLoader
    except yaml.MarkedYAMLError:
        raise
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def quoted(value: object) -> str:
    """A foreign value for a message: as Python writes it, on one line, cut where it is long."""
    if isinstance(value, int) and value.bit_length() > _LONGEST_QUOTE:
        return f"an integer of {value.bit_length()} bits"  # Python refuses to write the longest ones
    text = repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."
