"""The chain of layers that a torch module runs, found by running it on an example, and that chain as a network.

A module's forward is free Python: a loop over timesteps, states handed around, pooling and flattening as functions. So
it is watched rather than parsed: each tensor is followed from the layer that gave it to the layer that gets it. Then it
is probed: it runs once more with random numbers in place of what the input holds and the layers emit, so that whatever
happens to the numbers on their way is seen, which zeros and spikes can hide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import snntorch as snn
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.folding import Folded, Operation, fold
from spikecycle.models.importing.inputs import Samples
from spikecycle.models.importing.refusal import refuse
from spikecycle.models.importing.snntorch_layers import LAYERS

BETWEEN_LAYERS = "supported: flattening and pooling between layers"
INPUT = -1  # the source of what the module was given
FUNCTIONS = {"max_pool2d": nn.MaxPool2d, "_max_pool2d": nn.MaxPool2d, "avg_pool2d": nn.AvgPool2d}
# Functions whose result holds the same numbers for each sample and timestep, in the same order: the probe makes sure.
FOLLOWED = {
    "__getitem__", "clone", "contiguous", "detach", "dropout", "flatten", "float", "reshape", "select", "squeeze", "to",
    "unbind", "unsqueeze", "view",
}  # fmt: skip
# Of the input, before the first layer, also these: samples have the axes that the first layer gets.
FOLLOWED_AT_INPUT = {"moveaxis", "movedim", "permute", "swapaxes", "transpose"}
MOST_PROBED = 2**24  # whole numbers up to here are exact in float32, so that each element of the input has its own
PROBE_SEED = 0


@dataclass(frozen=True, eq=False)
class _Step:
    """A layer in the order of its first call: what it got (B, ...) and gave then, and from which step that came."""

    name: str
    module: nn.Module
    source: int | str | None
    got: Tensor
    gave: Tensor

    @property
    def kind(self) -> type[nn.Module]:
        return _kind(self.module)


class _Watch(TorchFunctionMode):
    """Follows tensors through a module's forward."""

    def __init__(self, example: Tensor) -> None:
        super().__init__()
        self.steps: list[_Step] = []
        self.reasons: list[str] = []
        self._sources: dict[int, int | str] = {id(example): INPUT}
        self._places: dict[Any, int] = {}
        self._kept: list[Tensor] = [example]  # as long as a tensor lives, its id is its own
        self._inside = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every function of torch that the forward calls passes here."""
        result = func(*args, **(kwargs or {}))
        if not self._inside:
            self._follow(getattr(func, "__name__", str(func)), args, kwargs or {}, result)
        return result

    def enter(self, *_: Any) -> None:
        """A layer is called: what it does inside is its own affair."""
        self._inside += 1

    def leave(self, name: str, module: nn.Module, args: Any, result: Any) -> Any:
        """A layer has returned spikes, or spikes and states; what the forward gets in their place."""
        self._inside -= 1
        if self._inside:
            return result
        first, *states = result if isinstance(result, tuple) else (result,)
        emitted = self.emitted(first)
        self._add(name, module, module, args[0], emitted)
        return (emitted, *states) if isinstance(result, tuple) else emitted

    def emitted(self, result: Tensor) -> Tensor:
        """What a layer is taken to emit."""
        return result

    def called(self, place: int, got: Tensor, gave: Tensor) -> None:
        """The step of that place has been called, for the first time or again."""

    def refuse_step(self, place: int, reason: str) -> None:
        """Remember, once, why a step has no place in a chain."""
        step = self.steps[place]
        line = f"module {step.name} ({step.kind.__name__}): {reason}"
        self.reasons += [line] if line not in self.reasons else []

    def _follow(self, function: str, args: Any, kwargs: Mapping[str, Any], result: Any) -> None:
        known = [tensor for tensor in _tensors((args, *kwargs.values())) if id(tensor) in self._sources]
        results = list(_tensors(result))
        if not known or not results:
            return
        source = self._sources[id(known[0])]
        if function in FUNCTIONS:
            module = FUNCTIONS[function](*args[1:], **{k: v for k, v in kwargs.items() if k != "input"})
            self._add(f"{function} behind {self._name(source)}", (function, source), module, known[0], results[0])
        elif function in FOLLOWED or (function in FOLLOWED_AT_INPUT and source == INPUT):
            self._mark(results, source)
        else:
            self._mark(results, f"the result of {function.strip('_')}")

    def _add(self, name: str, key: Any, module: nn.Module, got: Tensor, gave: Tensor) -> None:
        source = self._sources.get(id(got))
        place = self._places.setdefault(key, len(self.steps))
        if place == len(self.steps):
            self.steps.append(_Step(name, module, source, got.detach().clone(), gave.detach().clone()))
        elif self.steps[place].source != source:
            self.refuse_step(place, "is called in two places; supported: a chain")
        self.called(place, got, gave)
        self._mark([gave], place)

    def _mark(self, tensors: list[Tensor], source: int | str) -> None:
        for tensor in tensors:
            self._sources[id(tensor)] = source
            self._kept.append(tensor)

    def _name(self, source: int | str) -> str:
        return "the input" if source == INPUT else self.steps[source].name if isinstance(source, int) else source


class _Probe(_Watch):
    """Makes sure that every layer gets the very numbers that the one before it emitted, in their order."""

    def __init__(self, shape: Sequence[int], dtype: torch.dtype) -> None:
        self._random = torch.Generator().manual_seed(PROBE_SEED)
        count = math.prod(shape)
        self._place_of = torch.empty(count, dtype=torch.int64)
        order = torch.randperm(count, generator=self._random)
        self._place_of[order] = torch.arange(count)
        self.example = order.to(dtype).reshape(*shape)
        self._emitted: dict[int, Tensor] = {}
        self._reached = 0
        super().__init__(self.example)

    def emitted(self, result: Tensor) -> Tensor:
        """Random numbers."""
        return torch.rand(result.shape, generator=self._random, dtype=result.dtype)

    def called(self, place: int, got: Tensor, gave: Tensor) -> None:
        """Compare with what the step before gave last, that is in the same timestep."""
        if place == 0:
            self._compare_with_input(got)
        elif place - 1 in self._emitted:
            before = self._emitted[place - 1]
            if before.numel() != got.numel() or not torch.equal(before.reshape(got.shape), got):
                self.refuse_step(place, f"gets something else than the layer before it emits; {BETWEEN_LAYERS}")
        self._emitted[place] = gave.clone()  # before anything is done to it in place

    def _compare_with_input(self, got: Tensor) -> None:
        """The input's elements must be a part of it, cut out along its axes, which may be exchanged, in order."""
        if self.example.numel() > MOST_PROBED:
            return
        whole = got.detach().long()
        inside = (
            torch.equal(whole.to(got.dtype), got) and int(whole.min()) >= 0 and int(whole.max()) < len(self._place_of)
        )
        places = self._place_of[whole].numpy() if inside else np.zeros(0, np.int64)
        if not inside or not _along_axes(places) or int(places.flat[0]) < self._reached:
            self.refuse_step(
                0, "gets something else than the input, or in another order; supported: inputs as they are"
            )
            return
        self._reached = int(places.flat[0])


