"""Residency: which weights and activations are on chip when a stage begins, and so are not moved.

**Weights.** `inference`: every inference loads them (from DRAM, as often as the mapping needs). `batch`: a stage runs
all inferences of a batch before the next stage runs, so a stage whose whole weights fit its memories loads them in the
first inference of a batch only; one whose weights do not fit loads them in every inference. Activations go through
DRAM then: those of a whole batch wait between two stages. `resident`: the weights of all stages are on chip for good; a
network whose weights do not fit together is refused. `batch` and `resident` are both refused where the machine can keep
no weights, whatever their number: where its rule does not say where they are, or where they pass the buffers by.
`batch` is refused as well on a machine without DRAM, which loads no weights.

**Activations.** `dram`: every tensor is stored by the stage that makes it and loaded by those that take it. `chip`: a
tensor that only the next stage takes stays on chip where the machine has room for it (`Dataflow.keeps`); one that a
later stage takes too, or that passes through an operator without cost (pooling, concatenation), goes through DRAM. A
stage takes all of its inputs from chip, or all of them from DRAM. What enters the network comes from DRAM, and what
leaves it goes there. A dataflow that keeps no tensors (`Support.keeps_tensors`) refuses `chip`. Traces of version 1 do
not say which tensors join their layers: there, a layer is taken to make what the next one takes, pooled on the way if
shapes differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from spikecycle.simulator.dataflows.base import Dataflow, WeightFootprint
from spikecycle.simulator.dataflows.stage import Network, OnChip, Stage
from spikecycle.simulator.dataflows.support import Support
from spikecycle.simulator.errors import MappingError, UsageError
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.replay import SampleTensors
from spikecycle.suggestions import did_you_mean

RESIDENCIES = {"weights": ("inference", "batch", "resident"), "activations": ("dram", "chip")}
"""How long what may stay on chip, as machine files say it (section `residency`)."""
LONGEST_COUNT = 7
"""Digits of a batch, far fewer than would be read as a number that no machine has."""


def residency_changes(machine: Machine, asked: Mapping[str, str]) -> dict[str, Any]:
    """The machine keys that `asked` replaces: {"weights": "resident"}, {"weights": "batch:4", "activations": "chip"}.

    Raises UsageError for anything that cannot be asked for.
    """
    changes: dict[str, Any] = {}
    for what, how in asked.items():
        batch = batch_of(what, how)
        changes[f"residency.{what}"] = how.partition(":")[0]
        if batch > 1 or (what == "weights" and machine.residency.batch > 1):
            changes["residency.batch"] = batch
    return changes


def batch_of(what: str, how: str) -> int:
    """Inferences of the batch that is asked for, 1 where none is; UsageError for what cannot be asked for."""
    name, colon, count = how.partition(":")
    if what not in RESIDENCIES:
        raise UsageError(
            f"residency of {what!r}: there is none, allowed: {', '.join(RESIDENCIES)}{did_you_mean(what, RESIDENCIES)}"
        )
    if name not in RESIDENCIES[what] or (name == "batch") != (colon == ":"):
        allowed = ["batch:N" if each == "batch" else each for each in RESIDENCIES[what]]
        raise UsageError(
            f"residency of {what}: {how!r} is not possible, allowed: {', '.join(allowed)}{did_you_mean(how, allowed)}"
        )
    return _batch(count) if name == "batch" else 1


def _batch(count: str) -> int:
    if not (count.isascii() and count.isdigit() and len(count) < LONGEST_COUNT and int(count) > 1):
        raise UsageError(f"residency of weights: batch:{count}: write the inferences of a batch, at least 2: batch:4")
    return int(count)


def check_residency(machine: Machine, support: Support, samples: int) -> None:
    """Raise UsageError unless the samples are whole batches; MappingError where tensors are to stay on chip, and the
    dataflow keeps none."""
    residency = machine.residency
    if residency.activations == "chip" and not support.keeps_tensors:
        raise MappingError(
            f"machine {machine.name!r}: residency.activations: chip is not possible: dataflow "
            f"{machine.dataflow.kind} keeps no tensors on chip between stages"
        )
    if residency.weights == "batch" and samples % residency.batch:
        raise UsageError(
            f"machine {machine.name!r}: residency.batch is {residency.batch}: the number of samples must be a multiple "
            f"of it, found {samples}"
        )


class ResidentWeights:
    """The weights that are to stay on chip, stage by stage; refuses what cannot stay or does not fit together."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._words: dict[str, int] = {}
        self._working: dict[str, int] = {}

    def add(self, stage: str, footprint: WeightFootprint) -> None:
        """The next stage; raises MappingError, where weights are to be resident, if it cannot keep its weights, or if
        they do not fit beside those of the stages before it; where they are to stay for a batch, if no weights can."""
        machine, asked = self._machine, self._machine.residency.weights
        if asked == "inference":
            return
        where = f"machine {machine.name!r}: residency.weights: {asked} is not possible: stage {stage!r}"
        if footprint.problem and (asked == "resident" or footprint.is_of_machine):
            raise MappingError(f"{where}: {footprint.problem}")
        if asked == "batch" and machine.dram is None:
            raise MappingError(f"{where}: the machine has no DRAM from which its weights would be loaded")
        if asked == "batch":
            return
        for key, words in footprint.words.items():
            self._words[key] = self._words.get(key, 0) + words
            self._working[key] = max(self._working.get(key, 0), footprint.working.get(key, 0))
            held = machine.buffer_items()[key].words
            if self._words[key] + self._working[key] > held:
                beside = f" and {self._working[key]} words for other things" if self._working[key] else ""
                raise MappingError(
                    f"{where}: with the stages before it, its weights take {self._words[key]} words{beside} of "
                    f"buffers.{key}, which holds {held}"
                )


