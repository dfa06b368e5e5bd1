"""The files of logic, of its scaling between nodes, and of DRAM energies. Every number has a source."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from spikecycle.simulator.energy.sram_schema import FiniteFloat, Text
from spikecycle.simulator.machine.schema import NonNegativeFloat, PositiveFloat, PositiveInt, Section

Grade = Literal["paper", "transcribed", "recalled", "measured", "assumed"]
"""How well a number is known: read in the paper; read in a repository that states it; not read again; measured by us as
the source tells; an assumption."""
Law = Literal["constant", "linear", "quadratic"]


class Sourced(Section):
    """Where numbers come from."""

    source: Text
    grade: Grade


class EnergyPoint(Section):
    """Energy of an action at a width."""

    bits: PositiveInt
    pj: PositiveFloat


class AreaPoint(Section):
    """Area of the unit that does an action, at a width."""

    bits: PositiveInt
    um2: PositiveFloat


PointT = TypeVar("PointT", EnergyPoint, AreaPoint)


def _ascending(points: list[PointT]) -> list[PointT]:
    if any(low.bits >= high.bits for low, high in pairwise(points)):
        raise ValueError("the points must be in ascending order of bits")
    return points


class ActionEnergy(Sourced):
    """Energy of an action over its width: some points, ascending, and how it goes on beyond them."""

    points: Annotated[list[EnergyPoint], Field(min_length=1), AfterValidator(_ascending)]
    law: Law


class ActionArea(Sourced):
    """Area of a unit over its width: some points, ascending, and how it goes on beyond them."""

    points: Annotated[list[AreaPoint], Field(min_length=1), AfterValidator(_ascending)]
    law: Law


class Action(Section):
    """One thing that logic does; without an area where it is no unit of its own."""

    meaning: Text
    energy: ActionEnergy
    area: ActionArea | None = None


class Wire(Sourced):
    """Wires between units, repeaters included, random data."""

    pj_per_bit_mm: NonNegativeFloat


class SizeGrowth(Section):
    """A quantity that grows linearly with sizes of a unit: fixed + the sum of per[size] x size, and never below 0."""

    fixed: FiniteFloat = 0.0
    per: dict[str, NonNegativeFloat] = Field(default_factory=dict)

    def at(self, sizes: Mapping[str, int]) -> float:
        """The quantity at the sizes, each of which must be given."""
        return max(0.0, self.fixed + sum(share * sizes[size] for size, share in self.per.items()))


class ControlUnit(Sourced):
    """A unit that addresses, decodes, routes or holds state; what it computes with is an action, not in here.

    pj: energy by event if every net changed at most once a cycle. um2: area of its cells. flip_flops: clocked in it.
    at: sizes at which `pj` holds, where energy grows as the area does; without it, energy does not depend on sizes.
    """

    meaning: Text
    pj: dict[str, PositiveFloat] = Field(default_factory=dict)
    um2: SizeGrowth = SizeGrowth()
    flip_flops: SizeGrowth = SizeGrowth()
    at: dict[str, PositiveInt] | None = None


class GatedShare(Section):
    """Share of a flip-flop's clock energy that is left, while the array works and while it waits for DRAM."""

    active: PositiveFloat
    idle: PositiveFloat


class Clock(Sourced):
    """Clock of flip-flops: energy of one in one cycle, leaf buffers included, and what clock gating leaves of it."""

    flip_flop_pj: PositiveFloat
    gating: dict[Literal["none", "enable", "unit"], GatedShare]


class LogicLeakage(Sourced):
    """Leakage of logic by area of its cells; devices: factor by kind of device."""

    uw_per_um2: PositiveFloat
    devices: Annotated[dict[str, PositiveFloat], Field(min_length=1)]


class EnergyFile(Section):
    """A table of logic energies at one node.

    extends: another table of the same node and supply, whose actions and wires this one has too.
    """

    describes: Text
    node_nm: PositiveFloat
    supply_v: PositiveFloat
    extends: str | None = None
    actions: dict[str, Action] = Field(default_factory=dict)
    wire: Wire | None = None
    control: dict[str, ControlUnit] = Field(default_factory=dict)
    clock: Clock | None = None
    leakage: LogicLeakage | None = None


class NodeScaling(Section):
    """Relative energy a V^2 + b V + c at supply V, and relative area, of one node."""

    node_nm: PositiveFloat
    a: FiniteFloat
    b: FiniteFloat
    c: FiniteFloat
    area: PositiveFloat


class ScalingFile(Sourced):
    """How logic scales between nodes, in ascending order of node."""

    describes: Text
    nodes: Annotated[list[NodeScaling], Field(min_length=2)]


class DramPreset(Sourced):
    """Energy of a kind of DRAM."""

    pj_per_bit: PositiveFloat


class DramFile(Section):
    """Kinds of DRAM by name."""

    describes: Text
    presets: Annotated[dict[str, DramPreset], Field(min_length=1)]
