"""What a dataflow declares it can run, and the refusal, by name, of everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from spikecycle.simulator.dataflows.joined_sums import JoinedNetwork
from spikecycle.simulator.dataflows.stage import (
    Network,
    Stage,
    made_by_synapses,
    pooled_currents,
    pooling_problems,
)
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import SpikeFormat, WeightFormat
from spikecycle.traces import Operator, Pool, Population, Source, Synapse, TensorSpec
from spikecycle.wording import some_of

MOST_NAMED = 5
"""Operators that a refusal names; the others are counted."""


@dataclass(frozen=True)
class Support:
    """What a dataflow runs.

    operators: kinds of operators ("conv2d", "neuron", ...) that take part in its stages.
    free: kinds that it takes without cycles, accesses or energy; a result names them as not modelled.
    demands: what operators may ask for beyond their kind ("groups", "dilation", "a delayed input", ...: see
        `spikecycle.traces.Operator.demands`; and of a population "an input without weights").
    input_bits: widest value that may enter a synapse, or, where it runs layers only, a population without weights.
    weight_format_problem, spike_format_problem: why it cannot take a format, whatever its machine has, or None.
    layers_only: whether it runs nothing but layers: a population of neurons with at least one synapse that feeds it
        and nothing else.
    pools_currents: whether a layer may have a max pool between its synapse and its neurons (`stage.pooled_currents`).
    packed_spikes: whether it takes tensors some timesteps at a time, binary spikes packed (`StageSample.frames`,
        `SynapseWorkload.plane_blocks`), as all shipped dataflows do; an estimate of memory counts them so.
    keeps_tensors: whether it may keep tensors on chip between stages (`Dataflow.keeps`); without it, a machine or a run
        that asks for `residency.activations: chip` is refused.
    accounts_for: what its operators may have (`spikecycle.traces.operators.extras`) that costs here what it costs in
        hardware, because it is counted, or because it is on chip for good; results name the rest as not modelled.
    """

    operators: frozenset[str]
    free: frozenset[str] = frozenset()
    demands: frozenset[str] = frozenset()
    input_bits: int = 1
    weight_format_problem: Callable[[WeightFormat], str | None] = lambda _: None
    spike_format_problem: Callable[[SpikeFormat], str | None] = lambda _: None
    layers_only: bool = False
    pools_currents: bool = False
    packed_spikes: bool = False
    keeps_tensors: bool = False
    accounts_for: frozenset[str] = frozenset()

    @property
    def joins_sums(self) -> bool:
        """Whether it takes sums of currents as inputs of the population behind them: see `joined_sums`."""
        return self.layers_only and "several inputs" in self.demands

    def problems(self, operator: Operator, network: Network) -> Iterator[str]:
        """What the operator asks for that is not supported."""
        return self._problems(operator, _Surroundings.of(self, network))

    def all_problems(self, network: Network) -> dict[Operator, list[str]]:
        """The same of every operator that asks for something."""
        around = _Surroundings.of(self, network)
        found = {operator: list(self._problems(operator, around)) for operator in network.operators}
        return {operator: problems for operator, problems in found.items() if problems}

    def _problems(self, operator: Operator, around: _Surroundings) -> Iterator[str]:
        if operator.kind not in self.operators | self.free:
            yield f"{operator.kind} is not supported, supported: {', '.join(sorted(self.operators | self.free))}"
            return
        if operator.kind in self.free:
            return
        if self.layers_only:
            yield from _outside_layers(operator, around, self.pools_currents)
        sources = [around.network.tensors[source.tensor].spec for source in operator.inputs]
        without_weights = _without_weights(operator, around)
        demands = {*operator.demands(sources), *(["an input without weights"] if without_weights else [])}
        for demand in sorted(demands - self.demands):
            yield f"{demand} is not supported"
        entering = sources if isinstance(operator, Synapse) else without_weights
        widest = max((source.bits for source in entering), default=0)
        if widest > self.input_bits and (self.layers_only or isinstance(operator, Synapse)):
            yield f"inputs of {widest} bits are not supported, at most {self.input_bits}"


@dataclass(frozen=True, eq=False)
class _Surroundings:
    """What is asked of a network about every operator.

    pools: those that are part of a layer, by what they make; none where none can be. weighted: tensors that are made by
    operators with weights, or by these pools. takers: who takes a tensor, with the input that does.
    """

    network: Network
    pools: Mapping[str, Pool]
    weighted: frozenset[str]
    takers: Mapping[str, Sequence[tuple[Operator, Source]]]

    @classmethod
    def of(cls, support: Support, network: Network) -> _Surroundings:
        """As a dataflow sees it."""
        pools = pooled_currents(network) if support.pools_currents else {}
        takers: dict[str, list[tuple[Operator, Source]]] = {}
        for operator in network.operators:
            for source in operator.inputs:
                takers.setdefault(source.tensor, []).append((operator, source))
        return cls(network, pools, made_by_synapses(network) | pools.keys(), takers)


def _without_weights(operator: Operator, around: _Surroundings) -> list[TensorSpec]:
    """What a population takes that no synapse has made: spikes or counts as they are, or currents that are pooled, but
    not as a part of a layer."""
    return [
        around.network.tensors[source.tensor].spec
        for source in operator.inputs
        if isinstance(operator, Population) and source.tensor not in around.weighted
    ]


def _outside_layers(operator: Operator, around: _Surroundings, pools_currents: bool) -> Iterator[str]:
    """Why an operator is no part of a layer. pools_currents: whether pools can be."""
    if isinstance(operator, Synapse):
        pools = around.pools.values()
        taken_by = [(consumer, source.delay) for consumer, source in around.takers.get(operator.output.name, ())]
        in_layers = [not delay and (isinstance(taker, Population) or taker in pools) for taker, delay in taken_by]
        if in_layers != [True]:
            instead = f", but to {_named(taken_by)}" if taken_by else ""
            yield f"its output does not go to one population of neurons and nothing else{instead}"
            for pool in dict.fromkeys(taker for taker, _ in taken_by if isinstance(taker, Pool)):
                yield _unpooled(pool, around.network, pools_currents)
    elif isinstance(operator, Population):
        if not any(source.tensor in around.weighted and not source.delay for source in operator.inputs):
            yield "none of its inputs comes from weights of its own"
        if any(spec.signed for spec in _without_weights(operator, around)):
            yield "a signed input without weights is not supported"


def _named(taken_by: Sequence[tuple[Operator, int]]) -> str:
    names = (f"{taker.name!r}{' a timestep later' * bool(delay)}" for taker, delay in taken_by)
    return some_of(list(dict.fromkeys(names)), MOST_NAMED)


def _unpooled(pool: Pool, network: Network, pools_currents: bool) -> str:
    """Why a pool of currents is no part of a layer, and what would be. pools_currents: whether any can be."""
    behind = "a pool behind the neurons, of their spikes, may be of any kind"
    if not pools_currents:
        return f"pool {pool.name!r} takes currents, which is not supported ({behind})"
    return (
        f"pool {pool.name!r} {' and '.join(pooling_problems(pool, network))} (a max pool runs between one operator "
        f"with weights and one population if its windows lie side by side, stride = window, without padding; {behind})"
    )


def refuse_unsupported(
    support: Support, dataflow: str, machine: str, network: Network, others: Callable[[], Mapping[str, Support]]
) -> None:
    """Raise MappingError that names each operator of the network that a dataflow does not run, why, and which machines
    do.

    others: what other machines support, by name; asked only for a refusal.
    """
    refused = support.all_problems(network)
    if not refused:
        return
    known, joined = others(), JoinedNetwork.of(network)
    lines = []
    for operator, problems in list(refused.items())[:MOST_NAMED]:
        able = [
            name
            for name, other in known.items()
            if _runs(other, operator.name, joined if other.joins_sums else network)
        ]
        lines.append(
            f"operator {operator.name!r} cannot be mapped on machine {machine!r} (dataflow {dataflow}): "
            f"{', '.join(problems)}; machines that run it: {', '.join(able) or 'none'}"
        )
    more = len(refused) - MOST_NAMED
    raise MappingError("\n".join([*lines, *([f"and {more} more"] if more > 0 else [])]))


def _runs(support: Support, operator: str, network: Network) -> bool:
    """Whether a dataflow runs what there is of an operator in a network."""
    return not any(any(support.problems(one, network)) for one in network.operators if one.name == operator)


def free_operators(support: Support, network: Network) -> list[str]:
    """Names of the operators that cost nothing on this dataflow, in order."""
    pools = {pool.name for pool in pooled_currents(network).values()} if support.pools_currents else set()
    return [
        operator.name for operator in network.operators if operator.kind in support.free and operator.name not in pools
    ]


def unaccounted(support: Support, network: Network) -> list[str]:
    """What operators of the network have that adds nothing to their cost on this dataflow, in words, in the order of
    the operators; those that cost nothing at all are left to `free_operators`."""
    had = (extra for operator in network.operators if operator.kind not in support.free for extra in operator.extras())
    return [extra for extra in dict.fromkeys(had) if extra not in support.accounts_for]


def stages_that_run(support: Support, stages: Sequence[Stage]) -> list[Stage]:
    """The stages without those that cost nothing."""
    return [stage for stage in stages if not all(operator.kind in support.free for operator in stage.operators)]
