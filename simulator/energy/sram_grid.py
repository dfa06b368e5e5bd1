"""A full grid from a table with gaps: missing cells are kriged, shallow ones scaled; inside, log-log interpolation.

CACTI was not run for every (node, size, width, banks). `fill_grid` completes the grid once:

1. A cell that the table has keeps its value.
2. Any other cell is the best linear unbiased estimate from all rows (universal kriging; Cressie, Statistics for Spatial
   Data, 1993, section 3.4): a trend, linear in the logarithms of size, width and banks with one intercept a node, plus
   what the residuals of the rows say, correlated as exp(-sum_axis |difference in octaves| / length_axis). This is
   where banking goes from the nodes whose banked SRAMs were computed to those where only one bank was.
3. Then a missing cell is clipped between its neighbours in size, so that no quantity falls as a memory grows.
4. A cell less than `least_depth_words` words a bank deep is the one of least depth with the same node, width and banks,
   times (depth / least depth) ** exponent.

`interpolate` is multilinear in the logarithms of all four coordinates.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikecycle.simulator.energy.sram_table import Float64, SramTable
from spikecycle.simulator.units import BITS_PER_KIB

_NODE, _SIZE, _WIDTH, _BANKS = range(4)
_DECIMALS = 9
"""Kriged logarithms are rounded to this, so that they are the same whatever order a linear-algebra library adds in."""
_SAME_OCTAVES = 1e-9


@dataclass(frozen=True, eq=False)
class SramGrid:
    """axes: log2 of each coordinate's grid values. values: float64 (*lengths of axes, quantities), natural logs."""

    axes: tuple[Float64, ...]
    values: Float64

    def interpolate(self, point: Float64) -> Float64:
        """Natural logs (quantities,) at log2 coordinates `point` (4,), which must lie within the axes."""
        corners, shares = [], []
        for axis, x in zip(self.axes, point, strict=True):
            low = min(max(int(np.searchsorted(axis, x, side="right")) - 1, 0), len(axis) - 2)
            corners.append(low)
            shares.append((x - axis[low]) / (axis[low + 1] - axis[low]))
        result = np.zeros(self.values.shape[-1])
        for steps in itertools.product((0, 1), repeat=len(self.axes)):
            share = 1.0
            for step, of_high in zip(steps, shares, strict=True):
                share *= of_high if step else 1.0 - of_high
            result += share * self.values[tuple(low + step for low, step in zip(corners, steps, strict=True))]
        return result


def fill_grid(
    table: SramTable,
    axes: tuple[Float64, ...],
    lengths_octaves: Float64,
    least_depth_words: int,
    depth_exponents: Float64,
) -> SramGrid:
    """The full grid over `axes` (log2 values).

    lengths_octaves: (4,) correlation length along each coordinate. depth_exponents: (quantities,) for shallow cells.
    """
    kriged = np.round(_krige(table, axes, lengths_octaves), _DECIMALS)
    known = np.full(kriged.shape, np.nan)
    known[tuple(np.searchsorted(axis, table.points[:, i]) for i, axis in enumerate(axes))] = table.values
    shallow = _shallow_cells(axes, least_depth_words)
    kriged[:, shallow] = -np.inf
    values = _clip_along_size(kriged, known)
    _scale_shallow(values, axes[_SIZE], shallow, depth_exponents)
    return SramGrid(axes, values)


def _krige(table: SramTable, axes: tuple[Float64, ...], lengths_octaves: Float64) -> Float64:
    """Universal kriging of every quantity on the grid: natural logs (*lengths of axes, quantities)."""
    points, nodes = table.points, np.unique(table.points[:, _NODE])
    cells = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    trend = _trend(points, nodes)
    alike = np.prod([_alike(points[:, i], points[:, i], lengths_octaves[i]) for i in range(len(axes))], axis=0)
    solved = np.linalg.solve(alike, np.hstack([trend, table.values]))
    by_trend, by_values = np.split(solved, [trend.shape[1]], axis=1)
    coefficients = np.linalg.solve(trend.T @ by_trend, trend.T @ by_values)
    weights = by_values - by_trend @ coefficients
    node, size, width, banks = (_alike(axis, points[:, i], lengths_octaves[i]) for i, axis in enumerate(axes))
    by_size = (node[:, None] * size)[:, :, None, None] * weights.T[:, None]  # (nodes, sizes, quantities, 1, rows)
    by_width = (width[:, None] * banks).reshape(-1, len(table))
    residual = (by_size.reshape(-1, len(table)) @ by_width.T).reshape(*by_size.shape[:3], len(width), len(banks))
    estimate: Float64 = _trend(cells, nodes) @ coefficients + np.moveaxis(residual, 2, -1)
    return estimate


def _trend(points: Float64, nodes: Float64) -> Float64:
    """(..., nodes + 3): one intercept a node, and slopes in size, width and banks."""
    intercepts = points[..., [_NODE]] == nodes
    return np.concatenate([intercepts, points[..., [_SIZE, _WIDTH, _BANKS]]], axis=-1).astype(np.float64)


def _alike(first: Float64, second: Float64, length_octaves: float) -> Float64:
    """(n, m): correlation along one axis."""
    return np.asarray(np.exp(-np.abs(np.subtract.outer(first, second)) / length_octaves))


def _clip_along_size(kriged: Float64, known: Float64) -> Float64:
    """Known cells where there are, kriged ones elsewhere, moved where they would break the order in size."""
    missing = np.isnan(known)
    ceiling = np.where(missing, np.inf, known)
    ceiling = np.minimum.accumulate(ceiling[:, ::-1], axis=_SIZE)[:, ::-1]
    values = np.where(missing, np.minimum(kriged, ceiling), known)
    floor: Float64 = np.maximum.accumulate(values, axis=_SIZE)
    return np.where(missing, floor, values)


def _shallow_cells(axes: tuple[Float64, ...], least_depth_words: int) -> npt.NDArray[np.bool_]:
    """(sizes, widths, banks): whether a bank has fewer words than the least depth."""
    least = np.log2(least_depth_words / BITS_PER_KIB) + np.add.outer(axes[_WIDTH], axes[_BANKS])
    shallow: npt.NDArray[np.bool_] = axes[_SIZE][:, None, None] < least - _SAME_OCTAVES
    if shallow[-1].any():
        raise ValueError("the largest SRAM of the grid has too few words a bank for its widest word and most banks")
    return shallow


def _scale_shallow(values: Float64, sizes: Float64, shallow: npt.NDArray[np.bool_], depth_exponents: Float64) -> None:
    """Overwrite cells that are too shallow, from the cell of least depth in the same line."""
    for width, banks in np.ndindex(shallow.shape[1:]):
        anchor = int(np.count_nonzero(shallow[:, width, banks]))
        steps = (sizes[:anchor] - sizes[anchor])[:, None] * np.log(2) * depth_exponents
        values[:, :anchor, width, banks] = values[:, [anchor], width, banks] + steps
