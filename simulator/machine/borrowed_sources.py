"""Sources that a machine file has from a shipped one whose value it has not: they say where another number comes from.

`spikecycle copy` takes sources along. Whoever then edits a number by hand, and not its source, has a file that says
more than is true; the source is told from the texts alone, so that nothing has to be recorded in the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spikecycle.simulator.description import BorrowedSource
from spikecycle.simulator.machine.loader import shipped_machines, shipped_path
from spikecycle.simulator.machine.yaml_file import read_yaml

_NO_SOURCE = "assumed"
"""A source that says nothing of the value."""


def borrowed_sources(path: Path) -> tuple[BorrowedSource, ...]:
    """Those of a machine file that is valid; none of a shipped one."""
    data = read_yaml(path)
    shipped = {name: read_yaml(shipped_path(name)) for name in shipped_machines()}
    found: list[BorrowedSource] = []
    for key, source in _sources(data).items():
        same = {name: each for name, each in shipped.items() if _sources(each).get(key) == source}
        differences = {name: list(_differences(key, data, each)) for name, each in same.items()}
        if source != _NO_SOURCE and differences and all(differences.values()):
            name = min(differences, key=lambda name: len(differences[name]))
            found += [BorrowedSource(path, value, name, theirs) for path, value, theirs in differences[name]]
    return tuple(found)


def _sources(data: Mapping[str, Any]) -> dict[str, str]:
    sources = data.get("sources")
    return {key: " ".join(str(text).split()) for key, text in sources.items()} if isinstance(sources, Mapping) else {}


def _differences(key: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Paths at or below a key whose values are not the same, with both."""
    mine, theirs = dict(_leaves(key, _at(one, key))), dict(_leaves(key, _at(other, key)))
    for path in dict.fromkeys((*mine, *theirs)):
        if mine.get(path) != theirs.get(path):
            yield path, mine.get(path), theirs.get(path)


def _at(data: Any, key: str) -> Any:
    for part in key.split("."):
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inside in value.items():
            yield from _leaves(f"{path}.{name}", inside)
    else:
        yield path, value
