"""Dataflows that are a rule: functions from a machine and an operator's workload to cycles and counts.

Papers state how long their accelerator takes as a rule over the spikes: cycles per spike, per window, per tile. Such a
rule is one module of this package (or of a plugin):

    class MyMachine(RuleMachine): ...           # the parameters that the rule reads, in the machine file

    MY_RULE = rule("my_rule", machine=MyMachine, summary="...")

    @MY_RULE.runs("conv2d", "linear")
    def synapses(machine: MyMachine, run: OperatorRun) -> int:
        return ...

A function is called once per operator and sample. It returns cycles (an integer), cycles of each timestep (an integer
array (T,)), cycles by category (a mapping), or an `Activity` that also tells DRAM traffic and counts
(`Activity.total`). What is the same for all samples is prepared once: what a function `@MY_RULE.prepares("linear")
(machine, operator, network)` returned is there as `run.prepared`. Operators run one after the other, unless the
machine's overlap policy says otherwise. Synaptic operations are counted for it. What the rule does not tell (buffers,
traffic, energy) is not modelled, and results say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import numpy as np

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import Frames, Int32, Int64, Integers
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.base import Plan, WeightFootprint, WeightStorage
from spikecycle.simulator.dataflows.memory import layer_sizes
from spikecycle.simulator.dataflows.rule_memory import (
    RuleMemory,
    all_rows,
    prepared_need,
    workload_needs,
)
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample, one_by_one
from spikecycle.simulator.dataflows.support import Support
from spikecycle.simulator.errors import ContractError, MappingError, SimulatorError, one_line, place_in
from spikecycle.simulator.machine.parts import LogicUnit
from spikecycle.simulator.machine.schema import Buffers, Machine
from spikecycle.simulator.memory import Need
from spikecycle.simulator.workload import SynapseWorkload
from spikecycle.traces import Operator, Population, Source, Synapse, TensorSpec

MachineT = TypeVar("MachineT", bound=Machine)
RuleFunction = Callable[[MachineT, "OperatorRun"], "int | Int64 | Mapping[str, int] | Activity"]
Preparation = Callable[[MachineT, Any, Network], Any]


@dataclass(frozen=True, eq=False)
class OperatorRun:
    """One operator on one sample, as a rule sees it."""

    operator: Operator
    network: Network
    sample: StageSample
    prepared: Any = None
    """What the rule prepared for the operator (`RuleDataflow.prepares`), the same for all samples."""

    @property
    def kind(self) -> str:
        """The operator's kind: "conv2d", "neuron", ..."""
        return self.operator.kind

    @property
    def timesteps(self) -> int:
        """T."""
        return self.network.timesteps

    @property
    def workload(self) -> SynapseWorkload:
        """Taps, im2col rows, synaptic operations, fibers and traffic of an operator with weights."""
        assert isinstance(self.operator, Synapse), f"{self.operator.name} has no weights"
        return self.sample.workload(self.operator)

    @property
    def outputs(self) -> int:
        """Output values of one timestep: of a population, its neurons."""
        return self.operator.output.count

    @property
    def states(self) -> int:
        """States of a neuron of a population: its potential, and its synaptic current if it has one."""
        assert isinstance(self.operator, Population), f"{self.operator.name} is no population"
        return self.operator.neuron.states

    @property
    def started(self) -> int:
        """Neurons of a population that start with a potential to be written: all, unless all start with 0."""
        assert isinstance(self.operator, Population), f"{self.operator.name} is no population"
        return self.outputs if self.operator.neuron.start_potential.any() else 0

    def inputs(self, index: int = 0) -> Integers:
        """Values of one input, (T, C, H, W)."""
        return self.sample.source(self.operator.inputs[index])

    def input_frames(self, index: int = 0) -> Frames:
        """The same in little memory, to be taken block by block (`spikecycle.traces.frames.blocks`)."""
        return self.sample.source_frames(self.operator.inputs[index])

    def input_spec(self, index: int = 0) -> TensorSpec:
        """Shape and bits of one input."""
        source: Source = self.operator.inputs[index]
        return self.network.tensors[source.tensor].spec


