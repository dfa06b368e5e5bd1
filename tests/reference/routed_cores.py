"""Cores on a routed mesh in plain Python: a list of events, handled in the order of their times."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from fractions import Fraction
from typing import Any

import numpy as np

from tests.reference.cores import Chip, synapses
from tests.reference.expected import Expected, Sample

WHOLE = 2**20


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """The network on one sample."""
    parameters = machine.dataflow
    latency = parameters.latency_ns
    chip = Chip(parameters.mapping, network, inputs_too=True)
    breakdown: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    reached = _reached(chip, machine)
    states = {population.output.name: _states(population, chip, sample) for population in chip.populations}
    tiles = {core // parameters.mesh.cores_per_tile for core in range(len(chip.neurons))}
    barrier = 0
    for entry in parameters.barrier:
        if entry is parameters.barrier[0] or entry.tiles <= len(tiles):
            barrier = machine.cycles(entry.ns)
    for step in range(chip.steps):
        sending: list[list[tuple[int, list[tuple[int, int]]]]] = []  # by core: (cycles of a neuron, its messages)
        for neurons in chip.neurons:
            own = []
            for neuron in neurons:
                cycles = 0
                if neuron[0] in chip.makers:
                    updated, fires = states[neuron[0]][step, neuron[1:]]
                    for event, ns, happens in (
                        ("neuron_access", latency.neuron_access, True),
                        ("neuron_update", latency.neuron_update, updated),
                        ("neuron_spike", latency.neuron_spike, fires),
                    ):
                        cycles += machine.cycles(ns) * happens
                        counts[event] += happens
                messages = []
                for tensor, place, behind in _sent_by(chip, neuron):
                    t = step - behind
                    for _ in range(int(sample[tensor][(t, *place)]) if 0 <= t < network.timesteps else 0):
                        for core, kinds in sorted(reached[tensor][place].items()):
                            busy = machine.cycles(latency.axon_in)
                            for kind, count in kinds.items():
                                busy += count * machine.cycles(getattr(latency.synapse, kind))
                                counts[f"synapse_{kind}"] += count
                            messages.append((core, busy))
                own.append((cycles, messages))
            sending.append(own)
        end, alone = _step(sending, machine, counts)
        breakdown["compute"] += max(alone) + sum(alone)  # a row of the mesh, and one of each core
        breakdown["mesh"] += end - max(alone)
        breakdown["barrier"] += barrier
        breakdown["tick"] += max(0, machine.cycles(parameters.tick_ns or 0) - end - barrier)
    return Expected(sum(breakdown.values()), breakdown, counts)


def _step(sending: Any, machine: Any, counts: Counter[str]) -> tuple[int, list[int]]:
    """When a timestep's work ends; how long each core is busy by itself."""
    mesh, latency = machine.dataflow.mesh, machine.dataflow.latency_ns
    axon_out = machine.cycles(latency.axon_out)
    queues, rest = [], []
    for own in sending:
        queue, waited = [], 0
        for cycles, messages in own:
            waited += cycles
            for message in messages:
                queue.append((waited + axon_out, *message))
                waited = 0
        queues.append(queue)
        rest.append(waited)
    alone = [sum(wait for wait, _, _ in queue) + left for queue, left in zip(queues, rest, strict=True)]
    receiving = [0] * len(sending)
    end = max((left for queue, left in zip(queues, rest, strict=True) if not queue), default=0)
    waiting = [(queue[0][0], core, 0) for core, queue in enumerate(queues) if queue]
    heapq.heapify(waiting)
    flight: list[tuple[int, int, list[Any], int]] = []
    free = [0] * len(sending)
    while waiting:
        now, core, index = heapq.heappop(waiting)
        flight = [message for message in flight if message[0] > now]
        _, target, busy = queues[core][index]
        way, across, down = _way(core, target, mesh)
        hops = across + down
        there = sum(share for _, _, places, share in flight for place in places if place in way)
        mean = sum(message[1] for message in flight) // len(flight) if flight else 0
        room = (hops + 1) * mesh.link_buffer * WHOLE
        if there > room:
            now += (there - room) * mean // WHOLE
        fastest = across * machine.cycles(latency.hop_east_west) + down * machine.cycles(latency.hop_north_south)
        arrival = now + max(fastest, int(Fraction(there * mean, (hops + 1) * WHOLE)))
        taken = max(arrival, free[target])
        free[target] = taken + busy
        flight.append((taken, busy, way, WHOLE // (hops + 2)))
        receiving[target] += busy
        counts.update({"axon_in": 1, "axon_out": 1, "hop_east_west": across, "hop_north_south": down})
        end = max(end, free[target])
        if index + 1 < len(queues[core]):
            heapq.heappush(waiting, (now + queues[core][index + 1][0], core, index + 1))
        else:
            end = max(end, now + rest[core])
    return end, [max(both) for both in zip(alone, receiving, strict=True)]


def _way(source: int, target: int, mesh: Any) -> tuple[list[Any], int, int]:
    """The places that a message passes, hops along x and along y."""
    here, there = (divmod(core // mesh.cores_per_tile, mesh.height) for core in (source, target))
    way: list[Any] = [("port", source)]
    x, y = here
    while x != there[0]:
        x += 1 if there[0] > x else -1
        way.append((x, y, "x", there[0] > here[0]))
    while y != there[1]:
        y += 1 if there[1] > y else -1
        way.append((x, y, "y", there[1] > here[1]))
    return way, abs(there[0] - here[0]), abs(there[1] - here[1])


def _reached(chip: Chip, machine: Any) -> Any:
    """By tensor, place and core: the synapses that a spike passes, by kind."""
    found: Any = defaultdict(lambda: defaultdict(lambda: defaultdict(Counter)))
    for population in chip.populations:
        name = population.output.name
        for source in population.inputs:
            maker = chip.makers.get(source.tensor)
            if maker is None or maker.kind not in ("conv1d", "conv2d", "linear"):
                for place in np.ndindex(*population.output.shape):
                    found[source.tensor][place][chip.core[(name, *place)]]["sparse"] += 1
                continue
            (spikes,) = maker.inputs
            kind = _kind(maker, machine)
            for place, neuron, weight in synapses(maker, chip.network.tensors[spikes.tensor].spec.shape):
                if kind != "sparse" or weight != 0:
                    found[spikes.tensor][place][chip.core[(name, *neuron)]][kind] += 1
    return found


def _kind(synapse: Any, machine: Any) -> str:
    if synapse.name in machine.dataflow.synapses_of:
        return str(machine.dataflow.synapses_of[synapse.name])
    if machine.dataflow.synapses != "by_operator":
        return str(machine.dataflow.synapses)
    shape, weights = synapse.shape, synapse.weights()
    if (shape.P, shape.Q, shape.R, shape.S) != (1, 1, 1, 1):
        return "convolution"
    return "dense" if (weights != 0).mean() >= 0.5 else "sparse"


def _sent_by(chip: Chip, neuron: Any) -> Any:
    """(tensor, place, timesteps behind the sample) of what a neuron sends: its own spikes, and those of pools that
    begin at it and of sums and maps side by side in which it comes first."""
    tensor, place = neuron[0], tuple(neuron[1:])
    users = [operator for operator in chip.network.operators if any(s.tensor == tensor for s in operator.inputs)]
    yield tensor, place, chip.depth[tensor]
    for operator in users:
        if operator.kind not in ("pool", "add", "concatenate"):
            continue
        channels, rows, columns = chip.network.tensors[tensor].spec.shape
        after = operator.output.shape
        names = [source.tensor for source in operator.inputs]
        if operator.kind == "concatenate":
            ahead = sum(chip.network.tensors[name].spec.shape[0] for name in names[: names.index(tensor)])
            yield operator.output.name, (ahead + place[0], *place[1:]), chip.depth[operator.output.name]
        elif names[0] == tensor:
            for target in np.ndindex(*after):
                from_place = tuple(i * b // a for i, a, b in zip(target, after, (channels, rows, columns), strict=True))
                if from_place == place:
                    yield operator.output.name, target, chip.depth[operator.output.name]


def _states(population: Any, chip: Chip, sample: Sample) -> Any:
    """Whether a neuron is updated, and fires, by timestep of the chip and place."""
    neuron, name = population.neuron, population.output.name
    behind, timesteps = chip.depth[name], chip.network.timesteps
    found: Any = defaultdict(lambda: (False, False))
    inputs = chip.connections(population)
    threshold, leak, current_leak, start = (
        np.broadcast_to(values if values.ndim == 3 else values[:, None, None], population.output.shape)
        for values in (
            array if array.size else np.zeros(1, np.int64)
            for array in (
                neuron.threshold,
                neuron.leak_numerator,
                neuron.current_leak_numerator,
                neuron.start_potential,
            )
        )
    )
    late = neuron.fires and neuron.reset_timing == "next"

    def after_reset(potential: int, place: Any) -> int:
        return potential - int(threshold[place]) if neuron.reset == "soft" else int(neuron.reset_value)

    def after_leak(potential: int, place: Any, fired: bool) -> int:
        if neuron.kind != "if":
            potential = (potential * int(leak[place])) >> neuron.leak_shift
        return after_reset(potential, place) if late and fired else potential

    makers = [chip.makers.get(source.tensor) for source in population.inputs]
    with_bias = [maker for maker in makers if maker is not None and maker.kind in ("conv1d", "conv2d", "linear")]
    for place in np.ndindex(*population.output.shape):
        bias = sum(int(maker.bias()[place[0]]) for maker in with_bias)
        biased = any(maker.bias()[place[0]] != 0 for maker in with_bias)
        potential, current, fired = int(start[place]), 0, False
        for t in range(timesteps):
            arriving, touched = bias, False
            for (tensor, delay), places in inputs.items():
                for from_place, targets in places.items():
                    value = int(sample[tensor][(t - delay, *from_place)]) if t >= delay else 0
                    for target, weight, _ in targets:
                        if value and target == (name, *place):
                            arriving += value * weight
                            touched = touched or weight != 0
            was_active = potential != 0 or current != 0 or touched or biased
            if t == 0 and not touched and not biased:
                was_active = int(start[place]) != 0
            if neuron.has_current:
                low, high = neuron.current_range
                current = min(
                    max(((current * int(current_leak[place])) >> neuron.current_leak_shift) + arriving, low), high
                )
                arriving = current
            potential = after_leak(potential, place, fired)
            low, high = neuron.potential_range
            potential = min(max(potential + arriving, low), high)
            if neuron.fires:
                fired = potential >= int(threshold[place])
                if fired and not late:
                    potential = after_reset(potential, place)
            found[t + behind, place] = (was_active, bool(fired))
        for step in range(timesteps + behind, chip.steps):
            found[step, place] = (potential != 0, False)
            potential, fired = after_leak(potential, place, fired), False
    return found
