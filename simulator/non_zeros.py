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
    _expected: frozenset[str] = frozenset()
    _currents: dict[tuple[str, int], Int64] = field(default_factory=dict)

    @classmethod
    def between(cls, stages: Iterable[Stage]) -> NonZeros:
        """Before the first stage."""
        return cls(frozenset(name for stage in stages for name in stage.consumed))

    def expect(self, network: Network, stage: Stage) -> frozenset[str]:
        """A stage is going to be replayed, and to count what its last operator makes if a later stage will ask. Returns
        the names of the currents that the stages before it count."""
        before = self._expected
        last = stage.operators[-1]
        name = last.output.name
        if isinstance(last, Synapse) and name in self.wanted and not network.tensors[name].recorded:
            self._expected |= {name}
        return before

    def add_currents(self, sample: StageSample, made_by: Synapse) -> None:
        """Count what the last operator of a stage made, if it is expected."""
        name = made_by.output.name
        if name in self._expected:
            self._currents[name, sample.tensors.sample] = sample.non_zeros(name)

    def of_currents(self, sample: int, tensor: str) -> Int64:
        """int64 (T,): values of currents that are not zero, when the stage that makes them has replayed the sample."""
        return self._currents[tensor, sample]
