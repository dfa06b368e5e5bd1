"""Weight fibers: which weights an event of an input channel with a given phase can need in one PE, in storage order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spikecycle.simulator.array_types import Int64, WeightCodes
from spikecycle.simulator.formats import FiberSizes, WeightFormat, measure
from spikecycle.simulator.jit import lean_kernel
from spikecycle.traces import LayerShape

CHANNELS_TOGETHER = 64
"""Input channels that are laid together: what is read of one output channel, and written of all, stays in caches."""


@lean_kernel
def lay_fibers(
    weights: WeightCodes,
    first_own: Int64,
    own_channels: Int64,
    order: Int64,
    values_out: WeightCodes,
) -> None:
    """Copy the weights of some output channels fiber by fiber.

    weights: int8, int16 or int32 (M, C / groups · R · S). first_own, own_channels: int64 (pes_per_group, groups), the
    first output channel in a group that is a PE's own, and how many, each `pes_per_group` behind the one before.
    order: int64 (channels · R · S,), of every tap of so many input channels, its number when the taps of each are
    ordered by phase.
    values_out: of the same dtype; ordered by PE of the group, input channel, phase, tap, output channel.
    """
    pes_per_group, groups = own_channels.shape
    length = weights.shape[1]
    count = 0
    for group_pe in range(pes_per_group):
        for group in range(groups):
            own = own_channels[group_pe, group]
            for first in range(0, length, len(order)):
                number = min(len(order), length - first)
                for i in range(own):
                    some = weights[first_own[group_pe, group] + i * pes_per_group, first : first + number]
                    for tap in range(number):
                        values_out[count + i + order[tap] * own] = some[tap]
                count += number * own


@dataclass(frozen=True, eq=False)
class TileFibers:
    """The fibers of a channel tile.

    first, stop: its output channels. own_channels: int64 (pes_per_group,), how many of them each sharing PE owns.
    values: int8, int16 or int32, the smallest for its codes; starts: int64 (F + 1,); sizes: of each fiber.
    segments: int64 (F,), output channels of each tap, at least 1.
    phases: fibers of an input channel in a PE; F = pes_per_group · C · phases. longest: positions of the longest fiber.
    first_local: int64 (pes_per_group, groups), local number of the first output channel in a group.
    """

    first: int
    stop: int
    own_channels: Int64
    values: WeightCodes
    starts: Int64
    segments: Int64
    sizes: FiberSizes
    phases: int
    longest: int
    first_local: Int64

    @property
    def nbytes(self) -> int:
        """Of all arrays."""
        return (
            self.values.nbytes + self.starts.nbytes + self.segments.nbytes + self.first_local.nbytes + self.sizes.nbytes
        )


def channel_tile(
    shape: LayerShape,
    weights: WeightCodes,
    first: int,
    stop: int,
    pes_per_group: int,
    weight_format: WeightFormat,
    weight_bits: int,
) -> TileFibers:
    """Lay and measure the fibers of output channels [first, stop), `first` being one of the first of the
    `pes_per_group`.

    weights: int8, int16 or int32 (M, C / groups, R, S).
    """
    first_own, own = _owned(shape, first, stop, pes_per_group)
    taps, order = _taps_by_phase((shape.R, shape.S), shape.stride)
    values = np.empty((stop - first) * shape.fan_in, weights.dtype)
    lay_fibers(weights.reshape(shape.M, -1), first_own, own, order, values)
    own_of_channel = own.repeat(shape.C // shape.groups, axis=1).reshape(-1, 1)
    starts = np.empty(own_of_channel.size * len(taps) + 1, np.int64)
    starts[0] = 0
    (own_of_channel * taps).reshape(-1).cumsum(out=starts[1:])
    segments = np.maximum(1, own_of_channel * (taps > 0)).reshape(-1)
    return TileFibers(
        first=first,
        stop=stop,
        own_channels=np.maximum(0, -(-(stop - first - np.arange(pes_per_group)) // pes_per_group)),
        values=values,
        starts=starts,
        segments=segments,
        sizes=measure(values, starts, weight_format, weight_bits, segments),
        phases=len(taps),
        longest=int(own.max()) * int(taps.max()),
        first_local=(first_own - first) // pes_per_group,
    )


@lru_cache(maxsize=64)
def _taps_by_phase(kernel: tuple[int, int], stride: tuple[int, int]) -> tuple[Int64, Int64]:
    """int64 (phases,), taps of each, and `order` of `lay_fibers`, of a kernel of so many rows and columns. Not to be
    written to, since they are remembered: the layers of a network have few kernels."""
    rows, columns = (np.arange(taps) % step for taps, step in zip(kernel, stride, strict=True))
    phase_of_tap = np.add.outer(rows * stride[1], columns).reshape(-1)
    tap_numbers = np.argsort(np.argsort(phase_of_tap, kind="stable"))
    order = np.add.outer(np.arange(CHANNELS_TOGETHER) * tap_numbers.size, tap_numbers).reshape(-1)
    return np.bincount(phase_of_tap, minlength=stride[0] * stride[1]), order


def _owned(shape: LayerShape, first: int, stop: int, pes_per_group: int) -> tuple[Int64, Int64]:
    """int64 (pes_per_group, groups) each: the first output channel in [first, stop) and in a group that is a PE's own,
    and how many of them there are; `first` is a multiple of `pes_per_group`."""
    ends = np.arange(shape.groups + 1) * (shape.M // shape.groups)
    low, high = np.maximum(first, ends[:-1]), np.minimum(stop, ends[1:])
    first_own = low + (np.arange(pes_per_group)[:, None] - low) % pes_per_group
    return first_own, np.maximum(0, -(-(high - first_own) // pes_per_group))
