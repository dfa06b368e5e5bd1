"""The chain of layers that a torch module runs, found by running it on an example, and that chain as a network.

A module's forward is free Python: a loop over timesteps, states handed around, pooling and flattening as functions. So
it is watched rather than parsed: each tensor is followed from the layer that gave it to the layer that gets it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

from models.errors import ModelsError
from models.importing.folding import Folded, Operation, fold
from models.importing.inputs import Samples
from models.importing.refusal import refuse
from models.importing.snntorch_layers import LAYERS

INPUT = -1  # the source of what the module was given
FUNCTIONS = {"max_pool2d": nn.MaxPool2d, "_max_pool2d": nn.MaxPool2d, "avg_pool2d": nn.AvgPool2d}
# Functions whose result holds the same numbers for each sample and timestep, in the same order.
FOLLOWED = {
    "__getitem__", "clone", "contiguous", "detach", "dropout", "flatten", "float", "reshape", "select", "squeeze", "to",
    "unbind", "unsqueeze", "view",
}  # fmt: skip
# Of the input, before the first layer, also these: what each layer gets is seen there, so axes may be exchanged.
FOLLOWED_AT_INPUT = {"moveaxis", "movedim", "permute", "swapaxes", "transpose"}


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

    def leave(self, name: str, module: nn.Module, args: Any, result: Any) -> None:
        """A layer has returned spikes, or spikes and states."""
        self._inside -= 1
        if not self._inside:
            self._add(name, module, module, args[0], result[0] if isinstance(result, tuple) else result)

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
            reason = f"module {name} ({_kind(module).__name__}): is called in two places; supported: a chain"
            self.reasons += [reason] if reason not in self.reasons else []
        self._mark([gave], place)

    def _mark(self, tensors: list[Tensor], source: int | str) -> None:
        for tensor in tensors:
            self._sources[id(tensor)] = source
            self._kept.append(tensor)

    def _name(self, source: int | str) -> str:
        return "the input" if source == INPUT else self.steps[source].name if isinstance(source, int) else source


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
            self._reset(len(samples))
            by_step = [self._one_timestep(frames[:, step]) for step in range(frames.shape[1])]
            self._reset(0)
        return [torch.stack(parts, dim=1).numpy() for parts in zip(*by_step, strict=True)]

    def check(self, source: str) -> None:
        """ModelsError unless each layer got, in the first timestep of the example, what the one before it emitted."""
        with torch.no_grad(), _evaluating(self._module):
            self._reset(0)
            x = self._steps[0].got
            for step in self._steps:
                if x.numel() != step.got.numel() or not torch.equal(x.reshape(step.got.shape), step.got):
                    raise ModelsError(
                        f"{source}: module {step.name} ({step.kind.__name__}): gets something else than the layer "
                        "before it emits; supported: flattening and pooling between layers"
                    )
                x = _first(step.module(step.got))
            self._reset(0)

    def _one_timestep(self, x: Tensor) -> list[Tensor]:
        emitted = []
        for place, step in enumerate(self._steps):
            result = step.module(x.reshape(len(x), *step.got.shape[1:]))
            x = _first(result)
            if place in self._stages:
                silent = isinstance(result, tuple) and step.module.reset_mechanism == "none"
                emitted.append(result[1] if silent else x)
        return emitted

    def _reset(self, samples: int) -> None:
        for step in self._steps:
            if isinstance(step.module, snn.SpikingNeuron):
                step.module.reset_mem()


def watch(module: nn.Module, example: Tensor) -> LiveModule:
    """The chain of layers that the module runs on a batch of inputs as it takes them.

    ModelsError, naming the modules, where what it runs is no chain of known layers.
    """
    source = type(module).__name__
    watched = _Watch(example)
    handles = []
    for name, layer in _layers(module):
        handles.append(layer.register_forward_pre_hook(watched.enter))
        handles.append(layer.register_forward_hook(partial(_leave, watched, name or source)))
    try:
        with torch.no_grad(), _evaluating(module), watched:
            for _, layer in _layers(module):
                if isinstance(layer, snn.SpikingNeuron):
                    layer.reset_mem()
            module(example)
    except Exception as error:  # whatever a foreign forward raises
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise ModelsError(f"{source}: cannot be run on the example: {words}") from error
    finally:
        for handle in handles:
            handle.remove()
    refuse(source, _unknown(watched.steps) or watched.reasons or _forks(watched))
    live = LiveModule(module, watched.steps)
    live.check(source)
    return live


def _leave(watched: _Watch, name: str, module: nn.Module, args: Any, result: Any) -> None:
    watched.leave(name, module, args, result)


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
