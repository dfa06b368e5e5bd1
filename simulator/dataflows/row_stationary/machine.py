"""What a row-stationary array's machine file says, and the integers that kernels take of it.

Parameters, buffers, and the combinations that cannot be built; then `lower_*`, from machine file and layer to
`kernel_types`. What cannot be computed exactly is refused.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.neuron_unit import (
    POOLS_REFUSED,
    NeuronUnitParameters,
    own_parameter_bits,
    starts_per_neuron,
)
from spikecycle.simulator.dataflows.row_stationary.kernel_types import ArraySpec, LayerSpec, PadLayout, Storage
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import (
    SpikeFormat,
    WeightFormat,
    needed_kinds,
    weight_format,
)
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import (
    Buffer,
    Buffers,
    Dram,
    Formats,
    Machine,
    PositiveInt,
    Section,
)
from spikecycle.simulator.workload import Windows, largest_sum, signed_bits

ZeroHandling = Literal["none", "gate", "skip"]
"""None: a zero costs as any value. Gate: its cycle is spent, its accesses and arithmetic are not. Skip: no cost."""
ZERO_HANDLING = ("none", "gate", "skip")
StreamZeros = Literal["none", "skip"]
"""None: a zero moves as any value. Skip: it is left out, where the format tells that it is one."""
Length = Annotated[int, Field(ge=0)]

WeightDecoder = Literal["mask", "coordinate", "run", "group_index", "code_words", "trits"]
"""What a decoder of weights can be able to take besides plain values (`spikecycle.simulator.formats.decoder`)."""

COMMON_DECODERS: tuple[WeightDecoder, ...] = ("mask", "coordinate", "run")
"""Those of a machine whose file names none."""

PADS = ("input_pad", "weight_pad", "psum_pad")
PADS_TOO_SMALL = "a filter row of one channel does not fit buffers.input_pad, weight_pad and psum_pad"
"""Why a layer cannot be mapped."""
"""Buffers that every PE has for itself."""


class Zeros(Section):
    """What becomes of zeros, buffer by buffer (MICROARCHITECTURE.md, section 4)."""

    inputs_at_input_pad: ZeroHandling
    """Inputs that are 0, in a PE: accesses of the weight and psum pads that they would cause."""
    weights_at_weight_pad: ZeroHandling
    """Weights that are 0, in a PE: accesses of the psum pad that they would cause (and reads of inputs, if skipped)."""
    inputs_at_global_buffer: ZeroHandling
    """Input rows of which an array row's weights are all 0: their delivery."""
    weights_at_dram: StreamZeros
    """Weights that are 0 in formats with values in place (ubm, uop): their way from DRAM to the pads."""


class Wires(Section):
    """Lengths of wire that transfers are charged over."""

    dram_um: Length
    """From the DRAM interface to the global buffer and to the trunk, um."""
    pe_pitch_um: Length
    """Side of a PE, um: the trunk has rows x pitch, a branch columns x pitch."""
    in_pe_um: Length
    """Between a pad and the arithmetic of its PE, um."""


