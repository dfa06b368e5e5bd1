"""Provenance of a trace (model, data set, accuracy, compression, seed): one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from spikecycle.traces.errors import TraceError, located, one_line
from spikecycle.traces.schema import MAX_PROVENANCE_BYTES


def parse_provenance(text: str) -> dict[str, Any]:
    """Parse the JSON object; TraceError if it is anything else."""
    with located("provenance"):
        _check_length(len(text.encode("utf-8")))
        try:
            content = json.loads(text, parse_constant=_refuse_constant)
        except RecursionError:
            raise TraceError("the JSON is nested too deeply") from None
        if not isinstance(content, dict):
            raise TraceError(f"must be a JSON object, found {one_line(repr(content))}")
        for each in _texts_of(content):
            _check_characters(each)
        return content


def format_provenance(provenance: Mapping[str, Any]) -> str:
    """The mapping as JSON text with sorted keys; TraceError if JSON cannot express it."""
    with located("provenance"):
        content = partial(json.dumps, dict(provenance), sort_keys=True, allow_nan=False, default=_plain)
        text = content()
        _check_length(len(text.encode("utf-8")))
        _check_characters(content(ensure_ascii=False))
        return text


def _texts_of(content: Any) -> Iterator[str]:
    """Every text in what JSON stands for, keys included, however deep."""
    waiting = [content]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, dict):
            waiting += [*found, *found.values()]
        elif isinstance(found, list):
            waiting += found


def _check_characters(text: str) -> None:
    """TraceError where an escape stands for half a character, which no result could be written with."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = one_line(text[error.start])
        raise TraceError(f"must be text that UTF-8 can express, found half a character, {half}") from None


def _check_length(length: int) -> None:
    if length > MAX_PROVENANCE_BYTES:
        raise TraceError(f"at most {MAX_PROVENANCE_BYTES} bytes are allowed, found {length}")


def _plain(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TraceError(f"values must be numbers, text, lists or mappings, found {type(value).__name__}")


def _refuse_constant(constant: str) -> Any:
    raise TraceError(f"{constant} is not allowed in JSON")
