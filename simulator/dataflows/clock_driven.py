"""Clock-driven neuron arrays of FPGAs: every timestep scans all inputs of a layer, whether they spiked or not.

Each layer has hardware of its own (overlap policy `layer_pipeline`): an array that adds the weights of `inputs_at_once`
inputs to `neurons_at_once` neurons in a cycle (none: to all of the layer), then updates `updates_at_once` neurons in a
cycle (none: all while the last input is added). With B bits to an input value, one after the other, a timestep takes

    sum over synapses (ceil(inputs / inputs_at_once) x B) x ceil(neurons / neurons_at_once)
    + ceil(neurons / updates_at_once) + `step_cycles`

`skip_empty_steps`: a timestep in which no input of the layer spikes is not scanned, only updated. A spike that is added
as it is comes from an input of its own, one per neuron.

- Spiker and Spiker+ (Carpegna et al., ISVLSI 2022; arXiv 2401.01141; public VHDL generator): one input at a time, all
  neurons of a layer at once; a control unit that takes a sample of the inputs, skips to its end if none spiked, else
  counts through all of them, then waits until all layers are ready.
- snn-fpga (Fan and Levy, arXiv 2507.07284): a crossbar of 16 x 16 synapses a cycle, through which the tiles of a layer
  pass one after the other.

**Resources of the FPGA**, reported as how a stage is cut. Block RAM of 36 Kbit: weights, by their bits. Flip-flops and
LUTs: per neuron that is worked on at once and bit of its potential (`luts_per_neuron_bit`, `ffs_per_neuron_bit`).
Multipliers: one for each of them whose leak is not a shift: v x 2^-k, or v - v x 2^-k as Spiker has it.
Energy is not modelled: what the sources publish is that of the whole board.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, cast

import numpy as np
from pydantic import Field

from spikecycle.simulator.activity import OPERANDS, Activity, Counter, Moves, Work
from spikecycle.simulator.array_types import Frames, Int64
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.base import Plan, WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.cores.dataflow import FREE, SUPPORTS, counted_operations
from spikecycle.simulator.dataflows.rule import RuleMachine
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample, layers
from spikecycle.simulator.dataflows.support import Support
from spikecycle.simulator.machine.schema import (
    LARGEST_INT,
    DataflowParameters,
    Machine,
    NonNegativeFloat,
    PositiveInt,
)
from spikecycle.simulator.memory import Need
from spikecycle.simulator.spike_record import by_timestep
from spikecycle.simulator.workload import leaks
from spikecycle.traces import Neuron, Population, Source, Synapse, TensorSpec

BRAM_BITS = 36 * 1024
"""Of one block RAM of a 7-series FPGA (AMD UG473)."""


class ClockDrivenParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["clock_driven"]
    inputs_at_once: PositiveInt
    """Inputs whose weights are added in a cycle."""
    neurons_at_once: PositiveInt | None = None
    """Neurons to which they are added; none: all of the layer."""
    updates_at_once: PositiveInt | None = None
    """Neurons that are updated in a cycle; none: all, while the last input is added."""
    step_cycles: Annotated[int, Field(ge=0, le=LARGEST_INT)] = 0
    """Cycles of control in every timestep."""
    skip_empty_steps: bool = False
    """Whether a timestep without input spikes is not scanned."""
    luts_per_neuron_bit: NonNegativeFloat = 0.0
    """LUTs of a neuron that is worked on, per bit of its potential."""
    ffs_per_neuron_bit: NonNegativeFloat = 0.0
    """Flip-flops of a neuron that is worked on, per bit of its potential."""


class ClockDrivenMachine(RuleMachine):
    """A neuron array on an FPGA."""

    dataflow: ClockDrivenParameters

    @property
    def pe_count(self) -> int:
        """Adders of a layer's array; of one that takes all neurons at once, those of one neuron."""
        return self.dataflow.inputs_at_once * (self.dataflow.neurons_at_once or 1)

    def unmodelled(self) -> tuple[str, ...]:
        """What has no price."""
        return ("energy of the FPGA", "memory for potentials", "configuration and transfer of samples")


COUNTERS = (
    Counter("array.scan", "array", "spikes", "scan", "none", "inputs", "an input of a layer is looked at, once a bit"),
    Counter("array.update", "array", "potentials", "update", "none", "neurons", "a neuron is updated"),
    Counter("array.skip", "array", "spikes", "skip", "none", "timesteps", "a timestep without spikes is not scanned"),
)