class LiveModule:
    """A chain of a module's own layers, run one timestep after the other."""

    def __init__(self, module: nn.Module, steps: list[_Step]) -> None:
        self._module = module
        self._steps = steps
        self._stages: list[int] = []

    def folded(self, source: str) -> Folded:
        """The chain through the builder; ModelsError naming each module that does not fit."""
        operations = [
            Operation(step.name, step.kind.__name__, LAYERS[step.kind], (step.module,)) for step in self._steps
        ]
        folded = fold(source, "module", self._steps[0].got.shape[1:], operations)
        self._stages = folded.places
        return folded

    @torch.no_grad()
    def outputs(self, samples: Samples) -> list[npt.NDArray[Any]]:
        """What the neurons of each stage emit, (N, T, ...); the last one's potentials, where they never fire."""
        dtype = next((p.dtype for p in self._module.parameters()), torch.float32)
        frames = torch.from_numpy(np.ascontiguousarray(samples)).to(dtype)
        with _evaluating(self._module):
            _reset(step.module for step in self._steps)
            by_step = [self._one_timestep(frames[:, step]) for step in range(frames.shape[1])]
            _reset(step.module for step in self._steps)
        return [torch.stack(parts, dim=1).numpy() for parts in zip(*by_step, strict=True)]

    def _one_timestep(self, x: Tensor) -> list[Tensor]:
        emitted = []
        for place, step in enumerate(self._steps):
            result = step.module(x.reshape(len(x), *step.got.shape[1:]))
            x = _first(result)
            if place in self._stages:
                silent = isinstance(result, tuple) and step.module.reset_mechanism == "none"
                emitted.append(result[1] if silent else x)
        return emitted