def weights_on_chip(machine: Machine, footprint: WeightFootprint, index: int) -> bool:
    """Whether a stage finds its weights on chip in inference number `index` (of those that are simulated)."""
    if machine.residency.weights == "resident":
        return True
    if machine.residency.weights == "inference" or index % machine.residency.batch == 0:
        return False
    buffers = machine.buffer_items()
    return not footprint.problem and all(
        words + footprint.working.get(key, 0) <= buffers[key].words for key, words in footprint.words.items()
    )


def kept_tensors(
    machine: Machine, dataflow: Dataflow, network: Network, stages: Sequence[Stage], tensors: SampleTensors
) -> frozenset[str]:
    """Names of the tensors of one sample that stay on chip between two stages."""
    if machine.residency.activations == "dram":
        return frozenset()
    joints = [
        {made, *taken}
        for made, taken in _joints(network, stages)
        if all(dataflow.keeps(machine, network.tensors[name].spec, tensors.frames(name)) for name in taken)
    ]
    while True:
        kept = frozenset().union(*joints)
        mixed = {name for stage in stages if not kept >= {*stage.consumed} for name in stage.consumed if name in kept}
        if not mixed:
            return kept
        joints = [joint for joint in joints if not joint & mixed]


def on_chip(machine: Machine, footprint: WeightFootprint, index: int, kept: frozenset[str]) -> OnChip:
    """What a stage finds on chip in inference number `index`."""
    return OnChip(weights=weights_on_chip(machine, footprint, index), tensors=kept)


def _joints(network: Network, stages: Sequence[Stage]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(tensor that only the next stage takes, the tensors that stand for it there)."""
    takers: dict[str, set[str]] = {}
    for operator in network.operators:
        for source in operator.inputs:
            takers.setdefault(source.tensor, set()).add(operator.name)
    for stage, following in pairwise(stages):
        here, there = ({operator.name for operator in each.operators} for each in (stage, following))
        for name in sorted(stage.produced):
            taken_by = takers.get(name, set())
            if taken_by & there and taken_by <= here | there:
                yield name, (name,)
            elif network.version == 1 and not taken_by:
                yield name, following.consumed
