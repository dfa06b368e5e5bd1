"""Weight fibers: which weights an event of an input channel with a given phase can need in one PE, in storage order."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spikecycle.simulator.array_types import Int64, WeightCodes
from spikecycle.simulator.formats import FiberSizes, WeightFormat, measure
from spikecycle.simulator.jit import lean_kernel
from spikecycle.traces import LayerShape


@lean_kernel
def lay_fibers(
    weights: WeightCodes,
    channels: int,
    first: int,
    stop: int,
    pes_per_group: int,
    stride_rows: int,
    stride_columns: int,
    values_out: WeightCodes,
    starts_out: Int64,
) -> None:
    """Copy the weights of output channels [first, stop) fiber by fiber.

    weights: int8, int16 or int32 (C / groups, R, S, M); channels: C. pes_per_group: PEs among which output channels are
    dealt out.
    values_out: of the same dtype, ((stop - first) · C / groups · R · S,). starts_out: int64 (pes_per_group · C ·
    stride_rows · stride_columns + 1,); fibers are ordered by PE of the group, input channel, phase row, phase column.
    """
    group_inputs, taps_rows, taps_columns, outputs = weights.shape
    group_outputs = outputs * group_inputs // channels
    count = 0
    fiber = 0
    starts_out[0] = 0
    for group_pe in range(pes_per_group):
        for channel in range(channels):
            group = channel // group_inputs
            low = max(first, group * group_outputs)
            high = min(stop, (group + 1) * group_outputs)
            own = low + (group_pe - low) % pes_per_group
            for phase_row in range(stride_rows):
                for phase_column in range(stride_columns):
                    for r in range(phase_row, taps_rows, stride_rows):
                        for s in range(phase_column, taps_columns, stride_columns):
                            for m in range(own, high, pes_per_group):
                                values_out[count] = weights[channel - group * group_inputs, r, s, m]
                                count += 1
                    fiber += 1
                    starts_out[fiber] = count


@dataclass(frozen=True, eq=False)
class TileFibers:
    """The fibers of a channel tile.

    first, stop: its output channels. own_channels: int64 (pes_per_group,), how many of them each sharing PE owns.
    values: int8, int16 or int32, the smallest for its codes; starts: int64 (F + 1,); sizes: of each fiber.
    segments: int64 (F,), output channels of each tap.
    phases: fibers of an input channel in a PE; F = pes_per_group · C · phases.
    first_local: int64 (pes_per_group, C), local number of the first output channel in an input channel's group.
    """

    first: int
    stop: int
    own_channels: Int64
    values: WeightCodes
    starts: Int64
    segments: Int64
    sizes: FiberSizes
    phases: int
    first_local: Int64

    @property
    def channels(self) -> int:
        """Output channels."""
        return self.stop - self.first

    @property
    def is_laid(self) -> bool:
        """Whether the values are there."""
        return self.values.size > 0

    def sizes_alone(self) -> TileFibers:
        """The tile without its values."""
        return replace(self, values=self.values[:0].copy())

    @property
    def stored_bits(self) -> Int64:
        """int64 (pes_per_group, C, phases), bits of each fiber."""
        return self.sizes.stored_bits.reshape(len(self.own_channels), -1, self.phases)

    @property
    def longest(self) -> int:
        """Positions of the longest fiber."""
        return int(np.diff(self.starts).max())


def channel_tile(
    shape: LayerShape,
    by_output: WeightCodes,
    first: int,
    stop: int,
    pes_per_group: int,
    weight_format: WeightFormat,
    weight_bits: int,
) -> TileFibers:
    """Lay and measure the fibers of output channels [first, stop), `first` being one of the first of the
    `pes_per_group`.

    by_output: int8, int16 or int32 (C / groups, R, S, M).
    """
    phases = shape.stride[0] * shape.stride[1]
    values = np.zeros((stop - first) * shape.fan_in, by_output.dtype)
    starts = np.zeros(pes_per_group * shape.C * phases + 1, dtype=np.int64)
    lay_fibers(by_output, shape.C, first, stop, pes_per_group, shape.stride[0], shape.stride[1], values, starts)
    taps = np.outer(_taps_by_phase(shape.R, shape.stride[0]), _taps_by_phase(shape.S, shape.stride[1])).reshape(-1)
    segments = np.maximum(1, np.diff(starts) // np.maximum(1, np.tile(taps, pes_per_group * shape.C)))
    sizes = measure(values, starts, weight_format, weight_bits, segments)
    return TileFibers(
        first=first,
        stop=stop,
        own_channels=np.maximum(0, -(-(stop - first - np.arange(pes_per_group)) // pes_per_group)),
        values=values,
        starts=starts,
        segments=segments,
        sizes=sizes,
        phases=phases,
        first_local=_first_local(shape, first, pes_per_group),
    )


def _first_local(shape: LayerShape, first: int, pes_per_group: int) -> Int64:
    """int64 (pes_per_group, C): see `TileFibers`; `first` is a multiple of `pes_per_group`."""
    if shape.groups == 1:  # the first channel of every PE is its own first
        return np.zeros((pes_per_group, shape.C), np.int64)
    groups = np.arange(shape.C) // (shape.C // shape.groups)
    low = np.maximum(first, groups * (shape.M // shape.groups))
    own = low + (np.arange(pes_per_group)[:, None] - low) % pes_per_group
    return np.asarray((own - first) // pes_per_group, np.int64)


def _taps_by_phase(taps: int, stride: int) -> Int64:
    """int64 (stride,): taps phase, phase + stride, ... of a kernel's axis."""
    return np.array([len(range(phase, taps, stride)) for phase in range(stride)], dtype=np.int64)
