"""Energy tables of logic: pJ of an action and um2 of a unit by width, at the node of the table or scaled to another."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikecycle.simulator.energy.files import energy_folder, read_validated
from spikecycle.simulator.energy.table_schema import DramFile, DramPreset, EnergyFile, Law, ScalingFile
from spikecycle.simulator.errors import MachineError

_EXPONENTS: Mapping[Law, int] = {"constant": 0, "linear": 1, "quadratic": 2}
_SUFFIX = ".yaml"


@dataclass(frozen=True)
class WidthCurve:
    """A value over a width: log-log between points, a power of the width beyond them.

    points: (bits, value), ascending in bits, values positive. exponent: of the width outside the points.
    """

    points: tuple[tuple[int, float], ...]
    exponent: int

    def at(self, bits: int) -> float:
        """The value at a width of `bits` >= 1."""
        (first, at_first), (last, at_last) = self.points[0], self.points[-1]
        if bits <= first:
            return at_first * (bits / first) ** self.exponent
        if bits >= last:
            return at_last * (bits / last) ** self.exponent
        widths, values = np.log2(np.array(self.points, dtype=np.float64).T)
        return float(np.exp2(np.interp(math.log2(bits), widths, values)))


@dataclass(frozen=True)
class EnergyTable:
    """Logic at one node.

    name: as the machine file names it. node_nm: process node, nm. supply_v: supply, V. wire_pj_per_bit_mm: energy of
    moving one bit one mm, pJ. table_node_nm: the node that the numbers were given at.
    """

    name: str
    node_nm: float
    supply_v: float
    wire_pj_per_bit_mm: float
    table_node_nm: float
    _energies: Mapping[str, WidthCurve]
    _areas: Mapping[str, WidthCurve]
    _energy_factor: float = 1.0
    _area_factor: float = 1.0

    @staticmethod
    def load(name: str) -> EnergyTable:
        """The table called `name` in hwconfigs/energy, or in the YAML file `name`.

        Raises MachineError: an unknown name with those that there are, a wrong file with one line per problem.
        """
        file = read_validated(_find(name), EnergyFile)
        return EnergyTable(
            name=name,
            node_nm=file.node_nm,
            supply_v=file.supply_v,
            wire_pj_per_bit_mm=file.wire.pj_per_bit_mm,
            table_node_nm=file.node_nm,
            _energies={
                action: WidthCurve(
                    tuple((point.bits, point.pj) for point in entry.energy.points), _EXPONENTS[entry.energy.law]
                )
                for action, entry in file.actions.items()
            },
            _areas={
                action: WidthCurve(
                    tuple((point.bits, point.um2) for point in entry.area.points), _EXPONENTS[entry.area.law]
                )
                for action, entry in file.actions.items()
                if entry.area is not None
            },
        )

    @property
    def actions(self) -> tuple[str, ...]:
        """Names of all actions, sorted."""
        return tuple(sorted(self._energies))

    def action_pj(self, action: str, bits: int) -> float:
        """Energy of one `action` on operands of `bits`, pJ; raises MachineError for an action that is not there."""
        return self._energy_factor * self._curve(self._energies, "energy", action, bits).at(bits)

    def area_um2(self, action: str, bits: int) -> float:
        """Area of one unit that does `action` on operands of `bits`, um2; raises MachineError if none is known."""
        return self._area_factor * self._curve(self._areas, "area", action, bits).at(bits)

    def scaled(self, node_nm: float) -> EnergyTable:
        """The same logic at another node and the same supply (Stillmaker and Baas 2017; see scaling.yaml).

        Wires keep their energy: their capacitance a mm hardly depends on the node. Raises MachineError outside the
        nodes that the scaling covers.
        """
        if node_nm == self.node_nm:
            return self
        scaling = read_validated(energy_folder() / f"scaling{_SUFFIX}", ScalingFile)
        nodes = np.log([node.node_nm for node in scaling.nodes])
        low, high = scaling.nodes[0].node_nm, scaling.nodes[-1].node_nm
        for wanted in (node_nm, self.node_nm):
            if not low <= wanted <= high:
                raise MachineError(
                    f"energy table {self.name}: is for {self.node_nm:g} nm, the machine is {node_nm:g} nm, and logic "
                    f"can be scaled between {low:g} and {high:g} nm only"
                )
        energies = np.log([(node.a * self.supply_v + node.b) * self.supply_v + node.c for node in scaling.nodes])
        areas = np.log([node.area for node in scaling.nodes])
        from_to = np.log([self.node_nm, node_nm])
        energy, area = (float(np.exp(np.diff(np.interp(from_to, nodes, values))[0])) for values in (energies, areas))
        return dataclasses.replace(
            self,
            node_nm=node_nm,
            _energy_factor=self._energy_factor * energy,
            _area_factor=self._area_factor * area,
        )

    def _curve(self, curves: Mapping[str, WidthCurve], what: str, action: str, bits: int) -> WidthCurve:
        if action not in curves:
            near = difflib.get_close_matches(action, curves, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise MachineError(
                f"energy table {self.name}: no {what} of {action!r}, there are: {', '.join(sorted(curves))}{hint}"
            )
        if bits < 1:
            raise MachineError(f"energy table {self.name}: {action}: found {bits} bits, at least 1 is needed")
        return curves[action]


def shipped_energy_tables() -> tuple[str, ...]:
    """Names of the energy tables of logic that come with the package, sorted."""
    return tuple(sorted(path.stem for path in energy_folder().glob(f"*nm*{_SUFFIX}")))


def load_dram_presets() -> Mapping[str, DramPreset]:
    """Energies of DRAM by kind, with their sources, for machine files to quote."""
    return read_validated(energy_folder() / f"dram{_SUFFIX}", DramFile).presets


def _find(name: str) -> Path:
    if name in shipped_energy_tables():
        return energy_folder() / f"{name}{_SUFFIX}"
    if name.endswith(_SUFFIX):
        return Path(name)
    raise MachineError(f"energy.table: found {name!r}, there are: {', '.join(shipped_energy_tables())}")
