"""Kernels: one timestep of the cores on a mesh, message by message. The rules: MICROARCHITECTURE.md, section 4."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows.routed_cores.heap import pop, push
from spikecycle.simulator.jit import kernel

WHOLE = 1 << 20
"""A message, in the units of the shares of it that lie on links."""
DIRECTIONS = 4
EAST, WEST, NORTH, SOUTH = range(DIRECTIONS)


class MeshTiming(NamedTuple):
    """The mesh as kernels take it: tiles, cores on each, messages that a link holds, and cycles."""

    width: int
    height: int
    cores_per_tile: int
    link_buffer: int
    axon_out: int
    hop_east_west: int
    hop_north_south: int


class Messages(NamedTuple):
    """The spikes of a timestep, in the order of the neurons that send them, and what each reaches.

    senders: int64 (n,), numbers of the neurons, ascending. first, stop: int64 (n,), entries of each. cores, cycles:
    int64 (entries,), the core that a message goes to, and how long it is busy with it.
    """

    senders: Int64
    first: Int64
    stop: Int64
    cores: Int64
    cycles: Int64


class StepTimes(NamedTuple):
    """What a timestep takes: until everything is done; hops of all messages.

    sending, receiving: int64 (cores,), how long the core is busy with its neurons and messages, and with what arrives.
    """

    end: int
    messages: int
    east_west: int
    north_south: int
    sending: Int64
    receiving: Int64


@kernel
def along(density: Int64, source: int, target: int, mesh: MeshTiming, change: int) -> int:
    """What lies on the way of a message from core to core: the sum of all shares there; `change` is added to each.

    The way is the port of the sending core and the link into each tile that is entered: first along x, then along y.
    density: int64 (tiles x 4 + cores,).
    """
    tile, there = source // mesh.cores_per_tile, target // mesh.cores_per_tile
    x, y = tile // mesh.height, tile % mesh.height
    x_there, y_there = there // mesh.height, there % mesh.height
    port = DIRECTIONS * mesh.width * mesh.height + source
    found: int = density[port]
    density[port] += change
    while x != x_there or y != y_there:
        if x < x_there:
            x += 1
            direction = EAST
        elif x > x_there:
            x -= 1
            direction = WEST
        elif y < y_there:
            y += 1
            direction = NORTH
        else:
            y -= 1
            direction = SOUTH
        link = DIRECTIONS * (x * mesh.height + y) + direction
        found += density[link]
        density[link] += change
    return found


@kernel
def run_step(soma: Int64, first_neuron: Int64, messages: Messages, mesh: MeshTiming) -> StepTimes:
    """One timestep. soma: int64 (neurons,), cycles that each neuron takes in it. first_neuron: int64 (cores + 1,)."""
    cores = len(first_neuron) - 1
    sending, receiving = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    soma_until = np.zeros(len(soma) + 1, np.int64)
    for neuron in range(len(soma)):
        soma_until[neuron + 1] = soma_until[neuron] + soma[neuron]
    total = np.int64(0)
    for group in range(len(messages.senders)):
        total += messages.stop[group] - messages.first[group]
    # by sending core: spike and entry of the next message; neurons that are done
    spike, last_spike = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    entry, done = np.zeros(cores, np.int64), first_neuron[:-1].copy()
    # in flight: of each receiving core a list of messages, in the order in which it takes them
    head, tail = np.full(cores, -1, np.int64), np.full(cores, -1, np.int64)
    behind, taken_at = np.full(total, -1, np.int64), np.zeros(total, np.int64)
    from_core, busy, share = np.zeros(total, np.int64), np.zeros(total, np.int64), np.zeros(total, np.int64)
    free_at = np.zeros(cores, np.int64)
    density = np.zeros(DIRECTIONS * mesh.width * mesh.height + mesh.width * mesh.height * mesh.cores_per_tile, np.int64)
    in_flight = np.int64(0)
    busy_in_flight = np.int64(0)

    send_times, send_cores = np.zeros(cores + 1, np.int64), np.zeros(cores + 1, np.int64)
    take_times, take_cores = np.zeros(cores + 1, np.int64), np.zeros(cores + 1, np.int64)
    senders = takers = 0
    end = np.int64(0)
    position = 0
    for core in range(cores):
        while position < len(messages.senders) and messages.senders[position] < first_neuron[core]:
            position += 1
        spike[core] = position
        while position < len(messages.senders) and messages.senders[position] < first_neuron[core + 1]:
            position += 1
        last_spike[core] = position
        sending[core] = soma_until[first_neuron[core + 1]] - soma_until[first_neuron[core]]
        if spike[core] < last_spike[core]:
            neuron = messages.senders[spike[core]]
            entry[core] = messages.first[spike[core]]
            time = soma_until[neuron + 1] - soma_until[first_neuron[core]] + mesh.axon_out
            done[core] = neuron + 1
            senders = push(send_times, send_cores, senders, time, core)
        else:
            end = max(end, sending[core])

    message = east_west = north_south = 0
    while senders > 0:
        now, core = send_times[0], send_cores[0]
        senders = pop(send_times, send_cores, senders)
        while takers > 0 and take_times[0] <= now:
            taker = take_cores[0]
            takers = pop(take_times, take_cores, takers)
            old = head[taker]
            along(density, from_core[old], taker, mesh, -share[old])
            in_flight -= 1
            busy_in_flight -= busy[old]
            head[taker] = behind[old]
            if head[taker] >= 0:
                takers = push(take_times, take_cores, takers, taken_at[head[taker]], taker)

        target, cycles = messages.cores[entry[core]], messages.cycles[entry[core]]
        tile, there = core // mesh.cores_per_tile, target // mesh.cores_per_tile
        across = abs(tile // mesh.height - there // mesh.height)
        down = abs(tile % mesh.height - there % mesh.height)
        hops = across + down
        part = WHOLE // (hops + 2)
        mean_busy = busy_in_flight // in_flight if in_flight > 0 else np.int64(0)
        before = along(density, core, target, mesh, part)
        room = (hops + 1) * mesh.link_buffer * WHOLE
        if before > room:
            now += (before - room) * mean_busy // WHOLE
        least = across * mesh.hop_east_west + down * mesh.hop_north_south
        there_at = now + max(least, before * mean_busy // ((hops + 1) * WHOLE))
        taken_at[message] = max(free_at[target], there_at)
        free_at[target] = taken_at[message] + cycles
        end = max(end, free_at[target])
        from_core[message], busy[message], share[message] = core, cycles, part
        in_flight += 1
        busy_in_flight += cycles
        if head[target] < 0:
            head[target] = message
            takers = push(take_times, take_cores, takers, taken_at[message], target)
        else:
            behind[tail[target]] = message
        tail[target] = message
        message += 1
        east_west += across
        north_south += down
        sending[core] += mesh.axon_out
        receiving[target] += cycles

        entry[core] += 1
        if entry[core] == messages.stop[spike[core]]:
            spike[core] += 1
            if spike[core] == last_spike[core]:
                end = max(end, now + soma_until[first_neuron[core + 1]] - soma_until[done[core]])
                continue
            neuron = messages.senders[spike[core]]
            entry[core] = messages.first[spike[core]]
            now += soma_until[neuron + 1] - soma_until[done[core]]
            done[core] = neuron + 1
        senders = push(send_times, send_cores, senders, now + mesh.axon_out, core)
    return StepTimes(end, message, east_west, north_south, sending, receiving)  # type: ignore[arg-type]
