"""What the harness uses of the simulator: the one module that imports it, so that one place changes with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.neuron_unit import NeuronUnit
from spikecycle.simulator.dataflows.spike_array import SpikeArrayMachine, SpikeArrayPlan
from spikecycle.simulator.errors import SimulatorError, UsageError
from spikecycle.simulator.formats import (
    EncodedFibers,
    EncodedSpikes,
    SpikeLayout,
    decode_spikes,
    encode,
    encode_spikes,
    measure,
    spike_format,
    weight_format,
)
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.machine.schema import Buffer
from spikecycle.simulator.pricing import MachinePrices
from spikecycle.simulator.replay import replay_layer
from spikecycle.traces import LayerShape, Neuron, list_samples, open_trace
from tests.unit.spike_array.cases import buffer, layer, machine

__all__ = [
    "Buffer",
    "EncodedFibers",
    "EncodedSpikes",
    "LayerShape",
    "LayerTask",
    "NeuronUnit",
    "Recorded",
    "Simulated",
    "SimulatedLayer",
    "SimulatorError",
    "SpikeArrayMachine",
    "SpikeLayout",
    "buffer",
    "cells_of_pe_mm2",
    "decode_spikes",
    "encode",
    "encode_spikes",
    "layer",
    "machine",
    "machine_of",
    "measure",
    "neuron",
    "recorded",
    "replayed_outputs",
    "shipped_traces",
    "spike_format",
    "weight_format",
]

_PHASES = {"update": "cycles.update", "encode": "cycles.encode"}
"""Stall categories: cycles that are phases of a pass; all others belong to the accumulate phase."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """A layer of a trace with one recorded sample: inputs (T, C, H, W), output spikes uint8 (T, M, P, Q)."""

    task: LayerTask
    inputs: np.ndarray
    outputs: np.ndarray


@dataclass(frozen=True, eq=False)
class Simulated:
    """What the simulator says of a sample.

    cycles: int64 (passes,), without DRAM. counts: by counter name; also cycles by phase and the PEs' busy cycles.
    """

    cycles: np.ndarray
    counts: dict[str, int]


class SimulatedLayer:
    """A layer mapped on a machine by the simulator."""

    def __init__(self, machine: SpikeArrayMachine, task: LayerTask) -> None:
        self._task = task
        self._plan = SpikeArrayPlan(machine, task)
        self._names = [counter.name for counter in self._plan.counters]

    def run(self, inputs: np.ndarray, outputs: np.ndarray) -> Simulated:
        """Simulate a sample, inputs (T, C, H, W), with its output spikes, uint8 (T, M, P, Q)."""
        active = replay_layer(self._task, inputs, track_active=True).active if self._plan.needs_active else None
        activity = self._plan.run(LayerSample(inputs, outputs, active))
        counts = {name: activity.counts.get(name, 0) for name in self._names}
        breakdown = dict(zip(activity.work.categories, activity.work.breakdown.sum(axis=0).tolist(), strict=True))
        counts |= {name: breakdown.pop(phase) for phase, name in _PHASES.items()}
        counts |= {"cycles.accumulate": sum(breakdown.values()), "busy": activity.busy["pe"]}
        return Simulated(activity.work.cycles, counts)


def replayed_outputs(task: LayerTask, inputs: np.ndarray) -> np.ndarray:
    """The output spikes of a sample by the integer replay, uint8 (T, M, P, Q)."""
    return replay_layer(task, inputs).outputs


def neuron(kind: str, threshold: np.ndarray, **parameters: int | str) -> Neuron:
    """A neuron of a layer; `threshold` is int (M,)."""
    return Neuron(kind, threshold.astype(np.int32), **parameters)


def machine_of(name: str) -> SpikeArrayMachine:
    """A shipped machine by name, or a machine file; SimulatorError if it is wrong, or no spike array."""
    found = load_machine(name)
    if not isinstance(found, SpikeArrayMachine):
        raise UsageError(
            f"machine {found.name!r}: dataflow.kind: the RTL is a spike_array, found {found.dataflow.kind}"
        )
    return found


def cells_of_pe_mm2(machine: SpikeArrayMachine) -> float:
    """What the area model says of the cells of a PE's logic, without the space between them, mm2."""
    outside = ("dispatcher", "sequencer")
    placed_mm2 = sum(area.area_mm2 for area in MachinePrices(machine).logic_areas if area.component not in outside)
    return placed_mm2 * machine.logic.utilization / machine.pe_count


def shipped_traces() -> tuple[str, ...]:
    """Names of the shipped traces."""
    return list_samples()


def recorded(trace: str, sample: int) -> Iterator[Recorded]:
    """Every layer of a shipped trace with one of its samples."""
    with open_trace(trace) as opened:
        for each in opened.layers:
            outputs = each.outputs(sample)
            assert outputs is not None
            yield Recorded(LayerTask.of(each), each.inputs(sample), outputs)
