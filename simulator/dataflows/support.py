"""What a dataflow declares it can run, and the refusal, by name, of everything else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from spikecycle.simulator.dataflows.stage import Network, Stage
from spikecycle.simulator.errors import MappingError
from spikecycle.traces import Operator, Synapse

MOST_NAMED = 5
"""Operators that a refusal names; the others are counted."""


@dataclass(frozen=True)
class Support:
    """What a dataflow runs.

    operators: kinds of operators ("conv2d", "neuron", ...) that take part in its stages.
    free: kinds that it takes without cycles, accesses or energy; a result names them as not modelled.
    demands: what operators may ask for beyond their kind ("groups", "dilation", "a delayed input", ...: see
        `spikecycle.traces.Operator.demands`).
    input_bits: widest value that may enter a synapse.
    weight_formats, spike_formats: names of the formats that it decodes; empty if what it counts has no format.
    """

    operators: frozenset[str]
    free: frozenset[str] = frozenset()
    demands: frozenset[str] = frozenset()
    input_bits: int = 1
    weight_formats: frozenset[str] = field(default_factory=frozenset)
    spike_formats: frozenset[str] = field(default_factory=frozenset)

    def problems(self, operator: Operator, network: Network) -> Iterator[str]:
        """What the operator asks for that is not supported."""
        if operator.kind not in self.operators | self.free:
            yield f"{operator.kind} is not supported, supported: {', '.join(sorted(self.operators | self.free))}"
            return
        if operator.kind in self.free:
            return
        sources = [network.tensors[source.tensor].spec for source in operator.inputs]
        for demand in sorted(set(operator.demands(sources)) - self.demands):
            yield f"{demand} is not supported"
        if isinstance(operator, Synapse):
            widest = max(source.bits for source in sources)
            if widest > self.input_bits:
                yield f"inputs of {widest} bits are not supported, at most {self.input_bits}"


def refuse_unsupported(support: Support, dataflow: str, machine: str, network: Network) -> None:
    """Raise MappingError that names each operator of the network that a dataflow does not run, and why."""
    problems = [
        f"operator {operator.name!r} cannot be mapped on machine {machine!r} (dataflow {dataflow}): {problem}"
        for operator in network.operators
        for problem in support.problems(operator, network)
    ]
    if problems:
        more = len(problems) - MOST_NAMED
        raise MappingError("\n".join([*problems[:MOST_NAMED], *([f"and {more} more"] if more > 0 else [])]))


def free_operators(support: Support, network: Network) -> list[str]:
    """Names of the operators that cost nothing on this dataflow, in order."""
    return [operator.name for operator in network.operators if operator.kind in support.free]


def stages_that_run(support: Support, stages: Sequence[Stage]) -> list[Stage]:
    """The stages without those that cost nothing."""
    return [stage for stage in stages if not all(operator.kind in support.free for operator in stage.operators)]
