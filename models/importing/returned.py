"""What a module returns: which populations answer, and which parts of the module reach no answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor, nn

from spikecycle.models.importing.graph import FloatGraph, FloatPopulation
from spikecycle.models.importing.maker import GraphMaker
from spikecycle.models.importing.recorder import Call, Recorder, tensors_in
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.running import Layout, ModuleParts
from spikecycle.models.importing.structure import Structure
from spikecycle.models.importing.views import CONVOLUTIONS, function_of
from spikecycle.wording import some_of

LAST_LAYERS = {"linear", "addmm", "batch_norm", *CONVOLUTIONS}
"""Functions whose results at the end of a network are read out."""
WITH_PARAMETERS = LAST_LAYERS | {"matmul", "mm", "bmm"}
MOST_NAMED = 8


class Returned(NamedTuple):
    """names: of populations, the one that answers first; mixed: that one tensor mixes what several give."""

    names: tuple[str, ...]
    mixed: bool


def returned_by(recorder: Recorder, structure: Structure, layout: Layout, returned: Any) -> Returned:
    """The populations whose spikes or potentials are returned; weights at the end are read out, for which populations
    are made. Of several, the first that no other layer receives answers."""
    found: dict[str, None] = {}
    mixed = False
    for tensor in tensors_in(returned):
        numbers = recorder.numbers(tensor)
        if numbers is None or not numbers.numel():
            continue
        names = dict.fromkeys(_population(recorder, structure, layout, call) for call in _last_calls(recorder, numbers))
        mixed = mixed or len(names) > 1
        found |= names
    maker = structure.maker
    if not found:
        return Returned((_at_the_end(maker, structure),), False)
    received = _received(maker)
    return Returned(tuple(sorted(found, key=received.__contains__)), mixed)


def _last_calls(recorder: Recorder, numbers: Tensor) -> Iterator[Call]:
    """The last layers or neurons that a tensor is made of, each module's once."""
    seen: set[int] = set()
    named: set[tuple[str, bool]] = set()
    waiting = [numbers]
    while waiting:
        for call in owners(recorder, waiting.pop()):
            if call.index in seen or call.kind == "input":
                continue
            seen.add(call.index)
            is_neuron = call.kind in ("neuron", "state")
            if is_neuron or function_of(call) in LAST_LAYERS:
                if (call.where, is_neuron) not in named:
                    named.add((call.where, is_neuron))
                    yield call
            else:
                waiting += [each for each in reversed(call.numbers) if each is not None]


def owners(recorder: Recorder, numbers: Tensor) -> list[Call]:
    """The calls that gave the elements of these numbers."""
    known = np.unique(numbers.numpy())
    bases = [call.base for call in recorder.calls]
    places = np.unique(np.searchsorted(bases, known[known >= 0], side="right")) - 1
    return [recorder.calls[place] for place in places.tolist()]


def _population(recorder: Recorder, structure: Structure, layout: Layout, call: Call) -> str:
    if call.kind in ("neuron", "state"):
        return call.where
    same = [each for each in recorder.calls if each.kind == call.kind and each.where == call.where]
    chosen_call = same[min(structure.moment.step, len(same) - 1)]
    name = f"{call.where}, read out"
    if name in structure.maker.operators:
        return name
    try:
        view = structure.view(_elements(chosen_call, structure, layout))
    except Refusal as refusal:
        raise refusal.of(call.where) from None
    return structure.maker.readout(name, view.wire).source


def _elements(call: Call, structure: Structure, layout: Layout) -> np.ndarray:
    """The numbers of what a last layer gives for the timestep and sample that is looked at."""
    kind = function_of(call)
    axes = CONVOLUTIONS.get(kind, 0)
    features = call.shape[1:] if kind == "batch_norm" else call.shape[-axes - 1 :]
    size = int(np.prod(features))
    rows, samples = int(np.prod(call.shape)) // size, layout.samples
    over_time = layout.over_time and rows % (layout.steps * samples) == 0
    taken = rows // (samples * (layout.steps if over_time else 1)) or 1  # more than one: tokens
    first = structure.moment.step * samples * taken if over_time else 0
    return np.arange(taken * size) + first * size + call.base


