"""The files of logic energies, of their scaling between nodes, and of DRAM energies. Every number has a source."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from spikecycle.simulator.energy.sram_schema import FiniteFloat, Text
from spikecycle.simulator.machine.schema import NonNegativeFloat, PositiveFloat, PositiveInt, Section

Grade = Literal["paper", "transcribed", "recalled", "assumed"]
"""How well a number is known: read in the paper; read in a repository that states it; not read again; an assumption."""
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


class EnergyFile(Section):
    """A table of logic energies at one node."""

    describes: Text
    node_nm: PositiveFloat
    supply_v: PositiveFloat
    actions: Annotated[dict[str, Action], Field(min_length=1)]
    wire: Wire


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
