"""Slices of 16 bits of im2col rows, and how many of each kind there are at every place of a row: kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt16, UInt64
from spikecycle.simulator.dataflows.pattern_correction.clustering import SLICE_BITS
from spikecycle.simulator.jit import lean_kernel
from spikecycle.simulator.workload.im2col import WORD_BITS
from spikecycle.simulator.workload.words import lowest_one

KINDS = 1 << SLICE_BITS
"""Slices that there can be."""
AT_ONCE = 4096
"""Rows whose slices of two ones and more are picked out before they are counted."""
PER_WORD = WORD_BITS // SLICE_BITS


def slices_of(planes: UInt64) -> UInt16:
    """Slices, uint16 (groups, words, rows, 4), of packed rows, uint64 (groups, n, P * Q, words), of n planes.

    Bit b of slice (g, w, r, s) is column 64 w + 16 s + b of a row of group g. Without a copy where the words lie so
    (`SynapseWorkload.plane_blocks`, word_major).
    """
    groups, n, positions, words = planes.shape
    little = np.ascontiguousarray(planes.transpose(0, 3, 1, 2)).astype("<u8", copy=False)
    return little.view("<u2").astype(np.uint16, copy=False).reshape(groups, words, n * positions, PER_WORD)


class SeenSlices(NamedTuple):
    """Different slices of every place, and how many there are of each; slices of fewer than two ones are left out.

    values, numbers: uint16, and int32 or int64 (n,), of all places, one after the other. starts: int64 (places + 1,):
    those of place i are [starts[i] : starts[i + 1]]. The places of a group follow those of the group before.
    """

    values: UInt16
    numbers: Int32 | Int64
    starts: Int64

    @classmethod
    def none(cls, places: int) -> SeenSlices:
        """Before any are seen, at so many places."""
        return cls(np.zeros(0, np.uint16), np.zeros(0, np.int32), np.zeros(places + 1, np.int64))

    def plus(self, slices: UInt16, room: CountRoom) -> SeenSlices:
        """Together with others, uint16 (groups, words, rows, 4)."""
        rows, places = slices.shape[2], len(self.starts) - 1
        most = len(self.values) + places * min(KINDS, rows)
        dtype = _count_dtype(int(self.numbers.max(initial=0)) + rows)
        found = SeenSlices(np.empty(most, np.uint16), np.empty(most, dtype), np.zeros_like(self.starts))
        count_slices(slices, self, room, found)
        for array in found[:2]:
            array.resize(found.starts[-1], refcheck=False)  # in place: a copy would take as much memory again
        return found

    @staticmethod
    def bytes_each(rows: int) -> int:
        """Memory of a different slice of so many rows."""
        return np.dtype(np.uint16).itemsize + np.dtype(_count_dtype(rows)).itemsize

    @property
    def different(self) -> Int64:
        """int64 (places,): different slices of every place."""
        return np.diff(self.starts)


def _count_dtype(most: int) -> type[np.int32] | type[np.int64]:
    """The smaller dtype that holds counts up to so many."""
    return np.int32 if most <= np.iinfo(np.int32).max else np.int64


class CountRoom(NamedTuple):
    """Room to count in.

    numbers: int64 (KINDS,), zeros. taken: uint16 (AT_ONCE,). listed: int32 (KINDS + 1,). marks: uint64 (KINDS / 64,),
    zeros.
    """

    numbers: Int64
    taken: UInt16
    listed: Int32
    marks: UInt64

    @classmethod
    def empty(cls) -> CountRoom:
        """With nothing counted."""
        marks = np.zeros(KINDS // WORD_BITS, np.uint64)
        return cls(np.zeros(KINDS, np.int64), np.zeros(AT_ONCE, np.uint16), np.zeros(KINDS + 1, np.int32), marks)


@lean_kernel
def count_slices(slices: UInt16, before: SeenSlices, room: CountRoom, after_out: SeenSlices) -> None:
    """Count slices, uint16 (groups, words, rows, 4), together with what was seen before; in any order."""
    groups, _, rows, _ = slices.shape
    places = (len(before.starts) - 1) // groups
    numbers, listed = room.numbers, room.listed
    total = 0
    for index in range(groups * places):
        found = 0
        for i in range(before.starts[index], before.starts[index + 1]):
            value = before.values[i]
            numbers[value] = before.numbers[i]
            listed[found] = value
            found += 1
        place = index % places
        own = slices[index // places, place // PER_WORD]
        column = place % PER_WORD
        for first in range(0, rows, AT_ONCE):
            some = 0
            for row in range(first, min(first + AT_ONCE, rows)):
                value = np.int64(own[row, column])
                room.taken[some] = value
                some += value & (value - 1) != 0
            for i in range(some):
                value = np.int64(room.taken[i])
                listed[found] = value
                found += numbers[value] == 0
                numbers[value] += 1
        for i in range(found):
            value = listed[i]
            after_out.values[total] = value
            after_out.numbers[total] = numbers[value]
            numbers[value] = 0
            total += 1
        after_out.starts[index + 1] = total


@lean_kernel
def sort_slices(seen: SeenSlices, room: CountRoom) -> None:
    """Put the slices of every place in ascending order."""
    for place in range(len(seen.starts) - 1):
        first, last = seen.starts[place], seen.starts[place + 1]
        for i in range(first, last):
            value = np.int64(seen.values[i])
            room.numbers[value] = seen.numbers[i]
            room.marks[value >> 6] |= np.uint64(1) << np.uint64(value & 63)
        if first < last:
            i = first
            for word in range(len(room.marks)):
                left = room.marks[word]
                room.marks[word] = 0
                while left:
                    found = word << 6 | lowest_one(left)
                    left &= left - np.uint64(1)
                    seen.values[i] = found
                    seen.numbers[i] = room.numbers[found]
                    room.numbers[found] = 0
                    i += 1
