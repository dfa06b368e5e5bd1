"""The order of a row-stationary array's passes, and what it counts of inputs, in plain Python: MICROARCHITECTURE.md of
the array, sections 2 to 4 and 6, pass by pass and value by value.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np


def parts(items: range, most: int) -> list[range]:
    """Of so many items each, the last one of what is left."""
    return [items[first : first + most] for first in range(0, len(items), most)]


class Pass(NamedTuple):
    """One pass. range: of output columns. tile, fold: of all ranges; number: the column fold within its tile."""

    range: int
    tile: int
    fold: int
    number: int
    filter_fold: int
    channel_fold: int


def passes(tile_sizes: list[int], shape: tuple[int, int, int], folds_per_group: int, by_group: bool) -> list[Pass]:
    """All passes in order. tile_sizes: column folds of the tiles of a range. shape: column folds of all ranges, filter
    folds, channel folds."""
    column_folds, filter_folds, channel_folds = shape
    found = []
    fold_start = tile = 0
    for in_range in range(column_folds // sum(tile_sizes)):
        for size in tile_sizes:
            groups = parts(range(size), folds_per_group)
            orders = [(f, group) for f in range(filter_folds) for group in groups]
            if by_group:
                orders = [(f, group) for group in groups for f in range(filter_folds)]
            for f, group in orders:
                for k, number in itertools.product(range(channel_folds), group):
                    found.append(Pass(in_range, tile, fold_start + number, number, f, k))
            fold_start += size
            tile += 1
    return found


def windows(is_set: np.ndarray, shape: Any, columns: range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of output columns: windows (C, S, H, T) whose input at tap s of a row is set; the same by tap (C, R, S) over all
    timesteps and output rows; and inputs that are set (T, H, C) of those that any window covers.

    is_set: (T, C, H, W).
    """
    T, C, H, W = is_set.shape
    top, _, left, _ = shape.sides
    of_rows = np.zeros((C, shape.S, H, T), int)
    of_taps = np.zeros((C, shape.R, shape.S), int)
    for t, c, y, s, q in itertools.product(range(T), range(C), range(H), range(shape.S), columns):
        x = q * shape.stride[1] - left + s
        if 0 <= x < W and is_set[t, c, y, x]:
            of_rows[c, s, y, t] += 1
            for r, p in itertools.product(range(shape.R), range(shape.P)):
                of_taps[c, r, s] += p * shape.stride[0] - top + r == y
    first = max(0, columns.start * shape.stride[1] - left)
    end = min(W, (columns.stop - 1) * shape.stride[1] - left + shape.S)
    return of_rows, of_taps, is_set[..., first : max(first, end)].sum(axis=3).transpose(0, 2, 1)


def delivered(
    takes: np.ndarray, filter_rows: range, fold_channels: int, row_bits: int, word_bits: int, gates: bool
) -> np.ndarray:
    """Of an input row that these filter rows meet, (4, F, K): words read, words gated, rows of channels that are sent,
    and that are taken. takes: (F, C', R), array rows that take a channel's row."""
    filter_folds, channels, _ = takes.shape
    folds = parts(range(channels), fold_channels)
    found = np.zeros((4, filter_folds, len(folds)), int)
    for f, (k, fold) in itertools.product(range(filter_folds), enumerate(folds)):
        read: set[int] = set()
        for place, c in enumerate(fold):
            takers = sum(int(takes[f, c, r]) for r in filter_rows)
            if takers:
                read |= {bit // word_bits for bit in range(place * row_bits, (place + 1) * row_bits)}
                found[2, f, k] += 1
                found[3, f, k] += takers
        lies_in = {bit // word_bits for bit in range(len(fold) * row_bits)}
        found[:2, f, k] = len(read), len(lies_in - read) if gates else 0
    return found
