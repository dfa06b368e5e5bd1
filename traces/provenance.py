"""Where a trace comes from (model, data set, accuracy, compression, seed): one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from traces.errors import TraceError, located, one_line
from traces.schema import MAX_PROVENANCE_BYTES


def parse_provenance(dataset: h5py.Dataset) -> dict[str, Any]:
    """Read the JSON object; TraceError if it is anything else."""
    with located("provenance"):
        if dataset.dtype.itemsize > MAX_PROVENANCE_BYTES:
            raise TraceError(f"at most {MAX_PROVENANCE_BYTES} bytes are allowed, found {dataset.dtype.itemsize}")
        try:
            content = json.loads(dataset[()], parse_constant=_refuse_constant)
        except RecursionError:
            raise TraceError("the JSON is nested too deeply") from None
        if not isinstance(content, dict):
            raise TraceError(f"must be a JSON object, found {one_line(repr(content))}")
        return content


def format_provenance(provenance: Mapping[str, Any]) -> np.bytes_:
    """The mapping as JSON text with sorted keys; TraceError if JSON cannot express it."""
    with located("provenance"):
        text = json.dumps(dict(provenance), sort_keys=True, allow_nan=False, default=_plain).encode("ascii")
        if len(text) > MAX_PROVENANCE_BYTES:
            raise TraceError(f"at most {MAX_PROVENANCE_BYTES} bytes are allowed, found {len(text)}")
        return np.bytes_(text)


def _plain(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TraceError(f"values must be numbers, text, lists or mappings, found {type(value).__name__}")


def _refuse_constant(constant: str) -> Any:
    raise TraceError(f"{constant} is not allowed in JSON")