class RuleMachine(Machine):
    """A machine whose dataflow is a rule: no memories and no DRAM, unless a rule's own schema adds them."""

    buffers: Buffers = Buffers()

    def instances(self, buffer: str) -> int:
        """One of each memory."""
        return 1

    def units(self) -> tuple[LogicUnit, ...]:
        """A rule does not say what its machine is made of."""
        return ()


def rule(
    name: str,
    *,
    machine: type[Machine],
    summary: str,
    free: Iterable[str] = (),
    demands: Iterable[str] = (),
    input_bits: int = 16,
    accounts_for: Iterable[str] = (),
    counters: tuple[Counter, ...] = (),
    overlaps: tuple[str, ...] = ("roofline", "step_barrier", "layer_pipeline"),
    memory: RuleMemory | None = None,
) -> RuleDataflow:
    """Register the dataflow `name`; its method `runs` takes the functions.

    machine: schema of its machine files. summary: one line for lists. free, demands, input_bits, accounts_for: what it
    supports (`Support`). counters: declaration of what its activities count. overlaps: policies that fit it. memory:
    what it takes of the computer's memory (`rule_memory`); without it, it may take the im2col rows of all timesteps.
    """
    supports = Support(
        frozenset(), frozenset(free), frozenset(demands), input_bits, packed_spikes=True,
        accounts_for=frozenset(accounts_for),
    )  # fmt: skip
    dataflow = RuleDataflow(name, summary, machine, supports, tuple(counters), overlaps, memory)
    DATAFLOWS.register(name, dataflow)
    return dataflow


@dataclass(frozen=True, eq=False)
class RuleDataflow:
    """The dataflow that `rule` makes; see `spikecycle.simulator.dataflows.base.Dataflow`."""

    name: str
    summary: str
    machine_type: type[Machine]
    declared_support: Support
    declared: tuple[Counter, ...]
    overlaps: tuple[str, ...]
    memory_of: RuleMemory | None = None
    functions: dict[str, RuleFunction[Any]] = field(default_factory=dict)
    preparations: dict[str, Preparation[Any]] = field(default_factory=dict)

    def prepares(self, *kinds: str) -> Callable[[Preparation[MachineT]], Preparation[MachineT]]:
        """Decorator of the function (machine, operator, network) that prepares these kinds of operators.

        It runs once for all samples, and takes at most `rule_memory.PREPARED_WEIGHT_BYTES` of memory per weight, or
        some tens of MB, unless `rule` was told otherwise.
        """

        def register(function: Preparation[MachineT]) -> Preparation[MachineT]:
            self.preparations.update(dict.fromkeys(kinds, cast("Preparation[Any]", function)))
            return function

        return register

    def runs(self, *kinds: str) -> Callable[[RuleFunction[MachineT]], RuleFunction[MachineT]]:
        """Decorator of the function that runs these kinds of operators."""

        def register(function: RuleFunction[MachineT]) -> RuleFunction[MachineT]:
            self.functions.update(dict.fromkeys(kinds, cast("RuleFunction[Any]", function)))
            return function

        return register

    @property
    def supports(self) -> Support:
        """The kinds that have a function, and what `rule` was told."""
        return replace(self.declared_support, operators=frozenset(self.functions))

    def stages(self, machine: Machine, network: Network) -> list[Stage]:
        """One operator after the other."""
        return one_by_one(network)

    def check(self, machine: Machine, stage: Stage, network: Network) -> None:
        """Whether the machine has the neurons."""
        for operator in stage.operators:
            refused = machine.dataflow.refusal(operator.neuron) if isinstance(operator, Population) else ""
            if refused:
                raise MappingError.of(operator.name, machine.name, refused)

    def memory(self, machine: Machine, stage: Stage, network: Network) -> tuple[Need, ...]:
        """What is counted of a synapse, and what the rule says; the im2col rows of all timesteps where it does not."""
        sizes = layer_sizes(stage, network)
        if sizes is None:
            return ()
        if self.memory_of is not None:
            return (*workload_needs(sizes), *self.memory_of(machine, sizes))
        is_prepared = any(operator.kind in self.preparations for operator in stage.operators)
        return (*workload_needs(sizes), all_rows(sizes), *((prepared_need(sizes),) if is_prepared else ()))

    def plan(self, machine: Machine, stage: Stage, network: Network) -> Plan:
        """The operator, with what the rule prepares for it; MappingError for neurons that the machine does not have."""
        self.check(machine, stage, network)
        operator = stage.operators[0]
        prepare = self.preparations.get(operator.kind)
        if prepare is None:
            return RulePlan(self, machine, operator, network)
        weights = operator.weights() if isinstance(operator, Synapse) else None
        with _blamed(prepare, f"the preparation of dataflow {self.name} for operator {operator.name!r}"):
            return RulePlan(self, machine, operator, network, prepare(machine, operator, network), weights)

    def keeps(self, machine: Machine, tensor: TensorSpec, values: Frames) -> bool:
        """A rule says itself what is moved."""
        return False


