"""Fused layers in plain Python: batch by batch, what is loaded and stored of each group."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.reference.expected import Expected, Sample


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """A group on one sample."""
    array, buffers = machine.dataflow, machine.buffers
    synapses = [one for one in stage.operators if one.kind != "neuron"]
    populations = [one for one in stage.operators if one.kind == "neuron"]
    inner = {one.output.name for one in populations}
    grown = True
    while grown:  # what pools, sums and maps side by side make of the group's spikes alone
        more = {
            one.output.name
            for one in network.operators
            if one.kind in ("pool", "add", "concatenate") and all(source.tensor in inner for source in one.inputs)
        }
        grown = not more <= inner
        inner |= more
    currents = {one.output.name for one in synapses}
    weights = sum(one.weights().size * one.weight_bits for one in synapses)
    all_weights = sum(one.weights().size * one.weight_bits for one in network.operators if hasattr(one, "weight_bits"))
    rows = 0
    for one in synapses:
        high = min(one.shape.H, (one.shape.R - 1) * one.shape.dilation[0] + 1)
        rows += high * one.shape.W * one.shape.C * network.tensors[one.inputs[0].tensor].spec.bits
    batch = 1
    while batch < min(array.batch, network.timesteps) and rows * (batch + 1) <= buffers.spikes.capacity_bits:
        batch += 1
    loads: Counter[str] = Counter()
    stores: Counter[str] = Counter()
    cycles = additions = 0
    done = 0
    while done < network.timesteps:
        steps = min(batch, network.timesteps - done)
        last = done + steps == network.timesteps
        if done == 0 or all_weights > buffers.weights.capacity_bits:
            loads["weights"] += weights
        parts = max(1, -(-weights // buffers.weights.capacity_bits))
        for name in {source.tensor for one in stage.operators for source in one.inputs} - inner - currents:
            loads["spikes"] += parts * steps * network.tensors[name].spec.count * network.tensors[name].spec.bits
        for one in populations:
            if _leaves(one.output.name, inner, stage, network):
                stores["outputs"] += steps * one.output.count * one.output.bits
        if sum(map(_state, network.operators)) > buffers.potentials.capacity_bits:
            loads["potentials"] += sum(map(_state, populations)) * (done > 0)
            stores["potentials"] += sum(map(_state, populations)) * (not last)
        per_step = [one.shape.P * one.shape.Q * one.weights().size for one in synapses]
        per_step += [one.output.count for one in populations for source in one.inputs if source.tensor not in currents]
        for adds in per_step:
            additions += steps * adds
            cycles += -(-steps * adds // array.pes)
        done += steps
    return Expected(cycles, {"compute": cycles}, {"pe.add": additions}, loads, stores)


def _state(operator: Any) -> int:
    if operator.kind != "neuron":
        return 0
    bits = operator.neuron.potential_bits + (operator.neuron.current_bits if operator.neuron.has_current else 0)
    return int(bits * operator.output.count)


def _leaves(tensor: str, inner: set[str], stage: Any, network: Any) -> bool:
    """Whether somebody outside takes a tensor, or nobody."""
    takers = [one for one in network.operators if any(source.tensor == tensor for source in one.inputs)]
    if not takers:
        return True
    for taker in takers:
        if taker.kind in ("pool", "add", "concatenate"):
            if taker.output.name not in inner or _leaves(taker.output.name, inner, stage, network):
                return True
        elif taker not in stage.operators:
            return True
    return False
