"""How what a network's last population gives becomes a class: over time, and in which order its neurons vote.

A module is free in what it makes of its outputs: their sum or mean, the last or the largest potential, votes of groups
of neurons, classes in another order. So it is run on random numbers, its last neurons forced to emit such, and what it
returns is compared with what each way of answering would give. Whatever keeps the order of the classes (a softmax, a
mean) is the same answer. A list of one tensor for each timestep is the tensor of all timesteps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spikecycle.models.importing.graph import FloatGraph, FloatPopulation, run_graph
from spikecycle.models.importing.recorder import tensors_in
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.running import Heard, ModuleRun, run_forward
from spikecycle.models.importing.spiking import SpikingModule
from spikecycle.models.readout import predicted_classes

OverTime = Literal["sum", "last", "max"]
WORDS: Mapping[OverTime, str] = {
    "sum": "the largest sum over timesteps",
    "last": "the largest in the last timestep",
    "max": "the largest of any timestep",
}
SEED = 1
STEPS = 12
"""Timesteps that are compared, where the module takes as many as it is given."""
WIDTH = 4.0
"""Standard deviation of what the layers before the last get: wide, so that it outweighs their biases."""
APART = 1e-4
"""Votes that differ by less, relative to their range, may come in either order in float32."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Answer:
    """over_time: what is taken of a neuron's outputs (sums for the mean as well); order: by vote, the number of the
    neuron that casts it, the voters of class 0 first, None where they are in order; classes: groups of voters, None
    where nothing is known of them."""

    over_time: OverTime = "sum"
    order: tuple[int, ...] | None = None
    classes: int | None = None

    def predicted(self, outputs: Array, classes: int) -> npt.NDArray[np.int64]:
        """Class of every sample, int64 (N,), from spikes or potentials (N, T, ...); a tie goes to the lower class."""
        series = np.asarray(outputs).reshape(*outputs.shape[:2], -1)
        if self.order is not None:
            series = series[..., list(self.order)]
        if self.over_time == "last":
            series = series[:, -1:]
        elif self.over_time == "max":
            series = series.max(axis=1, keepdims=True)
        return predicted_classes(series[..., None, None], classes)

    def facts(self) -> dict[str, Any]:
        """For a trace's provenance: nothing where sums vote in order, as everything takes for granted."""
        told: dict[str, Any] = {} if self.over_time == "sum" else {"over_time": self.over_time}
        if self.order is not None:
            told["order"] = list(self.order)
        return {"answer": told} if told else {}

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any], outputs: int) -> Answer:
        """What a provenance says; sums in order where it says nothing, or nothing that `outputs` neurons can do."""
        told = facts.get("answer")
        if not isinstance(told, dict):
            return cls()
        over_time, order = told.get("over_time", "sum"), told.get("order")
        known = over_time in get_args(OverTime) and (order is None or sorted(map(_number, order)) == [*range(outputs)])
        return cls(over_time, None if order is None else tuple(order)) if known else cls()


SUMS = Answer()
"""Sums over timesteps, of neurons in order, as everything takes for granted that knows no better."""


def _number(value: Any) -> int:
    return value if type(value) is int else -1


def answer_of(run: ModuleRun, graph: FloatGraph) -> tuple[Answer, str | None]:
    """How the module answers; and a remark where that is something else than votes of its last population."""
    population = graph[graph.outputs[0]]
    assert isinstance(population, FloatPopulation)
    try:
        votes, returned = _runs(run, graph, population)
    except Refusal:
        return Answer(), None  # of one number of samples only: the samples will say so
    if not returned:
        return Answer(), None
    found = [
        Matched(answer, result.tensors)
        for result in returned
        if (answer := _matching(votes, result.values, result.timed)) is not None
    ]
    if found:
        return _chosen(found, population.neuron.reads_out)
    what = "potentials" if population.neuron.reads_out else "spikes"
    return Answer(), (
        f"the module answers by something else than {what} of {population.name}: classes and accuracies here are those "
        f"of the largest sum of {what}, not the module's own"
    )


class Result(NamedTuple):
    """One of the things that a module returns, (N, T, features) where it is timed, else (N, features) or classes (N,).

    tensors: places of those that it is made of, among all that are returned.
    """

    values: Array
    timed: bool
    tensors: frozenset[int]