def watch(module: nn.Module, example: Tensor) -> LiveModule:
    """The chain of layers that the module runs on a batch of inputs as it takes them.

    ModelsError, naming the modules, where what it runs is no chain of known layers.
    """
    source = type(module).__name__
    watched = _Watch(example)
    _run(module, example, watched, "the example")
    refuse(source, _unknown(watched.steps) or watched.reasons or _forks(watched))
    kind = example.dtype if example.is_floating_point() else torch.float32
    probe = _Probe(example.shape, kind)
    _run(module, probe.example, probe, "random numbers of the example's shape")
    refuse(source, probe.reasons)
    return LiveModule(module, watched.steps)


def _run(module: nn.Module, inputs: Tensor, watched: _Watch, what: str) -> None:
    """The module's forward in evaluation mode from potential 0, watched; ModelsError where it fails."""
    source = type(module).__name__
    handles: list[Any] = []
    for name, layer in _layers(module):
        handles.append(layer.register_forward_pre_hook(watched.enter))
        handles.append(layer.register_forward_hook(partial(_leave, watched, name or source)))
    try:
        with torch.no_grad(), _evaluating(module), watched:
            _reset(layer for _, layer in _layers(module))
            module(inputs)
    except Exception as error:  # whatever a foreign forward raises
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise ModelsError(f"{source}: cannot be run on {what}: {words}") from error
    finally:
        for handle in handles:
            handle.remove()
        _reset(layer for _, layer in _layers(module))


def _reset(layers: Iterable[nn.Module]) -> None:
    """Forget the potentials."""
    for layer in layers:
        if isinstance(layer, snn.SpikingNeuron):
            layer.reset_mem()


def _leave(watched: _Watch, name: str, module: nn.Module, args: Any, result: Any) -> Any:
    return watched.leave(name, module, args, result)


def _along_axes(places: npt.NDArray[np.int64]) -> bool:
    """Whether each axis goes up by a step of its own, the same everywhere."""
    expected = np.full(places.shape, places.flat[0])
    for axis, size in enumerate(places.shape):
        if size > 1:
            step = int(places.take(1, axis).flat[0]) - int(places.flat[0])
            if step < 0:
                return False
            expected = expected + (step * np.arange(size)).reshape(-1, *(1,) * (places.ndim - axis - 1))
    return np.array_equal(places, expected)


def _layers(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Modules that are asked as a whole: known kinds, spiking neurons of any kind, and what has no parts."""
    parts = dict(module.named_children())
    if _kind(module) in LAYERS or isinstance(module, snn.SpikingNeuron) or not parts:
        yield name, module
        return
    for part, child in parts.items():
        yield from _layers(child, f"{name}.{part}" if name else part)


def _kind(module: nn.Module) -> type[nn.Module]:
    """The class of a module; of a parametrized one (pruned, say), the class that it was."""
    return type(module).__mro__[1] if parametrize.is_parametrized(module) else type(module)


def _unknown(steps: list[_Step]) -> list[str]:
    supported = ", ".join(sorted(kind.__name__ for kind in LAYERS))
    return [
        f"module {step.name} ({step.kind.__name__}): supported: {supported}"
        for step in steps
        if step.kind not in LAYERS
    ]


def _forks(watched: _Watch) -> list[str]:
    if not watched.steps:
        return ["no layer was called"]
    reasons = []
    for place, step in enumerate(watched.steps):
        if step.source == place - 1:
            continue
        origin = "something that no layer before it gave" if step.source is None else watched._name(step.source)
        also = " which goes elsewhere too" if isinstance(step.source, int) else ""
        reasons.append(
            f"module {step.name} ({step.kind.__name__}): gets {origin}{also}; supported: a chain of modules, "
            "no branches, residual adds or recurrence"
        )
    return reasons


def _tensors(values: Any) -> Iterator[Tensor]:
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, tuple | list):
        for value in values:
            yield from _tensors(value)


def _first(result: Any) -> Tensor:
    spikes: Tensor = result[0] if isinstance(result, tuple) else result
    return spikes


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode, and back to what it was."""
    training = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, was in training.items():
            part.training = was
