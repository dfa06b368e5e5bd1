"""The channel tiles of a layer: what is kept of each, and its fibers, which are laid when somebody needs them.

Where a PE owns few output channels, a fiber has few weights, and the sizes and places of all fibers take many times the
memory of the weights. So those of one tile are there at a time, and of others as many as HELD_BYTES have room for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikecycle.simulator.array_types import Int64, WeightCodes
from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.dataflows.spike_array.coding import stored_problem
from spikecycle.simulator.dataflows.spike_array.fibers import TileFibers, channel_tile
from spikecycle.simulator.dataflows.spike_array.machine import SpikeArrayMachine
from spikecycle.simulator.dataflows.spike_array.weight_layout import units_ahead, units_by_layout
from spikecycle.simulator.formats import WeightFormat
from spikecycle.traces.weights import code_dtype

HELD_BYTES = 2**25
"""Of fibers that are held while a layer is mapped, so that they need not be laid again."""


class LargestTile(NamedTuple):
    """What the largest of some channel tiles take: each number is that of the tile which has most of it.

    own_channels: output channels of a PE. channels: of the tile. longest: positions of a fiber. units: of a weight
    layout, of `fiber_alignment_bits` each.
    """

    own_channels: int
    channels: int
    longest: int
    units: int

    def joined(self, other: LargestTile) -> LargestTile:
        """Of these tiles and others."""
        return LargestTile(*map(max, self, other))


@dataclass(frozen=True, eq=False)
class MeasuredTile:
    """How large a channel tile is with any number of input channels in an input tile.

    own_channels, channels, longest: see `LargestTile`. ahead: int64 (pes_per_group, C + 1), see `units_ahead`.
    """

    own_channels: int
    channels: int
    longest: int
    ahead: Int64

    @classmethod
    def of(cls, machine: SpikeArrayMachine, fibers: TileFibers) -> MeasuredTile:
        """Of its fibers."""
        ahead = units_ahead(fibers, machine.dataflow.fiber_alignment_bits)
        return cls(int(fibers.own_channels.max()), fibers.stop - fibers.first, fibers.longest, ahead)

    def largest(self, input_channels: int) -> LargestTile:
        """What it takes where input tiles have so many channels."""
        units = int(units_by_layout(self.ahead, input_channels).max())
        return LargestTile(self.own_channels, self.channels, self.longest, units)


@dataclass(frozen=True, eq=False)
class ChannelTile:
    """What is kept of a channel tile.

    first, stop: its output channels. own_channels: int64 (pes_per_group,), how many of them each sharing PE owns.
    fibers: of all these PEs. payload_bits, metadata_bits: that these take in the format. words: int64 (input tiles,),
    of the weight layouts of all these PEs together. most_words: of the largest. problem: why the format cannot store
    one of the fibers, or None.
    """

    first: int
    stop: int
    own_channels: Int64
    fibers: int
    payload_bits: int
    metadata_bits: int
    words: Int64
    most_words: int
    problem: str | None

    @classmethod
    def of(
        cls,
        machine: SpikeArrayMachine,
        weight_format: WeightFormat,
        fibers: TileFibers,
        measured: MeasuredTile,
        input_channels: int,
    ) -> ChannelTile:
        """Of a tile's fibers, input tiles of `input_channels` channels each having a layout of their own."""
        units = units_by_layout(measured.ahead, input_channels)
        words = -(-units * machine.dataflow.fiber_alignment_bits // machine.buffers.weights.width_bits)
        sizes = fibers.sizes
        return cls(
            fibers.first,
            fibers.stop,
            fibers.own_channels,
            len(fibers.starts) - 1,
            int(sizes.payload_bits.sum()),
            int(sizes.metadata_bits.sum()) + sizes.offsets_bits,
            words.sum(axis=0),
            int(words.max()),
            stored_problem(machine, weight_format, fibers),
        )

    @property
    def channels(self) -> int:
        """Output channels."""
        return self.stop - self.first


class LayerFibers:
    """Lays the fibers of a layer, channel tile by channel tile.

    Of tiles of `own` output channels in a PE, the first has number 0.
    """

    def __init__(self, machine: SpikeArrayMachine, task: LayerTask, weight_format: WeightFormat) -> None:
        self._shape, self._weight_bits, self._format = task.shape, task.weight_bits, weight_format
        self._pes_per_group = machine.dataflow.pes_per_group
        self._weights: WeightCodes = np.ascontiguousarray(task.weights, code_dtype(task.weight_bits))
        self._held: dict[tuple[int, int], TileFibers] = {}
        self._held_bytes = 0

    @property
    def weights(self) -> int:
        """How many the layer has."""
        return self._weights.size

    @property
    def all_own(self) -> int:
        """Output channels of the PE that owns most of the whole layer."""
        return -(-self._shape.M // self._pes_per_group)

    def tiles(self, own: int) -> int:
        """How many there are."""
        return -(-self.all_own // own)

    def lay(self, own: int, number: int) -> TileFibers:
        """The fibers of a tile; any thread may ask."""
        first = number * own * self._pes_per_group
        stop = min(first + own * self._pes_per_group, self._shape.M)
        return channel_tile(
            self._shape, self._weights, first, stop, self._pes_per_group, self._format, self._weight_bits
        )

    def hold(self, own: int, number: int) -> TileFibers:
        """The same, held for `take` in place of the ones that were laid first, if it has room beside the last ones."""
        key = own, number
        if key not in self._held:
            laid = self.lay(own, number)
            if laid.nbytes > HELD_BYTES:
                return laid
            self._held[key] = laid
            self._held_bytes += laid.nbytes
            while self._held_bytes > HELD_BYTES:
                self._forget(next(iter(self._held)))
        return self._held[key]

    def take(self, own: int, number: int) -> TileFibers:
        """The same for the last time while the layer is mapped: it is held no more."""
        key = own, number
        if key not in self._held:
            return self.lay(own, number)
        found = self._held[key]
        self._forget(key)
        return found

    def let_go(self) -> None:
        """The layer is mapped: hold nothing."""
        self._held.clear()
        self._held_bytes = 0

    def _forget(self, key: tuple[int, int]) -> None:
        self._held_bytes -= self._held.pop(key).nbytes
