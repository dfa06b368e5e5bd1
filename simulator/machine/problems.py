"""Turns validation errors of machine files into one line each: key path, what is wrong, what is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from spikecycle.simulator.machine.yaml_file import quoted
from spikecycle.suggestions import known_names, nearest

_LEADS = ("Value error, ", "Assertion failed, ")


def validation_problems(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each problem of data that `model` refused; an unknown key gets the nearest one it could be."""
    found = error.errors()
    meant = {location for details in found if (location := _meant(details, model)) is not None}
    return [_describe(each, model) for each in found if each["type"] != "missing" or each["loc"] not in meant]


def _meant(details: ErrorDetails, model: type[BaseModel]) -> tuple[int | str, ...] | None:
    """Where the key is that an unknown one most likely is a misspelling of; it is not told that it is missing too."""
    if details["type"] != "extra_forbidden":
        return None
    *section, key = details["loc"]
    known = nearest(str(key), _keys_at(model, tuple(section)))
    return None if known is None else (*section, known)


def _describe(details: ErrorDetails, model: type[BaseModel]) -> str:
    location = details["loc"]
    key = ".".join(str(part) for part in location) or "(file)"
    if details["type"] == "extra_forbidden":
        allowed = _keys_at(model, location[:-1])
        return f"{key}: unknown key{known_names(str(location[-1]), allowed)}"
    if details["type"] == "missing":
        return f"{key}: missing"
    message = details["msg"]
    for lead in _LEADS:
        message = message.removeprefix(lead)
    if isinstance(details["input"], dict | list):
        return f"{key}: {message}"
    return f"{key}: {message[0].lower()}{message[1:]}, found {quoted(details['input'])}"


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys allowed at `location`. What is no key, an index or the tag of a union, is passed over."""
    models = [model]
    for part in location:
        fields = [candidate.model_fields[part] for candidate in models if part in candidate.model_fields]
        if fields:
            models = [inner for field in fields for inner in _models_in(field.annotation)]
    return list(dict.fromkeys(key for candidate in models for key in candidate.model_fields))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The schemas that a type is made of: itself, or what a list, a mapping or a union holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
