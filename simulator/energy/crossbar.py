"""Energy and area of tiles of analog crossbars with converters, by SpikeSim's formulas (TCAD 2023).

A PE holds a crossbar of size x size cells for each of the k x k positions of a kernel. In a PE cycle it works out one
output position: `size` output channels from `size` input channels, in groups of columns that share converters.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from spikecycle.simulator.energy.files import energy_folder, read_validated
from spikecycle.simulator.energy.sram_schema import Text
from spikecycle.simulator.energy.table_schema import Sourced
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.crossbar import Crossbar
from spikecycle.simulator.machine.schema import NonNegativeFloat, PositiveFloat, PositiveInt, Section
from spikecycle.simulator.units import um2_to_mm2

ByDevice = Annotated[dict[str, PositiveFloat], Field(min_length=1)]


class CrossbarEnergies(Section):
    """Of one PE cycle, pJ: per PE, or per piece."""

    h_tree: NonNegativeFloat
    fetch: NonNegativeFloat
    neuron: NonNegativeFloat
    tile_buffer: NonNegativeFloat
    crossbar: ByDevice
    converter: PositiveFloat
    multiplexer: NonNegativeFloat
    subtractor: NonNegativeFloat
    subtractors: PositiveInt
    sum_buffer: NonNegativeFloat


class CrossbarAreas(Section):
    """Of one piece, um2."""

    h_tree: NonNegativeFloat
    tile_buffer: NonNegativeFloat
    crossbar: ByDevice
    converter: PositiveFloat
    multiplexer: NonNegativeFloat
    subtractor: NonNegativeFloat
    sum_buffer: NonNegativeFloat


class CrossbarFile(Sourced):
    """The constants of a kind of crossbar at one node."""

    describes: Text
    node_nm: PositiveFloat
    columns_per_converter: PositiveInt
    energy_pj: CrossbarEnergies
    area_um2: CrossbarAreas


def crossbar_constants(node_nm: float) -> CrossbarFile:
    """The shipped constants; raises MachineError at another node than theirs."""
    constants = read_validated(energy_folder() / "crossbar_spikesim.yaml", CrossbarFile)
    if node_nm != constants.node_nm:
        raise MachineError(
            f"technology.node_nm: found {node_nm:g}, crossbars are known at {constants.node_nm:g} nm only"
        )
    return constants


def pe_cycle_pj(crossbar: Crossbar, kernel_positions: int, constants: CrossbarFile) -> float:
    """Energy of one PE cycle for a kernel of so many positions (9 for 3 x 3), pJ."""
    energy, groups = constants.energy_pj, crossbar.size / constants.columns_per_converter
    array = kernel_positions * energy.crossbar[crossbar.device] + groups * (energy.converter + energy.multiplexer)
    per_group = array + energy.subtractors * energy.subtractor + energy.sum_buffer
    return energy.h_tree + energy.fetch + energy.neuron + energy.tile_buffer + groups * per_group


def tile_mm2(crossbar: Crossbar, kernel_positions: int, constants: CrossbarFile) -> float:
    """Area of one tile whose PEs hold kernels of so many positions, without the memory of potentials, mm2."""
    area, groups = constants.area_um2, crossbar.size / constants.columns_per_converter
    pe = kernel_positions * area.crossbar[crossbar.device] + groups * (area.converter + area.multiplexer)
    shared = groups * area.subtractor + area.sum_buffer + area.tile_buffer + area.h_tree
    return um2_to_mm2(shared + crossbar.pes_per_tile * pe)
