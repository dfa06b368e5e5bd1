"""A layer's weights as streams: one fiber for each filter and channel fold, in the machine's weight format."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import cast

import numpy as np

from spikecycle.simulator.array_types import Bools, Int32, Int64, WeightCodes
from spikecycle.simulator.dataflows.base import WeightStorage
from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.formats import NAMED_AXES, FiberAxes, FiberSizes, WeightFormat, measure
from spikecycle.simulator.formats.bits import bits_for
from spikecycle.simulator.formats.sizes import offset_bits

FIBER_AXES = FiberAxes(("input_channel", "kernel_row", "kernel_column"), reorderable=True)
"""A fiber goes to the pads as a whole, and each weight finds its own by its position."""


def fold_starts(layer_items: int, group_items: int, fold_items: int) -> list[int]:
    """Where folds of `fold_items` begin, when each group of `group_items` begins a fold of its own."""
    return [
        group + start
        for group in range(0, layer_items, group_items)
        for start in range(0, group_items, min(fold_items, group_items))
    ]


FIBERS_AT_ONCE = 2**14
"""That are measured together: their sizes take some 0.1 KB each meanwhile."""


@dataclass(frozen=True, eq=False)
class _Measured:
    """All fibers of channel folds of a size.

    stored_bits: int32 or int64 (M, channel folds). payload_bits, metadata_bits, offsets_bits: of all together.
    """

    stored_bits: Int32 | Int64
    payload_bits: int
    metadata_bits: int
    offsets_bits: int


@dataclass
class WeightStreams:
    """Sizes of a layer's fibers, by the size of a channel fold; those of the last size that was asked for are kept.

    zeros_left_out: whether zeros of values in place stay in DRAM, where the format tells that they are zeros.
    mask_bits: bits that each position of a mask takes. coordinate_bits: bits that a coordinate takes at least.
    entries_expected: whether coordinates and runs are as many as the layer's density makes one expect, not as stored;
    coordinates have exactly `coordinate_bits` then. word_bits: bits that a weight takes in DRAM at least.
    """

    task: LayerTask
    weight_format: WeightFormat
    zeros_left_out: bool = False
    mask_bits: int = 1
    coordinate_bits: int = 0
    entries_expected: bool = False
    word_bits: int = 1
    _last: tuple[int, _Measured] | None = None
    _refusals: dict[int, str | None] = field(default_factory=dict)
    _fold_bits: dict[tuple[int, int], Int64] = field(default_factory=dict)

    @property
    def value_bits(self) -> int:
        """Bits of a weight that is stored as a plain value."""
        return max(self.task.weight_bits, self.word_bits)

    def sizes(self, fold_channels: int) -> FiberSizes:
        """The fibers of all filters, channel folds of a filter in turn."""
        weights = self.task.weights
        return self._sizes(min(fold_channels, weights.shape[1]), weights)[0]

    def _measured(self, fold_channels: int) -> _Measured:
        """The same, some filters at a time, and of each fiber no more than what it takes."""
        weights = self.task.weights
        fold_channels = min(fold_channels, weights.shape[1])  # larger folds have the same fibers
        if self._last is None or self._last[0] != fold_channels:
            self._last = None
            folds = -(-weights.shape[1] // fold_channels)
            narrow = 2 * self.value_bits * math.prod(weights.shape[1:]) < 2**30
            stored_bits = np.zeros((len(weights), folds), np.int32 if narrow else np.int64)
            payload_bits = metadata_bits = entries = 0
            together = max(1, FIBERS_AT_ONCE // folds)
            for first in range(0, len(weights), together):
                sizes, of_format = self._sizes(fold_channels, weights[first : first + together])
                stored_bits[first : first + together] = sizes.stored_bits.reshape(-1, folds)
                payload_bits += int(sizes.payload_bits.sum())
                metadata_bits += int(sizes.metadata_bits.sum())
                entries += of_format
            offsets_bits = (stored_bits.size + 1) * offset_bits(entries) if self._has_offsets else 0
            self._last = fold_channels, _Measured(stored_bits, payload_bits, metadata_bits, offsets_bits)
        return self._last[1]

    @property
    def _has_offsets(self) -> bool:
        """Whether fibers are found by offsets that are counted for all of them together."""
        left_out = self.zeros_left_out and self.weight_format.values == "in_place"
        return self.weight_format.offset_pairs and not left_out

    def _sizes(self, fold_channels: int, weights: WeightCodes) -> tuple[FiberSizes, int]:
        """The fibers of some filters, (filters, C/groups, R, S), and their entries in the format alone."""
        values, starts, segments = self._fibers(fold_channels, weights)
        sizes = measure(values, starts, self.weight_format, self.value_bits, segments)
        entries = int(sizes.entries.sum())
        non_zeros, lengths = np.add.reduceat(values != 0, starts[:-1]), np.diff(starts)
        if self.zeros_left_out and self.weight_format.values == "in_place":
            sizes = self._without_zeros(sizes, non_zeros, lengths)
        elif self.entries_expected and self.weight_format.values == "packed":
            sizes = self._as_expected(sizes, non_zeros, lengths)
        added_bits = self._added_metadata_bits(sizes) * (sizes.stored_bits > 0)
        sizes = replace(
            sizes, metadata_bits=sizes.metadata_bits + added_bits, stored_bits=sizes.stored_bits + added_bits
        )
        return sizes, entries

    def refusal(self, fold_channels: int) -> str | None:
        """Why the format cannot store the fibers of channel folds of this size, or None if it can."""
        fold_channels = min(fold_channels, self.task.weights.shape[1])
        if fold_channels not in self._refusals:
            problem = self.weight_format.refused_axes(FIBER_AXES)
            if problem is None:
                values, starts, segments = self._fibers(fold_channels, self.task.weights)
                problem = self.weight_format.accepts(values, starts, FIBER_AXES, segments)
            self._refusals[fold_channels] = problem and f"weight format {self.weight_format.name!r}: {problem}"
        return self._refusals[fold_channels]

    def _fibers(self, fold_channels: int, weights: WeightCodes) -> tuple[WeightCodes, Int64, Int64 | None]:
        """Values in storage order and starts int64 (F + 1,) of fibers, and segments int64 (F,) of groups.

        weights: (filters, C/groups, R, S), of all or some filters.
        """
        filters, channels, rows, columns = weights.shape
        ends = np.append(np.arange(0, channels, fold_channels), channels) * rows * columns
        starts = np.arange(filters)[:, None] * channels * rows * columns + ends[None, :-1]
        starts = np.append(starts.reshape(-1), weights.size).astype(np.int64)
        axis = self.weight_format.group_axis
        order = axis and FIBER_AXES.storage_order(axis)
        if not axis or not order:
            return cast("WeightCodes", np.ascontiguousarray(weights).reshape(-1)), starts, None
        places = [1 + FIBER_AXES.dimensions.index(dimension) for dimension in order]
        folds, segments = [], []
        for first in range(0, channels, fold_channels):
            fold = weights[:, first : first + fold_channels]
            folds.append(fold.transpose(0, *places).reshape(filters, -1))
            segments.append(math.prod(fold.shape[1 + FIBER_AXES.dimensions.index(name)] for name in NAMED_AXES[axis]))
        values = np.ascontiguousarray(np.concatenate(folds, axis=1)).reshape(-1)
        return values, starts, np.tile(np.array(segments, dtype=np.int64), filters)

    def _added_metadata_bits(self, sizes: FiberSizes) -> Int64:
        """int64 (F,): what metadata takes more than the format alone, where it lies in words of its own."""
        if self.weight_format.positions == "mask":
            return np.multiply(sizes.metadata_bits, self.mask_bits - 1)
        if self.weight_format.positions == "coordinate" and not self.entries_expected:
            return np.maximum(np.multiply(sizes.entries, self.coordinate_bits) - sizes.metadata_bits, 0)
        return np.zeros_like(sizes.metadata_bits)

    def _without_zeros(self, sizes: FiberSizes, non_zeros: Int64, lengths: Int64) -> FiberSizes:
        """What moves of fibers with values in place: non-zeros and all of the mask, or an offset for each position.

        non_zeros, lengths: int64 (F,).
        """
        if self.weight_format.offset_pairs:
            # one rank below the fiber's own: the positions of a kernel, located by one offset more than there are
            kernel = self.task.weights.shape[2] * self.task.weights.shape[3]
            metadata_bits = lengths // kernel * (kernel + 1) * offset_bits(kernel)
        elif self.weight_format.positions == "mask":
            metadata_bits = sizes.metadata_bits
        else:
            return sizes
        payload_bits = non_zeros * self.value_bits
        return FiberSizes(payload_bits, metadata_bits, non_zeros, payload_bits + metadata_bits, offsets_bits=0)

    def _as_expected(self, sizes: FiberSizes, non_zeros: Int64, lengths: Int64) -> FiberSizes:
        """Metadata of fibers as Sparseloop counts it: of n positions in a layer of density d, a fiber has ceil(n d)
        coordinates; runs are as many as non-zeros, n d on average, whatever zeros lie between them.

        non_zeros, lengths: int64 (F,). Source: NVlabs/timeloop, src/workload/format-models, coordinate-payload.cpp and
        run-length-encoding.cpp.
        """
        if self.weight_format.positions == "coordinate":
            coordinates = -(-lengths * self._non_zeros // max(1, self.task.weights.size))
            metadata_bits = coordinates * (non_zeros > 0) * self.coordinate_bits
        elif self.weight_format.positions == "run" and not self.weight_format.code_word_bits:
            metadata_bits = non_zeros * self.weight_format.run_bits
        else:
            return sizes
        value_bits = sizes.payload_bits // np.maximum(sizes.entries, 1)
        payload_bits = non_zeros * value_bits
        return replace(
            sizes,
            payload_bits=payload_bits,
            metadata_bits=metadata_bits,
            entries=non_zeros,
            stored_bits=payload_bits + metadata_bits,
        )

    def fiber_count_bits(self, fold_channels: int) -> int:
        """Bits that say how many entries a fiber has; 0 where its size is fixed or offsets tell it.

        Code words tell where a fiber ends; a bit says whether there is one.
        """
        if self.weight_format.code_word_bits:
            return 1
        if self.weight_format.located == "fixed" or self.weight_format.offset_pairs:
            return 0
        _, channels, rows, columns = self.task.weights.shape
        return bits_for(min(fold_channels, channels) * rows * columns + 1)

    @cached_property
    def _non_zeros(self) -> int:
        return int(np.count_nonzero(self.task.weights))

    def least_bits(self, fold_channels: int) -> int:
        """Bits that are loaded of all weights at least, told without measuring fibers: at most the sum of `fold_bits`.

        Non-zero weights are stored in any case, with their runs, and so is the number of entries of a fiber; zeros are
        where nothing tells that they are missing.
        """
        chosen = self.weight_format
        filters, channels, _, _ = self.task.weights.shape
        counts: int = filters * -(-channels // fold_channels) * self.fiber_count_bits(fold_channels)
        if chosen.codes != "plain":
            return counts
        all_stored = chosen.values == "in_place" and chosen.located == "fixed" and not self.zeros_left_out
        values = int(self.task.weights.size) if all_stored else self._non_zeros
        return counts + values * (self.value_bits + chosen.run_bits)

    def fold_bits(self, fold_filters: int, fold_channels: int) -> Int64:
        """int64 (filter folds, channel folds): bits that are loaded for each; not to be written to."""
        if (fold_filters, fold_channels) not in self._fold_bits:
            self._fold_bits[fold_filters, fold_channels] = self._add_up(fold_filters, fold_channels)
        return self._fold_bits[fold_filters, fold_channels]

    def _add_up(self, fold_filters: int, fold_channels: int) -> Int64:
        shape = self.task.shape
        measured = self._measured(fold_channels)
        starts = fold_starts(shape.M, shape.M // shape.groups, fold_filters)
        filters = np.diff([*starts, shape.M])
        bits = np.add.reduceat(measured.stored_bits, starts, axis=0, dtype=np.int64)
        offset_bits = measured.offsets_bits // (measured.stored_bits.size + 1)
        bits += (filters * self.fiber_count_bits(fold_channels) + (filters + 1) * offset_bits)[:, None]
        return np.asarray(bits, np.int64)

    def stored(self, fold_channels: int) -> Bools:
        """bool (filters, channel folds): whether the fiber is stored."""
        return self._measured(fold_channels).stored_bits > 0

    def storage(self, fold_channels: int) -> WeightStorage:
        """What the whole layer takes in DRAM."""
        measured = self._measured(fold_channels)
        counts = measured.stored_bits.size * self.fiber_count_bits(fold_channels)
        return WeightStorage(
            payload_bits=measured.payload_bits,
            metadata_bits=measured.metadata_bits + measured.offsets_bits,
            directory_bits=counts,
            stored_bits=int(measured.stored_bits.sum(dtype=np.int64)) + measured.offsets_bits + counts,
        )
