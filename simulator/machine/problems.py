"""Turns validation errors of machine files into one line each: key path, what is wrong, what is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from spikecycle.simulator.machine.yaml_file import quoted
from spikecycle.suggestions import did_you_mean

_LEADS = ("Value error, ", "Assertion failed, ")


def validation_problems(error: ValidationError, model: type[BaseModel]) -> list[str]:
    """One line for each problem of data that `model` refused; an unknown key gets the nearest one it could be."""
    return [_describe(details, model) for details in error.errors()]


def _describe(details: ErrorDetails, model: type[BaseModel]) -> str:
    location = details["loc"]
    key = ".".join(str(part) for part in location) or "(file)"
    if details["type"] == "extra_forbidden":
        allowed = _keys_at(model, location[:-1])
        return f"{key}: unknown key, allowed: {', '.join(allowed)}{did_you_mean(str(location[-1]), allowed)}"
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
