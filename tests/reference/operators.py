"""Twins of `spikecycle.traces.operators`: each operator in plain Python integers, and whole networks of them.

Tensors are nested lists [c][h][w] per timestep. Each twin is a function from an operator to a step: a function from
the lists that arrive in a timestep to the list that comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

from spikecycle.traces import Operator
from tests.reference.neuron import Cell
from tests.reference.replay import gather

Step = Callable[[list[Any]], Any]


def build(shape: tuple[int, int, int], value: Callable[[int, int, int], int]) -> Any:
    """A nested list of which every element is worked out by itself."""
    return [[[value(c, h, w) for w in range(shape[2])] for h in range(shape[1])] for c in range(shape[0])]


def size(tensor: Any) -> tuple[int, int, int]:
    """(C, H, W) of a nested list."""
    return len(tensor), len(tensor[0]), len(tensor[0][0])


def synapse(operator: Any) -> Step:
    """Every output gathers what its window holds."""
    shape, weights, bias = operator.shape, operator.weights().tolist(), operator.bias().tolist()

    def step(inputs: list[Any]) -> Any:
        (frame,) = inputs
        if operator.kind == "linear":
            frame = [[[value]] for channel in frame for row in channel for value in row]
        return build(shape.output_shape, lambda m, p, q: gather(shape, weights, frame, m, p, q)[0] + bias[m])

    return step


def population(operator: Any, occurred: set[str] | None = None) -> Step:
    """Every neuron by itself."""
    shape = operator.output.shape
    occurred = set() if occurred is None else occurred
    cells = {place: Cell(operator.neuron, *place, occurred) for place in product(*map(range, shape))}

    def step(inputs: list[Any]) -> Any:
        return build(shape, lambda m, p, q: cells[m, p, q].step(sum(each[m][p][q] for each in inputs)))

    return step


def add(operator: Any) -> Step:
    """Element by element."""
    return lambda inputs: build(size(inputs[0]), lambda c, h, w: sum(each[c][h][w] for each in inputs))


def concatenate(operator: Any) -> Step:
    """List by list."""
    return lambda inputs: [channel for each in inputs for channel in each]


def pool(operator: Any) -> Step:
    """Window by window."""
    top, bottom, left, right = operator.sides
    rows, columns = operator.window

    def step(inputs: list[Any]) -> Any:
        (frame,) = inputs
        channels, height, width = size(frame)

        def window(c: int, p: int, q: int) -> int:
            places = [
                (p * operator.stride[0] + row - top, q * operator.stride[1] + column - left)
                for row in range(rows)
                for column in range(columns)
            ]
            inside = [frame[c][h][w] for h, w in places if 0 <= h < height and 0 <= w < width]
            if operator.mode == "max":
                return max(inside)
            if operator.mode == "sum":
                return sum(inside)
            return sum(inside) // (rows * columns if operator.shift is None else 2**operator.shift)

        p = (height + top + bottom - rows) // operator.stride[0] + 1
        q = (width + left + right - columns) // operator.stride[1] + 1
        return build((channels, p, q), window)

    return step


def attention(operator: Any) -> Step:
    """Rows times columns, head by head."""

    def matrix(tensor: Any, head: int) -> Any:
        """[position][channel of the head]."""
        channels, height, width = size(tensor)
        own = channels // operator.heads
        return [
            [tensor[head * own + channel][h][w] for channel in range(own)] for h in range(height) for w in range(width)
        ]

    def step(inputs: list[Any]) -> Any:
        output_channels: list[Any] = []
        for head in range(operator.heads):
            left, right = (matrix(each, head) for each in inputs)
            if operator.transpose_left:
                left = [list(column) for column in zip(*left, strict=True)]
            if operator.transpose_right:
                right = [list(column) for column in zip(*right, strict=True)]
            for column in range(len(right[0])):
                output_channels.append(
                    [sum(row[k] * right[k][column] for k in range(len(right))) // 2**operator.shift for row in left]
                )
        _, height, width = operator.output.shape
        return [[[channel[h * width + w] for w in range(width)] for h in range(height)] for channel in output_channels]

    return step


TWINS: dict[str, Callable[[Any], Step]] = {
    "conv1d": synapse,
    "conv2d": synapse,
    "linear": synapse,
    "neuron": population,
    "add": add,
    "concatenate": concatenate,
    "pool": pool,
    "attention": attention,
}


def run(operator: Operator, inputs: list[Any]) -> list[Any]:
    """All timesteps [t][c][h][w]; inputs: one such list per input."""
    step = TWINS[operator.kind](operator)
    return [step([each[t] for each in inputs]) for t in range(len(inputs[0]))]


def run_network(operators: Iterable[Operator], inputs: dict[str, Any], timesteps: int) -> dict[str, Any]:
    """Every tensor [t][c][h][w] from the inputs of the network; operators in an order that works."""
    started = [(operator, TWINS[operator.kind](operator)) for operator in operators]
    tensors: dict[str, Any] = dict(inputs) | {operator.output.name: [] for operator, _ in started}
    shapes = {operator.output.name: operator.output.shape for operator, _ in started}
    for t in range(timesteps):
        for operator, step in started:
            arriving = []
            for source in operator.inputs:
                if t - source.delay < 0:
                    shape = shapes.get(source.tensor) or size(tensors[source.tensor][0])
                    arriving.append(build(shape, lambda c, h, w: 0))
                else:
                    arriving.append(tensors[source.tensor][t - source.delay])
            tensors[operator.output.name].append(step(arriving))
    return tensors
