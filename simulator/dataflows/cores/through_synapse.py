"""Whom the values that enter a synapse reach, by its windows, its weights, and where the neurons behind it are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int32, Int64
from spikecycle.simulator.dataflows.cores.fan_out import FanOut
from spikecycle.simulator.dataflows.cores.placement import CoreRanks
from spikecycle.simulator.jit import kernel, lean_kernel
from spikecycle.simulator.workload import WindowAxis, Windows
from spikecycle.traces import LayerShape, Synapse

FIRST_ROOM = 1024
"""Entries that a table has room for at first; it doubles when they are used up."""


@dataclass(frozen=True, eq=False)
class ThroughSynapse:
    """Values that pass a synapse. ranks: where the neurons behind it are. skips_zeros: whether weights of 0 are no
    synapses."""

    synapse: Synapse
    ranks: CoreRanks
    skips_zeros: bool

    @property
    def most(self) -> int:
        """See `most_reached`."""
        return most_reached(self.synapse.shape, self.ranks)

    @property
    def different(self) -> int:
        """The places of a channel, if all channels go to the same outputs, whatever their weights."""
        shape = self.synapse.shape
        return shape.H * shape.W if shape.groups == 1 and not self.skips_zeros else shape.input_count

    def of(self, values: Int64) -> FanOut:
        """See `Projection`."""
        shape = self.synapse.shape
        starts = np.zeros(len(values) + 1, np.int64)
        found, counts = connect(
            values, self._weights, Windows.of(shape), (shape.C, shape.H, shape.W), shape.groups, self.ranks, starts
        )
        return FanOut(starts, found, counts)

    @cached_property
    def _weights(self) -> ChannelRuns:
        return ChannelRuns.of(self.synapse, self.ranks, self.skips_zeros)


def most_reached(shape: LayerShape, ranks: CoreRanks) -> int:
    """Cores that a value reaches at most through a synapse of this shape."""
    rows, columns = (
        _outputs_met(taps, stride, dilation)
        for taps, stride, dilation in zip((shape.R, shape.S), shape.stride, shape.dilation, strict=True)
    )
    channels, per_core = shape.M // shape.groups, ranks.per_core
    if ranks.channel_rank == 1:  # channels of a place follow each other, and so do places of a row
        along = min(columns.most * _touched(channels, per_core), _touched(columns.span * ranks.channels, per_core))
        found = rows.most * along
    else:
        of_channel = min(
            rows.most * min(columns.most, _touched(columns.span, per_core)),
            _touched((rows.span - 1) * shape.Q + columns.span, per_core),
        )
        found = min(channels * of_channel, _touched(channels * ranks.places, per_core))
    return min(found, ranks.cores)


class _Met(NamedTuple):
    """Outputs along an axis that an input meets at most, and from the first to the last of them."""

    most: int
    span: int


def _outputs_met(taps: int, stride: int, dilation: int) -> _Met:
    span = (taps - 1) * dilation // stride + 1
    return _Met(min(taps, span), span)


def _touched(neurons: int, per_core: int) -> int:
    """Cores that so many neurons in a row lie on at most."""
    return (neurons + per_core - 2) // per_core + 1


class ChannelRuns(NamedTuple):
    """How many synapses a tap has to the output channels that lie on the same core, as kernels take it.

    Wherever a core ends within the channels of some place, or a group does, there is a cut. cut: int32 (M + 1,), number
    of the cut ahead of a channel. until: int32 (C / groups, R, S, cuts), synapses to the channels ahead of each cut;
    (1, 1, 1, cuts) where they are all channels.
    """

    cut: Int32
    until: Int32

    @classmethod
    def of(cls, synapse: Synapse, ranks: CoreRanks, skips_zeros: bool) -> ChannelRuns:
        """Those of a synapse."""
        shape = synapse.shape
        cuts = cut_channels(ranks, shape.groups)
        cut = np.searchsorted(cuts, np.arange(shape.M + 1)).astype(np.int32)
        if not skips_zeros:
            return cls(cut, cuts.astype(np.int32).reshape(1, 1, 1, -1))
        codes = synapse.codes()
        until = np.zeros((*codes.shape[1:], len(cuts)), np.int32)
        passed = np.zeros(codes.shape[1:], np.int32)
        for number, (first, stop) in enumerate(pairwise(cuts)):
            passed += np.count_nonzero(codes[first:stop], axis=0).astype(np.int32)
            until[..., number + 1] = passed
        return cls(cut, until)


def whole_channels(ranks: CoreRanks) -> bool:
    """Whether neurons are placed channel by channel, and every core has whole channels only."""
    return ranks.channel_rank > 1 and ranks.per_core % ranks.channel_rank == 0


def cut_channels(ranks: CoreRanks, groups: int) -> Int64:
    """Output channels ahead of which a core may end, int64 ascending, with 0 and M and where groups end; all of them
    where neurons are placed channel by channel, unless cores have whole channels."""
    if ranks.channel_rank > 1 and not whole_channels(ranks):
        return np.arange(ranks.channels + 1)
    first = np.arange(1, ranks.cores) * ranks.per_core  # rank on each core
    inside = first % ranks.channels if ranks.channel_rank == 1 else first // ranks.channel_rank
    of_groups = np.arange(groups + 1) * (ranks.channels // groups)
    return np.unique(np.concatenate([inside, of_groups]))


@kernel
def connect(
    values: Int64,
    weights: ChannelRuns,
    windows: Windows,
    input_shape: tuple[int, int, int],
    groups: int,
    ranks: CoreRanks,
    starts_out: Int64,
) -> tuple[Int32, Int64]:
    """The cores that values (C, H, W) reach, ascending, and the synapses there, int32 and int64 (entries,).

    values: int64 (n,), flat indices. starts_out: int64 (n + 1,), all zeros.
    """
    channels, height, width = input_shape
    group_outputs = ranks.channels // groups
    last_c, last_r, last_s = weights.until.shape[0] - 1, weights.until.shape[1] - 1, weights.until.shape[2] - 1
    cuts = weights.until.shape[3]
    cores, counts = np.empty(FIRST_ROOM, np.int32), np.empty(FIRST_ROOM, np.int64)
    places = np.empty(windows.rows.taps * windows.columns.taps, np.int64)
    tap_starts = np.empty_like(places)
    of_tap = group_outputs if ranks.channel_rank > 1 else (group_outputs - 1) // ranks.per_core + 2
    whole = ranks.channel_rank > 1 and ranks.per_core % ranks.channel_rank == 0
    sums, core_of_cut = np.zeros(cuts, np.int32), np.zeros(cuts, np.int32)
    for m in range(ranks.channels if whole else 0):
        if weights.cut[m] < weights.cut[m + 1]:
            core_of_cut[weights.cut[m]] = ranks.first_core + m * ranks.channel_rank // ranks.per_core
    rows_met, columns_met = outputs_met(windows.rows), outputs_met(windows.columns)
    entries = 0
    for i in range(len(values)):
        c, place = divmod(values[i], height * width)
        h, w = divmod(place, width)
        taps = 0
        for r in range(windows.rows.taps - 1, -1, -1):  # so that places ascend
            p = rows_met[h, r]
            if p < 0:
                continue
            for s in range(windows.columns.taps - 1, -1, -1):
                q = columns_met[w, s]
                if q >= 0:
                    places[taps] = p * windows.columns.outputs + q
                    tap_starts[taps] = (min(r, last_r) * (last_s + 1) + min(s, last_s)) * cuts
                    taps += 1
        while entries + min(taps * of_tap, ranks.cores) > len(cores):
            cores = np.concatenate((cores, np.empty_like(cores)))
            counts = np.concatenate((counts, np.empty_like(counts)))
        group, c = divmod(c, channels // groups)
        first = group * group_outputs
        until = weights.until[min(c, last_c)].reshape(-1)
        if whole:
            begin, end = weights.cut[first], weights.cut[first + group_outputs]
            entries += reach_whole_channels(
                until, tap_starts[:taps], begin, end, core_of_cut, sums, cores[entries:], counts[entries:]
            )
        else:
            entries += reach_cores(
                until, weights.cut, places[:taps], tap_starts, first, first + group_outputs, ranks, cores[entries:],
                counts[entries:],
            )  # fmt: skip
        starts_out[i + 1] = entries
    return cores[:entries].copy(), counts[:entries].copy()


@lean_kernel
def reach_whole_channels(
    until: Int32,
    taps: Int64,
    begin: int,
    end: int,
    core_of_cut: Int32,
    sums: Int32,
    cores_out: Int32,
    counts_out: Int64,
) -> int:
    """`reach_cores`, where every core has whole channels, so that it does not matter which places are met.

    begin, end: cuts of the value's group. core_of_cut: int32 (cuts,), the core of the channels behind a cut. sums:
    int32 (cuts,), room for the synapses of all taps to the channels ahead of each cut.
    """
    ahead = sums[begin : end + 1]
    ahead[:] = 0
    for tap in taps:
        of_tap = until[tap + begin : tap + end + 1]
        for cut in range(len(ahead)):
            ahead[cut] += of_tap[cut]
    found = 0
    for cut in range(len(ahead) - 1):
        count = ahead[cut + 1] - ahead[cut]
        if count > 0:
            core = core_of_cut[begin + cut]
            if found == 0 or cores_out[found - 1] != core:
                cores_out[found], counts_out[found] = core, 0
                found += 1
            counts_out[found - 1] += count
    return found


@kernel
def outputs_met(axis: WindowAxis) -> Int64:
    """The output whose window has an input at a tap, or -1: int64 (inputs, taps)."""
    met = np.empty((axis.inputs, axis.taps), np.int64)
    for position in range(axis.inputs):
        for tap in range(axis.taps):
            output, rest = divmod(position + axis.padding - tap * axis.dilation, axis.stride)
            met[position, tap] = output if rest == 0 and 0 <= output < axis.outputs else -1
    return met


@lean_kernel
def reach_cores(
    until: Int32,
    cut: Int32,
    places: Int64,
    taps: Int64,
    begin: int,
    end: int,
    ranks: CoreRanks,
    cores_out: Int32,
    counts_out: Int64,
) -> int:
    """The entries of one value, whose taps meet places, ascending: int32 and int64 (room,). Returns how many there are.

    until: int32 (R x S x cuts,), that of the value's channel. taps: int64, where each tap begins there. begin, end:
    output channels that it has synapses to. Neurons are gone through by rank: those on the same core follow each other.
    """
    if ranks.channel_rank == 1:
        return reach_by_place(until, cut, places, taps, begin, end, ranks, cores_out, counts_out)
    found = 0
    core_end = 0  # first rank that is not on the core of the last entry
    tap, m = 0, begin
    while m < end and tap < len(places):
        rank = places[tap] + m * ranks.channel_rank
        # channels of which no place that is met lies on another core than this one
        here = ranks.per_core - rank % ranks.per_core - (places[-1] - places[tap])
        stop = min(end, m + (here + ranks.channel_rank - 1) // ranks.channel_rank) if tap == 0 else m
        count = 0
        if stop > m:
            for each in range(len(places)):
                count += until[taps[each] + cut[stop]] - until[taps[each] + cut[m]]
            m = stop
        else:
            count = until[taps[tap] + cut[m + 1]] - until[taps[tap] + cut[m]]
            tap += 1
            if tap == len(places):
                tap, m = 0, m + 1
        if count > 0:
            if rank >= core_end:
                core = rank // ranks.per_core
                cores_out[found] = ranks.first_core + core
                counts_out[found] = 0
                core_end = (core + 1) * ranks.per_core
                found += 1
            counts_out[found - 1] += count
    return found


@lean_kernel
def reach_by_place(
    until: Int32,
    cut: Int32,
    places: Int64,
    taps: Int64,
    begin: int,
    end: int,
    ranks: CoreRanks,
    cores_out: Int32,
    counts_out: Int64,
) -> int:
    """`reach_cores`, where the channels of a place follow each other."""
    found = 0
    core, core_end = -1, 0  # of the last channels, and the first rank that is not on it
    last = -1  # core of the last entry
    for tap in range(len(places)):
        m, first = begin, places[tap] * ranks.place_rank
        while m < end:
            if first + m >= core_end:
                core = (first + m) // ranks.per_core
                core_end = (core + 1) * ranks.per_core
            stop = min(end, core_end - first)
            count = until[taps[tap] + cut[stop]] - until[taps[tap] + cut[m]]
            m = stop
            if count > 0:
                if core != last:
                    last = core
                    cores_out[found] = ranks.first_core + core
                    counts_out[found] = 0
                    found += 1
                counts_out[found - 1] += count
    return found
