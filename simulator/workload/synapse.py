"""The workload of one synaptic operator and one sample: counts that follow from shape, weights and inputs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import numpy as np

from spikecycle.simulator.array_types import Frames, Inputs, Int32, Int64, Integers, UInt64
from spikecycle.simulator.computed_once import computed_once
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats import (
    FIBER_AXES,
    FiberSizes,
    SpikeFormat,
    WeightFormat,
    count_entries,
    measure,
    measure_rows,
)
from spikecycle.simulator.workload.axis import Windows
from spikecycle.simulator.workload.counts import add_up, sum_taps, sum_windows
from spikecycle.simulator.workload.fibers import WeightFibers, weight_fibers
from spikecycle.simulator.workload.im2col import WORD_BITS, lie_alike, pack_rows
from spikecycle.simulator.workload.spike_counts import spikes_by_place
from spikecycle.traces import LayerShape
from spikecycle.traces.frames import block_timesteps, blocks, frame_shape
from spikecycle.traces.packing import PackedSpikes

BLOCK_BYTES = 2**21
"""Of im2col rows, or of the inputs that they are made from, at a time, if they are of several timesteps: few beside a
long trace."""


class _Scan(NamedTuple):
    """Set bits of every input position, added up: see `counts.add_up`. of_step: None if it is of several blocks."""

    of_channel: Int32
    of_step: Int32 | None
    non_zeros: Int64


@dataclass(frozen=True, eq=False)
class SynapseWorkload:
    """A convolution or linear layer with the inputs of one sample. Everything is computed when asked for, once.

    The usual letters: T timesteps, P x Q output positions, K = C / groups x R x S weights of an output's fan-in, N
    output channels. The *im2col matrix* of a group has one row for each timestep and output position and one column for
    each weight of the fan-in; padding makes zeros. A value of several bits counts its set bits, as if each were a
    spike; the matrix of one bit plane is `im2col(bit)`.

    Many timesteps need not fit in memory unpacked: what goes through them all takes blocks of timesteps
    (`plane_blocks`, `row_ones_blocks`). Those that have one block keep it.

    frames: (T, C, H, W), or as many values in another shape, 0 to 2^input_bits - 1 but for their signs; a value below
    0 counts as its magnitude. weights: int32 (M, C / groups, R, S), codes of `weight_bits` bits. Raises UsageError for
    arrays of another shape or values that `input_bits` bits do not hold.
    """

    shape: LayerShape
    frames: Frames
    input_bits: int
    weights: Int32
    weight_bits: int
    windows: Windows = field(init=False)
    _packed: dict[int, UInt64] = field(init=False, default_factory=dict)
    _sizes: dict[tuple[WeightFormat, str], FiberSizes] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        found = frame_shape(self.frames)
        is_flat = self.shape.operator == "linear" and math.prod(found) == self.shape.input_count
        for name, given, expected in (
            ("inputs", self.shape.input_shape if is_flat else found, self.shape.input_shape),
            ("weights", self.weights.shape, self.shape.weight_shape),
        ):
            if given != expected:
                raise UsageError(f"{name} of a workload: found shape {given}, expected {expected}")
        if isinstance(self.frames, np.ndarray):
            self._check(self.frames)
        object.__setattr__(self, "windows", Windows.of(self.shape))

    def _check(self, values: Integers) -> None:
        most = int(values.max(initial=0))
        if most >> self.input_bits:
            raise UsageError(f"inputs of a workload: value {most} does not fit in {self.input_bits} bits")

    @property
    def inputs(self) -> Inputs:
        """uint8 or uint16 (T, C, H, W): the inputs of all timesteps, unpacked; see `blocks`."""
        return self._whole

    @property
    def input_values(self) -> int:
        """Inputs of all timesteps, T x C x H x W."""
        return self.T * self.shape.input_count

    def blocks(self, timesteps: int | None = None) -> Iterator[Inputs]:
        """uint8 or uint16 (n, C, H, W): the inputs of so many timesteps at a time, by default as many as take little
        memory."""
        if (timesteps or self._block_timesteps) >= self.T:
            yield self._whole
        else:
            yield from map(self._unsigned, blocks(self.frames, timesteps or self._block_timesteps))

    def some(self, first: int, last: int) -> Inputs:
        """uint8 or uint16 (n, C, H, W): the inputs of timesteps first to last - 1."""
        return self._unsigned(self.frames[first:last])

    @computed_once
    def _whole(self) -> Inputs:
        return self._unsigned(np.asarray(self.frames))

    @property
    def _block_timesteps(self) -> int:
        return block_timesteps(self.shape.input_count)

    def _unsigned(self, values: Integers) -> Inputs:
        """Values of at most 16 bits without their signs: what is below zero takes the bits of its magnitude."""
        unsigned = values if values.dtype.kind == "u" else np.abs(values.astype(np.int32))
        narrow = unsigned.astype(np.uint8 if values.dtype.itemsize == 1 else np.uint16, copy=False)
        return cast("Inputs", np.ascontiguousarray(narrow.reshape(len(values), *self.shape.input_shape)))

    @property
    def T(self) -> int:
        """Timesteps."""
        return len(self.frames)

    @property
    def positions(self) -> int:
        """Output positions, P x Q."""
        return self.shape.P * self.shape.Q

    @property
    def fan_in(self) -> int:
        """K, weights that reach one output neuron: columns of the im2col matrix of a group."""
        return self.shape.fan_in

    @property
    def output_channels(self) -> int:
        """N, output channels of all groups."""
        return self.shape.M

    @property
    def groups(self) -> int:
        """Groups of channels that do not mix; 1 for most layers."""
        return self.shape.groups

    @computed_once
    def _scan(self) -> _Scan:
        channels, positions = self.shape.C, self.shape.H * self.shape.W
        of_channel, non_zeros = np.zeros((channels, positions), np.int32), np.zeros(self.T, np.int64)
        of_step = None
        first = 0
        for inputs in self.blocks():
            last = first + len(inputs)
            of_step = self._add_up(inputs, of_channel, non_zeros[first:last])
            first = last
        return _Scan(of_channel, of_step if of_step is not None and of_step.shape[1] == self.T else None, non_zeros)

    @property
    def _packed_spikes(self) -> PackedSpikes | None:
        """The inputs, where they are binary and nobody has unpacked them to add them up, which another thread may."""
        return self.frames if isinstance(self.frames, PackedSpikes) and "_scan" not in self.__dict__ else None

    @computed_once
    def _ones_of_inputs(self) -> Int32:
        """int32 (C, H x W): set bits of every input, over all timesteps."""
        spikes = self._packed_spikes
        return self._scan.of_channel if spikes is None else spikes_by_place(spikes).reshape(self.shape.C, -1)

    def _add_up(self, inputs: Inputs, of_channel: Int32, non_zeros: Int64) -> Int32:
        """Sums over the channels of a group, int32 (groups, n, H x W), of some timesteps; adds to the others."""
        maps = inputs.reshape(*inputs.shape[:2], -1)
        of_step = np.zeros((self.groups, len(inputs), maps.shape[2]), np.int32)
        add_up(maps, self.groups, self.input_bits == 1, of_channel, of_step, non_zeros)
        return of_step

    @computed_once
    def non_zero_inputs(self) -> Int64:
        """int64 (T,): inputs of every timestep that are not 0."""
        spikes = self._packed_spikes
        return self._scan.non_zeros if spikes is None else spikes.counts()

    @property
    def input_spikes(self) -> int:
        """Inputs that are not 0, over all timesteps."""
        return int(self.non_zero_inputs.sum())

    @computed_once
    def input_ones(self) -> int:
        """Set bits of the inputs, over all timesteps; `input_spikes` for binary inputs."""
        return int(self._ones_of_inputs.sum(dtype=np.int64))

    @computed_once
    def tap_counts(self) -> Int64:
        """int64 (C, R, S): set bits of inputs that meet a tap of a window, over all timesteps and output positions."""
        counts = np.zeros((self.shape.C, self.shape.R, self.shape.S), np.int64)
        of_row = np.empty(self.shape.H, np.int64)
        sum_taps(self._ones_of_inputs.reshape(self.shape.input_shape), self.windows, of_row, counts)
        return counts

    @computed_once
    def input_ones_by_place(self) -> Int64:
        """int64 (C, H, W): set bits of every input, over all timesteps."""
        return self._ones_of_inputs.reshape(self.shape.input_shape).astype(np.int64)

    @computed_once
    def row_ones(self) -> Int64:
        """int64 (groups, T, P * Q): set bits of every row of the im2col matrices."""
        return np.concatenate(list(self._row_ones()), axis=1)

    def row_ones_blocks(self) -> Iterator[Int64]:
        """The same, int64 (groups, n, P * Q), some timesteps at a time."""
        if self._block_timesteps >= self.T:
            yield self.row_ones
        else:
            yield from self._row_ones()

    def _row_ones(self) -> Iterator[Int64]:
        if self._scan.of_step is not None:
            yield self._sum_windows(self._scan.of_step)
            return
        of_channel = np.zeros((self.shape.C, self.shape.H * self.shape.W), np.int32)
        for inputs in self.blocks():
            yield self._sum_windows(self._add_up(inputs, of_channel, np.zeros(len(inputs), np.int64)))

    def _sum_windows(self, of_step: Int32) -> Int64:
        groups, timesteps, _ = of_step.shape
        maps = of_step.reshape(groups * timesteps, self.shape.H, self.shape.W)
        sums = np.zeros((groups * timesteps, self.shape.P, self.shape.Q), np.int64)
        sum_windows(maps, self.windows, sums)
        return sums.reshape(groups, timesteps, self.positions)

    @property
    def im2col_ones(self) -> int:
        """Set bits of the im2col matrices, padding being 0."""
        return int(self.tap_counts.sum())

    def im2col(self, bit: int = 0) -> UInt64:
        """uint64 (groups, T, P * Q, ceil(K / 64)): the im2col matrix of one bit plane of the inputs, packed.

        Bit k mod 64 of word k div 64 is column k; columns run channel of the group, kernel row, kernel column. Bits
        from K on are 0. Raises UsageError for a bit that inputs do not have.
        """
        if not 0 <= bit < self.input_bits:
            raise UsageError(f"inputs of {self.input_bits} bits have no bit {bit}")
        if bit not in self._packed:
            self._packed[bit] = pack_rows(self._some(0, self.T), self.windows, self.groups, bit)
        return self._packed[bit]

    def bit_planes(self) -> UInt64:
        """uint64 (groups, T x input_bits, P * Q, ceil(K / 64)): the im2col matrices of all bits, packed as `im2col`.

        Plane t * input_bits + b is bit b of timestep t: machines that know only spikes take each bit as a timestep.
        """
        return _interleaved([self.im2col(bit) for bit in range(self.input_bits)])

    def plane_blocks(self, multiple: int = 1, word_major: bool = False, whole_bytes: int = 0) -> Iterator[UInt64]:
        """`bit_planes`, uint64 (groups, n, P * Q, ceil(K / 64)), some timesteps at a time; n is a multiple of
        `multiple`, but in the last block.

        word_major: where spikes come in and outputs lie as they do, the first words of all rows of a group come first
        in memory, then their second words; nothing is kept for others who ask. whole_bytes: what all may take to be
        one block.
        """
        # a multiple of timesteps whose planes are a multiple
        together = multiple // math.gcd(multiple, self.input_bits)
        of_timestep = max(self.im2col_bytes, self.shape.input_count)
        timesteps = max(1, BLOCK_BYTES // (of_timestep * together)) * together
        if timesteps >= self.T and not word_major:
            yield self.bit_planes()
            return
        if self.T * of_timestep <= whole_bytes:
            timesteps = self.T
        for first in range(0, self.T, timesteps):
            yield self.planes_of(self._some(first, min(self.T, first + timesteps)), word_major)

    def _some(self, first: int, last: int) -> Inputs | PackedSpikes:
        """Inputs of timesteps first to last - 1; spikes stay packed where nobody needs them unpacked."""
        if isinstance(self.frames, PackedSpikes) and lie_alike(self.windows):
            return PackedSpikes(self.frames.packed[first:last], self.shape.input_shape)
        return self._whole if last - first == self.T else self.some(first, last)

    def planes_of(self, inputs: Inputs | PackedSpikes, word_major: bool = False) -> UInt64:
        """`bit_planes` of some timesteps, (n, C, H, W)."""
        bits = range(self.input_bits)
        return _interleaved([pack_rows(inputs, self.windows, self.groups, bit, word_major) for bit in bits])

    @property
    def im2col_bytes(self) -> int:
        """Of the packed im2col rows of a timestep, all groups and bits together."""
        return 8 * self.groups * self.input_bits * self.positions * -(-self.fan_in // WORD_BITS)

    @computed_once
    def non_zero_weights(self) -> Int64:
        """int64 (C, R, S): weights that are not 0 at every input channel and tap, over the group's output channels."""
        return non_zero_weights(self.shape, self.weights)

    @property
    def synaptic_operations(self) -> int:
        """Weights that are not 0, once for every set bit that they meet."""
        return self.operations_with(self.non_zero_weights)

    def operations_with(self, non_zero_weights: Int64) -> int:
        """The same for those who have counted the weights already."""
        return int(np.vdot(self.tap_counts, non_zero_weights))

    @property
    def dense_synaptic_operations(self) -> int:
        """Every weight, for every output neuron and timestep."""
        return self.T * self.shape.dense_sops_per_timestep

    def weight_fibers(self, axis: str) -> WeightFibers:
        """The weights as fibers along a named axis; see `spikecycle.simulator.workload.fibers`."""
        return weight_fibers(self.weights, self.groups, axis)

    def weight_sizes(self, weight_format: WeightFormat, axis: str) -> FiberSizes:
        """What the fibers along an axis take in a format, fiber by fiber; UsageError if it cannot store them."""
        if (weight_format, axis) not in self._sizes:
            fibers = self.weight_fibers(axis)
            problem = weight_format.accepts(fibers.values, fibers.starts, FIBER_AXES[axis])
            if problem is not None:
                raise UsageError(f"weight format {weight_format.name!r}: {problem}")
            self._sizes[weight_format, axis] = measure(*fibers, weight_format, self.weight_bits)
        return self._sizes[weight_format, axis]

    def weight_bits_in(self, weight_format: WeightFormat, axis: str) -> int:
        """Bits that all weights take in a format, as fibers along an axis that follow each other without gaps."""
        sizes = self.weight_sizes(weight_format, axis)
        return int(sizes.stored_bits.sum()) + sizes.offsets_bits + sizes.table_bits

    def spike_bits_in(self, spike_format: SpikeFormat, word_bits: int = 1) -> int:
        """Bits that the inputs take in a format, each timestep in whole words of `word_bits` bits.

        In a format that stores all timesteps together: rows of the channels at each place of the map, in whole words.
        """
        positions = self.shape.input_count
        if spike_format.scope == "window":
            rows = self.inputs.transpose(0, 2, 3, 1).reshape(self.T, -1, self.shape.C)
            sizes = measure_rows(rows, spike_format, self.input_bits)
            return int((-(-sizes.bits // word_bits)).sum()) * word_bits + sizes.pointer_bits
        layout = spike_format.layout(positions, self.input_bits, word_bits)
        if spike_format.sized_by_count:
            entries = [spike_format.entries(positions, non_zeros) for non_zeros in self.non_zero_inputs.tolist()]
        else:
            entries = [
                count_entries(values, layout) for some in self.blocks() for values in some.reshape(len(some), -1)
            ]
        return sum(layout.words(count) for count in entries) * word_bits


def non_zero_weights(shape: LayerShape, weights: Int32) -> Int64:
    """int64 (C, R, S): weights (M, C / groups, R, S) that are not 0, over the output channels of a group."""
    by_group = weights.reshape(shape.groups, shape.M // shape.groups, *shape.weight_shape[1:])
    return np.asarray(np.count_nonzero(by_group, axis=1), np.int64).reshape(shape.C, shape.R, shape.S)


def _interleaved(planes: Sequence[UInt64]) -> UInt64:
    """Bit planes (groups, n, P * Q, words) as one array, those of a timestep side by side."""
    if len(planes) == 1:
        return planes[0]
    groups, _, positions, words = planes[0].shape
    return np.stack(planes, axis=2).reshape(groups, -1, positions, words)
