"""Records what a torch module's forward computes, by running it.

A forward is free Python: loops over timesteps, states handed around, tensors reshaped and moved. So it is watched
rather than parsed. Every element of every tensor carries a number that says which element of which result it is: beside
each tensor goes a tensor of such numbers, on which the same views, slices, stacks and permutations are done. Whatever
computes (a convolution, a sum, a neuron) is a call, whose results get new numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from spikecycle.models.importing.spiking import SpikingModule

ZEROS, CHANGED = -1, -2
"""In place of an element's number: a zero that no call made, and something that nobody knows."""

UNCHANGED = {
    "clone", "contiguous", "cpu", "cuda", "data", "detach", "detach_", "double", "float", "requires_grad_", "to",
    "type", "type_as", "alias", "half", "bfloat16",
}  # fmt: skip
"""Functions whose result holds the same elements in the same places."""
MOVES = {
    "__getitem__", "__get__", "as_strided", "broadcast_to", "cat", "chunk", "concat", "concatenate", "expand",
    "expand_as", "flatten", "flip", "hstack", "index_select", "movedim", "moveaxis", "narrow", "permute", "ravel",
    "repeat", "repeat_interleave", "reshape", "reshape_as", "roll", "select", "split", "split_with_sizes", "squeeze",
    "stack", "swapaxes", "swapdims", "t", "tensor_split", "tile", "transpose", "unbind", "unflatten", "unfold_copy",
    "unsqueeze", "view", "view_as", "vstack",
}  # fmt: skip
"""Functions that only move elements."""
DROPOUTS = {
    "dropout",
    "alpha_dropout",
    "feature_alpha_dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_dropout",
}


@dataclass(eq=False)
class Call:
    """Something that computes. kind: the function's name, or `neuron`, `state`, `input`; where: the module within
    which it happens; base: the number of the first element of its result; numbers: of the tensors among its arguments,
    in their place, None for what is no tracked tensor."""

    kind: str
    index: int
    where: str
    base: int
    shape: tuple[int, ...]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    numbers: tuple[Tensor | None, ...]
    spiking: SpikingModule | None = None
    turn: int = 0
    """Of neurons and inputs: how many calls of the same came before."""


