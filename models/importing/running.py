"""Running a torch module of spiking neurons on samples, and listening to its neurons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.graph import FloatGraph, FloatPopulation, run_graph
from spikecycle.models.importing.inputs import Samples
from spikecycle.models.importing.maker import three
from spikecycle.models.importing.recorder import Call
from spikecycle.models.importing.refusal import Refusal
from spikecycle.models.importing.spiking import SpikingModule
from spikecycle.models.importing.views import Numbers


@dataclass(frozen=True, eq=False)
class ModuleParts:
    """A module, its parts' names, and those that are neurons."""

    module: nn.Module
    names: Mapping[nn.Module, str]
    spiking: Mapping[nn.Module, SpikingModule]

    @property
    def others(self) -> ModuleParts | None:
        """With what neurons may be instead; None where there is nothing."""
        if not any(said.alternative for said in self.spiking.values()):
            return None
        return replace(self, spiking={part: said.alternative or said for part, said in self.spiking.items()})

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in."""
        found = (each.dtype for each in self.module.parameters() if each.is_floating_point())
        return next(found, torch.float32)

    @property
    def kinds(self) -> dict[str, str]:
        """Class names by the names of parts."""
        return {where: type(part).__name__ for part, where in self.names.items()}

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Evaluation mode from forgotten states, and back to what it was, states forgotten again."""
        training = {part: part.training for part in self.module.modules()}
        were = {part: {name: getattr(part, name) for name in said.settings} for part, said in self.spiking.items()}
        self.module.eval()
        for part, said in self.spiking.items():
            _set(part, said.settings)
        self.reset()
        try:
            yield
        finally:
            self.reset()
            for part, settings in were.items():
                _set(part, settings)
            for part, was in training.items():
                part.training = was

    def reset(self) -> None:
        """Forget all states."""
        for said in self.spiking.values():
            said.reset()


def _set(part: nn.Module, settings: Mapping[str, Any]) -> None:
    for name, value in settings.items():
        setattr(part, name, value)


@dataclass(eq=False)
class Heard:
    """One call of a population: what it got and gave, and its states before and after."""

    got: Tensor
    gave: Tensor
    before: tuple[Any, ...] = ()
    after: tuple[Any, ...] = ()


Listener = Callable[[str, SpikingModule, Heard], Tensor | None]
"""Called after each call of a population; what it returns takes the place of what was emitted."""
Feeder = Callable[[str, SpikingModule, Tensor], Tensor | None]
"""Called before each call of a population; what it returns takes the place of what arrives."""


@contextmanager
def shown(what: str) -> Iterator[None]:
    """Refusal, naming what it was run on, of whatever a foreign forward raises."""
    try:
        yield
    except (Refusal, ModelsError):
        raise
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())
        raise Refusal(f"cannot be run on {what}: {words[:300]}") from error


def run_forward(
    parts: ModuleParts,
    inputs: Sequence[Tensor],
    listen: Listener | None = None,
    feed: Feeder | None = None,
    what: str = "the example",
    returned: list[Any] | None = None,
) -> dict[str, list[Heard]]:
    """The module's forward on one input after the other, from forgotten states; what was heard of each population.

    returned: gets what the module returns of each.
    """
    heard: dict[str, list[Heard]] = {}
    handles = []
    for part, said in parts.spiking.items():
        handles += _hooks(part, said, parts.names[part], heard, listen, feed)
    try:
        with shown(what), torch.no_grad(), parts.evaluating(), torch.compiler.set_stance("force_eager"):
            for each in inputs:
                answer = parts.module(each)
                if returned is not None:
                    returned.append(answer)
    finally:
        for handle in handles:
            handle.remove()
    return heard


