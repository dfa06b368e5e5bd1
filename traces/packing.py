"""Binary spikes packed eight to a byte, least significant bit first, one row of bytes per timestep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.errors import TraceError

COUNTED_BYTES = 2**20
"""Of packed spikes that are counted together: few enough for the caches of a processor."""


def packed_bytes(positions: int) -> int:
    """Bytes that hold the spikes of `positions` positions in one timestep."""
    return -(-positions // 8)


def pack_spikes(spikes: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Pack spikes (T, A, B, C) of 0 and 1, any integer or boolean dtype, to uint8 (T, ceil(A * B * C / 8)).

    Position i of the flattened (A, B, C) is bit i % 8, least significant first, of byte i // 8; spare bits are 0.
    """
    return np.packbits(spikes.reshape(spikes.shape[0], -1), axis=1, bitorder="little")


@dataclass(frozen=True, eq=False)
class PackedSpikes:
    """Binary spikes of one sample as a trace holds them, an eighth of their unpacked size; timesteps are unpacked on
    demand, and `np.asarray` unpacks all of them.

    packed: uint8 (T, ceil(A * B * C / 8)), see `pack_spikes`. shape: (A, B, C) of a timestep.
    TraceError if a spare bit is set.
    """

    packed: npt.NDArray[np.uint8]
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        used_bits_of_last_byte = self.positions % 8
        if used_bits_of_last_byte and (self.packed[:, -1] >> used_bits_of_last_byte).any():
            raise TraceError("a spare bit after the last position is set; allowed is 0")

    @property
    def positions(self) -> int:
        """Positions of a timestep."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    def __len__(self) -> int:
        return len(self.packed)

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]:
        return (self[timestep] for timestep in range(len(self)))

    def __getitem__(self, timesteps: int | slice) -> npt.NDArray[np.uint8]:
        """uint8 (A, B, C), or (n, A, B, C) of a slice, of 0 and 1."""
        packed = self.packed[timesteps]
        spikes = np.unpackbits(packed, axis=-1, count=self.positions, bitorder="little")
        return spikes.reshape(*packed.shape[:-1], *self.shape)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        spikes = self[:]
        return spikes if dtype is None else spikes.astype(dtype, copy=False)

    def reshaped(self, shape: tuple[int, int, int]) -> PackedSpikes:
        """The same spikes in a map of another shape with as many positions."""
        return PackedSpikes(self.packed, shape)

    def counts(self) -> npt.NDArray[np.int64]:
        """int64 (T,): spikes of each timestep."""
        size = self.packed.shape[1]
        words: npt.NDArray[Any] = (
            self.packed.view(np.uint64) if size % 8 == 0 and self.packed.flags.c_contiguous else self.packed
        )
        rows = max(1, COUNTED_BYTES // size)
        counts = [
            np.add.reduce(np.bitwise_count(words[first : first + rows]), axis=1, dtype=np.int64)
            for first in range(0, len(words), rows)
        ]
        return np.concatenate(counts)

    def of_positions(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """uint8 (T, n) of 0 and 1: the spikes of these positions of the flattened map, int64 (n,)."""
        bits = self.packed[:, positions // 8] >> (positions % 8).astype(np.uint8)
        spikes: npt.NDArray[np.uint8] = np.bitwise_and(bits, 1, dtype=np.uint8)
        return spikes
