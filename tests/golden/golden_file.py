"""The golden files: where they lie, how they are written and read, and how two results differ."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.golden import frozen
from tests.golden.cases import Case
from tests.golden.synthetic import NETWORKS

FOLDER = Path(__file__).parent / "data"

META, ENERGY = "_meta", "energy_pj"
"""Sections of a file that are not compared to the bit: where it comes from, and its energies."""


def path_of(case: str) -> Path:
    """The golden file of a case."""
    return FOLDER / f"{case}.json"


def simulated(case: Case, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Simulate a case now; its frozen results, and what they were made from. A synthetic trace goes to `folder`."""
    trace: str | Path = case.trace
    if case.is_synthetic:
        trace = folder / f"{case.trace}.h5"
        frozen.write_network(trace, NETWORKS[case.trace]())
    results = frozen.freeze(trace, case.machine, case.settings, case.formats, case.samples, case.ideal_memory)
    return results, frozen.provenance(trace)


def differences(expected: Any, found: Any, where: str = "") -> Iterator[str]:
    """One line for each value, of integers and text, that is not equal, missing or new."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in dict.fromkeys((*expected, *found)):
            place = f"{where} / {key}" if where else key
            if key not in found:
                yield f"{place}: is missing, frozen is {expected[key]}"
            elif key not in expected:
                yield f"{place}: is new, found {found[key]}"
            else:
                yield from differences(expected[key], found[key], place)
    elif expected != found or type(expected) is not type(found):
        yield f"{where}: frozen is {expected}, found {found}"


def to_text(document: dict[str, Any]) -> str:
    """JSON with a line for each section that has no sections itself."""
    return f"{_text(document, 0)}\n"


def _text(value: Any, depth: int) -> str:
    if isinstance(value, dict) and any(isinstance(inner, dict) for inner in value.values()):
        lines = [f"{' ' * (depth + 1)}{json.dumps(key)}: {_text(inner, depth + 1)}" for key, inner in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{' ' * depth}}}"
    return json.dumps(value, separators=(",", ":"))
