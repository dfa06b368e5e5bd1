"""What a framework says of one of its modules of spiking neurons, and who knows which module."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from spikecycle.models.importing.neuron import FloatNeuron, Reals
from spikecycle.models.importing.refusal import Refusal

CONSTRUCTS = {
    "neurons": "which neurons",
    "reset": "which resets",
    "two states": "a synaptic current beside the potential",
    "recurrence": "spikes that come back a timestep later",
    "per-neuron parameters": "leaks, thresholds and so on that differ within a population",
    "time": "how timesteps come",
}
"""What every importer declares, by name, with what it means."""
FRAMEWORKS = ("snntorch_neurons", "spikingjelly_neurons", "norse_neurons", "sinabs_neurons")
"""Modules beside this one, one for each framework: `read(module)` gives a SpikingModule, None for what is not of the
framework, and raises Refusal for neurons that have no place in a trace; NAME; and DECLARED, what it supports of
CONSTRUCTS."""


@dataclass(frozen=True, eq=False)
class Recurrence:
    """Weights from a population's own spikes of the timestep before: `linear` (M, M), `conv2d` or `gain` (M, ...)."""

    kind: str
    weight: Reals
    bias: Reals | None
    padding: tuple[int, int] = (0, 0)


@dataclass(frozen=True, eq=False)
class SpikingModule:
    """A module of neurons. neuron: its parameters, in the shapes of the module.

    over_time: its input has a leading axis of timesteps, or, if batch_first, one behind that of samples; late: what
    arrives acts a timestep later; reset: forgets all states; state: its states now, in the module itself, if it keeps
    them there; handed: states that the caller hands in and gets back, by the places of arguments; settings: attributes
    that it has while it is run here.
    """

    neuron: FloatNeuron
    reset: Callable[[], None]
    over_time: bool = False
    batch_first: bool = False
    late: bool = False
    recurrence: Recurrence | None = None
    inputs: tuple[str, ...] = ("input",)
    handed: tuple[str, ...] = ()
    state: Callable[[], tuple[Any, ...]] = field(default=lambda: ())
    feeds_back: Callable[[Tensor], Tensor] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    remark: str | None = None
    alternative: SpikingModule | None = None
    """What it may be instead, where versions of a framework differ and nothing but a run tells."""

    def turned(self, tensor: Tensor) -> Tensor:
        """Its input or output with timesteps first, and back."""
        return tensor.transpose(0, 1) if self.batch_first else tensor

    def argument(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
        """What a call was given to integrate."""
        if args:
            return args[0]  # type: ignore[no-any-return]
        for name in self.inputs:
            if name in kwargs:
                return kwargs[name]  # type: ignore[no-any-return]
        raise Refusal("is called without an input")

    def emitted(self, result: Any) -> Tensor:
        """The spikes, or the potentials of what only reads out, of what a call returned."""
        if not isinstance(result, tuple | list):
            return result  # type: ignore[no-any-return]
        found = result[-1] if self.neuron.reads_out else result[0]
        if not isinstance(found, Tensor):
            raise Refusal(f"returns {type(found).__name__}; supported: tensors")
        return found


def frameworks() -> Iterator[Any]:
    """The modules that know a framework."""
    for name in FRAMEWORKS:
        yield importlib.import_module(f"spikecycle.models.importing.{name}")


def read_module(module: nn.Module) -> tuple[str, SpikingModule] | None:
    """The framework's name, and what it says; None for what is no module of neurons. Refusal where it is one that has
    no place in a trace."""
    for framework in frameworks():
        found = framework.read(module)
        if found is not None:
            return framework.NAME, found
    return None


def class_names(module: nn.Module) -> tuple[str, ...]:
    """Names of a module's class and of those that it derives from."""
    return tuple(each.__name__ for each in type(module).__mro__)