@dataclass(frozen=True, eq=False)
class RulePlan:
    """One operator on a machine with a rule.

    held_weights: of a synapse whose rule has prepared them, so that they are not read again for its samples.
    """

    dataflow: RuleDataflow
    machine: Machine
    operator: Operator
    network: Network
    prepared: Any = None
    held_weights: Int32 | None = None

    @property
    def storage(self) -> WeightStorage:
        """Rules know no formats."""
        return WeightStorage()

    @property
    def footprint(self) -> WeightFootprint:
        """Rules know no memories."""
        return WeightFootprint(problem="its rule does not say where weights are kept", is_of_machine=True)

    @property
    def counters(self) -> tuple[Counter, ...]:
        """What the rule counts."""
        return self.dataflow.declared

    def tiling(self) -> Mapping[str, int]:
        """Nothing is cut."""
        return {}

    def run(self, sample: StageSample) -> Activity:
        """What the rule says of one sample; raises ContractError, naming its file, where that is no activity."""
        run = OperatorRun(self.operator, self.network, sample, self.prepared)
        function = self.dataflow.functions[self.operator.kind]
        with _blamed(function, f"the rule of dataflow {self.dataflow.name} for operator {self.operator.name!r}"):
            found = _as_activity(function(self.machine, run), run.timesteps)
            undeclared = set(found.counts) - {counter.name for counter in self.counters}
            if undeclared:
                raise ContractError(f"counts {min(undeclared)!r}, which is not declared as a counter")
        return replace(found, synaptic_operations=sample.synaptic_operations)


@contextmanager
def _blamed(function: Callable[..., Any], rule: str) -> Iterator[None]:
    """Faults of a rule's function as ContractErrors that name its file; those of a shipped rule stay what they are."""
    file = getattr(getattr(function, "__code__", None), "co_filename", function.__module__)
    try:
        yield
    except ContractError as error:
        raise ContractError(f"{file}: {rule} {error}") from error
    except SimulatorError:
        raise
    except Exception as error:
        if function.__module__.partition(".")[0] == __name__.partition(".")[0]:
            raise
        raise ContractError(f"{place_in(file, error)}: {rule} fails: {one_line(error)}") from error


def _as_activity(found: object, timesteps: int) -> Activity:
    """What a rule returned, as an activity; ContractError where it cannot be one."""
    if isinstance(found, Activity):
        return found
    if _is_steps(found, timesteps):
        return Activity.of_steps(np.asarray(found))
    breakdown: Mapping[Any, Any] = found if isinstance(found, Mapping) else {"compute": found}
    for name, value in breakdown.items():
        if not isinstance(name, str) or not _is_cycles(value):
            raise ContractError(
                f"must return whole cycles of at least 0, in all, by category or for each of {timesteps} timesteps, "
                f"or an Activity, found {_shown(value)}{f' for {name!r}' if isinstance(found, Mapping) else ''}"
            )
    return Activity.total({name: int(value) for name, value in breakdown.items()})


def _is_steps(value: object, timesteps: int) -> bool:
    steps = isinstance(value, np.ndarray) and value.shape == (timesteps,) and value.dtype.kind in "iu"
    return steps and int(value.min()) >= 0  # type: ignore[attr-defined]


def _is_cycles(value: object) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and int(value) >= 0  # type: ignore[call-overload]


def _shown(value: object) -> str:
    shape = f" of shape {value.shape}" if isinstance(value, np.ndarray) else f" {value!r}"
    return f"{type(value).__name__}{shape}"[:80]