@dataclass(frozen=True)
class ClockDriven:
    """The dataflow; see the module and `spikecycle.simulator.dataflows.base.Dataflow`."""

    name: str = "clock_driven"
    summary: str = "every timestep scans all inputs of a layer, spikes or not (Spiker, snn-fpga)"
    machine_type: type[Machine] = ClockDrivenMachine
    supports: Support = SUPPORTS
    overlaps: tuple[str, ...] = ("layer_pipeline", "roofline", "step_barrier")

    def stages(self, machine: Machine, network: Network) -> list[Stage]:
        """A layer at a time; what is done on the way costs nothing."""
        return [stage for stage in layers(network) if any(one.kind not in FREE for one in stage.operators)]

    def check(self, machine: Machine, stage: Stage, network: Network) -> None:
        """Whatever `supports` allows can be mapped."""

    def memory(self, machine: Machine, stage: Stage, network: Network) -> tuple[Need, ...]:
        """Nothing beside the inputs."""
        return ()

    def plan(self, machine: Machine, stage: Stage, network: Network) -> Plan:
        """A layer on its array."""
        return ClockDrivenPlan(cast(ClockDrivenMachine, machine).dataflow, stage, network)

    def keeps(self, machine: Machine, tensor: TensorSpec, values: Frames) -> bool:
        """Nothing goes through DRAM."""
        return False


@dataclass(frozen=True, eq=False)
class ClockDrivenPlan:
    """A layer on its array."""

    array: ClockDrivenParameters
    stage: Stage
    network: Network

    @property
    def storage(self) -> WeightStorage:
        """Weights as they are."""
        bits = self._weight_bits
        return WeightStorage(payload_bits=bits, stored_bits=bits)

    @property
    def footprint(self) -> WeightFootprint:
        """Weights are in block RAM for good."""
        return WeightFootprint()

    @property
    def counters(self) -> tuple[Counter, ...]:
        """Inputs and neurons."""
        return COUNTERS

    def tiling(self) -> Mapping[str, int]:
        """Parts of the FPGA that the layer takes."""
        neuron, at_once = self._population.neuron, self._at_once
        bits = at_once * neuron.potential_bits
        return {
            "luts": round(bits * self.array.luts_per_neuron_bit),
            "flip_flops": round(bits * self.array.ffs_per_neuron_bit),
            "brams_36_kbit": -(-self._weight_bits // BRAM_BITS),
            "multipliers": 0 if leak_is_shift(neuron) else at_once,
        }

    def run(self, sample: StageSample) -> Activity:
        """One sample, timestep by timestep."""
        array, neurons, timesteps = self.array, self._population.output.count, self.network.timesteps
        sources = self._sources()
        scans = np.zeros(timesteps, np.int64)
        spiking = np.zeros(timesteps, bool)
        scanned = 0
        for source in sources:
            spec = self.network.tensors[source.tensor].spec
            scans += -(-spec.count // array.inputs_at_once) * spec.bits
            scanned += spec.count * spec.bits
            spiking |= by_timestep(sample.source_frames(source)) > 0
        scans *= -(-neurons // self._at_once)
        scans[~spiking] *= not array.skip_empty_steps
        updates = -(-neurons // array.updates_at_once) if array.updates_at_once else 0
        rest = np.full((timesteps, 2), (updates, array.step_cycles), np.int64)
        breakdown: Int64 = np.concatenate([scans[:, None], rest], axis=1)
        none = np.zeros((timesteps, len(OPERANDS)), np.int64)
        work = Work.of(("compute", "update", "step"), breakdown, step=np.arange(timesteps))
        skipped = int((~spiking).sum()) if array.skip_empty_steps else 0
        counts = {
            "array.scan": scanned * (timesteps - skipped),
            "array.update": neurons * timesteps,
            "array.skip": skipped,
        }
        return Activity.of(work, Moves(none, none), counts, {}, counted_operations(sample))

    @property
    def _population(self) -> Population:
        population = self.stage.operators[-1]
        assert isinstance(population, Population), "`Support.layers_only` refuses everything else"
        return population

    @property
    def _at_once(self) -> int:
        neurons = self._population.output.count
        return min(neurons, self.array.neurons_at_once or neurons)

    @property
    def _weight_bits(self) -> int:
        return sum(one.shape.M * one.shape.fan_in * one.weight_bits for one in self.stage.synapses())

    def _sources(self) -> list[Source]:
        """What the layer's array scans: inputs of its synapses, and what is added as it is."""
        makers: dict[str, Synapse] = {synapse.output.name: synapse for synapse in self.stage.synapses()}
        found = []
        for source in self._population.inputs:
            found += list(makers[source.tensor].inputs) if source.tensor in makers else [source]
        return found


def leak_is_shift(neuron: Neuron) -> bool:
    """Whether every neuron's leak keeps 2^-k of its potential, or all but that: a shift, and at most a subtraction."""
    whole = 1 << neuron.leak_shift
    kept = np.atleast_1d(neuron.leak_numerator).astype(np.int64)
    lost = whole - kept
    return not leaks(neuron) or bool(((kept & (kept - 1) == 0) | (lost & (lost - 1) == 0)).all())


DATAFLOWS.register("clock_driven", ClockDriven())
