"""The section of a machine file for cores on a routed mesh."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from spikecycle.simulator.dataflows.cores.dataflow import CoreMachine, CoreParameters
from spikecycle.simulator.machine.schema import LARGEST_INT, NonNegativeFloat, PositiveFloat, PositiveInt, Section
from spikecycle.simulator.units import NS_PER_US

SynapseKind = Literal["dense", "sparse", "convolution"]
"""How the synapses of a spike on a core are stored. dense: all of them, zeros too; sparse: those that are not 0, with
their places; convolution: kernels shared by all places, zeros too."""
KINDS: tuple[SynapseKind, ...] = ("dense", "sparse", "convolution")


class Mesh(Section):
    """Tiles on a grid, each with some cores."""

    width: PositiveInt
    height: PositiveInt
    cores_per_tile: PositiveInt
    link_buffer: PositiveInt
    """Messages that wait at a link."""


class SynapseLatencies(Section):
    """Of one synapse that a spike passes, ns."""

    dense: NonNegativeFloat
    sparse: NonNegativeFloat
    convolution: NonNegativeFloat


class Latencies(Section):
    """Of one event, ns."""

    synapse: SynapseLatencies
    axon_in: NonNegativeFloat
    """A message that arrives at a core."""
    neuron_access: NonNegativeFloat
    """A neuron that is looked at, which every neuron is in every timestep."""
    neuron_update: NonNegativeFloat
    """A neuron that is updated: it has a potential, a bias or a new input."""
    neuron_spike: NonNegativeFloat
    """A neuron that fires."""
    axon_out: NonNegativeFloat
    """A message that leaves."""
    hop_east_west: NonNegativeFloat
    hop_north_south: NonNegativeFloat


class Barrier(Section):
    """What the end of a timestep takes, from so many tiles in use on."""

    tiles: PositiveInt
    ns: NonNegativeFloat


class RoutedCoresParameters(CoreParameters):
    """The section `dataflow`."""

    kind: Literal["routed_cores"]
    mesh: Mesh
    latency_ns: Latencies
    barrier: list[Barrier] = Field(default_factory=list)
    """By tiles in use, ascending."""
    tick_ns: PositiveFloat | None = None
    """The least that a timestep takes; none: cores go on as soon as all are done."""
    synapses: SynapseKind | Literal["by_operator"] = "by_operator"
    """How synapses are stored; by_operator: those of operators with maps or kernels as convolution, of others as dense
    if at least half of their weights are not 0, else as sparse."""
    synapses_of: dict[str, SynapseKind] = Field(default_factory=dict)
    """How those of single operators are stored, by their names."""
    unpriced: list[
        Literal[
            "synapse_dense", "synapse_sparse", "synapse_convolution", "neuron_access", "neuron_update", "neuron_spike",
            "axon_in", "axon_out", "hop_east_west", "hop_north_south",
        ]
    ] = Field(default_factory=list)  # fmt: skip
    """Events whose energy the table does not have."""

    @model_validator(mode="after")
    def _is_one_chip(self) -> RoutedCoresParameters:
        mesh, cores = self.mesh, self.mapping.cores
        there = mesh.width * mesh.height * mesh.cores_per_tile
        if there != cores:
            raise ValueError(
                f"dataflow.mapping.cores must be those of the mesh, {mesh.width} x {mesh.height} tiles of "
                f"{mesh.cores_per_tile}: {there}, found {cores}"
            )
        if there > LARGEST_INT:
            raise ValueError(f"dataflow.mesh must have at most {LARGEST_INT} cores, found {there}")
        for before, after in pairwise(self.barrier):
            if after.tiles <= before.tiles or after.ns < before.ns:
                raise ValueError(
                    "dataflow.barrier must have more tiles, and take no less, in every entry than in the one before, "
                    f"found {after.tiles} and {after.ns:g} ns after {before.tiles} and {before.ns:g} ns"
                )
        return self


class RoutedCoresMachine(CoreMachine):
    """Cores on a mesh."""

    dataflow: RoutedCoresParameters

    @property
    def messages_take_no_time(self) -> bool:
        """Whether no message keeps a core busy: then none is in another's way."""
        latency = self.dataflow.latency_ns
        synapse = latency.synapse
        return not any(map(self.cycles, (latency.axon_in, synapse.dense, synapse.sparse, synapse.convolution)))

    @property
    def held_in_flight(self) -> int | None:
        """Messages on a place that hold the next one back for as long as one flies across the mesh: n of them, where
        each waits a message's time longer than the last, n^2 / 2 times in all. None if a message may keep its core busy
        for less than a cycle, and so hold back nobody."""
        latency, mesh = self.dataflow.latency_ns, self.dataflow.mesh
        of_synapse = (latency.synapse.dense, latency.synapse.sparse, latency.synapse.convolution)
        busy = self.cycles(latency.axon_in) + min(map(self.cycles, of_synapse))
        if not busy:
            return None
        across = mesh.width * self.cycles(latency.hop_east_west) + mesh.height * self.cycles(latency.hop_north_south)
        return math.isqrt(2 * across // busy)

    def cycles(self, ns: float) -> int:
        """A time as whole cycles of the clock, the nearest."""
        return round(ns * self.technology.clock_mhz / NS_PER_US)

    def unmodelled(self) -> tuple[str, ...]:
        """What has no count, and counts without a price."""
        return (
            "leakage of the chip",
            "synapse memories that are too small",
            *(f"energy of {event.replace('_', ' ')}" for event in self.dataflow.unpriced),
        )
