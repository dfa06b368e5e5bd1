"""From machine file and layer to the integers that kernels take; what cannot be computed exactly is refused."""

from __future__ import annotations

from typing import get_args

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.row_stationary.machine import (
    ZERO_HANDLING,
    RowStationaryMachine,
    WeightDecoder,
)
from spikecycle.simulator.dataflows.row_stationary.specs import Array, Layer, PadLayout, Storage
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import (
    SpikeFormat,
    WeightFormat,
    needed_kinds,
    weight_format,
)
from spikecycle.simulator.workload import Windows, largest_sum, signed_bits


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


def lower_layer(machine: RowStationaryMachine, task: LayerTask) -> Layer:
    """Shape and widths; MappingError if the machine's words or multipliers are too narrow."""
    shape = task.shape
    largest = largest_sum(task.weights, task.input_bits)
    psum_bits = signed_bits(-largest, largest)
    parameters, word_bits = machine.dataflow, machine.buffers.global_buffer.width_bits
    for name, bits, key, limit in (
        ("the exact sum of a timestep needs", psum_bits, "dataflow.accumulator_bits", parameters.accumulator_bits),
        ("a potential has", task.neuron.potential_bits, "buffers.global_buffer.width_bits", word_bits),
    ):
        if bits > limit:
            raise MappingError.of(task.name, machine.name, f"{name} {bits} bits, {key} is {limit}")
    widest = max(task.input_bits, task.weight_bits)
    if task.input_bits > 1 and widest > parameters.multiplier_bits:
        raise MappingError.of(
            task.name,
            machine.name,
            f"{task.input_bits}-bit inputs and {task.weight_bits}-bit weights are multiplied,"
            f" dataflow.multiplier_bits is {parameters.multiplier_bits}",
        )
    activation_bits = task.weight_bits if parameters.activation_bits == "as_weights" else parameters.activation_bits
    return Layer(
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
        stored_input_bits=max(task.input_bits, activation_bits),
        stored_output_bits=activation_bits,
    )


def lower_array(machine: RowStationaryMachine) -> Array:
    """The machine's sizes."""
    parameters, buffers = machine.dataflow, machine.buffers
    word_bits = buffers.global_buffer.width_bits
    return Array(
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
