"""Fused layers and time batches: what lies between layers, and potentials between timesteps, stays on chip.

The two options are those of STEMS (Eissa et al., IEEE Transactions on Computers 2025): layers that follow each other
are worked through row by row as one group (*fusion*), and several timesteps of a group at a time (*time batches*). The
array itself is dense: every weight of every output position is added, `pes` of them in a cycle.

**Groups.** Layers in the order of the network; one joins the group before it if it takes what that group's last layer
makes in the same timestep, the group has fewer than `fuse` layers, and the buffers hold the group: `weights` all of its
weights, `spikes` for each synapse as many rows of its input map as its kernel is high, for a batch of timesteps. A
group of one layer always runs: its batch is the largest whose rows fit `spikes`, at least 1; weights that do not fit
come in parts, for each of which its inputs are loaded again. A batch has `batch` timesteps otherwise.

**Traffic**, uncompressed, of each group and batch; batches follow each other, each through all groups.

- Weights are loaded in every batch; in the first only if all weights of the network fit `weights` together.
- Spikes that the group takes from outside are loaded, each tensor once; those that it makes for others, or for nobody,
  are stored. What is made and taken within the group is not moved.
- Potentials (and synaptic currents) are loaded in every batch but the first and stored in every batch but the last;
  never if those of all neurons of the network fit `potentials`.

`tiling` reports what the group moves (`moved_bits`) and what its layers would move one by one, timestep by timestep
(`apart_bits`). Accesses of the buffers are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np

from spikecycle.simulator.activity import OPERANDS, OUTPUTS, POTENTIALS, SPIKES, WEIGHTS, Activity, Counter, Moves, Work
from spikecycle.simulator.array_types import Frames, Int64
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.base import Plan, WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.cores.dataflow import FREE, SUPPORTS, counted_operations
from spikecycle.simulator.dataflows.rule import RuleMachine
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample, consumers, edges, layers
from spikecycle.simulator.dataflows.support import Support
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import Buffer, Buffers, DataflowParameters, Dram, Machine, PositiveInt
from spikecycle.simulator.memory import Need
from spikecycle.traces import Operator, Population, TensorSpec
from spikecycle.traces.operators.extras import SYNAPTIC_CURRENTS


class FusedLayersParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["fused_layers"]
    pes: PositiveInt
    """Adders."""
    accumulator_bits: PositiveInt
    fuse: PositiveInt = 1
    """Layers of a group at most; 1: no fusion."""
    batch: PositiveInt = 1
    """Timesteps of a batch at most; 1: no time batches."""


class FusedLayersBuffers(Buffers):
    """What is on chip."""

    weights: Buffer
    spikes: Buffer
    potentials: Buffer


class FusedLayersMachine(RuleMachine):
    """A dense array with buffers for groups of layers."""

    dataflow: FusedLayersParameters
    buffers: FusedLayersBuffers
    dram: Dram

    @property
    def pe_count(self) -> int:
        """Adders."""
        return self.dataflow.pes

    def units(self) -> tuple[LogicUnit, ...]:
        """The adders."""
        return (LogicUnit("pe", "add", bits=self.dataflow.accumulator_bits, count=self.dataflow.pes),)

    def unmodelled(self) -> tuple[str, ...]:
        """What has no count."""
        return ("accesses of buffers",)


def add_counter(bits: int) -> Counter:
    """Additions of the array."""
    return Counter("pe.add", "pe", "potentials", "add", "logic", "operations", "a weight is added or not", bits=bits)


GROUPS_SUPPORT = replace(SUPPORTS, accounts_for=frozenset({SYNAPTIC_CURRENTS}))
"""As on cores, but that parameters come with the weights, which their traffic leaves out."""


@dataclass(frozen=True)
class FusedLayers:
    """The dataflow; see the module and `spikecycle.simulator.dataflows.base.Dataflow`."""

    name: str = "fused_layers"
    summary: str = "dense, groups of layers and batches of timesteps stay on chip (STEMS)"
    machine_type: type[Machine] = FusedLayersMachine
    supports: Support = GROUPS_SUPPORT
    overlaps: tuple[str, ...] = ("roofline",)

    def stages(self, machine: Machine, network: Network) -> list[Stage]:
        """The groups; one of several layers is called by the first and the last."""
        found = []
        for group in groups(cast(FusedLayersMachine, machine), network):
            name = group[0].name if len(group) == 1 else f"{group[0].name}..{group[-1].name}"
            found.append(Stage(name, tuple(operator for layer in group for operator in layer.operators)))
        return found

    def check(self, machine: Machine, stage: Stage, network: Network) -> None:
        """Whatever `supports` allows can be mapped."""

    def memory(self, machine: Machine, stage: Stage, network: Network) -> tuple[Need, ...]:
        """Nothing beside the tensors."""
        return ()

    def plan(self, machine: Machine, stage: Stage, network: Network) -> Plan:
        """A group."""
        return GroupPlan(cast(FusedLayersMachine, machine), stage, network)

    def keeps(self, machine: Machine, tensor: TensorSpec, values: Frames) -> bool:
        """Between groups, everything goes through DRAM."""
        return False


def groups(machine: FusedLayersMachine, network: Network) -> list[list[Stage]]:
    """The layers of a network in groups, in order."""
    found: list[list[Stage]] = []
    every_layer = [stage for stage in layers(network) if not all(one.kind in FREE for one in stage.operators)]
    follows = _follows(every_layer, network)
    for index, layer in enumerate(every_layer):
        joins = index > 0 and (index - 1, index) in follows and len(found[-1]) < machine.dataflow.fuse
        if joins and _fits([*found[-1], layer], machine, network):
            found[-1].append(layer)
        else:
            found.append([layer])
    return found


def _follows(every_layer: Sequence[Stage], network: Network) -> set[tuple[int, int]]:
    """(layer, a later one that takes what it makes); in traces of version 1, every layer and the next."""
    if network.version == 1:
        return {(index, index + 1) for index in range(len(every_layer) - 1)}
    return set(edges(every_layer, network))


def _fits(group: Sequence[Stage], machine: FusedLayersMachine, network: Network) -> bool:
    buffers = machine.buffers
    weights = sum(weight_bits(layer.operators) for layer in group)
    rows = sum(row_bits(layer.operators, network) for layer in group)
    batch = min(machine.dataflow.batch, network.timesteps)
    return weights <= buffers.weights.capacity_bits and rows * batch <= buffers.spikes.capacity_bits


def weight_bits(operators: Sequence[Operator]) -> int:
    """Of all synapses among the operators."""
    synapses = Stage("", tuple(operators)).synapses()
    return sum(one.shape.M * one.shape.fan_in * one.weight_bits for one in synapses)


def row_bits(operators: Sequence[Operator], network: Network) -> int:
    """Rows of input maps that synapses look at together, of one timestep."""
    total = 0
    for one in Stage("", tuple(operators)).synapses():
        shape, bits = one.shape, network.tensors[one.inputs[0].tensor].spec.bits
        high = min(shape.H, (shape.R - 1) * shape.dilation[0] + 1)
        total += shape.C * shape.W * high * bits
    return total


def state_bits(operators: Sequence[Operator]) -> int:
    """Potentials and synaptic currents of all neurons among the operators."""
    total = 0
    for one in operators:
        if isinstance(one, Population):
            current = one.neuron.current_bits if one.neuron.has_current else 0
            total += one.output.count * (one.neuron.potential_bits + current)
    return total


@dataclass(frozen=True, eq=False)
class GroupPlan:
    """A group of layers."""

    machine: FusedLayersMachine
    stage: Stage
    network: Network

    @property
    def storage(self) -> WeightStorage:
        """Weights as they are."""
        bits = weight_bits(self.stage.operators)
        return WeightStorage(payload_bits=bits, stored_bits=bits)

    @property
    def footprint(self) -> WeightFootprint:
        """Groups share the buffer."""
        return WeightFootprint(problem="its groups load weights by its own rule", is_of_machine=True)

    @property
    def counters(self) -> tuple[Counter, ...]:
        """Additions."""
        return (add_counter(self.machine.dataflow.accumulator_bits),)

    def tiling(self) -> Mapping[str, int]:
        """How the group is run, and what that saves."""
        loads, stores = self._moves(self._batches(), self.stage)
        apart = 0
        for layer in layers(self.network):
            if set(layer.operators) <= set(self.stage.operators):
                for bits in self._moves([1] * self.network.timesteps, layer):
                    apart += int(bits.sum())
        return {
            "layers": sum(isinstance(operator, Population) for operator in self.stage.operators),
            "batch": self._batches()[0],
            "batches": len(self._batches()),
            "moved_bits": int(loads.sum() + stores.sum()),
            "apart_bits": apart,
        }

    def run(self, sample: StageSample) -> Activity:
        """One sample: a row of work for each batch; the array does not look at spikes."""
        batches = self._batches()
        additions = [steps * sum(self._additions()) for steps in batches]
        cycles = [sum(-(-steps * one // self.machine.dataflow.pes) for one in self._additions()) for steps in batches]
        work = Work.of(("compute",), np.array(cycles, np.int64)[:, None], step=np.arange(len(batches)))
        total = sum(additions)
        return Activity.of(
            work, Moves(*self._moves(batches, self.stage)), {"pe.add": total}, {"pe": total}, counted_operations(sample)
        )

    def _batches(self) -> list[int]:
        """Timesteps of each batch."""
        timesteps = self.network.timesteps
        room = self.machine.buffers.spikes.capacity_bits // max(1, row_bits(self.stage.operators, self.network))
        most = max(1, min(self.machine.dataflow.batch, timesteps, room))
        return [min(most, timesteps - start) for start in range(0, timesteps, most)]

    def _additions(self) -> list[int]:
        """Of each synapse in a timestep, and of spikes that are added as they are."""
        weighted = {one.output.name for one in self.stage.synapses()}
        synapses = [one.shape.dense_sops_per_timestep for one in self.stage.synapses()]
        added = [
            one.output.count
            for one in self.stage.operators
            for source in one.inputs
            if isinstance(one, Population) and source.tensor not in weighted
        ]
        return synapses + added

    def _moves(self, batches: Sequence[int], group: Stage) -> tuple[Int64, Int64]:
        """Bits loaded and stored in each batch, int64 (batches, operands) both."""
        buffers, network = self.machine.buffers, self.network
        loads, stores = (np.zeros((len(batches), len(OPERANDS)), np.int64) for _ in range(2))
        steps = np.array(batches, np.int64)
        weights, room = weight_bits(group.operators), buffers.weights.capacity_bits
        stays = weight_bits(network.operators) <= room
        loads[: 1 if stays else None, WEIGHTS] = weights
        taken = sum(network.tensors[name].spec.count * network.tensors[name].spec.bits for name in self._taken(group))
        loads[:, SPIKES] = steps * taken * max(1, -(-weights // room))
        made = sum(one.output.count * one.output.bits for one in self._given(group))
        stores[:, OUTPUTS] = steps * made
        if state_bits(network.operators) > buffers.potentials.capacity_bits:
            loads[1:, POTENTIALS] = state_bits(group.operators)
            stores[:-1, POTENTIALS] = state_bits(group.operators)
        return loads, stores

    def _taken(self, group: Stage) -> list[str]:
        """Tensors that the group takes from outside."""
        inside = self._inside(group)
        weighted = {one.output.name for one in group.synapses()}
        sources = [source.tensor for one in group.operators for source in one.inputs]
        return [name for name in dict.fromkeys(sources) if name not in inside | weighted]

    def _inside(self, group: Stage) -> set[str]:
        """Tensors that are made of what the group makes, and nothing else."""
        inside = {one.output.name for one in group.operators if isinstance(one, Population)}
        if self.network.version == 1:
            taken = [one.inputs[0].tensor for one in group.synapses()]
            return inside | set(taken[1:])
        for one in self.network.operators:
            if one.kind in FREE and all(source.tensor in inside for source in one.inputs):
                inside.add(one.output.name)
        return inside

    def _given(self, group: Stage) -> Iterator[Population]:
        """Populations whose spikes leave the group: somebody else takes them, or nobody does."""
        inside, own = self._inside(group), set(group.operators)
        last = [one for one in group.operators if isinstance(one, Population)][-1]
        for one in group.operators:
            if isinstance(one, Population):
                takers = list(self._takers(one.output.name))
                leaves = one is last if self.network.version == 1 else not takers
                if leaves or any(taker not in own and taker.output.name not in inside for taker in takers):
                    yield one

    def _takers(self, tensor: str) -> Iterator[Operator]:
        """Who takes a tensor; through what costs nothing, those behind it too."""
        for taker, _ in consumers(self.network, tensor):
            if taker.kind in FREE:
                yield from self._takers(taker.output.name)
            yield taker


DATAFLOWS.register("fused_layers", FusedLayers())
