"""What rules take of the computer's memory for a synapse, besides its weights and tensors, by its sizes.

A rule that says nothing is taken to ask for all im2col rows at once, and to prepare as much as `RuleDataflow.prepares`
allows. Those of this package take rows in blocks (`SynapseWorkload.plane_blocks`), and say so: `some_rows`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spikecycle.simulator.dataflows.memory import LayerSizes
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.memory import Need
from spikecycle.simulator.workload.synapse import BLOCK_BYTES
from spikecycle.simulator.workload.words import WORD_BITS, WORD_BYTES
from spikecycle.traces.frames import block_timesteps

RuleMemory = Callable[[Any, LayerSizes], Iterable[Need]]
"""What a rule takes on a machine for a synapse of these sizes."""
COPIES = 3
"""Of im2col rows: as they are made, bits of values side by side, and what a rule makes of them."""
INPUT_BYTES = 2
"""Of an input that is unpacked."""
TAP_BYTES = 24
"""Of an input channel at a tap: spikes and weights that are not 0, and their product."""
SUM_BYTES = 4
"""Of an input position of a group in a timestep, its spikes in all channels; four times that of an output position."""
PREPARED_WEIGHT_BYTES = 16
"""Of what a rule prepares of a weight: two arrays of 32 bits, and copies on the way."""


def rows_bytes(sizes: LayerSizes) -> int:
    """Packed im2col rows of a timestep."""
    shape = sizes.shape
    return WORD_BYTES * shape.groups * sizes.input_bits * shape.P * shape.Q * -(-shape.fan_in // WORD_BITS)


def all_rows(sizes: LayerSizes) -> Need:
    """The im2col rows of all timesteps at once, and as much again for what is counted of each."""
    size = (COPIES + 1) * sizes.timesteps * rows_bytes(sizes)
    return Need(size, f"im2col rows of T = {sizes.timesteps} timesteps (T x P x Q x C x R x S)", is_kept=False)


def timesteps_together(sizes: LayerSizes, planes: int = 1, whole_bytes: int = 0) -> int:
    """Timesteps of a block of `SynapseWorkload.plane_blocks`, which has a multiple of `planes` and of all may take
    whole_bytes."""
    of_timestep = max(rows_bytes(sizes), sizes.shape.input_count)
    if sizes.timesteps * of_timestep <= whole_bytes:
        return sizes.timesteps
    multiple = planes // math.gcd(planes, sizes.input_bits)
    return min(sizes.timesteps, max(1, BLOCK_BYTES // (of_timestep * multiple)) * multiple)


def some_rows(sizes: LayerSizes, planes: int = 1, whole_bytes: int = 0) -> Need:
    """The im2col rows of such a block, and the inputs that they are made from."""
    of_timestep = COPIES * rows_bytes(sizes) + INPUT_BYTES * sizes.shape.input_count
    size = timesteps_together(sizes, planes, whole_bytes) * of_timestep
    return Need(size, "some im2col rows (P x Q x C x R x S)", is_kept=False)


def rows_in_blocks(machine: Machine, sizes: LayerSizes) -> Iterator[Need]:
    """Of a rule that takes im2col rows in blocks, and nothing else of note."""
    yield some_rows(sizes)


def groups_need(sizes: LayerSizes, group_bytes: int) -> Need:
    """What there is of every group of channels."""
    return Need(group_bytes * sizes.shape.groups, f"{sizes.shape.groups} groups of channels", is_kept=False)


def prepared_need(sizes: LayerSizes, weight_bytes: int = PREPARED_WEIGHT_BYTES) -> Need:
    """What a rule prepares of weights."""
    weights = sizes.shape.M * sizes.shape.fan_in
    return Need(weight_bytes * weights, f"what is prepared of {weights} weights")


def workload_needs(sizes: LayerSizes) -> Iterator[Need]:
    """What any rule counts: spikes by tap; some timesteps of spikes by group and place."""
    shape = sizes.shape
    taps = shape.C * shape.R * shape.S
    yield Need(TAP_BYTES * taps, f"{taps} taps of input channels (C x R x S)", is_kept=False)
    places = shape.H * shape.W + 4 * shape.P * shape.Q
    steps = min(sizes.timesteps, block_timesteps(shape.input_count))
    yield Need(SUM_BYTES * shape.groups * steps * places, "spikes of some timesteps by group and place", is_kept=False)
    yield Need(SUM_BYTES * shape.input_count, f"spikes of {shape.input_count} inputs (C x H x W)", is_kept=False)