class RowStationaryParameters(NeuronUnitParameters):
    """The section `dataflow` of a row-stationary array."""

    kind: Literal["row_stationary"]
    rows: PositiveInt
    """Rows of PEs; filter rows are laid along them."""
    columns: PositiveInt
    """Columns of PEs; output rows and timesteps are laid along them."""
    weights_bypass_global_buffer: bool
    """Whether weights go from DRAM straight to the weight pads."""
    psums_wait_in: Literal["global_buffer", "psum_pad"]
    """Where partial sums are between channel folds."""
    time_batching: bool
    """Whether timesteps share a fill of the weight pads; if not, weights are streamed anew for every timestep."""
    potentials_wait_in: Literal["global_buffer", "dram"]
    """Where membrane potentials are between time groups."""
    potentials_read_back: bool = True
    """Whether potentials that wait in DRAM are read again; if not, they are written only, as the outputs of a tool that
    knows no state (potentials_wait_in: dram)."""
    activation_bits: Annotated[int, Field(ge=1, le=16)] | Literal["as_weights"]
    """Least width of an input or output in DRAM: 1 if spikes are packed, more if each takes a word."""
    inputs_stored: Literal["spike_format", "as_weights"] = "spike_format"
    """How inputs lie in DRAM: in the spike format, or as the weight format has weights, for tools that give one format
    to all tensors: in place, with a mask if it has one, or compressed, as coordinates."""
    weight_word_bits: Annotated[int, Field(ge=1, le=16)] = 1
    """Least width of a plain weight in DRAM: 1 if weights are packed, more if each takes a word; trits and the codes of
    a codebook are as wide as ever."""
    mask_bits: PositiveInt = 1
    """Bits that each position of a mask takes in DRAM: more than 1 where metadata has words of its own."""
    coordinate_bits: Annotated[int, Field(ge=0, le=64)] = 0
    """Bits that a coordinate of a weight takes in DRAM: at least, or exactly if entries are expected ones."""
    metadata_entries: Literal["stored", "expected"] = "stored"
    """How many coordinates and runs a fiber of weights has in DRAM: as many as it stores, or as many as Sparseloop
    expects from the layer's density: coordinates rounded up for each fiber, runs neither rounded nor overflowing."""
    weight_bus_bits: PositiveInt
    """Encoded weight bits that reach the pads a cycle."""
    weight_decoders: list[WeightDecoder] = Field(default_factory=lambda: list(COMMON_DECODERS))
    """What is taken apart on the way to the pads, as fast as the bus brings it: formats that need more are refused."""
    accumulator_bits: Annotated[int, Field(ge=2, le=48)]
    """Widest partial sum that adders and the neuron unit take."""
    multiplier_bits: PositiveInt
    """Widest weight and input of inputs that have more than one bit."""
    update_lanes: PositiveInt
    """Neurons that the neuron unit updates a cycle."""
    tile_factors: Literal["any", "perfect"] = "any"
    """Whether the last tile or fold of a dimension may be smaller, or all have to be equal, as for mappers whose loop
    bounds multiply to the size of the dimension."""
    objective: Literal["energy", "cycles", "edp"]
    """What the mapping is chosen for."""
    zeros: Zeros
    wires: Wires


class RowStationaryBuffers(Buffers):
    """The section `buffers` of a row-stationary array; the pads are given for one PE."""

    global_buffer: Buffer
    """Input rows, partial sums, potentials, output spikes, and weights if they do not bypass it."""
    input_pad: Buffer
    """The inputs under a filter row, for some channels."""
    weight_pad: Buffer
    """Filter rows of some filters and channels."""
    psum_pad: Buffer
    """Partial sums, of one output position for some filters, or of all positions if they wait here."""


class RowStationaryMachine(Machine):
    """A row-stationary array."""

    dataflow: RowStationaryParameters
    buffers: RowStationaryBuffers
    dram: Dram
    formats: Formats

    @model_validator(mode="after")
    def _sums_fit_words(self) -> RowStationaryMachine:
        accumulator, word = self.dataflow.accumulator_bits, self.buffers.global_buffer.width_bits
        if accumulator > word:
            raise ValueError(
                "dataflow.accumulator_bits must be at most buffers.global_buffer.width_bits,"
                f" found {accumulator} > {word}"
            )
        return self

    @model_validator(mode="after")
    def _expected_coordinates_have_a_width(self) -> RowStationaryMachine:
        if self.dataflow.metadata_entries == "expected" and not self.dataflow.coordinate_bits:
            raise ValueError("dataflow.metadata_entries: expected needs dataflow.coordinate_bits of at least 1")
        return self

    @property
    def pe_count(self) -> int:
        """Processing elements."""
        return self.dataflow.rows * self.dataflow.columns

    @property
    def words_per_cycle(self) -> int:
        """Words that the global buffer reads and writes a cycle."""
        buffer = self.buffers.global_buffer
        return buffer.banks * buffer.ports

    def entries(self, pad: str) -> int:
        """Entries of a pad."""
        buffer = self.buffer_items()[pad]
        return buffer.capacity_bits // buffer.width_bits

    def instances(self, buffer: str) -> int:
        """One per PE, or one."""
        return self.pe_count if buffer in PADS else 1

    def units(self) -> tuple[LogicUnit, ...]:
        """Multiplier, adder and chain adder of every PE; the neuron unit's adder, multiplier and comparator."""
        sums, lanes = self.dataflow.accumulator_bits, self.dataflow.update_lanes
        return (
            LogicUnit("accumulator", "multiply", self.dataflow.multiplier_bits, self.pe_count),
            LogicUnit("accumulator", "add", sums, self.pe_count),
            LogicUnit("chain", "add", sums, self.pe_count),
            LogicUnit("neuron", "add", sums, lanes),
            LogicUnit("neuron", "multiply", sums, lanes),
            LogicUnit("neuron", "compare", sums, lanes),
        )

    def unmodelled(self) -> tuple[str, ...]:
        """What no figures are known for."""
        return (
            "decoding of formats",
            "multicast controllers of the network",
            *self.dataflow.neuron_unit.unmodelled(),
        )


