"""What each function of torch is in a network: a new one is one more function here.

Each is called with the recording, a call of it, and which elements of its result are wanted (flat), and says which
operator gives them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from spikecycle.models.importing.arrays import padding_of, reals, sides_of
from spikecycle.models.importing.graph import FloatWire
from spikecycle.models.importing.neuron import Reals
from spikecycle.models.importing.placed_kernel import placed_kernel
from spikecycle.models.importing.pooling import pooled, two
from spikecycle.models.importing.recorder import ZEROS, Call
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.views import (
    ADDITIONS,
    CONVOLUTIONS,
    POOLS,
    PRODUCTS,
    REDUCTIONS,
    SCALES,
    Numbers,
    argument,
    broadcast_operand,
    function_of,
    input_numbers,
    product_operands,
    reduced_axes,
    reduced_rows,
    rows_of,
    where,
)

if TYPE_CHECKING:
    from spikecycle.models.importing.structure import Structure


class View(NamedTuple):
    """Chosen elements of an operator's output. places: where in it (flat), in the shape that was asked for."""

    wire: FloatWire
    places: Numbers


def _convolution(structure: Structure, call: Call, chosen: Numbers) -> View:
    axes = CONVOLUTIONS[function_of(call)]
    row, inputs, places = rows_of(call, chosen, axes)
    key = ("row", call.index, row)
    if key not in structure.made:
        weight = reals(argument(call, 1, "weight"))
        bias = argument(call, 2, "bias")
        stride, padding, dilation = (
            argument(call, place, name, default)
            for place, name, default in ((3, "stride", 1), (4, "padding", 0), (5, "dilation", 1))
        )
        steps, dilations = (two(name, value, axes) for name, value in (("stride", stride), ("dilation", dilation)))
        if axes == 1:
            weight = weight[:, :, None]
        if isinstance(padding, str):
            sides = padding_of(padding, weight, steps, dilations)
        else:
            sides = sides_of(two("padding", padding, axes, least=0))
        inputs, zeros = _without_zeros(inputs)
        sides = tuple(one + other for one, other in zip(sides, zeros, strict=True))  # type: ignore[assignment]
        placed = placed_kernel(
            structure.view(inputs), structure.maker.shapes, weight, int(argument(call, 6, "groups", 1))
        )
        wire = placed.wire
        if placed.whole:
            wire = structure.in_order(inputs, "maps as their layer gives them")
        name = structure.new_name(where(call), call.where)
        offset = None if bias is None else reals(bias)[np.argsort(placed.order)]
        made = structure.maker.convolve(name, wire, placed.weight, offset, steps, sides, dilations, placed.groups)
        structure.made[key] = View(made, placed.order)
    made, order = structure.made[key]
    positions = int(np.prod(structure.maker.shapes[made.source][1:]))
    return View(made, order[places // positions] * positions + places % positions)


def _linear(structure: Structure, call: Call, chosen: Numbers) -> View:
    numbers = input_numbers(call)
    if numbers is None:
        raise Refusal("linear of a tensor given by name; supported: as the first argument")
    weight, bias = reals(argument(call, 1, "weight")), argument(call, 2, "bias")
    return _dense(structure, call, chosen, numbers, weight, None if bias is None else reals(bias))


def _dense(
    structure: Structure, call: Call, chosen: Numbers, numbers: Numbers, weight: Reals, offset: Reals | None
) -> View:
    """weight (M, K) times each row (K,) of the numbers, plus offset (M,)."""
    rows = np.unique(chosen // len(weight))
    key = ("row", call.index, rows.tobytes())
    inputs = numbers.reshape(-1, weight.shape[1])[rows]
    if key not in structure.made:
        if len(rows) == 1:
            made = _of_one_row(structure, call, inputs[0], weight, offset)
        else:  # the same weights at every position
            wire = structure.in_order(np.ascontiguousarray(inputs.T), "tokens in order")
            kernel, name = weight[:, :, None, None], structure.new_name(where(call), call.where)
            made = structure.maker.convolve(name, wire, kernel, offset, (1, 1), (0, 0, 0, 0), (1, 1), 1)
        structure.made[key] = View(made, np.zeros(0, np.int64))
    position = np.searchsorted(rows, chosen // len(weight))
    return View(structure.made[key].wire, (chosen % len(weight)) * len(rows) + position)


def _of_one_row(structure: Structure, call: Call, numbers: Numbers, weight: Reals, offset: Reals | None) -> FloatWire:
    """A linear layer; a sum of several where its inputs are what layers of different maps give, side by side."""
    made: list[FloatWire] = []
    for chosen in structure.apart(numbers):
        view = structure.view(numbers[chosen])
        full = np.zeros((len(weight), int(np.prod(structure.maker.shapes[view.wire.source]))))
        np.add.at(full.T, view.places, weight[:, chosen].T)
        name = structure.new_name(where(call), call.where)  # not before: what it receives has taken names
        made.append(structure.maker.linear(name, view.wire, full, None if made else offset))
    return made[0] if len(made) == 1 else structure.maker.add(structure.new_name(f"sum in {call.where}", ""), made)


def _added_product(structure: Structure, call: Call, chosen: Numbers) -> View:
    """torch.addmm(bias, rows, matrix), which is a linear layer."""
    numbers, bias, matrix = input_numbers(call, 1), argument(call, 0, "input"), argument(call, 2, "mat2")
    scales = [float(argument(call, 3 + place, name, 1)) for place, name in enumerate(("beta", "alpha"))]
    others = [input_numbers(call, place) is not None for place in (0, 2)]
    if numbers is None or any(others) or bias is None or matrix is None or bias.ndim != 1:
        raise Refusal("addmm of something else than rows that a layer gave, constant weights and a bias")
    return _dense(structure, call, chosen, numbers, scales[1] * reals(matrix).T, scales[0] * reals(bias))


def _contraction(structure: Structure, call: Call, chosen: Numbers) -> View:
    """torch.einsum of what a layer gives and constant weights: a linear layer, at every position of the axes that only
    the former has."""
    equation = str(call.args[0]).replace(" ", "")
    operands, numbers = list(call.args[1:]), [input_numbers(call, place) for place in range(1, len(call.args))]
    inputs, _, result = equation.partition("->")
    letters = inputs.split(",")
    tracked = [place for place, each in enumerate(numbers) if each is not None]
    plain = "->" in equation and "..." not in equation and all(len(set(each)) == len(each) for each in letters)
    if len(operands) != 2 or len(tracked) != 1 or not plain:
        raise Refusal(f"einsum {equation}; supported: of what a layer gives and constant weights, as in bi,oi->bo")
    got, constant = letters[tracked[0]], letters[1 - tracked[0]]
    rows, outputs = ([each for each in result if each in some] for some in (got, constant))
    inner = [each for each in got if each in constant and each not in result]
    if set(rows) & set(outputs) or {*rows, *inner} != set(got) or {*outputs, *inner} != set(constant):
        raise Refusal(f"einsum {equation}; supported: the same weights at every position, as in bchw,oc->bohw")

    def turned(array: np.ndarray, names: str, axes: list[str]) -> np.ndarray:
        return np.asarray(array.transpose([names.index(each) for each in axes]))

    values = numbers[tracked[0]]
    assert values is not None
    weight = turned(reals(operands[1 - tracked[0]]), constant, [*outputs, *inner])
    lines = turned(values, got, [*rows, *inner])
    sizes = (*lines.shape[: len(rows)], *weight.shape[: len(outputs)])
    places = turned(np.arange(int(np.prod(sizes))).reshape(sizes), "".join([*rows, *outputs]), list(result))
    size = int(np.prod([values.shape[got.index(each)] for each in inner]))
    return _dense(structure, call, places.reshape(-1)[chosen], lines, weight.reshape(-1, size), None)


def _pool(structure: Structure, call: Call, chosen: Numbers) -> View:
    kind, axes = POOLS[function_of(call)]
    row, inputs, places = rows_of(call, chosen, axes)
    key = ("row", call.index, row)
    if key not in structure.made:
        wire = structure.in_order(inputs, "maps as their layer gives them")
        name = structure.new_name(where(call), call.where if call.where else "")
        made = pooled(structure.maker, name, wire, call, kind, axes)
        if int(np.prod(structure.maker.shapes[made.source])) != int(np.prod(call.shape[-axes - 1 :])):
            raise Refusal("windows that round in another way")
        structure.made[key] = View(made, np.zeros(0, np.int64))
    return View(structure.made[key].wire, places)


def _batch_norm(structure: Structure, call: Call, chosen: Numbers) -> View:
    numbers = input_numbers(call)
    mean, variance = argument(call, 1, "running_mean"), argument(call, 2, "running_var")
    if mean is None or variance is None or bool(argument(call, 5, "training", False)):
        raise Refusal("no running statistics; supported: batch norm with the statistics of its training")
    if numbers is None:
        raise Refusal("batch norm of a tensor given by name; supported: as the first argument")
    weight, bias = argument(call, 3, "weight"), argument(call, 4, "bias")
    gain = 1 / np.sqrt(reals(variance) + float(argument(call, 7, "eps", 1e-5)))
    gain = gain if weight is None else gain * reals(weight)
    shift = -gain * reals(mean) + (0.0 if bias is None else reals(bias))
    inner = int(np.prod(call.shape[2:]))
    channel = (chosen // inner) % call.shape[1]
    return _affine(structure, call, numbers.reshape(-1)[chosen], gain[channel], shift[channel])


def _addition(structure: Structure, call: Call, chosen: Numbers) -> View:
    scale = float(call.kwargs.get("alpha", 1))
    signs = (-scale, 1.0) if function_of(call) == "rsub" else (1.0, ADDITIONS[function_of(call)] * scale)
    parts, shift = [], np.zeros(chosen.shape)
    for place, factor in enumerate(signs):
        found = broadcast_operand(call, place, chosen)
        if found.dtype.kind == "f":
            shift = shift + factor * found
        elif not (found == ZEROS).all():
            parts.append((found, factor))
    if len(parts) == 1:
        return _affine(structure, call, parts[0][0], np.full(chosen.shape, parts[0][1]), shift)
    views = [_affine(structure, call, part, np.full(chosen.shape, factor), shift * 0) for part, factor in parts]
    first = views[0]
    sizes = {view.places.size for view in views} | {int(np.prod(structure.maker.shapes[v.wire.source])) for v in views}
    if len(sizes) > 1 or any((view.places != first.places).any() for view in views):
        raise Refusal("adds parts of what layers give, or in different orders; supported: whole maps of one shape")
    shape = structure.maker.shapes[first.wire.source]
    wires = [structure.shaped(view.wire, shape) for view in views]
    wire = structure.maker.add(structure.new_name(where(call), ""), wires)
    return View(wire, first.places)


def _scale(structure: Structure, call: Call, chosen: Numbers) -> View:
    name = function_of(call)
    if name == "neg":
        numbers = input_numbers(call)
        assert numbers is not None
        return _affine(
            structure, call, numbers.reshape(-1)[chosen], np.full(chosen.shape, -1.0), np.zeros(chosen.shape)
        )
    operands = [broadcast_operand(call, place, chosen) for place in (0, 1)]
    tracked = [each for each in operands if each.dtype.kind == "i"]
    factors = [each for each in operands if each.dtype.kind == "f"]
    if len(tracked) != 1:
        raise Refusal("multiplies what layers give with each other; supported: with constants, and matrix products")
    divides = name.endswith("div") or "divide" in name
    if divides and operands[1].dtype.kind == "i":
        raise Refusal("divides by what a layer gives")
    factor = 1 / factors[0] if divides else factors[0]
    return _affine(structure, call, tracked[0], factor, np.zeros(chosen.shape))


def _affine(structure: Structure, call: Call, numbers: Numbers, gain: np.ndarray, shift: np.ndarray) -> View:
    """gain x elements + shift."""
    view = structure.view(numbers)
    if (gain == 1).all() and not shift.any():
        return view
    shape = structure.maker.shapes[view.wire.source]
    if view.places.size != int(np.prod(shape)) or len(np.unique(view.places)) != view.places.size:
        raise Refusal(f"scales a part of what {view.wire.source} gives; supported: all of it")
    by_place = np.empty((2, view.places.size))
    by_place[:, view.places.reshape(-1)] = gain.reshape(-1), shift.reshape(-1)
    name = structure.new_name(where(call), call.where if function_of(call) == "batch_norm" else "")
    made = structure.maker.scale(name, view.wire, by_place[0].reshape(shape), by_place[1].reshape(shape))
    return View(made, view.places)


def _product(structure: Structure, call: Call, chosen: Numbers) -> View:
    constant = _constant_product(structure, call, chosen)
    if constant is not None:
        return constant
    operands = product_operands(call, chosen)
    sides = []
    for numbers in (operands.left, operands.right):
        view = structure.view(numbers)
        shape = structure.maker.shapes[view.wire.source]
        if view.places.size != int(np.prod(shape)):
            raise Refusal(f"a product with a part of what {view.wire.source} gives; supported: all of it")
        positions = shape[1] * shape[2]
        heads, rows, columns = view.places.shape
        head, row, column = np.ix_(np.arange(heads), np.arange(rows), np.arange(columns))
        if (view.places == (head * columns + column) * positions + row).all():
            sides.append((view.wire, False))
        elif (view.places == (head * rows + row) * positions + column).all():
            sides.append((view.wire, True))
        else:
            raise Refusal("a product of matrices that are not channels by positions, head by head")
    (left, turned_left), (right, turned_right) = sides
    key = ("product", call.index, operands.left.tobytes())
    if key not in structure.made:
        name = structure.new_name(where(call), "")
        made = structure.maker.product(name, left, right, len(operands.left), (turned_left, turned_right))
        structure.made[key] = View(made, np.zeros(0, np.int64))
    head, row, column = operands.place
    rows, columns = operands.left.shape[1], operands.right.shape[2]
    return View(structure.made[key].wire, (head * columns + column) * rows + row)


def _constant_product(structure: Structure, call: Call, chosen: Numbers) -> View | None:
    """Rows times a matrix that no layer gave: a linear layer, written by hand; None for other products."""
    left, right = input_numbers(call, 0), input_numbers(call, 1)
    if left is not None and right is None and len(call.args) > 1 and call.args[1].ndim == 2:
        return _dense(structure, call, chosen, left, reals(call.args[1]).T, None)
    if left is None and right is not None and call.args[0].ndim == 2 and right.ndim == 1:
        return _dense(structure, call, chosen, right, reals(call.args[0]), None)
    return None


def _reduction(structure: Structure, call: Call, chosen: Numbers) -> View:
    """The mean or sum over all positions of maps; over timesteps, which a readout adds up anyway, the one looked at."""
    numbers = input_numbers(call)
    over_time = [
        (axis, structure.moment.step)
        for axis in reduced_axes(call)
        if numbers is not None and numbers.shape[axis] == structure.steps > 1
    ]
    for taken in (None, *over_time):
        try:
            return _over_positions(structure, call, chosen, reduced_rows(call, chosen.reshape(-1), taken))
        except Refusal as refusal:
            refused = refusal
    raise refused


def _over_positions(structure: Structure, call: Call, chosen: Numbers, parts: Numbers) -> View:
    if parts.shape[1] == 1:
        return structure.view(parts[:, 0].reshape(chosen.shape))
    view = structure.view(parts)
    c, h, w = structure.maker.shapes[view.wire.source]
    expected = np.arange(c * h * w).reshape(c, h * w)
    if view.places.shape != expected.shape or (np.sort(view.places, axis=1) != expected).any():
        raise Refusal(f"the {function_of(call)} over something else than all positions of maps")
    mode = "average" if function_of(call) == "mean" else "sum"
    made = structure.maker.pool(structure.new_name(where(call), ""), view.wire, mode, (h, w), (h, w))
    return View(made, np.arange(c).reshape(chosen.shape))


def _without_zeros(numbers: Numbers) -> tuple[Numbers, tuple[int, int, int, int]]:
    """Maps (C, ..., H, W) without the rows and columns of zeros around them, and how many there were on each side."""
    if not (numbers == ZEROS).any():
        return numbers, (0, 0, 0, 0)
    maps = numbers.reshape(numbers.shape[0], -1, numbers.shape[-1])
    filled = (maps != ZEROS).any(axis=0)
    rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
    if not rows.size:
        return numbers, (0, 0, 0, 0)
    inner = maps[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    sides = (
        int(rows[0]), maps.shape[1] - 1 - int(rows[-1]), int(columns[0]), maps.shape[2] - 1 - int(columns[-1]),
    )  # fmt: skip
    return (inner[:, 0] if numbers.ndim == 2 else inner), sides


FUNCTIONS: dict[str, Callable[[Structure, Call, Numbers], View]] = {
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    "linear": _linear,
    "addmm": _added_product,
    **dict.fromkeys(POOLS, _pool),
    "batch_norm": _batch_norm,
    **dict.fromkeys(ADDITIONS, _addition),
    **dict.fromkeys((*SCALES, "neg"), _scale),
    **dict.fromkeys(PRODUCTS, _product),
    "einsum": _contraction,
    **dict.fromkeys(REDUCTIONS, _reduction),
}