class Matched(NamedTuple):
    """A result that is an answer, and the tensors that it is made of."""

    answer: Answer
    tensors: frozenset[int]

    @property
    def told(self) -> str:
        """Which of the tensors, counted from 1, and how they answer."""
        first, last = min(self.tensors) + 1, max(self.tensors) + 1
        which = f"tensor {first}" if first == last else f"tensors {first} to {last}, one for each timestep"
        return f"{which} ({WORDS[self.answer.over_time]})"


def _chosen(found: Sequence[Matched], reads_out: bool) -> tuple[Answer, str | None]:
    """The first result that is an answer, and a remark where others are another one, or where it is the last timestep
    of several. Spikes of one timestep are no votes where another result has those of all timesteps."""
    first = found[0]
    if first.answer.over_time == "last" and not reads_out:
        whole = (each for each in found if each.answer == replace(first.answer, over_time="sum"))
        first = next(whole, first)
    others = [each for each in found if each.answer != first.answer and not each.tensors & first.tensors]
    if others:
        told = f"; {', '.join(each.told for each in others)} would answer otherwise"
    elif first.answer.over_time == "last" and 0 not in first.tensors:
        told = ""
    else:
        return first.answer, None
    return first.answer, f"of what the module returns, classes are those of {first.told}{told}"


def _runs(run: ModuleRun, graph: FloatGraph, population: FloatPopulation) -> tuple[Array, list[Result]]:
    """What the last population gave, (N, T, K), and what the module returned."""
    layout, output = run.layout, population.name
    steps = STEPS if layout.single else layout.steps
    random = torch.Generator().manual_seed(SEED)
    taken = {steps, *population.shape, *layout.features}
    neurons = int(np.prod(population.shape))
    least = 31 if neurons <= 4 else 11 if neurons < 10 else 5  # of two classes, half of all samples tell nothing
    samples = next(count for count in range(least, least + 10) if count not in taken)
    inputs = WIDTH * torch.randn(samples, steps, *layout.features, generator=random)
    if not layout.single and layout.time is None:
        inputs = inputs[:, :1].expand_as(inputs)
    parts = [inputs] if layout.batched else [inputs[index : index + 1] for index in range(samples)]
    given, returned = [], []
    for part in parts:
        forced: dict[str, list[Tensor]] = {}
        back: list[Any] = []
        run_forward(
            run.parts, layout.inputs(part.numpy(), run.parts.dtype), _listener(output, forced, random), None,
            "random numbers of the example's shape", back,
        )  # fmt: skip
        series = {name: run.series(name, values) for name, values in forced.items()}
        if output not in series:  # weights at the end, whose sums are no population of the module
            shaped = {name: values.reshape(*values.shape[:2], *graph[name].shape) for name, values in series.items()}
            series[output] = run_graph(graph, part.numpy(), [output], forced=shaped)[output]
        given.append(series[output].double().flatten(2).numpy())
        returned.append(_by_sample(back, steps, layout.single, samples if layout.batched else None))
    results = returned[0]
    if not layout.batched:
        results = [(np.stack([values for values, _ in each]), each[0][1]) for each in zip(*returned, strict=True)]
    return np.concatenate(given), [
        Result(*_timed(values, steps, layout.single, neurons), tensors) for values, tensors in results
    ]


def _listener(
    output: str, forced: dict[str, list[Tensor]], random: torch.Generator
) -> Callable[[str, SpikingModule, Heard], Tensor | None]:
    def listen(name: str, said: SpikingModule, heard: Heard) -> Tensor | None:
        if said.recurrence is not None or said.neuron.reads_out:
            forced.setdefault(name, []).append(heard.gave)
            return None
        other = torch.randn(heard.gave.shape, generator=random).to(heard.gave.dtype)
        if name != output:
            other = WIDTH * other
        forced.setdefault(name, []).append(other.clone())
        return other

    return listen


Placed = tuple[Array, frozenset[int]]
"""A tensor, and the places among those that the module returns of what it is made of."""


def _by_sample(back: Sequence[Any], steps: int, single: bool, samples: int | None) -> list[Placed]:
    """The tensors of what came back, samples first, of a module of one timestep stacked along timesteps behind."""
    found: list[Placed]
    if single:
        arrays = [[_array(each) for each in tensors_in(returned)] for returned in back]
        found = [(np.stack(each), frozenset([place])) for place, each in enumerate(zip(*arrays, strict=True))]
    else:
        found = _results(back[0], steps, iter(range(sum(1 for _ in tensors_in(back[0])))))
    if samples is None:
        return found
    ordered = []
    for values, tensors in found:
        axis = next((axis for axis, size in enumerate(values.shape) if size == samples), None)
        if axis is not None:
            ordered.append((np.moveaxis(values, axis, 0), tensors))
    return ordered


