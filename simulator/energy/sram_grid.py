"""The full grid of an SRAM table, shallow cells scaled, and log-log interpolation in it.

CACTI was run for every (node, size, width, banks) of the grid whose banks are at least `least_depth_words` deep. A
shallower cell is the one of least depth with the same node, width and banks, times (depth / least depth) ** exponent.

`interpolate` is multilinear in the logarithms of all four coordinates.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from spikecycle.simulator.array_types import Float64
from spikecycle.simulator.energy.sram_table import SramTable
from spikecycle.simulator.units import BITS_PER_KIB

_SIZE, _WIDTH, _BANKS = 1, 2, 3
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
    table: SramTable, axes: tuple[Float64, ...], least_depth_words: int, depth_exponents: Float64
) -> SramGrid:
    """The full grid over `axes` (log2 values). depth_exponents: (quantities,) for shallow cells.

    Raises ValueError where the table lacks a cell that is deep enough.
    """
    values = np.full((*(len(axis) for axis in axes), table.values.shape[1]), np.nan)
    values[tuple(np.searchsorted(axis, table.points[:, i]) for i, axis in enumerate(axes))] = table.values
    shallow = _shallow_cells(axes, least_depth_words)
    _scale_shallow(values, axes[_SIZE], shallow, depth_exponents)
    if np.isnan(values).any():
        raise ValueError(f"the table lacks {int(np.isnan(values).any(axis=-1).sum())} cells of its grid")
    return SramGrid(axes, values)


def _shallow_cells(axes: tuple[Float64, ...], least_depth_words: int) -> npt.NDArray[np.bool_]:
    """(sizes, widths, banks): whether a bank has fewer words than the least depth."""
    least = np.log2(least_depth_words / BITS_PER_KIB) + np.add.outer(axes[_WIDTH], axes[_BANKS])
    shallow: npt.NDArray[np.bool_] = axes[_SIZE][:, None, None] < least - _SAME_OCTAVES
    if shallow[-1].any():
        raise ValueError("the largest SRAM of the grid has too few words per bank for its widest word and most banks")
    return shallow


def _scale_shallow(values: Float64, sizes: Float64, shallow: npt.NDArray[np.bool_], depth_exponents: Float64) -> None:
    """Overwrite cells that are too shallow, from the cell of least depth in the same line."""
    for width, banks in np.ndindex(shallow.shape[1:]):
        anchor = int(np.count_nonzero(shallow[:, width, banks]))
        steps = (sizes[:anchor] - sizes[anchor])[:, None] * np.log(2) * depth_exponents
        values[:, :anchor, width, banks] = values[:, [anchor], width, banks] + steps
