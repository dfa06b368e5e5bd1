"""Running the integer operators of a trace on many samples at a time, exactly, with torch.

The semantics are those of `spikecycle.traces`; a matrix library is fastest in floats, so sums are taken in the
narrowest float that holds every partial sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from spikecycle.models.errors import ModelsError
from spikecycle.models.integer.sums import FLOAT64_EXACT, exact_sums
from spikecycle.traces import (
    Add,
    AttentionProduct,
    Concatenate,
    Neuron,
    Operator,
    Pool,
    Population,
    Synapse,
    TensorSpec,
)
from spikecycle.traces.operators.population import spread

Integers = npt.NDArray[Any]
Step = Callable[[Sequence[Tensor]], Tensor]


@torch.no_grad()
def run_operators(
    operators: Sequence[Operator],
    specs: Mapping[str, TensorSpec],
    inputs: Mapping[str, Integers],
    wanted: Sequence[str],
) -> dict[str, Integers]:
    """All timesteps (N, T, C, H, W) of the wanted tensors, in their smallest dtype.

    operators: in an order in which they can be computed. inputs: of the network, (N, T, C, H, W) by tensor.
    """
    first = next(iter(inputs.values()))
    samples, timesteps = first.shape[:2]
    steps = [(each, _start(each, specs, samples)) for each in operators]
    delayed = {source.tensor for each in operators for source in each.inputs if source.delay}
    kept = {
        name: np.empty((samples, timesteps, *specs[name].shape), specs[name].dtype)
        for name in wanted
        if name not in inputs
    }
    before: dict[str, Tensor] = {}
    for t in range(timesteps):
        now = {
            name: torch.from_numpy(np.ascontiguousarray(values[:, t])).to(torch.int64)
            for name, values in inputs.items()
        }
        for each, step in steps:
            arriving = [
                now[source.tensor]
                if not source.delay
                else before.get(source.tensor, torch.zeros(samples, *specs[source.tensor].shape, dtype=torch.int64))
                for source in each.inputs
            ]
            made = now[each.output.name] = step(arriving)
            if each.output.name in kept:
                kept[each.output.name][:, t] = made.numpy()
        before = {name: now[name] for name in delayed}
    return {**{name: values for name, values in inputs.items() if name in wanted}, **kept}


def read_out(population: Population) -> Population:
    """The same neurons, giving their potentials instead of never firing."""
    neuron = population.neuron
    potentials = Neuron(
        "readout", (), neuron.potential_bits, neuron.leak_numerator, neuron.leak_shift,
        start_potential=neuron.start_potential,
    )  # fmt: skip
    output = TensorSpec(population.output.name, population.output.shape, neuron.potential_bits, True)
    return replace(population, neuron=potentials, output=output)


def _start(operator: Operator, specs: Mapping[str, TensorSpec], samples: int) -> Step:
    if isinstance(operator, Synapse):
        return _synapse(operator, specs[operator.inputs[0].tensor])
    if isinstance(operator, Population):
        return _population(operator, samples)
    if isinstance(operator, Pool):
        return _pool(operator)
    if isinstance(operator, Add):
        return lambda inputs: torch.stack(list(inputs)).sum(0)
    if isinstance(operator, Concatenate):
        return lambda inputs: torch.cat(list(inputs), dim=1)
    assert isinstance(operator, AttentionProduct)
    return _product(operator, [specs[source.tensor] for source in operator.inputs])


def _synapse(operator: Synapse, source: TensorSpec) -> Step:
    weights, bias, shape = operator.weights(), operator.bias(), operator.shape
    rows = np.abs(weights.astype(np.int64)).reshape(len(weights), -1).sum(axis=1)
    largest = int(rows.max()) * source.range.magnitude + int(np.abs(bias.astype(np.int64)).max())
    if largest > FLOAT64_EXACT:
        raise ModelsError(f"operator {operator.name}: sums may reach {largest}, beyond exact float64")

    def step(inputs: Sequence[Tensor]) -> Tensor:
        maps = inputs[0].reshape(-1, *shape.input_shape)
        return exact_sums(shape, weights, bias, largest, maps).to(torch.int64)

    return step


def _population(operator: Population, samples: int) -> Step:
    neuron, shape = operator.neuron, operator.output.shape
    threshold, leak, current_leak, start = (
        torch.tensor(spread(values, shape).copy())
        for values in (
            neuron.threshold, neuron.leak_numerator, neuron.current_leak_numerator, neuron.start_potential,
        )
    )  # fmt: skip
    potential = start.expand(samples, *shape).clone()
    current = torch.zeros_like(potential)
    fired = torch.zeros_like(potential, dtype=torch.bool)
    soft, late = neuron.reset == "soft", neuron.reset_timing == "next"

    def step(inputs: Sequence[Tensor]) -> Tensor:
        nonlocal potential, current, fired
        arriving = inputs[0] if len(inputs) == 1 else torch.stack(list(inputs)).sum(0)
        if neuron.has_current:
            current = (((current * current_leak) >> neuron.current_leak_shift) + arriving).clamp_(*neuron.current_range)
            arriving = current
        leaked = (potential * leak) >> neuron.leak_shift
        if late:
            leaked = torch.where(fired, leaked - threshold if soft else neuron.reset_value, leaked)
        potential = (leaked + arriving).clamp_(*neuron.potential_range)
        if not neuron.fires:
            return potential
        fired = potential >= threshold
        if not late:
            potential = torch.where(fired, potential - threshold if soft else neuron.reset_value, potential)
        return fired.to(torch.int64)

    return step


def _pool(operator: Pool) -> Step:
    top, bottom, left, right = operator.sides
    outside = float("-inf") if operator.mode == "max" else 0.0

    def step(inputs: Sequence[Tensor]) -> Tensor:
        maps = inputs[0].to(torch.float64)
        if any(operator.sides):
            maps = F.pad(maps, (left, right, top, bottom), value=outside)
        if operator.mode == "max":
            return F.max_pool2d(maps, operator.window, operator.stride).to(torch.int64)
        total = F.avg_pool2d(maps, operator.window, operator.stride, divisor_override=1).to(torch.int64)
        if operator.mode == "sum":
            return total
        if operator.shift is not None:
            return total >> operator.shift
        return torch.div(total, operator.window_size, rounding_mode="floor")

    return step


def _product(operator: AttentionProduct, sources: Sequence[TensorSpec]) -> Step:
    def matrices(values: Tensor, transposed: bool) -> Tensor:
        heads = values.to(torch.float64).reshape(len(values), operator.heads, values.shape[1] // operator.heads, -1)
        return heads if transposed else heads.transpose(2, 3)

    def step(inputs: Sequence[Tensor]) -> Tensor:
        product = matrices(inputs[0], operator.transpose_left) @ matrices(inputs[1], operator.transpose_right)
        return product.to(torch.int64).transpose(2, 3).reshape(-1, *operator.output.shape) >> operator.shift

    largest = sources[0].range.magnitude * sources[1].range.magnitude * sources[0].count
    if largest > FLOAT64_EXACT:
        raise ModelsError(f"operator {operator.name}: products may reach {largest}, beyond exact float64")
    return step
