"""Where in a YAML file the key stands that a problem is about, so that every message names file, line and key."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.yaml_file import key_lines


def problems_in(path: Path, problems: Iterable[str], replaced: Collection[str] = ()) -> str:
    """One line of a message for each problem, "key.of.the.file: what is wrong", with the file and the line before it.

    The line is that of the key, or of the innermost section that should have it; problems without a place in the file
    have none. replaced: keys whose values are not the file's, but those of an option.
    """
    try:
        lines = key_lines(path)
    except MachineError:  # it has changed since it was read
        lines = {}
    told = (problem.replace("\n", "\\n") for problem in problems)  # some quote what a file has in several lines
    return "\n".join(f"{_place(path, problem.partition(': ')[0], lines, replaced)}: {problem}" for problem in told)


def _place(path: Path, key: str, lines: dict[str, int], replaced: Collection[str]) -> str:
    parts = key.split(".")
    for count in range(len(parts), 0, -1):
        prefix = ".".join(parts[:count])
        if prefix in replaced:
            break
        if prefix in lines:
            return f"{path}, line {lines[prefix]}"
    return str(path)
