"""One axis of a sliding window (rows or columns): which inputs outputs read, and which outputs a tap meets.

Output p and tap r meet in input p * stride + r * dilation - padding, where that lies in the map.
"""

from __future__ import annotations

from typing import NamedTuple

from spikecycle.simulator.jit import kernel
from spikecycle.traces import LayerShape


class WindowAxis(NamedTuple):
    """Output positions, input positions, kernel taps, and how windows lie: as kernels take them.

    padding: zeros ahead of the first input (above, or at the left).
    """

    outputs: int
    inputs: int
    taps: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1

    @classmethod
    def of(cls, inputs: int, taps: int, stride: int, padding: tuple[int, int], dilation: int) -> WindowAxis:
        """As many outputs as windows lie in the padded map; padding: zeros ahead of it and behind it."""
        outputs = (inputs + sum(padding) - dilation * (taps - 1) - 1) // stride + 1
        return cls(outputs, inputs, taps, stride, padding[0], dilation)


class Windows(NamedTuple):
    """How the windows of a synapse lie in its input maps, as kernels take it."""

    rows: WindowAxis
    columns: WindowAxis

    @classmethod
    def of(cls, shape: LayerShape) -> Windows:
        """Those of a layer."""
        top, bottom, left, right = shape.sides
        return cls(
            WindowAxis.of(shape.H, shape.R, shape.stride[0], (top, bottom), shape.dilation[0]),
            WindowAxis.of(shape.W, shape.S, shape.stride[1], (left, right), shape.dilation[1]),
        )


@kernel
def input_range(axis: WindowAxis, start: int, stop: int) -> tuple[int, int]:
    """Inputs [first, last) between the first and the last one that the outputs [start, stop) read.

    first = last if they read padding only.
    """
    first = max(0, start * axis.stride - axis.padding)
    last = min(axis.inputs, (stop - 1) * axis.stride - axis.padding + (axis.taps - 1) * axis.dilation + 1)
    return first, max(first, last)


@kernel
def outputs_of_tap(axis: WindowAxis, tap: int) -> tuple[int, int]:
    """Outputs [first, last) at which a tap meets an input, not padding; first = last if there are none."""
    offset = axis.padding - tap * axis.dilation
    first = max(0, -(-offset // axis.stride))
    last = min(axis.outputs, (axis.inputs - 1 + offset) // axis.stride + 1)
    return first, max(first, last)