class Recorder(TorchFunctionMode):
    """Follows elements through a module's forward."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.count = 0
        self.places: list[str] = [""]
        self.touched: set[int] = set()
        """Ids of the tensors that any function was called with."""
        self._numbers: dict[int, tuple[Tensor, Tensor]] = {}
        self._inside = 0
        self._turns: dict[str, int] = {}

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Every function of torch that the forward calls passes here."""
        given = kwargs or {}
        self.touched.update(id(each) for each in tensors_in((args, given)))
        name = getattr(func, "__name__", str(func))
        changes = name == "__setitem__" or (name.endswith("_") and not name.endswith("__"))
        before = self._before(args, given) if not self._inside else []
        result = func(*args, **given)
        if not self._inside and before:
            self._follow(name, func, args, given, result, changes)
        return result

    def start(self, example: Tensor) -> None:
        """The next input of the module."""
        self._call("input", (), {}, (), example)

    def numbers(self, tensor: Any) -> Tensor | None:
        """The numbers of a tensor's elements, None where it is not tracked."""
        found = self._numbers.get(id(tensor))
        return None if found is None else found[1]

    def enter(self) -> None:
        """A neuron is called: what it does inside is its own affair."""
        self._inside += 1

    def leave(self, where: str, spiking: SpikingModule, got: Any, spikes: Tensor, states: Sequence[Tensor]) -> None:
        """A neuron has returned spikes and states."""
        self._inside -= 1
        if self._inside:
            return
        self.places.append(where)
        numbers, turned = self.numbers(got), spiking.turned(spikes)
        self._call("neuron", (got,), {}, (None if numbers is None else spiking.turned(numbers),), turned, spiking)
        if turned is not spikes:
            self._keep(spikes, spiking.turned(self._numbers_or(turned)))
        for state in states:
            if state is not spikes:
                self._call("state", (), {}, (), state, spiking)
        self.places.pop()

    def _before(self, args: Any, kwargs: Mapping[str, Any]) -> list[Tensor]:
        return [tensor for tensor in tensors_in((args, *kwargs.values())) if id(tensor) in self._numbers]

    def _follow(self, name: str, func: Any, args: Any, kwargs: Any, result: Any, changes: bool) -> None:
        results = list(tensors_in(result))
        if name == "__setitem__":
            self._set(args)
            return
        if not results:
            return
        if name in UNCHANGED or (name in DROPOUTS and not _drops(args, kwargs)):
            for made in results:
                self._keep(made, self._numbers_or(args[0] if args else kwargs["input"]))
            return
        if name in MOVES or (name == "pad" and not changes):
            moved = self._moved(name, func, args, kwargs)
            if moved is not None:
                for made, places in zip(results, tensors_in(moved), strict=True):
                    self._keep(made, places)
                return
        numbers = tuple(self.numbers(arg) if isinstance(arg, Tensor) else None for arg in args)
        for made in results:
            self._call(name.strip("_") if not name.startswith("__r") else name, args, kwargs, numbers, made)

    def _moved(self, name: str, func: Any, args: Any, kwargs: Any) -> Any:
        """The same movement of numbers; None where it cannot be done on them."""
        joins = name in ("cat", "stack", "concat", "concatenate", "hstack", "vstack")
        if name == "pad":
            mode = args[2] if len(args) > 2 else kwargs.get("mode", "constant")
            value = args[3] if len(args) > 3 else kwargs.get("value")
            if mode != "constant" or value not in (None, 0, 0.0):
                return None
            sides = args[1] if len(args) > 1 else kwargs["pad"]
            source = self._numbers_or(args[0] if args else kwargs["input"])
            return torch.nn.functional.pad(source, list(sides), value=ZEROS)

        def replaced(value: Any) -> Any:
            if isinstance(value, Tensor):
                found = self.numbers(value)
                return found if found is not None else self._numbers_or(value) if joins else value
            if isinstance(value, list | tuple):
                return type(value)(replaced(each) for each in value) if type(value) in (list, tuple) else value
            return value

        try:
            return func(*replaced(tuple(args)), **{key: replaced(value) for key, value in kwargs.items()})
        except (RuntimeError, TypeError, IndexError, ValueError):
            return None

    def _set(self, args: Any) -> None:
        """Elements written into a tensor."""
        target, place, value = args
        numbers = self._numbers_or(target).clone()
        new = self._numbers_or(value) if isinstance(value, Tensor) else torch.tensor(ZEROS if value == 0 else CHANGED)
        try:
            numbers[place] = new
        except (RuntimeError, IndexError, TypeError):
            numbers[:] = CHANGED
        self._keep(target, numbers)

    def _numbers_or(self, tensor: Tensor) -> Tensor:
        """Numbers of a tensor, of one that nobody tracks zeros or nothing that is known."""
        found = self.numbers(tensor)
        if found is not None:
            return found
        is_zero = not tensor.detach().bool().any()
        return torch.full(tensor.shape, ZEROS if is_zero else CHANGED, dtype=torch.int64)

    def _call(
        self, kind: str, args: Any, kwargs: Mapping[str, Any], numbers: tuple[Tensor | None, ...], made: Tensor,
        spiking: SpikingModule | None = None,
    ) -> None:  # fmt: skip
        where = next((place for place in reversed(self.places)), "")
        turn = 0
        if kind in ("neuron", "input"):
            turn = self._turns.get(f"{kind} {where}", 0)
            self._turns[f"{kind} {where}"] = turn + 1
        self.calls.append(
            Call(kind, len(self.calls), where, self.count, tuple(made.shape), args, kwargs, numbers, spiking, turn)
        )
        size = made.numel()
        self._keep(made, torch.arange(self.count, self.count + size).reshape(made.shape))
        self.count += size

    def _keep(self, tensor: Tensor, numbers: Tensor) -> None:
        """As long as a tensor lives, its id is its own."""
        if numbers.shape != tensor.shape:
            numbers = torch.full(tensor.shape, CHANGED, dtype=torch.int64)
        self._numbers[id(tensor)] = (tensor, numbers)


def _drops(args: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether a dropout does something: functional.dropout(input, p, training)."""
    share = args[1] if len(args) > 1 else kwargs.get("p", 0.5)
    training = args[2] if len(args) > 2 else kwargs.get("training", True)
    return bool(training) and bool(share)


def tensors_in(values: Any) -> Iterator[Tensor]:
    """The tensors among values, in tuples, lists and mappings of any depth, in order."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, tuple | list):
        for value in values:
            yield from tensors_in(value)
    elif isinstance(values, dict):
        for value in values.values():
            yield from tensors_in(value)


@contextmanager
def watched(
    module: nn.Module,
    spiking: Mapping[nn.Module, SpikingModule],
    names: Mapping[nn.Module, str],
    recorder: Recorder,
) -> Iterator[None]:
    """Within it, the module's forward is recorded."""
    handles: list[Any] = []

    def enter(part: nn.Module) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            recorder.places.append(names[part])

        return hook

    def leave(*_: Any) -> None:
        recorder.places.pop()

    for part in module.modules():
        if part in spiking:
            handles += _neuron_hooks(part, spiking[part], names[part], recorder)
        else:
            handles.append(part.register_forward_pre_hook(enter(part)))
            handles.append(part.register_forward_hook(leave, always_call=True))
    try:
        with torch.no_grad(), recorder:
            yield
    finally:
        for handle in handles:
            handle.remove()


def _neuron_hooks(part: nn.Module, spiking: SpikingModule, name: str, recorder: Recorder) -> list[Any]:
    def enter(_: nn.Module, args: Any, kwargs: Any) -> None:
        recorder.enter()

    def leave(_: nn.Module, args: Any, kwargs: Any, result: Any) -> None:
        got = spiking.argument(args, kwargs)
        states = list(tensors_in(result))[1:]
        recorder.leave(name, spiking, got, spiking.emitted(result), states)

    return [
        part.register_forward_pre_hook(enter, with_kwargs=True),
        part.register_forward_hook(leave, with_kwargs=True),
    ]
