"""Results as JSON documents, and the page that documents them key by key (RESULT.md).

`python -m spikecycle.simulator.report.document` writes the page anew; a test keeps it in step with the result classes.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

PAGE = Path(__file__).parent.parent / "RESULT.md"
_WORDS = {
    Any: "anything",
    int: "integer",
    float: "number",
    str: "text",
    bool: "true or false",
    object: "anything",
    type(None): "null",
}


def to_json(result: BaseModel) -> str:
    """The whole result as JSON text; `type(result).model_validate_json` reads it back."""
    return result.model_dump_json(indent=2) + "\n"


def page() -> str:
    """RESULT.md: what `--json` writes, every key with its type and meaning."""
    lines = [
        "# What `--json` writes",
        "",
        "Generated from the descriptions in `simulator/result.py`, `simulator/comparison.py` and `simulator/explore`",
        "by `python -m spikecycle.simulator.report.document`.",
        "",
        "What a key calls `per_inference` is the mean of the samples that were simulated; what it calls `sum` is their",
        "sum. The unit is the end of a key's name: `_pj` pJ, `_js` J s, `_mm2` mm2, `_mw` mW, `_ns` ns, `_bits` bits,",
        "`_mhz` MHz. The same objects are what the Python API returns: `spikecycle.simulate(...)` a `RunResult`,",
        "`spikecycle.compare_formats(...)` a `FormatComparison`; `RunResult.model_validate_json(text)` reads it back",
        "and refuses a document of another version. `RunResult.to_records(by)` gives the same figures as flat rows for",
        "a data frame, by layer, cycle category, component or counter:",
        '`polars.DataFrame(result.to_records("component"))`.',
        "",
    ]
    for command, model in _documents():
        lines += [f"## `spikecycle {command}`", ""]
        for part in _parts(model):
            lines += [f"### {part.__name__}", "", _first_line(part), "", "| key | type | meaning |", "|---|---|---|"]
            lines += [
                f"| `{key}` | {_type_words(field.annotation)} | {(field.description or '').replace('|', '/')} |"
                for key, field in part.model_fields.items()
            ]
            lines.append("")
    return "\n".join(lines)


def _documents() -> tuple[tuple[str, type[BaseModel]], ...]:
    """Commands and what they write."""
    from spikecycle.simulator.comparison import FormatComparison  # not before: who writes one needs none of the others
    from spikecycle.simulator.explore.advice import Advice
    from spikecycle.simulator.explore.differences import ResultComparison
    from spikecycle.simulator.explore.results import SearchResult, SweepResult
    from spikecycle.simulator.result import RunResult

    return (
        ("simulate", RunResult),
        ("formats", FormatComparison),
        ("sweep", SweepResult),
        ("search", SearchResult),
        ("compare", ResultComparison),
        ("advise", Advice),
    )


def _parts(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The model and every model inside it, each once, outermost first."""
    found = [model]
    for part in found:  # grows while it is walked
        for field in part.model_fields.values():
            found += [inner for inner in _models_in(field.annotation) if inner not in found]
    return found


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _type_words(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is list:
        return f"list of {_type_words(arguments[0])}"
    if origin is dict:
        return f"object, {_type_words(arguments[0])} to {_type_words(arguments[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join(_type_words(argument) for argument in arguments)
    if origin is Literal:
        return " or ".join(f"`{argument}`" for argument in arguments)
    return _WORDS.get(annotation) or f"[{annotation.__name__}](#{annotation.__name__.lower()})"


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
