"""Crossbar tiles: weights stay in analog crossbars that compute in place; layers are pipelined.

The rule is that of SpikeSim (Moitra et al., IEEE TCAD 42(11), 2023; its public `ela_spikesim.py`). A PE holds, for each
of the R x S positions of a kernel, a crossbar of `crossbar.size` rows (input channels) and columns; PEs share a tile
with its buffer and H-tree, `pes_per_tile` at a time. In a PE cycle of `pe_cycle_cycles` clock cycles it works out one
output position for all of its columns, whatever spiked:

    PEs of an operator = groups x ceil(C / groups / size) x ceil(M / groups x slices / size)
    PE cycles          = PEs x P x Q x T,     time = P x Q x T x pe_cycle_cycles: all PEs of a layer side by side

Energy and area of both are SpikeSim's (`spikecycle.simulator.energy.crossbar`); neurons are updated in the PE cycle.
A layer starts when `overlap.start_after` (0.75 in SpikeSim) of the outputs of the one before are there: of a whole
sample, as SpikeSim has it, or of each timestep (`pipelined`).

Beyond SpikeSim, each without effect unless asked for:

- *Bit slicing*: a cell holds `cell_bits` bits, so that a weight takes ceil(weight bits / cell_bits) = `slices` columns
  (null: a cell holds a whole weight). Inputs of several bits come bit after bit.
- *Epitomes* (EPIM, DAC 2024, arXiv 2311.07620): of an operator's output channels only one in `epitomes` is stored,
  and serves that many, one after the other, its inputs re-indexed: so many times fewer columns, and as many times more
  PE cycles of each PE.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, cast

import numpy as np
from pydantic import Field, model_validator

from spikecycle.simulator.activity import OPERANDS, Activity, Counter, Moves, Work
from spikecycle.simulator.array_types import Frames
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.base import Plan, WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.cores.dataflow import FREE, SUPPORTS, counted_operations
from spikecycle.simulator.dataflows.cores.placement import refuse_unknown
from spikecycle.simulator.dataflows.rule import RuleMachine
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample, layers
from spikecycle.simulator.dataflows.support import Support
from spikecycle.simulator.energy.crossbar import crossbar_constants, tile_mm2
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.crossbar import Crossbar
from spikecycle.simulator.machine.schema import DataflowParameters, Machine, PositiveInt
from spikecycle.simulator.memory import Need
from spikecycle.traces import Synapse, TensorSpec

UM2_PER_MM2 = 10**6


class CrossbarTilesParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["crossbar_tiles"]
    pe_cycle_cycles: PositiveInt
    """Clock cycles of a PE cycle."""
    cell_bits: PositiveInt | None = None
    """Bits of a weight in one cell; none: all of them."""
    pipelined: Literal["samples", "timesteps"] = "samples"
    """Whether a layer waits for its share of the outputs of a sample, or of each timestep."""
    epitomes: dict[str, PositiveInt] = Field(default_factory=dict)
    """Output channels that one stored channel serves, by the name of the operator."""


class CrossbarTilesMachine(RuleMachine):
    """Tiles of crossbars."""

    dataflow: CrossbarTilesParameters
    crossbar: Crossbar

    @model_validator(mode="after")
    def _is_known(self) -> CrossbarTilesMachine:
        try:
            crossbar_constants(self.technology.node_nm)
        except MachineError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def pe_count(self) -> int:
        """PEs of a tile; there are as many tiles as a network needs."""
        return self.crossbar.pes_per_tile

    def unmodelled(self) -> tuple[str, ...]:
        """What has no count; tiles have an area in the report of how a layer is cut."""
        return ("memory for potentials", "programming of the cells", "area of tiles (see the tiling of each layer)")


class Mapped(NamedTuple):
    """An operator in crossbars.

    pes: PEs that hold it. kernel: positions of its kernel. rounds: PE cycles of each for a timestep.
    """

    pes: int
    kernel: int
    rounds: int


@dataclass(frozen=True)
class CrossbarTiles:
    """The dataflow; see the module and `spikecycle.simulator.dataflows.base.Dataflow`."""

    name: str = "crossbar_tiles"
    summary: str = "weights stay in analog crossbars, layers are pipelined (SpikeSim)"
    machine_type: type[Machine] = CrossbarTilesMachine
    supports: Support = SUPPORTS
    overlaps: tuple[str, ...] = ("layer_pipeline", "roofline", "step_barrier")

    def stages(self, machine: Machine, network: Network) -> list[Stage]:
        """A layer at a time; what is done on the way costs nothing."""
        epitomes = cast(CrossbarTilesMachine, machine).dataflow.epitomes
        synapses = [operator.name for operator in network.operators if isinstance(operator, Synapse)]
        refuse_unknown(machine.name, "dataflow.epitomes", epitomes, synapses, "synapse")
        return [stage for stage in layers(network) if any(one.kind not in FREE for one in stage.operators)]

    def check(self, machine: Machine, stage: Stage, network: Network) -> None:
        """Whatever `supports` allows can be mapped."""

    def memory(self, machine: Machine, stage: Stage, network: Network) -> tuple[Need, ...]:
        """Nothing beside the inputs."""
        return ()

    def plan(self, machine: Machine, stage: Stage, network: Network) -> Plan:
        """The operators of a layer in crossbars."""
        return CrossbarPlan(cast(CrossbarTilesMachine, machine), stage, network)

    def keeps(self, machine: Machine, tensor: TensorSpec, values: Frames) -> bool:
        """Nothing goes through DRAM."""
        return False


@dataclass(frozen=True, eq=False)
class CrossbarPlan:
    """A layer in crossbars."""

    machine: CrossbarTilesMachine
    stage: Stage
    network: Network
    mapped: tuple[Mapped, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "mapped", tuple(self._map(synapse) for synapse in self.stage.synapses()))

    @property
    def storage(self) -> WeightStorage:
        """Cells are no memory in words."""
        return WeightStorage()

    @property
    def footprint(self) -> WeightFootprint:
        """Weights are in the crossbars for good."""
        return WeightFootprint()

    @property
    def counters(self) -> tuple[Counter, ...]:
        """PE cycles, by the positions of the kernel, which decide on their energy."""
        kernels = sorted({one.kernel for one in self.mapped})
        return tuple(
            Counter(
                _counter(kernel), "pe", "weights", "cycle", "crossbar", "PE cycles",
                f"a PE works out one output position of kernels of {kernel} positions", bits=kernel,
            )
            for kernel in kernels
        )  # fmt: skip

    def tiling(self) -> Mapping[str, int]:
        """PEs and tiles that the layer takes, and their area."""
        crossbar, constants = self.machine.crossbar, crossbar_constants(self.machine.technology.node_nm)
        tiles = [-(-one.pes // crossbar.pes_per_tile) for one in self.mapped]
        areas = [
            count * tile_mm2(crossbar, one.kernel, constants) for count, one in zip(tiles, self.mapped, strict=True)
        ]
        return {
            "pes": sum(one.pes for one in self.mapped),
            "tiles": sum(tiles),
            "area_um2": round(UM2_PER_MM2 * sum(areas)),
        }

    def run(self, sample: StageSample) -> Activity:
        """One sample: crossbars do not look at spikes."""
        timesteps = self.network.timesteps
        cycles = self.machine.dataflow.pe_cycle_cycles * max(one.rounds for one in self.mapped)
        counts: Tally[str] = Tally()
        for one in self.mapped:
            counts[_counter(one.kernel)] += one.pes * one.rounds * timesteps
        rows = np.full((timesteps, 1), cycles, np.int64)
        step = np.arange(timesteps) * (self.machine.dataflow.pipelined == "timesteps")
        none = np.zeros((timesteps, len(OPERANDS)), np.int64)
        work = Work.of(("compute",), rows, step=step)
        return Activity.of(work, Moves(none, none), dict(counts), {}, counted_operations(sample))

    def _map(self, synapse: Synapse) -> Mapped:
        shape, array = synapse.shape, self.machine.dataflow
        size = self.machine.crossbar.size
        served = array.epitomes.get(synapse.name, 1)
        slices = -(-synapse.weight_bits // array.cell_bits) if array.cell_bits else 1
        columns = -(-(shape.M // shape.groups) // served) * slices
        pes = shape.groups * -(-(shape.C // shape.groups) // size) * -(-columns // size)
        (source,) = synapse.inputs
        bits = self.network.tensors[source.tensor].spec.bits
        return Mapped(pes, shape.R * shape.S, shape.P * shape.Q * served * bits)


def _counter(kernel: int) -> str:
    return f"pe.cycle_{kernel}"


DATAFLOWS.register("crossbar_tiles", CrossbarTiles())
