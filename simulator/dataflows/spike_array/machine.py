"""What a spike array's machine file says: parameters, buffers, and the combinations that cannot be built."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, model_validator

from spikecycle.simulator.dataflows.neuron_unit import NeuronUnitParameters
from spikecycle.simulator.dataflows.spike_array import parts
from spikecycle.simulator.machine.parts import LogicUnit, Memory
from spikecycle.simulator.machine.schema import (
    Buffer,
    Buffers,
    Dram,
    Formats,
    Machine,
    PositiveInt,
    Section,
)

PER_PE = ("weights", "directory", "potentials")
"""Buffers that every PE has for itself; the machine has one of each of the others."""


class Decoder(Section):
    """What a PE's decoder looks at in one cycle, by the level that tells positions or values.

    Without a key, the PEs have no decoder of that kind, and weight formats that need it are refused.
    """

    mask_bits_per_cycle: PositiveInt
    """Mask bits searched for ones together (zeros skipped)."""
    coordinates_per_cycle: PositiveInt
    """Entries with coordinates taken together."""
    runs_per_cycle: PositiveInt
    """Entries with runs taken together: each needs the position of the one before."""
    groups_per_cycle: PositiveInt | None = None
    """Groups (of N:M) taken together: each lets through the weights that it keeps."""
    code_words_per_cycle: PositiveInt | None = None
    """Code words taken together: each lets through the entries that it holds."""
    trit_bytes_per_cycle: PositiveInt | None = None
    """Bytes of five trits taken apart together."""
    table_lookups_per_cycle: PositiveInt | None = None
    """Values looked up in the codebook together: its read ports. Every PE has a codebook, in registers."""


class SpikeArrayParameters(NeuronUnitParameters):
    """The section `dataflow` of a spike array."""

    kind: Literal["spike_array"]
    pes: PositiveInt
    """Processing elements."""
    partition: Literal["channel", "space"]
    """What PEs share out among themselves: output channels or the output map."""
    pe_rows: PositiveInt | None = None
    """Blocks of the map tile, one above the other (partition: space)."""
    pe_columns: PositiveInt | None = None
    """Blocks of the map tile, side by side (partition: space)."""
    fifo_depth: PositiveInt
    """Events that the input FIFO of a PE holds."""
    lanes: PositiveInt
    """Weights that a PE decodes and adds a cycle at most."""
    decoder: Decoder
    fiber_buffer_words: PositiveInt = 4
    """Words of the weight memory that the decoder holds at a time, for its area and energy; no count depends on it."""
    fiber_alignment_bits: PositiveInt
    """Weight fibers start at multiples of so many bits; divides the words of the weight memory."""
    zero_weights: Literal["gate", "skip"]
    """Gate: a zero weight takes its slot, but nothing is added. Skip: it takes none where the format tells it."""
    update: Literal["dense", "sparse"]
    """Neurons updated at the end of a timestep: all, or those not at rest."""
    update_lanes: PositiveInt
    """Neurons that a PE updates together (update: dense)."""
    flags_per_cycle: PositiveInt
    """Active flags that a PE scans together (update: sparse)."""
    broadcast_um: Annotated[int, Field(ge=0)]
    """Length of wire from the dispatcher that every broadcast event drives, um."""
    potential_access: Literal["word", "row"] = "word"
    """Word: every bank of potentials has an address of its own. Row: the banks lie side by side in one memory, and an
    access reads or writes a row, a word of each bank; every output position begins a row."""
    bank_um: Annotated[int, Field(ge=0)] = 0
    """Length of wire between a lane and a bank of potentials, um: where bank_wires is local, which leaves it out."""

    @model_validator(mode="after")
    def _blocks_are_pes(self) -> SpikeArrayParameters:
        if self.partition == "channel":
            for key in ("pe_rows", "pe_columns"):
                if getattr(self, key) is not None:
                    raise ValueError(f"{key} goes with partition: space, found partition: channel")
        elif self.pe_rows is None or self.pe_columns is None:
            raise ValueError("pe_rows and pe_columns are needed with partition: space")
        elif self.pe_rows * self.pe_columns != self.pes:
            raise ValueError(
                f"pe_rows * pe_columns must be pes, found {self.pe_rows} * {self.pe_columns} != {self.pes}"
            )
        return self

    @property
    def blocks(self) -> tuple[int, int]:
        """Rows and columns of blocks that a map tile is cut into; one if PEs share out channels."""
        return (self.pe_rows or 1, self.pe_columns or 1)

    @property
    def pes_per_group(self) -> int:
        """PEs among which output channels are dealt out; 1 if every PE has all channels."""
        return self.pes if self.partition == "channel" else 1


class SpikeArrayBuffers(Buffers):
    """The section `buffers` of a spike array; `weights`, `directory` and `potentials` are given for one PE."""

    spikes: Buffer
    """Encoded input spikes."""
    weights: Buffer
    """Encoded weight fibers."""
    directory: Buffer
    """Where fibers start, one entry per word, for formats whose fibers vary in size."""
    potentials: Buffer
    """Membrane potentials, one per word; beside them, synaptic currents and parameters of neurons that have them."""
    outputs: Buffer
    """Encoded output spikes."""


class SpikeArrayMachine(Machine):
    """A spike array."""

    dataflow: SpikeArrayParameters
    buffers: SpikeArrayBuffers
    dram: Dram
    formats: Formats

    @model_validator(mode="after")
    def _lanes_have_banks(self) -> SpikeArrayMachine:
        lanes, banks = self.dataflow.update_lanes, self.buffers.potentials.banks
        if lanes > banks:
            raise ValueError(f"dataflow.update_lanes must be at most buffers.potentials.banks, found {lanes} > {banks}")
        return self

    @model_validator(mode="after")
    def _rows_are_updated_whole(self) -> SpikeArrayMachine:
        if self.dataflow.potential_access == "word":
            return self
        potentials = self.buffers.potentials
        if self.dataflow.update == "sparse":
            raise ValueError("dataflow.potential_access: row goes with dataflow.update: dense, found sparse")
        if potentials.bank_wires == "local":
            raise ValueError(
                "dataflow.potential_access: row goes with buffers.potentials.bank_wires: shared, found local"
            )
        if self.dataflow.update_lanes != potentials.banks:
            raise ValueError(
                "dataflow.update_lanes must be buffers.potentials.banks with dataflow.potential_access: row, found "
                f"{self.dataflow.update_lanes} and {potentials.banks}"
            )
        return self

    @model_validator(mode="after")
    def _words_are_whole_units(self) -> SpikeArrayMachine:
        alignment, width = self.dataflow.fiber_alignment_bits, self.buffers.weights.width_bits
        if width % alignment:
            raise ValueError(
                f"dataflow.fiber_alignment_bits must divide buffers.weights.width_bits, found {alignment} and {width}"
            )
        return self

    @property
    def pe_count(self) -> int:
        """Processing elements."""
        return self.dataflow.pes

    @property
    def cycles_per_access(self) -> int:
        """Cycles that a bank of potentials needs for a read and a write."""
        return 2 if self.buffers.potentials.ports == 1 else 1

    @property
    def potentials_per_access(self) -> int:
        """Potentials that an access of their memory reads or writes."""
        return self.buffers.potentials.banks if self.dataflow.potential_access == "row" else 1

    def position_words(self, own_channels: int) -> int:
        """Words of potentials that an output position takes in a PE with so many output channels."""
        return -(-own_channels // self.potentials_per_access) * self.potentials_per_access

    def instances(self, buffer: str) -> int:
        """One per PE, or one."""
        return self.dataflow.pes if buffer in PER_PE else 1

    def memories(self) -> tuple[Memory, ...]:
        """The buffers (potentials with access by rows as one bank of rows) and the flags of a sparse update."""
        row = self.potentials_per_access
        buffers = (
            replace(memory, width_bits=memory.width_bits * row, banks=memory.banks // row)
            if memory.name == "potentials"
            else memory
            for memory in super().memories()
        )
        return (*buffers, *parts.flags_memory(self))

    def units(self) -> tuple[LogicUnit, ...]:
        """Arithmetic, control and registers of the array."""
        return parts.logic_units(self)

    def unmodelled(self) -> tuple[str, ...]:
        """What the array has, and no figures are known for."""
        return parts.unmodelled(self)
