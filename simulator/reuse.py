"""What runs of one trace share: tensors, workloads, and what stages did on machines that differ elsewhere.

A sweep runs one trace on thousands of machines. Tensors, weights and biases are read, or recomputed, once, as far as
they fit in a budget of memory; what does not fit is read again. What a stage did on a machine is used again for every
machine on which all keys that the stage's dataflow has read have the same values
(`spikecycle.simulator.machine.watched`): a price of DRAM changes no cycle, and a memory that a rule never looks at
changes nothing at all. Results are the same to the last bit as without.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from spikecycle.simulator.array_types import Int32, WeightCodes
from spikecycle.simulator.dataflows.joined_sums import joined_operators
from spikecycle.simulator.dataflows.stage import OnChip, Stage, StageSample, StageWeights
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.machine.watched import Reads, watch
from spikecycle.simulator.replay import SampleTensors
from spikecycle.traces import Trace
from spikecycle.traces.weights import code_dtype

if TYPE_CHECKING:
    from spikecycle.simulator.stage_run import StageRun

DEFAULT_LIMIT_BYTES = 2**28
"""Of tensors, again of weights, and again of what stages did: assumed, small beside what a run takes itself."""
_BIAS_BYTES = 4
_BYTES_OF_AN_ENTRY = 10_000
"""What a kept run takes beside its arrays, roughly: counters, tiling, storage."""


@dataclass(frozen=True, eq=False)
class _Kept:
    """A run, what it read of its machine, and the memory that it takes."""

    run: StageRun
    reads: Reads
    bytes: int


@dataclass(eq=False)
class Reuse:
    """What is kept of the runs of one open trace, to be given to `simulate` again and again, by any thread.

    Two runs at the same time may both work something out, and use one of the two; no run waits for another's kernels.

    limit_bytes: so many bytes, unpacked, of the tensors of whole samples are kept, those that are asked for first; so
    many of the weights of operators, also the first; and so many of runs, the latest.
    recorded: of the same open file with other operators: what was recorded is taken from there.
    """

    network: Trace
    limit_bytes: int = DEFAULT_LIMIT_BYTES
    recorded: Reuse | None = None
    _samples: dict[int, SampleTensors] = field(default_factory=dict)
    _weights: dict[str, tuple[WeightCodes, Int32]] = field(default_factory=dict)
    _weight_bytes: int = 0
    _seen: dict[tuple[str, int], StageSample] = field(default_factory=dict)
    _runs: OrderedDict[tuple[Hashable, int], _Kept] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _count: int = 0
    _joined: Reuse | None = None
    _looking: Lock = field(default_factory=Lock)  # held while somebody looks something up, or keeps it

    def with_sums_joined(self) -> Reuse:
        """The same for the network whose sums of currents are inputs of populations; this one where there are none."""
        with self._looking:
            if self._joined is None:
                joined = with_sums_joined(self.network)
                self._joined = self if joined is self.network else Reuse(joined, self.limit_bytes, recorded=self)
            return self._joined

    def tensors(self, sample: int) -> SampleTensors:
        """The tensors of a sample."""
        with self._looking:
            if sample not in self._samples:
                recorded = self.recorded.tensors(sample) if self.recorded else None
                tensors = SampleTensors(self.network, sample, recorded)
                if (len(self._samples) + 1) * self._sample_bytes > self.limit_bytes:
                    return tensors
                tensors.shared = True
                self._samples[sample] = tensors
            return self._samples[sample]

    def stage_sample(self, stage: Stage, sample: int, on_chip: OnChip, of_weights: StageWeights) -> StageSample:
        """A sample of a stage, with what earlier runs found out about it, and this one about its weights."""
        tensors = self.tensors(sample)
        if not tensors.shared:
            return StageSample(stage, tensors, on_chip, of_weights)
        key = (stage_key(stage), sample)
        seen = self._seen.setdefault(key, StageSample(stage, tensors))
        return replace(seen, on_chip=on_chip, of_weights=of_weights)

    def hold_weights(self, stage: Stage) -> None:
        """Read the weights and biases of a stage, and keep them for later runs if they fit."""
        if self.recorded is not None:
            self.recorded.hold_weights(stage)  # the synapses are the same
            return
        for synapse in stage.synapses():
            code_bytes = np.dtype(code_dtype(synapse.weight_bits)).itemsize
            size = synapse.shape.M * (code_bytes * synapse.shape.fan_in + _BIAS_BYTES)
            if self._has_room(synapse.name, size):
                read = synapse.codes(), synapse.bias()
                with self._looking:
                    if self._has_room(synapse.name, size):  # nobody was faster
                        self._weights[synapse.name] = read
                        self._weight_bytes += size

    def stage_run(self, what: Hashable, machine: Machine, run: Callable[[Machine], StageRun]) -> StageRun:
        """`run(machine)`, or what an earlier machine made of the same `what` where this one must make the same of it.

        what: everything but the machine that the run depends on.
        """
        with self._looking:
            of_what = [(key, kept) for key, kept in reversed(self._runs.items()) if key[0] == what]
        for key, kept in of_what:
            if kept.reads.hold_for(machine):
                with self._looking:
                    if key in self._runs:
                        self._runs.move_to_end(key)
                return _unscheduled(kept.run)
        watched, reads = watch(machine)
        done = run(watched)
        for activity in done.activities[:1]:
            activity.rows.one_unit()  # so that the keys are noted which rows are made of
        self._keep(what, done, reads)
        return _unscheduled(done)

    def _keep(self, what: Hashable, run: StageRun, reads: Reads) -> None:
        kept = _Kept(run, reads, _BYTES_OF_AN_ENTRY + sum(activity.rows.kept_bytes for activity in run.activities))
        with self._looking:
            self._count += 1
            self._runs[what, self._count] = kept
            self._bytes += kept.bytes
            while self._bytes > self.limit_bytes:
                _, oldest = self._runs.popitem(last=False)
                self._bytes -= oldest.bytes

    def _has_room(self, name: str, size: int) -> bool:
        """Whether the weights of an operator are to be kept, of so many bytes."""
        return name not in self._weights and self._weight_bytes + size <= self.limit_bytes

    @cached_property
    def _sample_bytes(self) -> int:
        """Of all tensors of a sample, unpacked."""
        values = sum(tensor.spec.count * -(-tensor.spec.bits // 8) for tensor in self.network.tensors.values())
        return values * self.network.timesteps


def with_sums_joined(network: Trace) -> Trace:
    """The network whose sums of currents are inputs of populations (`joined_sums`); itself where there are none."""
    operators = joined_operators(network)
    return network if len(operators) == len(network.operators) else network.with_operators(operators)


def stage_key(stage: Stage) -> str:
    """What tells the stages of one network apart: the operators that run together."""
    return " ".join(operator.name for operator in stage.operators)


def run_key(dataflow: str, stage: Stage, samples: Sequence[int], kept: Sequence[frozenset[str]]) -> Hashable:
    """Everything but the machine that a stage's run depends on."""
    return dataflow, stage.name, stage_key(stage), tuple(samples), tuple(kept)


def _unscheduled(run: StageRun) -> StageRun:
    """The run with totals of its own, to which a schedule can be added."""
    return replace(run, totals=replace(run.totals, schedules=[]))
