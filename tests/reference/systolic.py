"""A dense systolic array in plain Python: the product is really computed, cycle by cycle, by operands that move.

In every cycle the left operands move one PE to the right and the upper ones one PE down. Cycles are counted from the
first operand that enters until the last sum has left.
"""

from __future__ import annotations

import numpy as np


def output_stationary(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, int]:
    """left (r, K) times right (K, c) on r x c PEs whose sums stay; returns the product and its cycles."""
    rows, terms = left.shape
    columns = right.shape[1]
    sums = np.zeros((rows, columns), np.int64)
    done = np.zeros((rows, columns), np.int64)
    cycle = 0
    while done.min(initial=terms) < terms:
        for r in range(rows):
            for c in range(columns):
                k = cycle - r - c  # operands enter row r and column c with a skew of r and c cycles
                if 0 <= k < terms:
                    sums[r, c] += left[r, k] * right[k, c]
                    done[r, c] += 1
        cycle += 1
    return sums, cycle + rows  # sums leave through the rows, one row per cycle


def weight_stationary(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, int]:
    """left (A, r) times right (r, c) on r x c PEs whose weights stay; returns the product and its cycles."""
    stream, rows = left.shape
    columns = right.shape[1]
    cycle = rows  # weights are filled in, one row per cycle
    sums = np.zeros((stream, columns), np.int64)
    done = np.zeros((stream, columns), np.int64)
    while done.min(initial=rows) < rows:
        for r in range(rows):
            for c in range(columns):
                a = cycle - rows - r - c
                if 0 <= a < stream:
                    sums[a, c] += left[a, r] * right[r, c]
                    done[a, c] += 1
        cycle += 1
    return sums, cycle


def tiled(left: np.ndarray, right: np.ndarray, rows: int, columns: int, stationary: str) -> tuple[np.ndarray, int]:
    """left (A, K) times right (K, N) on an array of rows x columns, tile by tile."""
    product = np.zeros((left.shape[0], right.shape[1]), np.int64)
    cycles = 0
    for n in range(0, right.shape[1], columns):
        if stationary == "outputs":
            for a in range(0, left.shape[0], rows):
                tile, taken = output_stationary(left[a : a + rows], right[:, n : n + columns])
                product[a : a + rows, n : n + columns] += tile
                cycles += taken
        else:
            for k in range(0, left.shape[1], rows):
                tile, taken = weight_stationary(left[:, k : k + rows], right[k : k + rows, n : n + columns])
                product[:, n : n + columns] += tile
                cycles += taken
    return product, cycles
