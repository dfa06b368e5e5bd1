"""The page of machine keys: every section and key of a machine file, from the schema and its descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

import griffe
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.schedule import OVERLAPS


def key_page() -> str:
    """Keys that every machine has, then those of each dataflow and overlap policy."""
    lines = [
        "# Machine keys",
        "",
        "Every key of a machine file. An unknown key, a wrong type or a value out of its range is refused with the "
        "path of the key. `spikecycle copy MACHINE FILE` writes a shipped machine to start from; `sources` says where "
        "each number comes from.",
        "",
        "## Every machine",
        "",
        *_sections(Machine, skip=frozenset()),
    ]
    common = frozenset(_models(Machine))
    for name, dataflow in sorted(DATAFLOWS.items()):
        lines += [f"## Dataflow `{name}`", "", f"{dataflow.summary[:1].upper()}{dataflow.summary[1:]}.", ""]
        lines += _sections(dataflow.machine_type, skip=common | {dataflow.machine_type})
    for name, policy in sorted(OVERLAPS.items()):
        lines += [f"## Overlap `{name}`", "", f"{policy.summary[:1].upper()}{policy.summary[1:]}.", ""]
        lines += _sections(policy.options_type, skip=frozenset())
    return "\n".join(lines)


def _models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """The model and all models inside it, outermost first, each once."""
    found = [model]
    for part in found:  # grows while it is walked
        yield part
        for field in part.model_fields.values():
            found += [inner for inner in _inside(field.annotation) if inner not in found]


def _inside(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [inner for argument in get_args(annotation) for inner in _inside(argument)]


def _sections(model: type[BaseModel], skip: frozenset[type[BaseModel]]) -> list[str]:
    lines = []
    for part in _models(model):
        if part in skip or not part.model_fields:
            continue
        lines += [f"### {part.__name__}", "", _paragraph(part.__doc__), "", "| key | value | default | meaning |"]
        lines += ["|---|---|---|---|", *(_row(part, key, field) for key, field in part.model_fields.items()), ""]
    return lines


def _row(part: type[BaseModel], key: str, field: FieldInfo) -> str:
    default = "needed" if field.is_required() else f"`{_default(field)}`"
    cells = (f"`{key}`", _value(field), default, _paragraph(_described(part, key)))
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "its own defaults"
    return "null" if value is None else str(value)


def _value(field: FieldInfo) -> str:
    """What may stand there: a type, its range, or the names to choose from."""
    limits = [
        f"{sign} {getattr(note, name):g}"
        for note in field.metadata
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<"))
        if getattr(note, name, None) is not None
    ]
    return ", ".join([_type(field.annotation), *limits])


def _type(annotation: Any) -> str:
    words = {int: "whole number", float: "number", str: "text", bool: "true or false", type(None): "null"}
    if annotation in words:
        return words[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and not annotation.model_fields:
        return "the dataflow's own section"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"section [{annotation.__name__}](#{annotation.__name__.lower()})"
    choices = get_args(annotation)
    if choices and all(isinstance(choice, str | int) for choice in choices):
        return " or ".join(f"`{choice}`" for choice in choices)
    inner = [_type(choice) for choice in choices if isinstance(choice, type) or get_args(choice)]
    if str(annotation).startswith("dict"):
        return "keys with values"
    return " or ".join(dict.fromkeys(inner)) or "value"


def _described(part: type[BaseModel], key: str) -> str:
    """The text below a key in the class that defines it."""
    for owner in part.__mro__:
        if key in getattr(owner, "__annotations__", {}):
            member = _package()[f"{owner.__module__}.{owner.__qualname__}"].members.get(key)
            return member.docstring.value if member is not None and member.docstring else ""
    return ""


@cache
def _package() -> griffe.ModulesCollection:
    """The whole package as text: comments below keys are no part of what runs."""
    loader = griffe.GriffeLoader(search_paths=["."])
    loader.load("spikecycle")
    return loader.modules_collection


def _paragraph(text: str | None) -> str:
    first = (text or "").strip().split("\n\n")[0]
    return re.sub(r"\s+", " ", first)
