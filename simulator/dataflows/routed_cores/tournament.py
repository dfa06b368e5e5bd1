"""A tournament of cores: whose time is the earliest, of equals the lowest core. For kernels.

Cores are the leaves of a tree in which every node has the lowest key of its four children, so that the root, node 1,
has the lowest of all. A change of one core is carried up to the root, always by as many levels: no branch depends on
the times, which a processor could only guess.
"""

from __future__ import annotations

import numpy as np

from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.jit import inner_kernel

ROOT = 1
NEVER = 1 << 62
"""The key of a core that is not there."""


@inner_kernel
def leaf_bits(cores: int) -> int:
    """Bits of a core's number in a key; leaves are the nodes from 2 to the power of it on, children of node n are the
    nodes from 4 n on."""
    bits = 2
    while 1 << bits < cores:
        bits += 2
    return bits


@inner_kernel
def key_of(time: int, core: int, bits: int) -> int:
    """A time, below 2 to the power of 62 - bits, and a core, so that keys are in the order of both."""
    return (time << bits) | core


@inner_kernel
def put(keys: Int64, bits: int, core: int, key: int) -> None:
    """Change the key of a core, int64 (2 x 2 to the power of bits,)."""
    node = (1 << bits) + core
    keys[np.uint64(node)] = key
    while node > ROOT:
        others = min(keys[np.uint64(node ^ 1)], min(keys[np.uint64(node ^ 2)], keys[np.uint64(node ^ 3)]))
        key = min(key, others)
        node >>= 2
        keys[np.uint64(node)] = key
