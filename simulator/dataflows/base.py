"""The dataflow interface: one way of running the operators of a network on a machine.

A dataflow lives in one module (or one folder) of this package and registers itself:

    DATAFLOWS.register("spike_array", SpikeArray())

It brings its own machine schema (parameters and memories), declares what it supports and what it counts, says which
operators it runs together (`stages`), refuses what does not fit (`check`), prepares a stage once (`plan`: tiling,
encoded weights, tables) and replays samples (`Plan.run`), which gives integers: work, moves and counts by name.
Everything else (refusing what is not supported, recomputing tensors, overlap of memory and compute, residency, energy,
reports, the command line) works from those declarations. A rule from a paper needs less: see
`spikecycle.simulator.dataflows.rule`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from spikecycle.simulator.activity import Activity, Counter
from spikecycle.simulator.array_types import Frames
from spikecycle.simulator.dataflows.stage import Network, Stage, StageSample
from spikecycle.simulator.dataflows.support import Support
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.memory import Need
from spikecycle.traces import TensorSpec


@dataclass(frozen=True)
class WeightStorage:
    """What a stage's weights take in the machine's format.

    payload_bits, metadata_bits: of the format alone, for all fibers. directory_bits: where fibers start, if the machine
    needs to be told. stored_bits: what lies in memory: of fibers that hold a value, with the directory in place of the
    format's offsets, word padding included.
    """

    payload_bits: int = 0
    metadata_bits: int = 0
    directory_bits: int = 0
    stored_bits: int = 0


@dataclass(frozen=True)
class WeightFootprint:
    """What it takes to keep a stage's weights on chip between inferences.

    words: words of each memory (its key in the machine file) that the whole weights take, in the instance that holds
    most. working: words of the same memories that the stage needs for other things while it runs.
    problem: why the weights cannot stay, or "".
    is_of_machine: whether the problem is the machine's own, whatever weights there are: then nothing that would keep
        them, for good or for a batch, can be asked for.
    """

    words: Mapping[str, int] = field(default_factory=dict)
    working: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    is_of_machine: bool = False


class Plan(Protocol):
    """A stage mapped on a machine, ready to replay samples. Holds nothing that a run changes."""

    @property
    def storage(self) -> WeightStorage:
        """The stage's weights in the machine's format; zeros for a stage without weights, or without formats."""

    @property
    def footprint(self) -> WeightFootprint:
        """What keeping the weights on chip takes."""

    @property
    def counters(self) -> tuple[Counter, ...]:
        """What `run` may count; a count without a declaration is an error of the dataflow."""

    def tiling(self) -> Mapping[str, int]:
        """How the stage is cut, by name, for reports (tile sizes and numbers of tiles)."""

    def run(self, sample: StageSample) -> Activity:
        """Replay one sample."""


class Dataflow(Protocol):
    """One way of running operators on a machine."""

    @property
    def name(self) -> str:
        """As machine files call it."""

    @property
    def summary(self) -> str:
        """One line for lists."""

    @property
    def machine_type(self) -> type[Machine]:
        """Schema of its machine files."""

    @property
    def supports(self) -> Support:
        """What it runs; everything else is refused by name."""

    @property
    def overlaps(self) -> tuple[str, ...]:
        """Overlap policies (`spikecycle.simulator.schedule.OVERLAPS`) that fit; the first is the default."""

    def stages(self, machine: Machine, network: Network) -> list[Stage]:
        """Which operators run together, in order."""

    def memory(self, machine: Machine, stage: Stage, network: Network) -> tuple[Need, ...]:
        """What planning and replaying a stage takes of the computer's memory at most, besides its weights and tensors.

        Asked before either, so that it reads no arrays.
        """

    def plan(self, machine: Machine, stage: Stage, network: Network) -> Plan:
        """Map a stage; raises MappingError naming machine and stage where it can't."""

    def keeps(self, machine: Machine, tensor: TensorSpec, values: Frames) -> bool:
        """Whether the machine has room to keep a tensor of one sample, (T, C, H, W), on chip between two stages."""


@runtime_checkable
class ChecksSizes(Protocol):
    """A dataflow that tells from sizes alone what cannot be mapped. One that does not, a plugin of before among them,
    tells it when a stage is mapped."""

    def check(self, machine: Machine, stage: Stage, network: Network) -> None:
        """Raise MappingError, as `Dataflow.plan` does, where sizes alone tell that a stage cannot be mapped.

        Asked of every stage before memory is estimated and anything is done, so that it reads no arrays and takes next
        to no memory: a network that no memory would make fit is not refused for its memory, and not halfway.
        """