def weight_format_problem(chosen: WeightFormat) -> str | None:
    """What a weight format needs that no row-stationary array has a decoder for, or None."""
    for kind in needed_kinds(chosen):
        if kind not in get_args(WeightDecoder):
            return f"a row-stationary array has no decoder of {kind}"
    return None


def chosen_weight_format(machine: RowStationaryMachine, task: LayerTask) -> WeightFormat:
    """The format of a layer's weights; MappingError if the machine has no decoder for it."""
    chosen = weight_format(machine.formats.weights_of(task.name))
    for kind in needed_kinds(chosen):
        if kind not in machine.dataflow.weight_decoders:
            reason = f"weight format {chosen.name!r}: it needs {kind!r} among dataflow.weight_decoders"
            raise MappingError.of(task.name, machine.name, reason)
    return chosen


def spike_format_problem(chosen: SpikeFormat) -> str | None:
    """Why a row cannot be stored in a spike format, or None: the number of its spikes has to tell its bits."""
    if chosen.sized_by_count:
        return None
    problem = "stores all timesteps together" if chosen.scope == "window" else "does not tell bits by their number"
    return f"a row-stationary array loads the spikes of a row and timestep, and the format {problem}"


def check_sizes(machine: RowStationaryMachine, task: LayerTask) -> None:
    """MappingError for neurons, or widths, that the machine does not have, whatever the weights are."""
    refused = machine.dataflow.refusal(task.neuron)
    if task.is_pooled and not machine.dataflow.neuron_unit.pools_currents:
        refused = POOLS_REFUSED
    if refused:
        raise MappingError.of(task.name, machine.name, refused)
    word_bits, multiplier_bits = machine.buffers.global_buffer.width_bits, machine.dataflow.multiplier_bits
    for name, bits in (
        ("a potential has", task.neuron.potential_bits),
        ("a synaptic current has", task.neuron.current_bits),
    ):
        if bits > word_bits:
            raise _wider(machine, task, name, bits, "buffers.global_buffer.width_bits", word_bits)
    if task.input_bits > 1 and max(task.input_bits, task.weight_bits) > multiplier_bits:
        raise MappingError.of(
            task.name,
            machine.name,
            f"{task.input_bits}-bit inputs and {task.weight_bits}-bit weights are multiplied,"
            f" dataflow.multiplier_bits is {multiplier_bits}",
        )
    if machine.dataflow.rows < task.shape.R:
        raise MappingError.of(
            task.name, machine.name, f"its kernel has {task.shape.R} rows, dataflow.rows is {machine.dataflow.rows}"
        )
    if machine.entries("input_pad") < task.shape.S:
        raise MappingError.of(task.name, machine.name, PADS_TOO_SMALL)


def _wider(machine: RowStationaryMachine, task: LayerTask, what: str, bits: int, key: str, limit: int) -> MappingError:
    reason = f"{what} {bits} bits, {key} is {limit}; set it to {bits}, {bits / limit:.2f} times the bits of each"
    return MappingError.of(task.name, machine.name, reason)


