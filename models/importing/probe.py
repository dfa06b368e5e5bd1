"""Whether a network does what its module does: the module runs once more, on random numbers, and is compared.

What the input holds, what neurons emit and what arrives at them are random, so that whatever happens to numbers on
their way is seen, which zeros and spikes can hide. Wiring and neurons are compared apart, so that a difference is
named where it arises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from spikecycle.models.importing.graph import FloatGraph, FloatPopulation, run_graph
from spikecycle.models.importing.neuron import NeuronRun
from spikecycle.models.importing.refusal import Refusal, StartsAnew
from spikecycle.models.importing.running import Heard, ModuleRun, run_forward
from spikecycle.models.importing.spiking import SpikingModule
from spikecycle.wording import some_of

SEED = 0
STEPS = 12
"""Timesteps that are compared, where the module takes as many as it is given."""
CLOSE = 1e-3
"""Relative difference of currents, of the largest, that float32 and another order of sums can make."""
TIE = 1e-4
"""Distance from the threshold, relative to it, at which float32 may decide either way."""


def probe(run: ModuleRun, graph: FloatGraph) -> None:
    """Refusal, naming the population, where the network does something else than the module."""
    _Probe(run, graph).compare()


class _Probe:
    def __init__(self, run: ModuleRun, graph: FloatGraph) -> None:
        self._run, self._graph = run, graph
        self._random = torch.Generator().manual_seed(SEED)
        self._actual: dict[str, list[Tensor]] = {}
        self._fed: dict[str, list[Tensor]] = {}
        self._forced: dict[str, list[Tensor]] = {}

    def compare(self) -> None:
        layout = self._run.layout
        steps = STEPS if layout.single else layout.steps
        samples = torch.rand(layout.samples, steps, *layout.features, generator=self._random)
        if not layout.single and layout.time is None:
            samples = samples[:, :1].expand_as(samples)
        heard = run_forward(
            self._run.parts, layout.inputs(samples.numpy(), self._run.parts.dtype), self._listen, self._feed,
            "random numbers of the example's shape",
        )  # fmt: skip
        populations = [each for each in self._graph.populations if each.name in heard]
        if layout.single and all(_starts_anew(heard[each.name]) for each in populations):
            raise StartsAnew("forgets its states in every call")
        for each in populations:
            self._compare_states(each.name, heard[each.name])
        self._compare_wiring(samples, populations, heard)
        for each in populations:
            self._compare_neurons(each, heard[each.name])

    def _feed(self, name: str, said: SpikingModule, got: Tensor) -> Tensor:
        threshold = float(np.max(said.neuron.threshold[np.isfinite(said.neuron.threshold)], initial=1.0))
        gain = float(np.abs(said.neuron.gain).max()) or 1.0
        scale = threshold / gain * (1.0 if said.neuron.current_leak is None else 0.5)
        fed = (0.6 * torch.randn(got.shape, generator=self._random) + 0.3).to(got.dtype) * scale
        self._actual.setdefault(name, []).append(got.detach().clone())
        self._fed.setdefault(name, []).append(fed)
        return fed

    def _listen(self, name: str, said: SpikingModule, heard: Heard) -> Tensor | None:
        if said.recurrence is not None or said.neuron.reads_out:
            self._forced.setdefault(name, []).append(heard.gave)
            return None
        other = torch.rand(heard.gave.shape, generator=self._random).to(heard.gave.dtype)
        self._forced.setdefault(name, []).append(other.clone())
        return other

    def _compare_states(self, name: str, heard: Sequence[Heard]) -> None:
        """A forward must hand on the states that it got back, and leave those alone that a module keeps."""
        for before, after in pairwise(heard):
            given = [each for each in after.before if isinstance(each, Tensor)]
            kept = [each for each in before.after if isinstance(each, Tensor)]
            if not given:
                if kept and kept[-1].numel() and kept[-1].any():
                    raise Refusal("starts anew in every timestep: no state is handed to it").of(name)
                continue
            if not all(bool(torch.isfinite(each).all()) for each in kept):
                raise Refusal("its states become infinite, or no numbers").of(name)
            for one, other in zip(reversed(given), reversed(kept), strict=False):
                if one.shape != other.shape or not torch.equal(one, other):
                    if not bool(one.any()):
                        raise Refusal("its states are set to zero between timesteps; supported: states as they are").of(
                            name
                        )
                    raise Refusal(
                        "its states are changed between timesteps: the forward hands on something else than was "
                        "returned; supported: states as they are"
                    ).of(name)
        first = [each for each in heard[0].before if isinstance(each, Tensor) and each.numel()]
        rests = self._graph[name]
        assert isinstance(rests, FloatPopulation)
        if any(bool(each.any()) for each in first) and not rests.neuron.start.any():
            raise Refusal(
                "starts at a potential other than 0; supported: 0, and what a framework starts at" + self._kept_by()
            ).of(name)

    def _kept_by(self) -> str:
        """In words, the tensors that modules other than neurons have as attributes, which may be the potentials."""
        parts = self._run.parts
        within = {inner for part in parts.spiking for inner in part.modules()}
        found = [
            attribute if part is parts.module else f"{where}.{attribute}"
            for part, where in parts.names.items()
            if part not in within
            for attribute, value in {**vars(part), **(part._buffers if _is_own(part) else {})}.items()
            if isinstance(value, Tensor)
        ]
        if not found:
            return ""
        return (
            f"; does the module keep it from call to call in an attribute ({some_of(found, 3)})? Samples start anew: "
            "make the states in the forward, or have the neurons keep them (init_hidden=True)"
        )

    def _compare_wiring(
        self, samples: Tensor, populations: Sequence[FloatPopulation], heard: Mapping[str, Sequence[Heard]]
    ) -> None:
        forced = {
            each.name: self._run.series(each.name, self._forced[each.name]).reshape(len(samples), -1, *each.shape)
            for each in populations
            if not each.neuron.reads_out
        }
        arrived: dict[str, list[Tensor]] = {}

        def observe(name: str, state: NeuronRun) -> None:
            arrived.setdefault(name, []).append(state.arriving.clone())

        run_graph(self._graph, samples.numpy(), (), forced=forced, observe=observe)
        for each in populations:
            found = torch.stack(arrived[each.name], dim=1).flatten(2)
            told = self._run.series(each.name, self._actual[each.name]).double()
            said = self._said(each.name)
            if said.recurrence is not None:
                told = told + self._returned(each.name, said)
            if said.late:
                told = torch.cat([torch.zeros_like(told[:, :1]), told[:, :-1]], dim=1)
            largest = float(told.abs().max()) or 1.0
            apart = (found - told).abs().amax(dim=(0, 2))
            if float(apart.max()) > CLOSE * largest:
                step = int(torch.nonzero(apart > CLOSE * largest)[0])
                raise Refusal(
                    f"gets something else than the layers before it give (in timestep {step}, by "
                    f"{float(apart.max()) / largest:.2g} of the largest): the forward depends on the timestep, on "
                    "other samples or on values, or does something that is not followed"
                ).of(each.name)

    def _returned(self, name: str, said: SpikingModule) -> Tensor:
        """What a population's own spikes bring a timestep later."""
        assert said.feeds_back is not None
        with torch.no_grad():
            series = [said.feeds_back(each) for each in self._forced[name]]
            first = said.feeds_back(torch.zeros_like(self._forced[name][0]))
        return self._run.series(name, [first, *series[:-1]]).double()

    def _compare_neurons(self, population: FloatPopulation, heard: Sequence[Heard]) -> None:
        name, said = population.name, self._said(population.name)
        arriving = self._run.series(name, self._fed[name]).double()
        if said.recurrence is not None:
            arriving = arriving + self._returned(name, said)
        if said.late:
            arriving = torch.cat([torch.zeros_like(arriving[:, :1]), arriving[:, :-1]], dim=1)
        gave = self._run.series(name, [each.gave for each in heard]).double()
        state = NeuronRun(population.neuron, population.shape, torch.float64)
        settled = torch.ones(len(gave), gave.shape[2], dtype=torch.bool)
        for t in range(gave.shape[1]):
            made = state.step(arriving[:, t].reshape(-1, *population.shape)).flatten(1)
            if population.neuron.reads_out:
                wrong = (made - gave[:, t]).abs() > CLOSE * max(1.0, float(made.abs().max()))
            else:
                threshold = torch.tensor(
                    np.broadcast_to(population.neuron.threshold, population.shape).reshape(-1).copy()
                )
                tied = (state.peak.flatten(1) - threshold).abs() <= TIE * threshold.abs().clamp(min=1e-6)
                settled &= ~tied
                wrong = (made != gave[:, t]) & settled
            if wrong.any():
                raise Refusal(
                    f"does something else than its parameters say ({int(wrong.sum())} of {wrong.numel()} neurons "
                    f"differ in timestep {t}); supported: the framework's own neurons as they are"
                ).of(name)

    def _said(self, name: str) -> SpikingModule:
        parts = self._run.parts
        return next(said for part, said in parts.spiking.items() if parts.names[part] == name)


def _is_own(part: nn.Module) -> bool:
    """Whether a module is none of torch itself, whose buffers are statistics."""
    return not type(part).__module__.startswith("torch.")


def _starts_anew(heard: Sequence[Heard]) -> bool:
    """Whether no call is given the states of the one before, though there were some."""
    anew = []
    for before, after in pairwise(heard):
        kept = [each for each in before.after if isinstance(each, Tensor) and each.numel() and bool(each.any())]
        given = [each for each in after.before if isinstance(each, Tensor) and each.numel() and bool(each.any())]
        anew.append(bool(kept) and not given)
    return bool(anew) and all(anew)