def _received(maker: GraphMaker) -> set[str]:
    """What others receive in the same timestep."""
    return {wire.source for each in maker.operators.values() for wire in each.inputs if not wire.delay}


def _at_the_end(maker: GraphMaker, structure: Structure) -> str:
    received = _received(maker)
    populations = [each.name for each in maker.operators.values() if isinstance(each, FloatPopulation)]
    ends = [name for name in populations if name not in received]
    return ends[-1] if ends else next(iter(reversed(list(structure.layouts))))


def remarks_on_parts(
    recorder: Recorder, structure: Structure, parts: ModuleParts, graph: FloatGraph, mixed: bool
) -> Iterator[str]:
    """What is returned besides the answer; parts of the module that are never called, or that reach no answer."""
    answering, *others = graph.outputs
    if mixed:
        yield (
            f"the module returns a mixture of what {', '.join(graph.outputs)} give: each is recorded, and classes are "
            f"those of {answering}"
        )
    elif others:
        yield (
            f"the module returns what {', '.join(graph.outputs)} give: classes are those of {answering}; the others "
            "are recorded as well"
        )
    unheard = [name for name in structure.layouts if name not in _leading_to(graph)]
    if unheard:
        yield (
            f"{_named(unheard, parts.kinds)}: nothing that comes of it is returned; recorded all the same, and part of "
            "every cost"
        )
    silent, unused = _unused(recorder, structure, parts)
    if silent:
        yield f"{_named(silent, parts.kinds)}: never called by the forward, so not in the trace"
    if unused:
        yield (
            f"{_named(unused, parts.kinds)}: reaches no neurons and no answer; left out of the trace, and of every cost"
        )


def _leading_to(graph: FloatGraph) -> set[str]:
    found, waiting = set(graph.outputs), list(graph.outputs)
    while waiting:
        made = graph.by_name.get(waiting.pop())
        for wire in () if made is None else made.inputs:
            if wire.source not in found:
                found.add(wire.source)
                waiting.append(wire.source)
    return found


def _unused(recorder: Recorder, structure: Structure, parts: ModuleParts) -> tuple[list[str], list[str]]:
    """Parts with parameters that are never called; and those of which nothing is in the network."""
    within = {inner for part in parts.spiking for inner in part.modules() if inner is not part}
    calls: dict[str, list[Call]] = {}
    for call in recorder.calls:
        calls.setdefault(call.where, []).append(call)
    used = {key[1] if isinstance(key[0], str) else key[0] for key in structure.made}
    silent, unused = [], []
    for part, name in parts.names.items():
        if part in within:
            continue
        if part in parts.spiking:
            if not any(call.kind == "neuron" for call in calls.get(name, ())):
                silent.append(name)
            continue
        own = [*part.parameters(recurse=False), *part.buffers(recurse=False)]
        if not own:
            continue
        if not any(id(each) in recorder.touched for each in _all_of(part)):
            silent.append(name)
            continue
        layers = [call for call in calls.get(name, ()) if function_of(call) in WITH_PARAMETERS]
        if layers and not any(call.index in used for call in layers):
            unused.append(name)
    return silent, unused


def _all_of(part: nn.Module) -> Iterable[Tensor]:
    """Its own tensors, and those of which a parametrization makes them."""
    yield from part.parameters(recurse=False)
    yield from part.buffers(recurse=False)
    for name, inner in part.named_children():
        if name == "parametrizations":
            yield from inner.parameters()


def _named(names: Sequence[str], kinds: Mapping[str, str]) -> str:
    return some_of([f"{name} ({kinds[name]})" if name in kinds else name for name in names], MOST_NAMED)