def lower_layer(machine: RowStationaryMachine, task: LayerTask) -> LayerSpec:
    """Shape and widths; MappingError if the machine's words or multipliers are too narrow."""
    check_sizes(machine, task)
    shape, parameters = task.shape, machine.dataflow
    largest = largest_sum(task.weights, task.input_bits)
    psum_bits, limit = signed_bits(-largest, largest), parameters.accumulator_bits
    if psum_bits > limit:
        what = "the exact sum of a timestep needs"
        raise _wider(machine, task, what, psum_bits, "dataflow.accumulator_bits", limit)
    activation_bits = task.weight_bits if parameters.activation_bits == "as_weights" else parameters.activation_bits
    output_bits = 1 if task.neuron.fires else task.neuron.potential_bits
    return LayerSpec(
        T=task.timesteps,
        C=shape.C,
        H=shape.H,
        W=shape.W,
        M=shape.M,
        P=shape.P,
        Q=shape.Q,
        R=shape.R,
        S=shape.S,
        windows=Windows.of(shape),
        groups=shape.groups,
        input_bits=task.input_bits,
        weight_bits=task.weight_bits,
        psum_bits=psum_bits,
        potential_bits=task.neuron.potential_bits,
        current_bits=task.neuron.current_bits,
        parameter_bits=own_parameter_bits(task.neuron),
        stored_input_bits=max(task.input_bits, activation_bits),
        output_bits=output_bits,
        stored_output_bits=max(output_bits, activation_bits),
        pool_rows=task.pool[0],
        pool_columns=task.pool[1],
        starts_in_dram=int(starts_per_neuron(task.neuron)),
    )


def lower_array(machine: RowStationaryMachine) -> ArraySpec:
    """The machine's sizes."""
    parameters, buffers = machine.dataflow, machine.buffers
    word_bits = buffers.global_buffer.width_bits
    return ArraySpec(
        rows=parameters.rows,
        columns=parameters.columns,
        word_bits=word_bits,
        buffer_words=buffers.global_buffer.words // (2 if machine.residency.activations == "chip" else 1),
        words_per_cycle=machine.words_per_cycle,
        weight_bus_bits=parameters.weight_bus_bits,
        accumulator_bits=parameters.accumulator_bits,
        update_lanes=parameters.update_lanes,
        bypass=int(parameters.weights_bypass_global_buffer),
        input_entries=machine.entries("input_pad"),
        input_width=buffers.input_pad.width_bits,
        weight_entries=machine.entries("weight_pad"),
        weight_width=buffers.weight_pad.width_bits,
        psum_entries=machine.entries("psum_pad"),
        psum_width=buffers.psum_pad.width_bits,
        input_zeros=ZERO_HANDLING.index(parameters.zeros.inputs_at_input_pad),
        weight_zeros=ZERO_HANDLING.index(parameters.zeros.weights_at_weight_pad),
        row_zeros=ZERO_HANDLING.index(parameters.zeros.inputs_at_global_buffer),
        psums_in_pads=int(parameters.psums_wait_in == "psum_pad"),
        time_batching=int(parameters.time_batching),
        potentials_in_dram=(2 - int(parameters.potentials_read_back)) * (parameters.potentials_wait_in == "dram"),
        perfect_factors=int(parameters.tile_factors == "perfect"),
    )


def lower_format(machine: RowStationaryMachine, chosen: WeightFormat) -> Storage:
    """What the weight format means for a pad."""
    masked = chosen.positions == "mask"
    told = masked or chosen.offset_pairs
    packed = chosen.values == "packed" or (told and machine.dataflow.zeros.weights_at_dram == "skip")
    layout = PadLayout.PACKED if packed else PadLayout.MASKED if masked else PadLayout.IMPLICIT
    return Storage(
        layout=int(layout),
        masked=int(masked),
        tagged=int(packed and not masked),
        droppable=int(chosen.located == "offsets"),
        skippable=int(packed or masked),
    )
