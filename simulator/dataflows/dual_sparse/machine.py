"""The machine file of a dual-sparse tile product: tile sizes, loop order, how both operands are stored and read."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from spikecycle.simulator.dataflows.rule import RuleMachine
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import Buffer, Buffers, DataflowParameters, Dram, PositiveInt, Section

ACCUMULATOR_BITS = 12
"""Bits of a PE's (pseudo-)accumulator: LoAS (MICRO 2024), Table III; the baselines are given the same."""
CORRECTION_BITS = 10
"""Bits of a correction accumulator: LoAS (MICRO 2024), Table III."""

Loop = Literal["rows", "output_channels", "timesteps", "fan_in"]
"""rows: output positions."""


class Tile(Section):
    """Sizes of the tiles that both operands are cut into."""

    rows: PositiveInt
    """Output positions."""
    fan_in: PositiveInt
    """Weights of a fan-in."""
    output_channels: PositiveInt


class TensorStorage(Section):
    """How the elements of an operand that are not zero are found, and how they are read."""

    index: Literal["mask", "coordinates"]
    """A bit per element of a tile, or the position of every non-zero."""
    coordinate_bits: Annotated[int, Field(ge=1, le=64)] | None = None
    """Bits of a position (index: coordinates)."""
    reads: Literal["all", "matched"]
    """What a tile reads from the cache: all non-zeros, or those that meet a non-zero of the other operand, once for
    each meeting; with a mask, "matched" reads the mask only when the tile is another one than before."""
    resident: PositiveInt
    """Non-zeros that the cache keeps; the tile that came first leaves first."""

    @model_validator(mode="after")
    def _coordinates_have_a_width(self) -> Self:
        if (self.index == "coordinates") != (self.coordinate_bits is not None):
            raise ValueError("coordinate_bits goes with index: coordinates, and only with it")
        return self


class PartialSums(Section):
    """What leaves a PE before its sum is complete."""

    leave: Literal["never", "every_output", "touched_channels"]
    """Never; after every tile, the sums of all its outputs; after every tile, those of the output channels whose
    weights in the tile are not all zero. Each is read and written once."""
    bits: PositiveInt = 8
    to_dram_percent: Annotated[int, Field(ge=0, le=100)] = 100
    """Share of them that goes to DRAM; all of them pass the cache if it is less than 100."""


class DualSparseParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["dual_sparse"]
    tile: Tile
    pes_along: Literal["rows", "output_channels"]
    """Which side of a tile the PEs lie along, one each."""
    loop_order: Annotated[list[Loop], Field(min_length=4, max_length=4)]
    """Loops over tiles, the outermost first."""
    timesteps_at_once: Annotated[int, Field(ge=1, le=64)]
    """Timesteps whose spikes a non-zero carries; the windows of so many follow each other."""
    drop_single_spikes: bool = False
    """Whether neurons that spike once in a sample are taken as silent."""
    weights: TensorStorage
    weights_broadcast: bool
    """Whether weights are read once for all PEs, or once for each."""
    spikes: TensorStorage
    partial_sums: PartialSums

    @model_validator(mode="after")
    def _loops_are_all_there(self) -> Self:
        if len(set(self.loop_order)) < len(self.loop_order):
            raise ValueError(f"loop_order needs each loop once, found {', '.join(self.loop_order)}")
        return self

    @property
    def spike_bits(self) -> int:
        """Bits that a non-zero spike word has besides its index: none where a mask of one timestep says it all."""
        if self.timesteps_at_once == 1 and self.spikes.index == "mask":
            return 0
        return self.timesteps_at_once


class DualSparseBuffers(Buffers):
    """The section `buffers`."""

    cache: Buffer
    """On-chip cache of both operands."""


class DualSparseMachine(RuleMachine):
    """A machine that multiplies tiles of two compressed operands."""

    dataflow: DualSparseParameters
    buffers: DualSparseBuffers
    dram: Dram

    @property
    def pe_count(self) -> int:
        """PEs: one for each row, or each output channel, of a tile."""
        tile = self.dataflow.tile
        return tile.rows if self.dataflow.pes_along == "rows" else tile.output_channels

    def units(self) -> tuple[LogicUnit, ...]:
        """An accumulator per PE; with several timesteps at once, one more for each of them."""
        corrections = self.dataflow.timesteps_at_once if self.dataflow.timesteps_at_once > 1 else 0
        accumulators = LogicUnit("pe", "add", bits=ACCUMULATOR_BITS, count=self.pe_count)
        if not corrections:
            return (accumulators,)
        return accumulators, LogicUnit("correction", "add", bits=CORRECTION_BITS, count=self.pe_count * corrections)

    def unmodelled(self) -> tuple[str, ...]:
        """What the published rule leaves out."""
        return ("prefix sums and bit masks of PEs", "FIFOs and crossbars", "neuron units")
