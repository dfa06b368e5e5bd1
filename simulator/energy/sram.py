"""Energy, leakage, area and times of an SRAM over node, size, width and banks, from a CACTI-derived table.

Inside the table's grid: log-log interpolation (`sram_grid`). Beyond it, in this order:

- size above the largest, width below the least or above the largest, banks above the largest: the value at the nearest
  edge times the ratio of a fitted law (`sram_schema.Law`; constants and fit errors are in the table's YAML file);
- size below the smallest: from the smallest down, energy as size ** 0.78, leakage and area as size, times constant;
- no access costs less than a register of the same width, scaled to the node as the table's smallest SRAM scales.

All of it is continuous. Nodes outside the table are refused.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.array_types import Float64
from spikecycle.simulator.energy.files import energy_folder, read_validated
from spikecycle.simulator.energy.sram_grid import SramGrid, fill_grid
from spikecycle.simulator.energy.sram_schema import SramFile
from spikecycle.simulator.energy.sram_table import QUANTITIES, SramTable, read_table
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.units import BITS_PER_KIB

_DEFAULT_CELL = "itrs-lstp"
_DEFAULT_TEMPERATURE_K = 300
_NODE, _WIDTH = 0, 2
_ENERGIES = slice(0, 2)
_DEPTH_EXPONENTS_BUT_ENERGY = (1.0, 1.0, 0.0, 0.0)
"""Leakage and area go with the number of words, times do not."""


@dataclass(frozen=True)
class SramEstimate:
    """One SRAM, all its banks together.

    read_pj, write_pj: one access of its full width in one bank, with the wires between banks, pJ. leakage_mw, area_mm2:
    of the whole memory. access_ns: from address to data. cycle_ns: least time between accesses of a bank.
    extrapolated: whether it lies beyond what CACTI was run for.
    """

    read_pj: float
    write_pj: float
    leakage_mw: float
    area_mm2: float
    access_ns: float
    cycle_ns: float
    extrapolated: bool


@dataclass(frozen=True, eq=False)
class SramModel:
    """A table and its constants, ready to estimate. Holds nothing that an estimate changes.

    least_of_a_bit: float64 (nodes,), natural log of the least energy of an access over its width, of the table's rows.
    """

    constants: SramFile
    grid: SramGrid
    least_of_a_bit: Float64

    @staticmethod
    def load(cell: str = _DEFAULT_CELL, temperature_k: int = _DEFAULT_TEMPERATURE_K, ports: int = 1) -> SramModel:
        """The shipped model of a CACTI cell type at a temperature, with one port that reads and writes or with two, one
        to read and one to write; raises MachineError naming those that there are."""
        return _load(cell, temperature_k, ports)

    @staticmethod
    def build(constants: SramFile, table: SramTable, axes: tuple[Float64, ...]) -> SramModel:
        """A model over the grid `axes` (log2 values) from the rows of `table`."""
        small = constants.small
        exponents = np.array([small.energy_depth_exponent] * 2 + [*_DEPTH_EXPONENTS_BUT_ENERGY])
        of_a_bit = table.values[:, _ENERGIES].min(axis=1) - table.points[:, _WIDTH] * np.log(2)
        least = np.array([of_a_bit[table.points[:, _NODE] == node].min() for node in axes[_NODE]])
        return SramModel(constants, fill_grid(table, axes, small.least_depth_words, exponents), least)

    # The few models live as long as the program (`_load`), so that what is kept of them keeps nothing alive.
    @functools.lru_cache(maxsize=4096)  # noqa: B019
    def estimate(self, node_nm: float, size_kib: float, width_bits: int, banks: int) -> SramEstimate:
        """One SRAM of `size_kib` in all, accessed `width_bits` at a time, in `banks` banks.

        Raises MachineError for a node that the table does not cover, or for a memory of nothing.
        """
        if not (size_kib > 0 and width_bits >= 1 and banks >= 1):
            raise MachineError(f"no SRAM has {size_kib} KiB, {width_bits} bits per word and {banks} banks")
        point = np.log2(np.array([node_nm, size_kib, width_bits, banks], dtype=np.float64))
        low = np.array([axis[0] for axis in self.grid.axes])
        high = np.array([axis[-1] for axis in self.grid.axes])
        if not low[_NODE] <= point[_NODE] <= high[_NODE]:
            nodes = " to ".join(f"{np.exp2(edge):g}" for edge in (low[_NODE], high[_NODE]))
            raise MachineError(f"technology.node_nm: found {node_nm:g}, SRAM is known from {nodes} nm")
        inside = np.clip(point, low, high)
        values = np.exp(self.grid.interpolate(inside))
        above = np.maximum(point, np.array([-np.inf, low[1], -np.inf, -np.inf]))
        values *= self._law(above) / self._law(inside)
        values *= self._depth_exponents_ratio(min(point[1] - low[1], 0.0))
        values[_ENERGIES] = np.maximum(values[_ENERGIES], self._register_pj(point[_NODE]) * width_bits)
        shallow = size_kib * BITS_PER_KIB < self.constants.small.least_depth_words * width_bits * banks
        return SramEstimate(
            **dict(zip(QUANTITIES, values.tolist(), strict=True)),
            extrapolated=bool(shallow or np.any(inside != point)),
        )

    def _law(self, point: Float64) -> Float64:
        """The fitted law up to a factor, (6,)."""
        _, size_kib, width_bits, banks = np.exp2(point)
        laws = [getattr(self.constants.law, quantity) for quantity in QUANTITIES]
        return np.array(
            [
                size_kib**law.size_exponent * (1 + law.width_weight_per_bit * width_bits) * banks**law.banks_exponent
                for law in laws
            ]
        )

    def _depth_exponents_ratio(self, octaves_below: float) -> Float64:
        """What is left of each quantity that many octaves (<= 0) below the smallest size, (6,)."""
        exponents = [self.constants.small.energy_depth_exponent] * 2 + [*_DEPTH_EXPONENTS_BUT_ENERGY]
        return np.exp2(octaves_below * np.array(exponents))

    def _register_pj(self, log2_node_nm: float) -> float:
        """Energy of a register bit at a node: scales as the read energy of the table's smallest SRAM; at most the least
        energy of a bit in the table, for its cells may be made of devices that take less."""
        small = self.constants.small
        corner = np.array([axis[0] for axis in self.grid.axes])
        here, there = corner.copy(), corner
        here[_NODE], there[_NODE] = log2_node_nm, np.log2(small.register_node_nm)
        ratio = self.grid.interpolate(here)[0] - self.grid.interpolate(there)[0]
        least = np.interp(log2_node_nm, self.grid.axes[_NODE], self.least_of_a_bit)
        return min(small.register_pj_per_bit * float(np.exp(ratio)), float(np.exp(least)))


@functools.lru_cache(maxsize=8)
def _load(cell: str, temperature_k: int, ports: int) -> SramModel:
    """Reads files that ship with the package and never change, so the immutable result is kept."""
    kind = "1r1w" if ports > 1 else "1rw"
    named = f"sram_{cell.removeprefix('itrs-')}_{temperature_k}k_{kind}.yaml"  # read first; its content decides
    paths = sorted(energy_folder().glob("sram_*.yaml"), key=lambda path: (path.name != named, path.name))
    files = []
    for path in paths:
        constants = read_validated(path, SramFile)
        files.append(constants)
        if (constants.cell, constants.temperature_k, constants.ports) == (cell, temperature_k, ports):
            table = read_table(energy_folder() / constants.table)
            return SramModel.build(constants, table, table.axes())
    allowed = ", ".join(f"{file.cell} at {file.temperature_k} K" for file in files if file.ports == ports)
    raise MachineError(
        f"technology.sram_cell: found {cell!r} at {temperature_k} K, there are tables of SRAMs with "
        f"{'2 ports' if ports > 1 else '1 port'} for: {allowed}"
    )
