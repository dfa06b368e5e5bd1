"""Checks of single values and arrays that shapes, neurons, operators and files share."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.errors import TraceError, one_line
from spikecycle.traces.schema import MAX_NAME_CHARACTERS


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


def check_name(name: object) -> None:
    """TraceError unless the name of a layer, tensor or operator is short printable text."""
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise TraceError(f"name must be 1 to {MAX_NAME_CHARACTERS} printable characters, found {one_line(repr(name))}")


def check_integers(array: npt.ArrayLike, shape: tuple[int, ...], lowest: int, highest: int) -> npt.NDArray[Any]:
    """The array; TraceError on another shape, no integers or booleans, or values outside lowest to highest.

    Where the dtype holds no others, values are not looked at.
    """
    array = np.asarray(array)
    if array.shape != shape:
        raise TraceError(f"the shape must be {shape}, found {array.shape}")
    if array.dtype.kind not in "iub":
        raise TraceError(f"values must be integers, found {array.dtype}")
    if array.dtype.kind in "iu" and lowest <= np.iinfo(array.dtype).min and np.iinfo(array.dtype).max <= highest:
        return array
    smallest, largest = int(array.min()), int(array.max())
    if smallest < lowest or largest > highest:
        raise TraceError(f"values must be {lowest} to {highest}, found {smallest} to {largest}")
    return array
