"""Energy tables of logic: pJ of an action and um2 of a unit by width, at the node of the table or scaled to another.

A table may also price what is not arithmetic: units of control, the clock, and leakage. Where it does not, they cost
nothing, and `EnergyTable.prices_control`, `prices_clock` and `prices_leakage` say so.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from spikecycle.simulator.energy.files import energy_folder, read_validated
from spikecycle.simulator.energy.table_schema import (
    Action,
    Clock,
    ControlUnit,
    DramFile,
    DramPreset,
    EnergyFile,
    Law,
    LogicLeakage,
    ScalingFile,
    SizeGrowth,
    Wire,
)
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.units import uw_to_mw
from spikecycle.suggestions import known_names

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
        return _interpolated(self.points, bits)


@functools.lru_cache(maxsize=4096)
def _interpolated(points: tuple[tuple[int, float], ...], bits: int) -> float:
    """The value at a width between the points, log-log; worked out once, since a machine has few widths."""
    widths, values = np.log2(np.array(points, dtype=np.float64).T)
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
    _control: Mapping[str, ControlUnit]
    _clock: Clock | None
    _leakage: LogicLeakage | None
    _energy_factor: float = 1.0
    _area_factor: float = 1.0

    @staticmethod
    def load(name: str) -> EnergyTable:
        """The table called `name` in hwconfigs/energy, or in the YAML file `name`.

        Raises MachineError: an unknown name with those that there are, a wrong file with one line per problem.
        """
        path = _find(name)
        return _read_shipped(name, path) if name in shipped_energy_tables() else _read(name, path)

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

    @property
    def prices_control(self) -> bool:
        """Whether units of control have prices."""
        return bool(self._control)

    @property
    def prices_clock(self) -> bool:
        """Whether the clock has a price."""
        return self._clock is not None

    @property
    def prices_leakage(self) -> bool:
        """Whether the leakage of logic has a price."""
        return self._leakage is not None

    def control_pj(self, unit: str, event: str, sizes: Mapping[str, int]) -> float:
        """Energy of one `event` in a unit of control of these sizes, without glitches, pJ; 0 if none are priced."""
        entry = self._control_entry(unit)
        if entry is None:
            return 0.0
        if event not in entry.pj:
            raise MachineError(
                f"energy table {self.name}: control.{unit}: no event {event!r}, there are: {', '.join(entry.pj)}"
            )
        growth = self._grown(unit, entry.um2, sizes) / self._grown(unit, entry.um2, entry.at) if entry.at else 1.0
        return self._energy_factor * growth * entry.pj[event]

    def control_um2(self, unit: str, sizes: Mapping[str, int]) -> float:
        """Area of the cells of a unit of control, um2; 0 if none are priced."""
        entry = self._control_entry(unit)
        return 0.0 if entry is None else self._area_factor * self._grown(unit, entry.um2, sizes)

    def flip_flops(self, unit: str, sizes: Mapping[str, int]) -> int:
        """Clocked flip-flops of a unit of control; 0 if none are priced."""
        entry = self._control_entry(unit)
        return 0 if entry is None else round(self._grown(unit, entry.flip_flops, sizes))

    def clock_pj(self, gating: Literal["none", "enable", "unit"], active: bool) -> float:
        """Clock energy of a flip-flop in a cycle in which the array works, or waits for DRAM, pJ; 0 if not priced."""
        if self._clock is None:
            return 0.0
        if gating not in self._clock.gating:
            raise MachineError(
                f"energy table {self.name}: clock.gating: no {gating!r}, there are: {', '.join(self._clock.gating)}"
            )
        share = self._clock.gating[gating]
        return self._energy_factor * self._clock.flip_flop_pj * (share.active if active else share.idle)

    def leakage_mw(self, cells_um2: float, devices: str) -> float:
        """Leakage of cells of that area at this node, mW; 0 if not priced. It is that of the table's node: leakage
        goes with devices, not with the scaling of switching energy."""
        if self._leakage is None:
            return 0.0
        if devices not in self._leakage.devices:
            raise MachineError(
                f"logic.devices: found {devices!r}, energy table {self.name} has leakage of: "
                f"{', '.join(self._leakage.devices)}"
            )
        return uw_to_mw(cells_um2 / self._area_factor * self._leakage.uw_per_um2 * self._leakage.devices[devices])

    def scaled(self, node_nm: float) -> EnergyTable:
        """The same logic at another node and the same supply (Stillmaker and Baas 2017; see scaling.yaml).

        Wires keep their energy: their capacitance a mm hardly depends on the node. Raises MachineError outside the
        nodes that the scaling covers.
        """
        if node_nm == self.node_nm:
            return self
        scaling = _read_scaling()
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

    def _control_entry(self, unit: str) -> ControlUnit | None:
        if self._control and unit not in self._control:
            raise MachineError(
                f"energy table {self.name}: no control unit {unit!r}, there are: {', '.join(self._control)}"
            )
        return self._control.get(unit)

    def _grown(self, unit: str, growth: SizeGrowth, sizes: Mapping[str, int]) -> float:
        absent = [size for size in growth.per if size not in sizes]
        if absent:
            raise MachineError(f"energy table {self.name}: control.{unit}: the machine does not say {absent[0]!r}")
        return growth.at(sizes)

    def _curve(self, curves: Mapping[str, WidthCurve], what: str, action: str, bits: int) -> WidthCurve:
        if action not in curves:
            raise MachineError(
                f"energy table {self.name}: no {what} of {action!r}{known_names(action, sorted(curves), 'there are:')}"
            )
        if bits < 1:
            raise MachineError(f"energy table {self.name}: {action}: found {bits} bits, at least 1 is needed")
        return curves[action]


@functools.cache
@functools.cache
def shipped_energy_tables() -> tuple[str, ...]:
    """Names of the energy tables of logic that come with the package, sorted."""
    return tuple(sorted(path.stem for path in energy_folder().glob(f"*nm*{_SUFFIX}")))


def load_dram_presets() -> Mapping[str, DramPreset]:
    """Energies of DRAM by kind, with their sources, for machine files to quote."""
    return read_validated(energy_folder() / f"dram{_SUFFIX}", DramFile).presets


@functools.cache
def _read_scaling() -> ScalingFile:
    """Ships with the package and never changes."""
    return read_validated(energy_folder() / f"scaling{_SUFFIX}", ScalingFile)


@functools.lru_cache(maxsize=8)
def _read_shipped(name: str, path: Path) -> EnergyTable:
    """Files that ship with the package never change, so the immutable result is kept."""
    return _read(name, path)


def _read(name: str, path: Path) -> EnergyTable:
    file = read_validated(path, EnergyFile)
    actions, wire = _with_inherited(path, file)
    return EnergyTable(
        name=name,
        node_nm=file.node_nm,
        supply_v=file.supply_v,
        wire_pj_per_bit_mm=wire.pj_per_bit_mm,
        table_node_nm=file.node_nm,
        _energies={
            action: WidthCurve(
                tuple((point.bits, point.pj) for point in entry.energy.points), _EXPONENTS[entry.energy.law]
            )
            for action, entry in actions.items()
        },
        _areas={
            action: WidthCurve(
                tuple((point.bits, point.um2) for point in entry.area.points), _EXPONENTS[entry.area.law]
            )
            for action, entry in actions.items()
            if entry.area is not None
        },
        _control=file.control,
        _clock=file.clock,
        _leakage=file.leakage,
    )


def _with_inherited(path: Path, file: EnergyFile) -> tuple[Mapping[str, Action], Wire]:
    """Actions and wires of a file, and of the table that it extends."""
    actions, wire = dict(file.actions), file.wire
    if file.extends is not None:
        base = read_validated(_find(file.extends), EnergyFile)
        if base.extends is not None:
            raise MachineError(f"{path}: extends: {file.extends} extends a table itself, which is one too many")
        if (base.node_nm, base.supply_v) != (file.node_nm, file.supply_v):
            raise MachineError(
                f"{path}: extends: {file.extends} is for {base.node_nm:g} nm and {base.supply_v:g} V, "
                f"found {file.node_nm:g} nm and {file.supply_v:g} V"
            )
        actions = {**base.actions, **actions}
        wire = wire or base.wire
    if not actions:
        raise MachineError(f"{path}: actions: none; a table has some, or extends one that has")
    if wire is None:
        raise MachineError(f"{path}: wire: missing")
    for unit, entry in file.control.items():
        absent = [] if entry.at is None else sorted(set(entry.um2.per) - set(entry.at))
        if absent:
            raise MachineError(f"{path}: control.{unit}.at: {absent[0]} is missing")
        if entry.at is not None and entry.um2.at(entry.at) == 0:
            raise MachineError(f"{path}: control.{unit}.at: there, the unit has no area that its energy could follow")
    return actions, wire


def _find(name: str) -> Path:
    if name in shipped_energy_tables():
        return energy_folder() / f"{name}{_SUFFIX}"
    if name.endswith(_SUFFIX):
        return Path(name)
    raise MachineError(f"energy.table: found {name!r}, there are: {', '.join(shipped_energy_tables())}")
