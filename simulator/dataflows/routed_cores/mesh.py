"""Kernels: one timestep of the cores on a mesh, message by message. The rules: MICROARCHITECTURE.md, section 4."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64, UInt8
from spikecycle.simulator.dataflows.routed_cores.heap import pop, push
from spikecycle.simulator.jit import kernel

FIRST_ROOM = 1024
"""Messages in flight that there is room for at first; it doubles when it is used up."""
IN_FLIGHT_BYTES = 24
"""Of a message in flight."""
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
    axon_in: int
    axon_out: int
    hop_east_west: int
    hop_north_south: int


class Messages(NamedTuple):
    """The spikes of a timestep, in the order of the neurons that send them, and what each reaches.

    senders: int64 (n,), numbers of the neurons, ascending. first, stop: int64 (n,), entries of each. cores, cycles:
    int32 and int64 (entries,), the core that a message goes to, and how long it is busy with its
    synapses.
    """

    senders: Int64
    first: Int64
    stop: Int64
    cores: Int32
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
def hops_between(source: int, target: int, mesh: MeshTiming) -> tuple[int, int]:
    """Tiles that a message from core to core goes along x, and along y."""
    tile, there = source // mesh.cores_per_tile, target // mesh.cores_per_tile
    return abs(tile // mesh.height - there // mesh.height), abs(tile % mesh.height - there % mesh.height)


@kernel
def run_step(marks: UInt8, costs: Int64, first_neuron: Int64, messages: Messages, mesh: MeshTiming) -> StepTimes:
    """One timestep.

    marks: uint8 (neurons,), what happens to each neuron. costs: int64, cycles of a neuron with each mark. first_neuron:
    int64 (cores + 1,).
    """
    cores = len(first_neuron) - 1
    sending, receiving = np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    # by spike: cycles of its core's neurons up to the one that sends it; by core: of all its neurons
    until, soma = np.zeros(len(messages.senders), np.int64), np.zeros(cores, np.int64)
    # by sending core: spike and entry of the next message
    spike, last_spike, entry = np.zeros(cores, np.int64), np.zeros(cores, np.int64), np.zeros(cores, np.int64)
    # in flight: of each receiving core a list of messages, in the order in which it takes them; places of those that
    # are gone are a list too
    head, tail = np.full(cores, -1, np.int64), np.full(cores, -1, np.int64)
    behind, from_core = np.empty(FIRST_ROOM, np.int32), np.empty(FIRST_ROOM, np.int32)
    taken_at, busy = np.empty(FIRST_ROOM, np.int64), np.empty(FIRST_ROOM, np.int64)
    gone, used = np.int64(-1), np.int64(0)
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
        spike[core] = position
        for neuron in range(first_neuron[core], first_neuron[core + 1]):
            soma[core] += costs[marks[neuron]]
            while position < len(messages.senders) and messages.senders[position] == neuron:
                until[position] = soma[core]
                position += 1
        last_spike[core] = position
        sending[core] = soma[core]
        if spike[core] < last_spike[core]:
            entry[core] = messages.first[spike[core]]
            senders = push(send_times, send_cores, senders, until[spike[core]] + mesh.axon_out, core)
        else:
            end = max(end, soma[core])

    message = east_west = north_south = 0
    while senders > 0:
        now, core = send_times[0], send_cores[0]
        senders = pop(send_times, send_cores, senders)
        while takers > 0 and take_times[0] <= now:
            taker = take_cores[0]
            takers = pop(take_times, take_cores, takers)
            old = head[taker]
            across, down = hops_between(from_core[old], taker, mesh)
            along(density, from_core[old], taker, mesh, -(WHOLE // (across + down + 2)))
            in_flight -= 1
            busy_in_flight -= busy[old]
            head[taker] = behind[old]
            if head[taker] >= 0:
                takers = push(take_times, take_cores, takers, taken_at[head[taker]], taker)
            behind[old] = gone
            gone = old

        target, cycles = messages.cores[entry[core]], mesh.axon_in + messages.cycles[entry[core]]
        across, down = hops_between(core, target, mesh)
        hops = across + down
        part = WHOLE // (hops + 2)
        mean_busy = busy_in_flight // in_flight if in_flight > 0 else np.int64(0)
        before = along(density, core, target, mesh, part)
        room = (hops + 1) * mesh.link_buffer * WHOLE
        if before > room:
            now += (before - room) * mean_busy // WHOLE
        least = across * mesh.hop_east_west + down * mesh.hop_north_south
        there_at = now + max(least, before * mean_busy // ((hops + 1) * WHOLE))
        if gone >= 0:
            new = gone
            gone = np.int64(behind[new])
        else:
            new = used
            used += 1
            if used > len(behind):
                behind = np.concatenate((behind, np.empty_like(behind)))
                from_core = np.concatenate((from_core, np.empty_like(from_core)))
                taken_at = np.concatenate((taken_at, np.empty_like(taken_at)))
                busy = np.concatenate((busy, np.empty_like(busy)))
        taken_at[new] = max(free_at[target], there_at)
        free_at[target] = taken_at[new] + cycles
        end = max(end, free_at[target])
        from_core[new], busy[new], behind[new] = core, cycles, -1
        in_flight += 1
        busy_in_flight += cycles
        if head[target] < 0:
            head[target] = new
            takers = push(take_times, take_cores, takers, taken_at[new], target)
        else:
            behind[tail[target]] = new
        tail[target] = new
        message += 1
        east_west += across
        north_south += down
        sending[core] += mesh.axon_out
        receiving[target] += cycles

        entry[core] += 1
        if entry[core] == messages.stop[spike[core]]:
            done = until[spike[core]]
            spike[core] += 1
            if spike[core] == last_spike[core]:
                end = max(end, now + soma[core] - done)
                continue
            entry[core] = messages.first[spike[core]]
            now += until[spike[core]] - done
        senders = push(send_times, send_cores, senders, now + mesh.axon_out, core)
    return StepTimes(end, message, east_west, north_south, sending, receiving)  # type: ignore[arg-type]
