"""Kernels: the places of a mesh that messages lie on, and their ways over it; MICROARCHITECTURE.md, section 4.

Links along x lie side by side in memory by direction, row and column, links along y by direction, column and row: of a
way, those along x follow each other, and so do those along y.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.jit import inner_kernel

WHOLE_BITS = 20
WHOLE = 1 << WHOLE_BITS
"""A message, in the units of the shares of it that lie on links."""
LONG = 16
"""Links in a row that are gone through many at a time; the others three at a time, which `along` is written for."""


class MeshTiming(NamedTuple):
    """The mesh as kernels take it: tiles, messages that a link holds, and cycles."""

    width: int
    height: int
    link_buffer: int
    axon_in: int
    axon_out: int
    hop_east_west: int
    hop_north_south: int


class Tiles(NamedTuple):
    """Where cores are: int64 (cores,), x and y of their tiles. shares: int64 (hops,), what a message that goes so many
    hops lays on every place of its way."""

    x: Int64
    y: Int64
    shares: Int64

    @classmethod
    def of(cls, cores: int, cores_per_tile: int, mesh: MeshTiming) -> Tiles:
        """Those of the first cores of a mesh."""
        x, y = np.divmod(np.arange(cores) // cores_per_tile, mesh.height)
        return cls(x, y, WHOLE // (np.arange(mesh.width + mesh.height) + 2))


@inner_kernel
def first_port(mesh: MeshTiming) -> int:
    """Place of the port of core 0, behind all links and a place that is none; those of the other cores follow."""
    return 4 * mesh.width * mesh.height + 1


@inner_kernel
def long_run(density: Int64, first: int, links: int, change: int) -> tuple[int, int]:
    """What lies on the first links of a run, and how many these are: a multiple of LONG."""
    run = density[first : first + links - links % LONG]
    found = 0
    for link in range(len(run)):
        found += run[link]
        run[link] += change
    return found, len(run)


@inner_kernel
def along(density: Int64, port: int, x: int, y: int, x_there: int, y_there: int, mesh: MeshTiming, change: int) -> int:
    """What lies on the way of a message from tile to tile: the sum of all shares there; `change` is added to each.

    The way is the port of the sending core and the link into each tile that is entered: first along x, then along y.
    density: int64 (places,).
    """
    found: int = density[np.uint64(port)]
    density[np.uint64(port)] = found + change
    nowhere = 4 * mesh.width * mesh.height
    east, north = int(x_there > x), int(y_there > y)
    at = ((1 - east) * mesh.height + y) * mesh.width + min(x, x_there) + east
    turn = at + abs(x_there - x)
    links = abs(y_there - y)
    behind_turn = 2 * mesh.width * mesh.height + ((1 - north) * mesh.width + x_there) * mesh.height
    behind_turn += min(y, y_there) + north
    if turn - at >= LONG:
        there, gone = long_run(density, at, turn - at, change)
        found += there
        at += gone
    if links >= LONG:
        there, gone = long_run(density, behind_turn, links, change)
        found += there
        behind_turn += gone
        links -= gone
    jump, stop = behind_turn - turn, turn + links
    while at < stop:  # as many rounds for most ways, which the processor then guesses
        first = at + (jump if at >= turn else 0)
        second = at + 1 + (jump if at + 1 >= turn else 0) if at + 1 < stop else nowhere
        third = at + 2 + (jump if at + 2 >= turn else 0) if at + 2 < stop else nowhere
        on_first, on_second, on_third = density[np.uint64(first)], density[np.uint64(second)], density[np.uint64(third)]
        found += on_first + on_second + on_third
        density[np.uint64(first)] = on_first + change
        density[np.uint64(second)] = on_second + change
        density[np.uint64(third)] = on_third + change
        at += 3
    density[np.uint64(nowhere)] = 0
    return found
