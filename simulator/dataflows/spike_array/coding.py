"""Which formats a spike array can take for a layer: what its decoders and its dispatcher are able to read."""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.spike_array.fibers import TileFibers
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import (
    FiberAxes,
    SpikeFormat,
    WeightFormat,
    missing_rate,
    slots_per_step,
    weight_format,
)


def spike_format_problem(chosen: SpikeFormat) -> str | None:
    """Why the dispatcher cannot scan spikes in a format, or None."""
    if chosen.scope == "timestep":
        return None
    return "a spike array scans spikes timestep by timestep, and the format stores all timesteps together"


def rates(machine: SpikeArrayMachine) -> dict[str, int | None]:
    """What a decoder takes in a cycle, by key of the machine file."""
    return dict(machine.dataflow.decoder)


def fiber_axes(machine: SpikeArrayMachine) -> FiberAxes:
    """How fibers lie in the weights: a PE owns every so-manyth output channel, and finds a tap by its position."""
    return FiberAxes(("kernel_row", "kernel_column", "output_channel"), step=machine.dataflow.pes_per_group)


def chosen_weight_format(machine: SpikeArrayMachine, task: LayerTask) -> WeightFormat:
    """The format of a layer's weights; MappingError if the machine has no decoder for it, or other fibers."""
    chosen = weight_format(machine.formats.weights_of(task.name))
    missing = missing_rate(chosen, rates(machine))
    if missing is not None:
        raise refused(machine, task, chosen, f"it needs dataflow.decoder.{missing}, which the machine does not give")
    problem = chosen.refused_axes(fiber_axes(machine))
    if problem is not None:
        raise refused(machine, task, chosen, problem)
    return chosen


def stored_problem(machine: SpikeArrayMachine, chosen: WeightFormat, fibers: TileFibers) -> str | None:
    """Why the format does not accept one of the fibers of a channel tile, or None; `check_codebook` looks at codebooks,
    which the tiles share."""
    if chosen.codes == "codebook":
        return None
    return chosen.accepts(fibers.values, fibers.starts, fiber_axes(machine), fibers.segments)


def check_codebook(machine: SpikeArrayMachine, task: LayerTask, chosen: WeightFormat) -> None:
    """MappingError if one codebook does not do for all weights."""
    if chosen.codes == "codebook":
        problem = chosen.accepts(task.weights.reshape(-1), np.array([0, task.weights.size], dtype=np.int64))
        if problem is not None:
            raise refused(machine, task, chosen, problem)


def decoded_slots(machine: SpikeArrayMachine, chosen: WeightFormat, weight_bits: int) -> int:
    """Weights that a step of a PE's decoder delivers at most."""
    return slots_per_step(chosen, weight_bits, machine.dataflow.lanes, rates(machine))


def refused(machine: SpikeArrayMachine, task: LayerTask, chosen: WeightFormat, problem: str) -> MappingError:
    """What is raised for weights that a format cannot store, or a machine in it."""
    return MappingError.of(task.name, machine.name, f"weight format {chosen.name!r}: {problem}")
