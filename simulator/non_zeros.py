"""How many values of the tensors between stages are not zero, in every timestep of every sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.stage import Stage, StageSample
from spikecycle.simulator.spike_record import by_timestep
from spikecycle.traces import Synapse


@dataclass(eq=False)
class NonZeros:
    """Counts of one run.

    Currents that are not recorded are computed from weights. They are counted in the stage that has the weights in
    memory, so that the stage that takes them, whose rule often looks at none of them, does not read the weights again.

    wanted: names of the tensors that some stage takes.
    """

    wanted: frozenset[str]
    _currents: dict[tuple[str, int], Int64] = field(default_factory=dict)

    @classmethod
    def between(cls, stages: Iterable[Stage]) -> NonZeros:
        """Before the first stage."""
        return cls(frozenset(name for stage in stages for name in stage.consumed))

    def add_currents(self, sample: StageSample, made_by: Synapse) -> None:
        """Count what the last operator of a stage made, if a later stage will ask."""
        name = made_by.output.name
        if name in self.wanted and not sample.tensors.is_known(name):
            self._currents[name, sample.tensors.sample] = self.of(sample, name)

    def of(self, sample: StageSample, tensor: str) -> Int64:
        """int64 (T,): values of a tensor that are not zero."""
        known = self._currents.get((tensor, sample.tensors.sample))
        return by_timestep(sample.frames(tensor)) if known is None else known
