"""Checks of single values that shape, neuron, layer and file share."""

from __future__ import annotations

import operator

from spikecycle.traces.errors import TraceError, one_line


def check_integer(name: str, value: object, lowest: int, highest: int) -> int:
    """The value as int; TraceError unless it is an integer (of Python or NumPy) within lowest to highest."""
    try:
        number = int(operator.index(value))  # type: ignore[arg-type]
    except TypeError:
        raise TraceError(f"{name} must be an integer, found {one_line(value)}") from None
    if not lowest <= number <= highest:
        raise TraceError(f"{name} must be {lowest} to {highest}, found {one_line(number)}")
    return number


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """TraceError unless the value is one of the allowed words."""
    if value not in allowed:
        raise TraceError(f"{name} must be one of {', '.join(allowed)}, found {one_line(value)}")