def _hooks(
    part: nn.Module, said: SpikingModule, name: str, heard: dict[str, list[Heard]], listen: Listener | None,
    feed: Feeder | None,
) -> list[Any]:  # fmt: skip
    now: dict[str, Any] = {}

    def before(_: nn.Module, args: Any, kwargs: Any) -> Any:
        got = said.argument(args, kwargs)
        now["before"] = _states(said, args, kwargs)
        fed = None if feed is None else feed(name, said, said.turned(got))
        now["got"] = said.turned(got.detach().clone())
        if fed is None:
            return None
        fed = said.turned(fed)
        if args:
            return (fed, *args[1:]), kwargs
        key = next(key for key in said.inputs if key in kwargs)
        return args, {**kwargs, key: fed}

    def after(_: nn.Module, args: Any, kwargs: Any, result: Any) -> Any:
        gave = said.emitted(result)
        states = tuple(_detached(each) for each in (result[1:] if isinstance(result, tuple) else ()))
        if not said.handed:
            states = tuple(_detached(each) for each in said.state())
        one = Heard(now["got"], said.turned(gave.detach().clone()), now["before"], states)
        heard.setdefault(name, []).append(one)
        other = None if listen is None else listen(name, said, one)
        if other is None:
            return None
        other = said.turned(other)
        if not isinstance(result, tuple):
            return other
        return tuple(other if each is gave else each for each in result)

    return [
        part.register_forward_pre_hook(before, with_kwargs=True),
        part.register_forward_hook(after, with_kwargs=True),
    ]


def _states(said: SpikingModule, args: Any, kwargs: Any) -> tuple[Any, ...]:
    if not said.handed:
        return tuple(_detached(each) for each in said.state())
    given = list(args[1:]) + [kwargs[name] for name in said.handed if name in kwargs]
    return tuple(_detached(each) for each in given)


