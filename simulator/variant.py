"""Names of machine variants: how views tell two variants of one machine apart."""

from __future__ import annotations

import json
from collections.abc import Mapping

SYNTHETIC = "A synthetic trace: drawn from statistics, recorded from no network."
FINGERPRINT_DIGITS = 10
"""Of a fingerprint, as views show it: 40 bits tell a few thousand machines apart."""


def overrides_text(overrides: Mapping[str, object]) -> str:
    """Replaced keys in one line: "dataflow.fifo_depth=1, formats.weights.format=rle"; empty if there are none."""
    return ", ".join(f"{key}={_value(value)}" for key, value in overrides.items())


def variant_text(name: str, file: str, overrides: Mapping[str, object], sha256: str) -> str:
    """A machine in words: its name, its file if that is called otherwise, what was replaced, and its fingerprint."""
    parts = [name if file in ("", name) else f"{name} ({file})"]
    if overrides:
        parts.append(f"with {overrides_text(overrides)}")
    return f"{' '.join(parts)} [{sha256[:FINGERPRINT_DIGITS]}]"


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def is_synthetic(provenance: Mapping[str, object]) -> bool:
    """Whether a trace was drawn from statistics, as its provenance says."""
    return bool(provenance.get("synthetic")) or provenance.get("model") == "synthetic"
