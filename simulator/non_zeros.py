"""How many values of the tensors between stages are not zero, in every timestep of every sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample
from spikecycle.traces import Synapse


@dataclass(eq=False)
class NonZeros:
    """Counts of one run, whose samples may be replayed side by side.

    Currents that are not recorded are computed from weights. They are counted in the stage that has the weights in
    memory, so that the stage that takes them, whose rule often looks at none of them, does not read the weights again;
    that stage may be replayed at the same time, and then its counts are looked up when both are done.

    wanted: names of the tensors that some stage takes.
    """

    wanted: frozenset[str]
    _expected: set[tuple[str, int]] = field(default_factory=set)
    _currents: dict[tuple[str, int], Int64] = field(default_factory=dict)

    @classmethod
    def between(cls, stages: Iterable[Stage]) -> NonZeros:
        """Before the first stage."""
        return cls(frozenset(name for stage in stages for name in stage.consumed))

    def expect(self, network: Network, stage: Stage, sample: int) -> None:
        """A stage is going to replay a sample, and to count what its last operator makes if a later stage will ask."""
        last = stage.operators[-1]
        name = last.output.name
        if isinstance(last, Synapse) and name in self.wanted and not network.tensors[name].recorded:
            self._expected.add((name, sample))

    def add_currents(self, sample: StageSample, made_by: Synapse) -> None:
        """Count what the last operator of a stage made, if it is expected."""
        key = (made_by.output.name, sample.tensors.sample)
        if key in self._expected:
            self._currents[key] = sample.non_zeros(made_by.output.name)

    def of(self, sample: StageSample, tensor: str) -> Int64 | None:
        """int64 (T,): values of a tensor that are not zero; None for currents that the stage that makes them counts."""
        if (tensor, sample.tensors.sample) in self._expected:
            return None
        return sample.non_zeros(tensor)

    def of_currents(self, sample: int, tensor: str) -> Int64:
        """int64 (T,): the same of those currents, when that stage has replayed the sample."""
        return self._currents[tensor, sample]
