"""What a dataflow is: one way of mapping a layer on a PE array.

A dataflow lives in one module (or one folder) of this package and registers itself:

    DATAFLOWS.register("spike_array", SpikeArray())

It brings its own machine schema (parameters and buffers), declares what it counts and which causes it attributes
cycles to, prepares a layer once (`plan`: tiling, encoded weights, tables; raises MappingError), and replays samples
(`Plan.run`). Everything else — DRAM, energy, reports, the command line — works from those declarations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from spikecycle.simulator.activity import Counter, Passes
from spikecycle.simulator.machine.schema import Machine
from spikecycle.traces import Layer, LayerShape, Neuron

UInt8 = npt.NDArray[np.uint8]
UInt16 = npt.NDArray[np.uint16]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class LayerTask:
    """What a dataflow needs to know of a layer before it sees a sample.

    weights: int32 (M, C / groups, R, S) codes of `weight_bits`, signed. bias: int32 (M,). timesteps: T.
    """

    name: str
    shape: LayerShape
    timesteps: int
    input_bits: int
    weight_bits: int
    weights: Int32
    bias: Int32
    neuron: Neuron

    @classmethod
    def of(cls, layer: Layer) -> LayerTask:
        """The task of a layer of a trace, its arrays read."""
        return cls(
            name=layer.name,
            shape=layer.shape,
            timesteps=layer.timesteps,
            input_bits=layer.input_bits,
            weight_bits=layer.weight_bits,
            weights=layer.weights(),
            bias=layer.bias(),
            neuron=layer.neuron,
        )


@dataclass(frozen=True)
class WeightStorage:
    """What a layer's weights take in the machine's format.

    weights: number of weights, zeros included. payload_bits, metadata_bits: of the format alone.
    directory_bits: where fibers start, if the machine needs to be told. stored_bits: all of it as it lies in
    memory, word padding included.
    """

    weights: int
    payload_bits: int
    metadata_bits: int
    directory_bits: int
    stored_bits: int


class Plan(Protocol):
    """A layer mapped on a machine, ready to replay samples. Holds nothing that a run changes."""

    @property
    def storage(self) -> WeightStorage:
        """The layer's weights in the machine's format."""

    def tiling(self) -> dict[str, int]:
        """How the layer is cut, by name, for reports (tile sizes and numbers of tiles)."""

    def run(self, inputs: UInt8 | UInt16, outputs: UInt8, active: UInt8 | None) -> Passes:
        """Replay one sample.

        inputs: (T, C, H, W) values. outputs: uint8 (T, M, P, Q) output spikes. active: uint8 (T, M, P, Q), 1 where a
        neuron is not at rest when its timestep's update begins (it received a weight that is not zero, or its
        stored potential is not 0), given only where `needs_active`.
        """


class Dataflow(Protocol):
    """One way of mapping layers on an array."""

    name: str
    summary: str
    machine_type: type[Machine]
    causes: tuple[str, ...]
    """Names of the columns of Passes.causes; the first is "compute"."""
    label_names: tuple[str, str, str, str]

    def counters(self, machine: Machine, task: LayerTask) -> tuple[Counter, ...]:
        """What is counted, in the order of Passes.counts."""

    def needs_active(self, machine: Machine) -> bool:
        """Whether `run` wants to know which neurons are active (sparse update)."""

    def plan(self, machine: Machine, task: LayerTask) -> Plan:
        """Map a layer; raises MappingError naming machine and layer where it can't."""
