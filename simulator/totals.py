"""Sums over the samples of one stage: counts, moves, spikes, busy time and what verification found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.base import Plan, WeightStorage
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample, currents
from spikecycle.simulator.errors import ContractError
from spikecycle.simulator.non_zeros import NonZeros
from spikecycle.simulator.pricing import row_activations
from spikecycle.simulator.result import VerificationResult
from spikecycle.simulator.schedule import StageSchedule, add_by_name, sum_by_name
from spikecycle.simulator.spike_record import OutputSpikes, SpikeRecord
from spikecycle.traces import Synapse


@dataclass(frozen=True, eq=False)
class SampleRun:
    """What one sample of a stage did, and what of its tensors is counted.

    sample: its index. activity: as the plan told it. inputs: values that are not 0, int64 (T,), of every tensor that
    the stage takes; None for currents that the stage counts that makes them. outputs: what it puts out; None where that
    is currents, of which no record is kept. weights_on_chip: whether they were before. kept: tensors that stayed on
    chip.
    """

    sample: int
    activity: Activity
    inputs: Mapping[str, Int64 | None]
    outputs: OutputSpikes | None
    weights_on_chip: bool
    kept: frozenset[str]

    @classmethod
    def of(
        cls,
        activity: Activity,
        sample: StageSample,
        non_zeros: NonZeros,
        counted_elsewhere: frozenset[str],
        with_raster: bool,
    ) -> SampleRun:
        """Count the tensors of a sample that was replayed. non_zeros: of this run. counted_elsewhere: names of currents
        that other stages count."""
        stage = sample.stage
        inputs = {name: None if name in counted_elsewhere else sample.non_zeros(name) for name in stage.consumed}
        last = stage.operators[-1]
        outputs = None
        if isinstance(last, Synapse):
            non_zeros.add_currents(sample, last)
        else:
            outputs = OutputSpikes.of(sample.frames(last.output.name), sample.tensors.sample, with_raster)
        kept = sample.on_chip.tensors & {*stage.consumed, *stage.produced}
        return cls(sample.tensors.sample, activity, inputs, outputs, sample.on_chip.weights, kept)


@dataclass(eq=False)
class StageTotals:
    """One stage, summed over the samples that were simulated.

    storage, tiling: of its plan. positions: values of a timestep of every tensor that it takes, currents: the names of
    those that are currents. counters: what may be counted, by name. counts: what was, every declared counter
    included. row_bits: of an open row of DRAM, if rows are modelled; row_activations: rows that were opened. over_time:
    spikes by timestep. busy_by_pe, accesses_by_bank: see `Activity`. kept: tensors that stayed on chip, and in how many
    samples.
    """

    stage: Stage
    storage: WeightStorage
    tiling: Mapping[str, int]
    positions: Mapping[str, int]
    currents: frozenset[str]
    counters: dict[str, Counter]
    counts: dict[str, int]
    row_bits: int | None = None
    row_activations: int = 0
    busy: dict[str, int] = field(default_factory=dict)
    synaptic_operations: int = 0
    input_spikes: int = 0
    input_currents: int = 0
    input_positions: int = 0
    output_spikes: int = 0
    over_time: SpikeRecord = field(default_factory=SpikeRecord)
    busy_by_pe: Int64 | None = None
    accesses_by_bank: dict[str, Int64] = field(default_factory=dict)
    inferences_with_weights_on_chip: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    verification: dict[str, VerificationResult] = field(default_factory=dict)
    schedules: list[StageSchedule] = field(default_factory=list)
    _counted_elsewhere: list[tuple[int, str]] = field(default_factory=list)

    @classmethod
    def of(cls, network: Network, stage: Stage, plan: Plan, row_bits: int | None = None) -> StageTotals:
        """Before the first sample."""
        counters = plan.counters
        names = [counter.name for counter in counters]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ContractError(f"stage {stage.name!r}: the counter {twice!r} is declared twice")
        return cls(
            stage,
            plan.storage,
            dict(plan.tiling()),
            {name: network.tensors[name].spec.count for name in stage.consumed},
            currents(network).intersection(stage.consumed),
            dict(zip(names, counters, strict=True)),
            dict.fromkeys(names, 0),
            row_bits,
        )

    def add(self, run: SampleRun) -> None:
        """What one sample did."""
        activity = run.activity
        sums = self.counts
        for name, count in activity.counts.items():
            if name not in sums:
                raise ContractError(f"stage {self.stage.name!r}: {name!r} is counted, but not declared as a counter")
            sums[name] += count
        if self.row_bits is not None:
            for _, moves in activity.rows.blocks():
                self.row_activations += row_activations(self.row_bits, moves.load_bits, moves.store_bits)
        add_by_name(self.busy, activity.busy.keys(), activity.busy.values())
        if activity.busy_by_pe is not None:
            self.busy_by_pe = activity.busy_by_pe + (0 if self.busy_by_pe is None else self.busy_by_pe)
        for memory, accesses in activity.accesses_by_bank.items():
            self.accesses_by_bank[memory] = accesses + self.accesses_by_bank.get(memory, 0)
        self.synaptic_operations += activity.synaptic_operations
        for name, counts in run.inputs.items():
            if counts is None:
                self._counted_elsewhere.append((run.sample, name))
            else:
                self._add_input(name, counts)
        if run.outputs is not None:
            self.output_spikes += self.over_time.add_output(run.outputs)
        self.inferences_with_weights_on_chip += run.weights_on_chip
        for name in run.kept:
            self.kept[name] = self.kept.get(name, 0) + 1

    def add_currents(self, non_zeros: NonZeros) -> None:
        """What other stages have counted of what this one takes: all that were expected are done."""
        for sample, name in self._counted_elsewhere:
            self._add_input(name, non_zeros.of_currents(sample, name))
        self._counted_elsewhere.clear()

    def _add_input(self, name: str, counts: Int64) -> None:
        found = self.over_time.add_input(counts)
        self.input_spikes += found
        self.input_currents += found if name in self.currents else 0
        self.input_positions += len(counts) * self.positions[name]

    def in_time(self) -> TimeTotals:
        """What the schedules of all samples come to."""
        schedules = self.schedules
        return TimeTotals(
            sum(schedule.cycles for schedule in schedules),
            sum_by_name(schedule.breakdown for schedule in schedules),
            sum_by_name(schedule.busy for schedule in schedules),
            sum_by_name(schedule.load_moved_bits for schedule in schedules),
            sum_by_name(schedule.store_moved_bits for schedule in schedules),
        )


class TimeTotals(NamedTuple):
    """One stage in time, summed over samples.

    cycles: from its start to its end. breakdown: the same by category. busy: those in which each resource, the DRAM
    channel among them, worked. dram_read_bits, dram_write_bits: by operand, whole bursts.
    """

    cycles: int
    breakdown: dict[str, int]
    busy: dict[str, int]
    dram_read_bits: dict[str, int]
    dram_write_bits: dict[str, int]