def _results(returned: Any, steps: int, places: Iterator[int]) -> list[Placed]:
    """The tensors of what a module returns for all timesteps; ahead of those of a list that has one element for each
    timestep, what the list is when stacked."""
    if isinstance(returned, Tensor):
        return [(_array(returned), frozenset([next(places)]))]
    if not isinstance(returned, tuple | list | dict):
        return []
    members = list(returned.values()) if isinstance(returned, dict) else list(returned)
    parts = [_results(each, steps, places) for each in members]
    apart = [each for part in parts for each in part]
    shapes = {tuple(values.shape for values, _ in part) for part in parts}
    if steps < 2 or len(parts) != steps or len(shapes) != 1:
        return apart
    together = [
        (np.stack([values for values, _ in each]), frozenset().union(*(tensors for _, tensors in each)))
        for each in zip(*parts, strict=True)
    ]
    return together + apart


def _array(tensor: Tensor) -> Array:
    return np.asarray(tensor.detach().double().numpy())


def _timed(values: Array, steps: int, single: bool, features: int) -> tuple[Array, bool]:
    """(N, T, features) or (N, features), and whether there are timesteps; (N,) are classes."""
    axes = range(1, values.ndim)
    place = 1 if single else next((axis for axis in axes if values.shape[axis] == steps and values.ndim > 2), None)
    if place is None or values.ndim < 2 or (values.ndim == 2 and not single and values.shape[1] == features):
        return (values if values.ndim == 1 else values.reshape(len(values), -1)), False
    moved = np.moveaxis(values, place, 1)
    return moved.reshape(*moved.shape[:2], -1), True


def _matching(votes: Array, returned: Array, timed: bool) -> Answer | None:
    """The answer that gives what was returned, the plainest first."""
    scores = returned.sum(axis=1) if timed else returned
    neurons = votes.shape[2]
    ways: Mapping[OverTime, Array] = {"sum": votes.sum(axis=1), "last": votes[:, -1], "max": votes.max(axis=1)}
    for over_time, cast in ways.items():
        if timed and over_time != "sum":
            continue  # of single timesteps the caller adds up what it gets
        if scores.ndim == 1:
            if neurons > 1 and (cast.argmax(axis=1) == scores).all():
                return Answer(over_time, None, neurons)
            continue
        classes = scores.shape[1]
        if classes < 1 or neurons % classes:
            continue
        for order in _orders(cast, scores):
            grouped = cast[:, order].reshape(len(cast), classes, -1).sum(axis=2)
            if _same_order(grouped, scores):
                plain = (order == np.arange(neurons)).all()
                return Answer(over_time, None if plain else tuple(order.tolist()), classes)
    return None


def _orders(cast: Array, scores: Array) -> list[npt.NDArray[np.int64]]:
    """Orders of neurons that may be meant: as they are; votes of every so manieth; the one that ranks tell."""
    neurons, classes = cast.shape[1], scores.shape[1]
    orders = [np.arange(neurons)]
    if 1 < classes < neurons:
        orders.append(np.arange(neurons).reshape(-1, classes).T.reshape(-1))
    if classes == neurons:
        by_rank = {ranks.tobytes(): place for place, ranks in enumerate(_ranks(cast).T.copy())}
        told = [by_rank.get(ranks.tobytes(), -1) for ranks in _ranks(scores).T.copy()]
        if sorted(told) == list(range(neurons)):
            orders.append(np.array(told))
    return orders


def _ranks(values: Array) -> npt.NDArray[np.int64]:
    return values.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")


def _same_order(one: Array, other: Array) -> bool:
    """Whether classes come in the same order in every sample, near ties apart."""
    if one.shape[1] == 1:
        return False
    for first, second in zip(one, other, strict=True):
        order = np.argsort(first)
        low, high = first[order], second[order]
        apart = np.concatenate([[True], np.diff(low) > APART * (low[-1] - low[0])])
        if not apart.any() or not np.isfinite(high).all():
            return False
        highest_before = np.maximum.accumulate(high)
        if (high[1:][apart[1:]] < highest_before[:-1][apart[1:]] - APART * (high.max() - high.min())).any():
            return False
    return bool((other.max(axis=1) > other.min(axis=1)).any())