def _detached(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


@dataclass(frozen=True, eq=False)
class Layout:
    """How the module takes its inputs. shape: of the example; steps: timesteps in it; single: a forward is one
    timestep; batched: there is an axis of samples; over_time: neurons take all timesteps at once; time, batch: axes of
    timesteps and of samples, None where there is none; others: the axes of a timestep, in order."""

    shape: tuple[int, ...]
    steps: int
    single: bool
    batched: bool
    over_time: bool
    time: int | None = None
    batch: int | None = 0
    others: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.single:
            object.__setattr__(self, "batch", 0 if self.batched else None)
            if not self.others:
                object.__setattr__(self, "others", tuple(range(int(self.batched), len(self.shape))))

    @property
    def channels_first(self) -> Layout | None:
        """Of an input whose channels are its last axis, the same with timesteps as (C, H, W); None without maps."""
        return replace(self, others=(self.others[2], *self.others[:2])) if len(self.others) == 3 else None

    @property
    def samples(self) -> int:
        """Samples of the example."""
        return 1 if self.batch is None else self.shape[self.batch]

    @property
    def features(self) -> tuple[int, int, int]:
        """(C, H, W) of a timestep."""
        return three([self.shape[axis] for axis in self.others] or [1])

    def placed(self, places: Callable[[int, int], Numbers | None]) -> Layout:
        """With the axes found: what changes from a timestep to the next, and from a sample to the next."""
        here = places(min(1, self.steps - 1), 0)
        if here is None:
            raise Refusal("no layer gets the input")
        strides = np.cumprod([1, *reversed(self.shape)])[:-1][::-1]
        time = None
        if self.steps > 1:
            there = places(0, 0)
            if there is None or there.shape != here.shape:
                raise Refusal("the first layer gets other parts of the input in other timesteps")
            moved = np.unique(here - there)
            if len(moved) != 1:
                raise Refusal("the first layer gets the input in another order in other timesteps")
            if moved[0]:
                time = next((a for a, s in enumerate(strides) if s == moved[0] and self.shape[a] > 1), None)
                if time is None:
                    raise Refusal(
                        "timesteps do not follow each other along an axis of the input; supported: inputs as they are"
                    )
                if self.shape[time] != self.steps:
                    raise Refusal(f"takes {self.steps} of the {self.shape[time]} timesteps of its input")
        left = [axis for axis in range(len(self.shape)) if axis != time]
        batch = None
        if self.batched and left:
            index = np.array(np.unravel_index(here, self.shape))
            still = [axis for axis in left if (index[axis] == index[axis].flat[0]).all()]
            batch = next(iter(still), None)
            if batch is None:
                raise Refusal("the first layer gets parts of several samples")
            left.remove(batch)
        return replace(self, time=time, batch=batch, others=tuple(left))

    def locate(self, call: Call, chosen: Numbers) -> Numbers:
        """Where in a timestep's features input elements lie."""
        index = np.unravel_index(chosen, self.shape)
        if not self.others:
            return chosen * 0
        sizes = [self.shape[axis] for axis in self.others]
        return np.asarray(np.ravel_multi_index([index[axis] for axis in self.others], sizes))

    def inputs(self, samples: Samples | Tensor, dtype: torch.dtype) -> list[Tensor]:
        """Samples (N, T, C, H, W) as what the module's forward takes, in turn; of unbatched ones N is 1."""
        values = torch.as_tensor(np.ascontiguousarray(samples)).to(dtype)
        sizes = [self.shape[axis] for axis in self.others]
        values = values.reshape(*values.shape[:2], *sizes)
        if self.single:
            values = values.permute(0, 1, *(2 + np.argsort(self.others))).contiguous()
            return [values[:, t] if self.batched else values[0, t] for t in range(values.shape[1])]
        if self.time is None:
            if not torch.equal(values, values[:, :1].expand_as(values)):
                raise Refusal("takes one input for all timesteps; samples must be the same in every timestep")
            values = values[:, :1]
        axes: dict[int | None, int] = {self.batch: 0, self.time: 1}
        axes |= {axis: 2 + place for place, axis in enumerate(self.others)}
        order = [axes[axis] for axis in range(len(self.shape))]
        missing = [axis for axis in (0, 1) if axis not in order]
        turned = values.permute(*order, *missing).reshape([values.shape[axis] for axis in order])
        return [turned.contiguous()]

    def timesteps(self, run: ModuleRun) -> int | None:
        """The timesteps that the module makes of any input, where it does not take what it is given."""
        return self.steps if not self.single and self.time is None else None


@dataclass(eq=False)
class ModuleRun:
    """The module itself, run on samples."""

    parts: ModuleParts
    layout: Layout
    graph: FloatGraph
    layouts: Mapping[str, Numbers]

    def outputs(self, samples: Samples) -> list[npt.NDArray[Any]]:
        """What each population emits, (N, T, ...), in the order of the network's operators."""
        if not self.layout.batched:
            singles = [self._outputs(samples[index : index + 1]) for index in range(len(samples))]
            return [np.concatenate(parts) for parts in zip(*singles, strict=True)]
        return self._outputs(samples)

    def _outputs(self, samples: Samples) -> list[npt.NDArray[Any]]:
        name = type(self.parts.module).__name__
        try:
            heard = run_forward(self.parts, self.layout.inputs(samples, self.parts.dtype), what="the samples")
        except Refusal as refusal:
            raise ModelsError(f"{name}: {refusal}") from None
        found = {each: self.series(each, [one.gave for one in heard[each]]) for each in heard}
        for series in found.values():
            if series.shape[1] != samples.shape[1]:
                raise ModelsError(
                    f"{name}: runs {series.shape[1]} timesteps, whatever it is given; samples have {samples.shape[1]}"
                )
        shaped = {each: series.reshape(*series.shape[:2], *self.graph[each].shape) for each, series in found.items()}
        read_out = [each.name for each in self.graph.populations if each.name not in shaped]
        if read_out:  # weights at the end, whose sums are no population of the module
            spikes = {each: series for each, series in shaped.items() if not self._reads_out(each)}
            shaped |= run_graph(self.graph, samples, read_out, forced=spikes)
        return [shaped[each.name].numpy() for each in self.graph.populations]

    def _reads_out(self, name: str) -> bool:
        made = self.graph[name]
        return isinstance(made, FloatPopulation) and made.neuron.reads_out

    def series(self, name: str, values: Sequence[Tensor]) -> Tensor:
        """Calls of a population as (N, T, features), in the order of the network's operators."""
        if self.layout.over_time:
            together = values[0]
            together = together.transpose(0, 1) if self.layout.batched else together[None]
        else:
            together = torch.stack(list(values), dim=1 if self.layout.batched else 0)
            together = together if self.layout.batched else together[None]
        flat = together.reshape(*together.shape[:2], -1)
        order = torch.from_numpy(self.layouts[name])
        ordered = torch.empty_like(flat)
        ordered[..., order] = flat
        return ordered
