"""What a recorded call needs, element by element: the numbers of the operands of chosen elements of its result."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from torch import Tensor

from spikecycle.models.importing.recorder import Call
from spikecycle.models.importing.refusal import Refusal

Numbers = npt.NDArray[np.int64]

CONVOLUTIONS = {"conv1d": 1, "conv2d": 2}
POOLS = {
    "max_pool1d": ("max", 1), "max_pool2d": ("max", 2), "avg_pool1d": ("average", 1), "avg_pool2d": ("average", 2),
    "adaptive_avg_pool1d": ("adaptive average", 1), "adaptive_avg_pool2d": ("adaptive average", 2),
    "adaptive_max_pool1d": ("adaptive max", 1), "adaptive_max_pool2d": ("adaptive max", 2),
    "lp_pool1d": ("sum", 1), "lp_pool2d": ("sum", 2),
}  # fmt: skip
ADDITIONS = {"add": 1.0, "radd": 1.0, "iadd": 1.0, "sub": -1.0, "subtract": -1.0, "isub": -1.0, "rsub": -1.0}
SCALES = {"mul", "multiply", "rmul", "imul", "div", "divide", "truediv", "true_divide", "itruediv", "idiv"}
PRODUCTS = {"matmul", "bmm", "mm"}
REDUCTIONS = {"mean", "sum"}
NAMES = {"_max_pool2d": "max_pool2d", "_max_pool1d": "max_pool1d", "_adaptive_max_pool2d": "adaptive_max_pool2d"}


def function_of(call: Call) -> str:
    """A function by the name that this module knows it by."""
    name = call.kind
    for prefix in ("__", "_"):
        name = name.removeprefix(prefix)
    return NAMES.get(call.kind, name.removesuffix("__").removesuffix("_with_indices"))


class Rows(NamedTuple):
    """The one row (of samples and timesteps) that elements of a row-wise result lie in, the numbers of its input, and
    where in the row they lie."""

    row: int
    inputs: Numbers
    places: Numbers


def argument(call: Call, place: int, name: str, default: Any = None) -> Any:
    """An argument of a function, by place or by name."""
    if len(call.args) > place:
        return call.args[place]
    return call.kwargs.get(name, default)


def input_numbers(call: Call, place: int = 0, *names: str) -> Numbers | None:
    """The numbers of a tensor among the arguments; None where it is no tracked one."""
    if len(call.numbers) > place:
        found: Tensor | None = call.numbers[place]
        return None if found is None else found.numpy()
    return None


def rows_of(call: Call, chosen: Numbers, axes: int) -> Rows:
    """Of a result (rows, C, ...) with `axes` axes of positions, or one without rows."""
    numbers = input_numbers(call)
    if numbers is None:
        raise Refusal(f"{function_of(call)} of a tensor given by name; supported: as the first argument")
    has_rows = numbers.ndim == axes + 2
    size = int(np.prod(call.shape[1:] if has_rows else call.shape))
    rows = np.unique(chosen // size)
    if len(rows) != 1:
        raise Refusal(f"takes parts of several samples or timesteps from {where(call)}")
    row = int(rows[0])
    return Rows(row, numbers[row] if has_rows else numbers, chosen % size)


def broadcast_operand(call: Call, place: int, chosen: Numbers) -> Numbers | Any:
    """The numbers that meet the chosen elements, or the constants that do (float64)."""
    numbers = input_numbers(call, place)
    if numbers is not None:
        return np.broadcast_to(numbers, call.shape).reshape(-1)[chosen]
    from spikecycle.models.importing.arrays import reals

    values = call.args[place] if len(call.args) > place else call.kwargs.get("other")
    return np.broadcast_to(reals(values), call.shape).reshape(-1)[chosen]


def where(call: Call) -> str:
    """A call in words."""
    name = function_of(call)
    return f"{name} in {call.where}" if call.where else name


def reduced_axes(call: Call) -> tuple[int, ...]:
    """The axes that a mean or sum is taken over."""
    axes = argument(call, 1, "dim", argument(call, 1, "axis"))
    count = 0 if call.numbers[0] is None else call.numbers[0].ndim
    if axes is None:
        return tuple(range(count))
    return tuple(axis % count for axis in ([axes] if isinstance(axes, int) else axes))


def reduced_rows(call: Call, chosen: Numbers, taken: tuple[int, int] | None = None) -> Numbers:
    """Of a mean or sum: the numbers that each chosen element (flat) is made of, (chosen, K).

    taken: an axis, and the one place along it that counts.
    """
    numbers = input_numbers(call)
    if numbers is None:
        raise Refusal(f"{where(call)} of something that no layer before gave")
    axes = reduced_axes(call)
    if taken is not None:
        axis, place = taken
        numbers = numbers.take([place], axis)
    kept = [axis for axis in range(numbers.ndim) if axis not in axes]
    moved = numbers.transpose(*kept, *axes).reshape(int(np.prod([numbers.shape[axis] for axis in kept])), -1)
    return moved[chosen]


class Operands(NamedTuple):
    """Of a matrix product: the numbers of both operands, (heads, rows, inner) and (heads, inner, columns), and where
    the chosen elements lie, head, row and column each."""

    left: Numbers
    right: Numbers
    place: tuple[Numbers, Numbers, Numbers]


def product_operands(call: Call, chosen: Numbers) -> Operands:
    """See `Operands`; the leading axes that the chosen elements share are left out."""
    left, right = input_numbers(call, 0), input_numbers(call, 1)
    if left is None or right is None or left.ndim < 2 or right.ndim < 2:
        raise Refusal(f"{where(call)} of something that no layer before gave; supported: products of spikes")
    rows, columns = call.shape[-2:]
    lead = call.shape[:-2]
    heads = int(np.prod(lead))
    flat = chosen.reshape(-1)
    leading = flat // (rows * columns)
    used = np.unique(leading)
    spread = (
        np.broadcast_to(each, (*lead, *each.shape[-2:])).reshape(heads, *each.shape[-2:]) for each in (left, right)
    )
    one, other = (each[used] for each in spread)
    head = np.searchsorted(used, leading).reshape(chosen.shape)
    return Operands(one, other, (head, (chosen // columns) % rows, chosen % columns))
