"""Recompute a layer's output spikes from its inputs and weights, event by event, in the trace's integer arithmetic.

**Active.** A neuron has a flag, clear when a sample begins (set if its start potential is not 0). In timestep t the
flag is set by every accumulate: an input that is not zero meets a weight that is not zero, even if all of them add up
to zero. `active[t]` is the flag when the update of t begins. The update stores the potential of t, after threshold
and reset and before the leak of t + 1, and the flag becomes "the stored potential is not 0" (or the synaptic current,
of neurons that have one). So active[t] = the potential stored in t - 1 is not 0, or there is an accumulate in t; the
bias and the spike by themselves set no flag.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spikecycle.simulator.array_types import Frames, Int32, Integers, UInt8, UInt16, WeightCodes
from spikecycle.simulator.replay.steps import PopulationStep, SynapseStep
from spikecycle.traces import LayerShape, Neuron, TraceError
from spikecycle.traces.errors import located
from spikecycle.traces.frames import blocks


class ReplayedLayer(Protocol):
    """What a replay needs of a layer; `spikecycle.simulator.dataflows.base.LayerTask` has it.

    weights: (M, C / groups, R, S), codes of weight_bits. bias: int32 (M,). Inputs have `timesteps` T and values
    below 2 ** 16.
    """

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def shape(self) -> LayerShape:
        """Geometry."""

    @property
    def timesteps(self) -> int:
        """T."""

    @property
    def weight_bits(self) -> int:
        """Of a code."""

    @property
    def weights(self) -> WeightCodes:
        """Integer codes."""

    @property
    def bias(self) -> Int32:
        """Added once a timestep."""

    @property
    def neuron(self) -> Neuron:
        """Leak, threshold, reset, potential bits."""


@dataclass(frozen=True, eq=False)
class LayerReplay:
    """One sample of a layer or population, recomputed.

    outputs: uint8 (T, M, P, Q) spikes; of readouts, int32 potentials. active: uint8 (T, M, P, Q), see the module, or
    None where not asked for. potentials: int32 (M, P, Q), stored by the last timestep.
    """

    outputs: Integers
    active: UInt8 | None
    potentials: Int32


@dataclass(frozen=True)
class Comparison:
    """How a recording compares with what was recomputed.

    compared: values compared, zeros included: T x M x P x Q.
    mismatches: how many differ. first_mismatch: (t, m, p, q) of the first in this order, or None.
    """

    compared: int
    mismatches: int
    first_mismatch: tuple[int, int, int, int] | None

    @classmethod
    def of(cls, recorded: Frames, recomputed: Iterable[Integers]) -> Comparison:
        """Compare (T, M, P, Q) with what comes timestep by timestep, (M, P, Q)."""
        compared = mismatches = 0
        first: tuple[int, int, int, int] | None = None
        expected = (values for block in blocks(recorded) for values in block)
        for t, (right, values) in enumerate(zip(expected, recomputed, strict=True)):
            differs = values != right
            compared += differs.size
            mismatches += int(np.count_nonzero(differs))
            if first is None and mismatches:
                m, p, q = (int(index) for index in np.unravel_index(int(differs.argmax()), differs.shape))
                first = (t, m, p, q)
        return cls(compared, mismatches, first)


def replay_layer(task: ReplayedLayer, inputs: UInt8 | UInt16, track_active: bool = False) -> LayerReplay:
    """Output spikes of one sample.

    inputs: (T, C, H, W) values. Raises TraceError, naming the layer, on arrays of another shape.
    """
    return collect_replay(task.timesteps, task.shape.output_shape, _timesteps(task, inputs, track_active))


def verify_layer(task: ReplayedLayer, inputs: UInt8 | UInt16, recorded: UInt8) -> Comparison:
    """Recompute one sample and compare its output spikes with the recording, uint8 (T, M, P, Q)."""
    _check_shape(task, "outputs", recorded.shape, (task.timesteps, *task.shape.output_shape))
    steps = _timesteps(task, inputs, track_active=False)
    return Comparison.of(recorded, (population.outputs for population in steps))


def collect_replay(timesteps: int, shape: tuple[int, int, int], steps: Iterable[PopulationStep]) -> LayerReplay:
    """All timesteps of a population (M, P, Q) that is advanced by iterating."""
    outputs: Integers | None = None
    active: UInt8 | None = None
    for t, population in enumerate(steps):
        if outputs is None:
            outputs = np.empty((timesteps, *shape), population.outputs.dtype)
            active = np.empty((timesteps, *shape), np.uint8) if population.track_active else None
        outputs[t] = population.outputs
        if active is not None:
            active[t] = population.active
    assert outputs is not None  # there is at least one timestep
    return LayerReplay(outputs, active, np.ascontiguousarray(population.potentials))


def _timesteps(task: ReplayedLayer, inputs: UInt8 | UInt16, track_active: bool) -> Iterator[PopulationStep]:
    """The layer's neurons, after each timestep."""
    shape = task.shape
    _check_shape(task, "inputs", inputs.shape, (task.timesteps, *shape.input_shape))
    _check_shape(task, "weights", task.weights.shape, shape.weight_shape)
    _check_shape(task, "bias", task.bias.shape, (shape.M,))
    with located(f"layer {task.name}"):
        task.neuron.check_size(shape.output_shape)
    synapse = SynapseStep(shape, task.weights, task.weight_bits)
    population = PopulationStep(task.neuron, shape.output_shape, task.bias.astype(np.int64), track_active)
    return _advance(synapse, population, inputs)


def _advance(synapse: SynapseStep, population: PopulationStep, inputs: UInt8 | UInt16) -> Iterator[PopulationStep]:
    for now in inputs:
        synapse.add(now, population.sums, population.flags, population.track_active)
        population.advance()
        yield population


def _check_shape(task: ReplayedLayer, what: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected:
        raise TraceError(f"layer {task.name}: {what}: found shape {found}, expected {expected}")
