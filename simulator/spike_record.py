"""When a stage takes and puts out spikes: counts by timestep over all samples, and a raster of the first sample."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from spikecycle.simulator.array_types import Frames, Int64, Integers
from spikecycle.simulator.result import SpikeRaster
from spikecycle.simulator.workload.words import row_ones
from spikecycle.traces.frames import ComputedFrames, blocks
from spikecycle.traces.packing import PackedSpikes

MOST_NEURONS = 48
"""Neurons of a raster: as many rows as a chart can show one by one."""
MOST_TIMESTEPS = 400
"""Timesteps of a raster."""
LEAST_BYTES = 2**13
"""Of packed spikes that are worth a kernel. NumPy gives Python's lock up to count so many; to load a kernel takes
milliseconds, which traces of small maps need not wait for."""


@dataclass(frozen=True, eq=False)
class OutputSpikes:
    """What a stage put out in one sample.

    counts: values that are not zero, by timestep, int64 (T,). neurons: how many there are. raster: if asked for.
    """

    counts: Int64
    neurons: int
    raster: SpikeRaster | None

    @classmethod
    def of(cls, values: Frames, sample: int, with_raster: bool) -> OutputSpikes:
        """Of (T, C, H, W), the sample with this index."""
        raster = raster_of(values, sample) if with_raster else None
        return cls(by_timestep(values), math.prod(values.shape[-3:]), raster)


@dataclass(eq=False)
class SpikeRecord:
    """Values that are not zero, by timestep, int64 (T,), and which neurons of the first sample put them out."""

    inputs: Int64 = field(default_factory=lambda: np.zeros(0, np.int64))
    outputs: Int64 = field(default_factory=lambda: np.zeros(0, np.int64))
    neurons: int = 0
    raster: SpikeRaster | None = None

    def add_input(self, counts: Int64) -> int:
        """Values that are not 0, int64 (T,), of a tensor that the stage takes, of one sample; returns their sum."""
        self.inputs = _sum(self.inputs, counts)
        return int(counts.sum())

    def add_output(self, outputs: OutputSpikes) -> int:
        """What the stage puts out, of one sample, the first one with its raster; returns the sum."""
        self.outputs = _sum(self.outputs, outputs.counts)
        self.neurons = outputs.neurons
        self.raster = self.raster or outputs.raster
        return int(outputs.counts.sum())


def by_timestep(values: Frames) -> Int64:
    """int64 (T,): values that are not zero in each timestep of (T, ...)."""
    if isinstance(values, PackedSpikes):
        return _set_bits(values)
    if isinstance(values, ComputedFrames):  # as they are made, in whatever order they lie in memory: no copy
        return np.array([np.count_nonzero(frame.ravel(order="K")) for frame in values], np.int64)
    # NumPy counts a whole array many times faster than along an axis
    return np.array([np.count_nonzero(frame) for block in blocks(values) for frame in block], np.int64)


def _set_bits(spikes: PackedSpikes) -> Int64:
    """int64 (T,): spikes of each timestep; of many bytes by a kernel, which takes a tenth of NumPy's time."""
    packed = spikes.packed
    if packed.nbytes < LEAST_BYTES or packed.shape[1] % np.uint64().itemsize or not packed.flags.c_contiguous:
        return spikes.counts()
    counts = np.empty(len(packed), np.int64)
    row_ones(packed.view(np.uint64), counts)
    return counts


def raster_of(values: Frames, sample: int) -> SpikeRaster:
    """Of (T, C, H, W), MOST_NEURONS neurons at most, evenly spaced, and the first MOST_TIMESTEPS timesteps."""
    count = math.prod(values.shape[-3:])
    shown = min(count, MOST_NEURONS)
    neurons = [index * count // shown for index in range(shown)]
    if isinstance(values, PackedSpikes):
        frames: Integers = values.of_positions(np.array(neurons))[:MOST_TIMESTEPS]
    else:
        frames = values[:MOST_TIMESTEPS].reshape(-1, count)[:, neurons]
    digits = ((frames != 0).T + np.uint8(ord("0"))).tobytes().decode("ascii")
    rows = [digits[first : first + len(frames)] for first in range(0, len(digits), len(frames))]
    return SpikeRaster(sample=sample, neurons=neurons, rows=rows)


def _sum(one: Int64, other: Int64) -> Int64:
    return one + other if len(one) else other
