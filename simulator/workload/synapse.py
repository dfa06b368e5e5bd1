"""The workload of one synaptic operator and one sample: counts that follow from shape, weights and inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Inputs, Int32, Int64, UInt64
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
from spikecycle.simulator.workload.im2col import pack_rows
from spikecycle.traces import LayerShape


class _Scan(NamedTuple):
    """Set bits of every input position, added up: see `counts.add_up`."""

    of_channel: Int32
    of_step: Int32
    non_zeros: Int64


@dataclass(frozen=True, eq=False)
class SynapseWorkload:
    """A convolution or linear layer with the inputs of one sample. Everything is computed when asked for, once.

    The usual letters: T timesteps, P x Q output positions, K = C / groups x R x S weights of an output's fan-in, N
    output channels. The *im2col matrix* of a group has one row for each timestep and output position and one column for
    each weight of the fan-in; padding makes zeros. A value of several bits counts its set bits, as if each were a
    spike; the matrix of one bit plane is `im2col(bit)`.

    inputs: uint8 or uint16 (T, C, H, W), 0 to 2^input_bits - 1. weights: int32 (M, C / groups, R, S), codes of
    `weight_bits` bits. Raises UsageError for arrays of another shape or values that `input_bits` bits do not hold.
    """

    shape: LayerShape
    inputs: Inputs
    input_bits: int
    weights: Int32
    weight_bits: int
    windows: Windows = field(init=False)
    _packed: dict[int, UInt64] = field(init=False, default_factory=dict)
    _sizes: dict[tuple[WeightFormat, str], FiberSizes] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name, found, expected in (
            ("inputs", self.inputs.shape[1:], self.shape.input_shape),
            ("weights", self.weights.shape, self.shape.weight_shape),
        ):
            if found != expected:
                raise UsageError(f"{name} of a workload: found shape {found}, expected {expected}")
        most = int(self.inputs.max(initial=0))
        if most >> self.input_bits:
            raise UsageError(f"inputs of a workload: value {most} does not fit in {self.input_bits} bits")
        object.__setattr__(self, "inputs", np.ascontiguousarray(self.inputs))
        object.__setattr__(self, "windows", Windows.of(self.shape))

    @property
    def T(self) -> int:
        """Timesteps."""
        return len(self.inputs)

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

    @cached_property
    def _scan(self) -> _Scan:
        channels, height, width = self.shape.input_shape
        maps = self.inputs.reshape(self.T, channels, height * width)
        scan = _Scan(
            np.zeros((channels, height * width), np.int32),
            np.zeros((self.groups, self.T, height * width), np.int32),
            np.zeros(self.T, np.int64),
        )
        add_up(maps, self.groups, self.input_bits == 1, *scan)
        return scan

    @cached_property
    def non_zero_inputs(self) -> Int64:
        """int64 (T,): inputs of every timestep that are not 0."""
        return self._scan.non_zeros

    @property
    def input_spikes(self) -> int:
        """Inputs that are not 0, over all timesteps."""
        return int(self.non_zero_inputs.sum())

    @cached_property
    def input_ones(self) -> int:
        """Set bits of the inputs, over all timesteps; `input_spikes` for binary inputs."""
        return int(self._scan.of_channel.sum(dtype=np.int64))

    @cached_property
    def tap_counts(self) -> Int64:
        """int64 (C, R, S): set bits of inputs that meet a tap of a window, over all timesteps and output positions."""
        counts = np.zeros((self.shape.C, self.shape.R, self.shape.S), np.int64)
        sum_taps(self._scan.of_channel.reshape(self.shape.input_shape), self.windows, counts)
        return counts

    @cached_property
    def row_ones(self) -> Int64:
        """int64 (groups, T, P * Q): set bits of every row of the im2col matrices."""
        maps = self._scan.of_step.reshape(self.groups * self.T, self.shape.H, self.shape.W)
        sums = np.zeros((self.groups * self.T, self.shape.P, self.shape.Q), np.int64)
        sum_windows(maps, self.windows, sums)
        return sums.reshape(self.groups, self.T, self.positions)

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
            self._packed[bit] = pack_rows(self.inputs, self.windows, self.groups, bit)
        return self._packed[bit]

    def bit_planes(self) -> UInt64:
        """uint64 (groups, T x input_bits, P * Q, ceil(K / 64)): the im2col matrices of all bits, packed as `im2col`.

        Plane t * input_bits + b is bit b of timestep t: machines that know only spikes take each bit as a timestep.
        """
        planes = [self.im2col(bit) for bit in range(self.input_bits)]
        if len(planes) == 1:
            return planes[0]
        groups, _, positions, words = planes[0].shape
        return np.stack(planes, axis=2).reshape(groups, -1, positions, words)

    @cached_property
    def non_zero_weights(self) -> Int64:
        """int64 (C, R, S): weights that are not 0 at every input channel and tap, over the group's output channels."""
        group_outputs = self.shape.M // self.groups
        by_group = self.weights.reshape(self.groups, group_outputs, *self.shape.weight_shape[1:])
        shape = (self.shape.C, self.shape.R, self.shape.S)
        return np.asarray(np.count_nonzero(by_group, axis=1), np.int64).reshape(shape)

    @property
    def synaptic_operations(self) -> int:
        """Weights that are not 0, once for every set bit that they meet."""
        return int((self.tap_counts * self.non_zero_weights).sum())

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
            entries = [count_entries(values, layout) for values in self.inputs.reshape(self.T, -1)]
        return sum(layout.words(count) for count in entries) * word_bits
