"""A torch module of spiking neurons as a network in real numbers: run, recorded, worked out, and compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.answer import answer_of
from spikecycle.models.importing.arrays import plain_array
from spikecycle.models.importing.graph import FloatGraph
from spikecycle.models.importing.maker import GraphMaker
from spikecycle.models.importing.probe import probe
from spikecycle.models.importing.recorder import Call, Recorder, watched
from spikecycle.models.importing.refusal import Refusal, StartsAnew, refuse
from spikecycle.models.importing.returned import owners, remarks_on_parts, returned_by
from spikecycle.models.importing.running import Layout, ModuleParts, ModuleRun, run_forward, shown
from spikecycle.models.importing.source import ImportSource
from spikecycle.models.importing.spiking import SpikingModule, read_module
from spikecycle.models.importing.structure import Moment, Structure
from spikecycle.models.importing.views import Numbers


class Found(NamedTuple):
    """A module as a network. remarks: what is in the one and not in the other."""

    run: ModuleRun
    graph: FloatGraph
    remarks: tuple[str, ...]


TWO_PLACES = "is called in two places; supported: neurons that are called once in a timestep"
CHANNELS_LAST = (
    "the module takes inputs with channels last: samples are given with channels first, (N, T, C, H, W), as "
    "a trace has them"
)
REPEATS = 3
"""Calls of a forward of one timestep that are recorded, so that one has a timestep before and after it."""


def module_source(module: nn.Module, example: Any) -> ImportSource:
    """A torch module that runs spiking neurons; `example` is a batch of inputs as it takes them."""
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    name = type(module).__name__
    inputs = _example(name, example)
    _check(name, module)
    parts, framework = _parts(name, module)
    try:
        run, graph, unused = _read_either(module, inputs.to(parts.dtype), parts)
    except Refusal as refusal:
        kind = parts.kinds.get(refusal.place or "")
        place = f"module {refusal.place} ({kind}): " if kind else f"{refusal.place}: " if refusal.place else ""
        raise ModelsError(f"{name}: {place}{refusal}") from None
    facts = {"source": name, "source_format": f"{framework} module", "float_model": "the module itself"}
    remarks = [f"{parts.names[each]}: {said.remark}" for each, said in parts.spiking.items() if said.remark]
    answer, other = answer_of(run, graph)
    remarks += [*([] if other is None else [other]), *unused]
    return ImportSource(
        name, "module", parts.kinds, graph, run, facts, run.layout.timesteps(run), tuple(remarks), answer
    )


def _example(name: str, example: Any) -> Tensor:
    if example is None:
        raise ModelsError(f"{name}: an example is needed, a tensor of inputs as the module takes them")
    try:
        array = np.asarray(plain_array(example))
    except (Refusal, ValueError) as error:
        raise ModelsError(f"{name}: the example: {error}") from None
    if array.dtype.kind not in "biuf" or not array.size:
        raise ModelsError(f"{name}: an example is needed, a tensor of numbers, found {array.dtype} of {array.shape}")
    return torch.from_numpy(array.astype(np.float32))


def _check(name: str, module: nn.Module) -> None:
    """What no forward needs to be run for."""
    if isinstance(module, torch.jit.ScriptModule):
        raise ModelsError(f"{name}: is a TorchScript module; give the module that it was made of")
    reasons = []
    for where, parameter in [*module.named_parameters(), *module.named_buffers()]:
        if torch.nn.parameter.is_lazy(parameter):
            reasons.append(f"{where} has no shape yet (a lazy module); run the module on the example first")
        elif parameter.device.type != "cpu":
            reasons.append(f"{where} is on the device {parameter.device}; move the module with .cpu() first")
        elif parameter.is_floating_point() and parameter.element_size() < 4:
            reasons.append(
                f"{where} is {str(parameter.dtype).removeprefix('torch.')}; convert the module with .float() first"
            )
        elif parameter.is_floating_point() and not bool(torch.isfinite(parameter).all()) and "threshold" not in where:
            reasons.append(f"{where} has values that are not finite")
    refuse(name, reasons[:8])


def _parts(name: str, module: nn.Module) -> tuple[ModuleParts, str]:
    """The modules of neurons, and every one that has no place in a trace."""
    names = {part: where.replace("._orig_mod", "") or name for where, part in module.named_modules()}
    spiking: dict[nn.Module, SpikingModule] = {}
    found, reasons = set(), []
    for part, where in names.items():
        if any(part is not inner and part in set(inner.modules()) for inner in spiking):
            continue  # the recurrent weights of a population
        try:
            said = read_module(part)
        except Refusal as refusal:
            reasons.append(f"module {where} ({type(part).__name__}): {refusal}")
            continue
        if said is not None:
            found.add(said[0])
            spiking[part] = said[1]
    refuse(name, reasons)
    if not spiking:
        raise ModelsError(
            f"{name}: has no spiking neurons; supported are those of snnTorch, SpikingJelly, Norse and Sinabs"
        )
    return ModuleParts(module, names, spiking), " and ".join(sorted(_with_version(each) for each in found))


def _with_version(framework: str) -> str:
    try:
        return f"{framework.lower()} {version(framework.lower())}"
    except PackageNotFoundError:
        return framework


def _read_either(module: nn.Module, example: Tensor, parts: ModuleParts) -> Found:
    try:
        return _read(module, example, parts)
    except Refusal:
        if parts.others is None:
            raise
        return _read(module, example, parts.others)


def _read(module: nn.Module, example: Tensor, parts: ModuleParts) -> Found:
    counted = run_forward(parts, [example])
    counts = {where: len(calls) for where, calls in counted.items()}
    refuse_unlike(counts)
    turns = max(counts.values())
    over_time = any(each.over_time for each in parts.spiking.values())
    try:
        return _recorded(module, example, parts, turns == 1 and not over_time, turns)
    except StartsAnew:
        return _recorded(module, example, parts, False, turns)


def _recorded(module: nn.Module, example: Tensor, parts: ModuleParts, single: bool, turns: int) -> Found:
    """single: that a call of the module is one timestep, and not a sample."""
    recorder = Recorder()
    eager = torch.compiler.set_stance("force_eager")  # compiled parts are no functions that could be followed
    with shown("the example"), eager, parts.evaluating(), watched(module, parts.spiking, parts.names, recorder):
        returned: Any = None
        for _ in range(REPEATS if single else 1):
            fresh = example.clone()
            recorder.start(fresh)
            returned = module(fresh)
    layout: Layout | None = None
    try:
        layout = _layout(recorder, example, single, turns)
        return _found(recorder, parts, layout, returned)
    except StartsAnew:
        raise
    except Refusal as refusal:
        first = _shared(recorder) or refusal
    turned = layout.channels_first if layout is not None else None
    if turned is not None:
        try:
            found = _found(recorder, parts, turned, returned)
        except Refusal:
            raise first from None
        return found._replace(remarks=(CHANNELS_LAST, *found.remarks))
    raise first


def _found(recorder: Recorder, parts: ModuleParts, layout: Layout, returned: Any) -> Found:
    structure = _structure(recorder, layout)
    outputs = returned_by(recorder, structure, layout, returned)
    graph = structure.maker.finish(outputs.names)
    run = ModuleRun(parts, layout, graph, structure.layouts)
    probe(run, graph)
    return Found(run, graph, tuple(remarks_on_parts(recorder, structure, parts, graph, outputs.mixed)))


def refuse_unlike(counts: Mapping[str, int]) -> None:
    """Refusal where neurons are called in two places of a timestep."""
    if not counts:
        raise Refusal("no neurons were called")
    most = min(counts.values())
    for where, count in counts.items():
        if count != most:
            raise Refusal(TWO_PLACES).of(where)


def _shared(recorder: Recorder) -> Refusal | None:
    """Refusal of neurons that get what is made of the input in a call, and not in the next, though no others are called
    less often: their calls are not timesteps."""
    got_input: dict[str, bool] = {}
    for call in recorder.calls:
        if call.kind != "neuron" or call.spiking is None or call.spiking.over_time or call.numbers[0] is None:
            continue
        gets_input = _gets_input(recorder, call.numbers[0])
        if got_input.get(call.where) and not gets_input:
            return Refusal(TWO_PLACES).of(call.where)
        got_input[call.where] = gets_input
    return None


def _gets_input(recorder: Recorder, numbers: Tensor) -> bool:
    """Whether layers without neurons between them lead from the input to these elements."""
    seen: set[int] = set()
    waiting = [numbers]
    while waiting:
        for call in owners(recorder, waiting.pop()):
            if call.kind == "input":
                return True
            if call.index not in seen and call.kind != "neuron":
                seen.add(call.index)
                waiting += [each for each in call.numbers if each is not None]
    return False


def _layout(recorder: Recorder, example: Tensor, single: bool, turns: int) -> Layout:
    neurons = [call for call in recorder.calls if call.kind == "neuron"]
    batched = not any(
        (call.kind == "neuron" and call.spiking is not None and len(call.shape) == 1 + call.spiking.over_time)
        or (call.kind == "conv2d" and len(call.shape) == 3)
        or (call.kind == "conv1d" and len(call.shape) == 2)
        for call in recorder.calls
    )
    over_time = any(call.spiking is not None and call.spiking.over_time for call in neurons)
    if over_time and not all(call.spiking is not None and call.spiking.over_time for call in neurons):
        raise Refusal("neurons of which some take all timesteps at once and some do not")
    steps = neurons[0].shape[0] if over_time else REPEATS if single else turns
    found = Layout(tuple(example.shape), steps, single, batched, over_time)
    if single:
        return found
    return found.placed(_input_places(recorder, found))


def _input_places(recorder: Recorder, layout: Layout) -> Callable[[int, int], Numbers | None]:
    """The numbers of the input that the first layers get at a timestep, of a sample."""

    def places(step: int, sample: int) -> Numbers | None:
        found: list[Numbers] = []
        refused: Refusal | None = None

        def locate(call: Call, chosen: Numbers) -> Numbers:
            found.append(chosen.reshape(-1))
            raise _Reached

        for call in recorder.calls:
            if call.kind != "neuron" or (not layout.over_time and call.turn != step):
                continue
            structure = Structure(recorder.calls, Moment(step, sample, layout.batched), GraphMaker((1,)), locate)
            try:
                structure.view(structure.chosen_inputs(call))
            except _Reached:
                return found[0]
            except Refusal as refusal:
                refused = refused or refusal.of(call.where)
        if refused is not None:
            raise refused
        return None

    return places


class _Reached(Exception):
    """The input was reached."""


def _structure(recorder: Recorder, layout: Layout) -> Structure:
    """The network in the recording, up to the last neurons."""
    step = min(1, layout.steps - 1)
    structure = Structure(
        recorder.calls, Moment(step, 0, layout.batched), GraphMaker(layout.features), layout.locate, layout.steps
    )
    for call in recorder.calls:
        if call.kind == "neuron" and call.spiking is not None and (layout.over_time or call.turn == step):
            try:
                structure.population(call, call.where, call.spiking.neuron)
            except Refusal as refusal:
                raise refusal.of(call.where) from None
    return structure
