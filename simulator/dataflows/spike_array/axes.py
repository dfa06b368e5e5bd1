"""How the axes of the output map (rows and columns) are cut, and which taps an input meets in each block.

Timing depends on an input's place only through its *tap class*: phase, first and last tap that lands in the block. (A
potential's bank also depends on the place, but moving an input moves all its banks alike, and conflicts with it.)
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from spikecycle.simulator.array_types import Int32, Int64
from spikecycle.simulator.workload import WindowAxis, input_range

PHASE, FIRST_TAP, LAST_TAP, BLOCK_SIZE = range(4)
"""Columns of a table of tap classes. Taps are counted within their phase. Inputs without a tap in the block have a
class of no phase (-1), which is the first where there are such inputs."""


def taps_of_phase(taps: int, stride: int, phase: int) -> int:
    """Taps phase, phase + stride, ... of the kernel."""
    return max(0, -(-(taps - phase) // stride))


@dataclass(frozen=True, eq=False)
class AxisTile:
    """A range of outputs, cut in blocks, and the inputs that it reads.

    start, stop: outputs. first_input, last_input: inputs [first, last).
    block_starts: int64 (blocks + 1,), outputs from `start` on.
    classes: int64 (inputs, blocks), tap class of an input in a block.
    """

    start: int
    stop: int
    first_input: int
    last_input: int
    block_starts: Int64
    classes: Int64

    @property
    def outputs(self) -> int:
        """Outputs in the tile."""
        return self.stop - self.start

    @property
    def largest_block(self) -> int:
        """Outputs of the largest block, the first."""
        return int(self.block_starts[1])


class Place(NamedTuple):
    """Where the events of each map tile land, as rows of a latency table.

    cases: int32 (blocks, positions), for every input of a channel's part of a map tile, row by row, its tap case in a
    block among those of the channel: row class · column classes + column class. Map tiles that are alike share them.
    cases_of_channel: how many there are.
    parts: int64 (map tiles, 5): the part of the input map that each needs, rows [first, stop) and columns [first,
    stop), and the first of its cases.
    """

    cases: Int32
    cases_of_channel: int
    parts: Int64

    @classmethod
    def of(cls, map_tiles: Iterable[tuple[AxisTile, AxisTile]], row_classes: int, column_classes: int) -> Place:
        """Of map tiles, rows and columns of each, that have so many tap classes."""
        parts, cases = [], []
        found: dict[tuple[bytes, bytes], int] = {}
        first = 0
        for rows, columns in map_tiles:
            alike = rows.classes.tobytes(), columns.classes.tobytes()
            if alike not in found:
                found[alike] = first
                of_rows, of_columns = (axis.classes.T.astype(np.int32) for axis in (rows, columns))
                of_tile = of_rows[:, None, :, None] * column_classes + of_columns[:, None, :]
                cases.append(of_tile.reshape(len(of_rows) * len(of_columns), -1))
                first += cases[-1].shape[1]
            parts.append((rows.first_input, rows.last_input, columns.first_input, columns.last_input, found[alike]))
        return cls(np.concatenate(cases, axis=1), row_classes * column_classes, np.array(parts, np.int64))


def tile_ends(outputs: int, tile_size: int, pooled: int) -> list[tuple[int, int]]:
    """[start, stop) of the tiles of an axis. pooled: outputs of a pool's window, of which tiles have whole ones; what
    is left over behind the last window is of the last tile."""
    starts = list(range(0, outputs // pooled * pooled, tile_size))
    return list(zip(starts, [*starts[1:], outputs], strict=True))


def cut_axis(
    axis: WindowAxis, tile_size: int, blocks: int, by_block_size: bool, pooled: int = 1
) -> tuple[tuple[AxisTile, ...], Int64]:
    """Tiles of an axis and the table of tap classes that occur in them, int64 (classes, 4).

    by_block_size: blocks of different size have different classes (their potentials have other addresses). pooled: see
    `tile_ends`.
    """
    tiles, keys = [], []
    for start, stop in tile_ends(axis.outputs, tile_size, pooled):
        block = -(-(stop - start) // blocks)
        block_starts = np.minimum(np.arange(blocks + 1, dtype=np.int64) * block, stop - start)
        first, last = input_range(axis, start, stop)
        keys.append(_tap_classes(axis, start + block_starts, np.arange(first, last, dtype=np.int64), by_block_size))
        tiles.append((start, stop, first, last, block_starts))
    table, numbers = _unique_rows(np.concatenate([key.reshape(-1, 4) for key in keys]))
    ends = np.cumsum([0] + [key.size // 4 for key in keys])
    classes = [numbers.reshape(-1)[ends[i] : ends[i + 1]].reshape(key.shape[:2]) for i, key in enumerate(keys)]
    cut = tuple(AxisTile(*tile, np.ascontiguousarray(number)) for tile, number in zip(tiles, classes, strict=True))
    return cut, np.ascontiguousarray(table)


def _unique_rows(rows: Int64) -> tuple[Int64, Int64]:
    """The rows that there are, in ascending order, and the number of each among them: `np.unique` by rows, which sorts
    numbers many times faster than rows."""
    lowest = rows.min(axis=0, initial=0)
    sizes = (rows.max(axis=0, initial=0) - lowest + 1).tolist()
    if math.prod(sizes) >= 2**62:
        table, numbers = np.unique(rows, axis=0, return_inverse=True)
        return table, numbers.reshape(-1)
    code = rows[:, 0] - lowest[0]
    for column in range(1, rows.shape[1]):
        code = code * sizes[column] + rows[:, column] - lowest[column]
    _, first, numbers = np.unique(code, return_index=True, return_inverse=True)
    return rows[first], numbers


def _tap_classes(axis: WindowAxis, block_starts: Int64, inputs: Int64, by_block_size: bool) -> Int64:
    """int64 (inputs, blocks, 4): the tap class of every input in every block [block_starts[i], block_starts[i + 1])."""
    base, phase = np.divmod(inputs[:, None] + axis.padding, axis.stride)
    taps = np.array([taps_of_phase(axis.taps, axis.stride, p) for p in range(axis.stride)], dtype=np.int64)
    low, high = block_starts[None, :-1], block_starts[None, 1:]
    # tap k of the phase lands on output base - k
    first = np.maximum(0, base - high + 1)
    last = np.minimum(taps[phase] - 1, base - low)
    size = high - low if by_block_size else np.zeros_like(low)
    found = np.stack(np.broadcast_arrays(phase, first, last, size), axis=-1)
    found[first > last] = (-1, 0, -1, 0)
    return found


def taps_of_classes(classes: Int64, axis: WindowAxis) -> Int64:
    """int64 (taps, classes): 1 where an input of the class meets the tap; classes: int64 (classes, 4)."""
    of_phase, phase = np.divmod(np.arange(axis.taps)[:, None], axis.stride)
    first, last = classes[:, FIRST_TAP], classes[:, LAST_TAP]
    met: npt.NDArray[np.bool_] = (classes[:, PHASE] == phase) & (first <= of_phase) & (of_phase <= last)
    return met.astype(np.int64)
