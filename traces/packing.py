"""Binary spikes packed eight to a byte, least significant bit first, one row of bytes per timestep."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.errors import TraceError


def packed_bytes(positions: int) -> int:
    """Bytes that hold the spikes of `positions` positions in one timestep."""
    return -(-positions // 8)


def pack_spikes(spikes: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Pack spikes (T, A, B, C) of 0 and 1, any integer or boolean dtype, to uint8 (T, ceil(A * B * C / 8)).

    Position i of the flattened (A, B, C) is bit i % 8, least significant first, of byte i // 8; spare bits are 0.
    """
    return np.packbits(spikes.reshape(spikes.shape[0], -1), axis=1, bitorder="little")


def unpack_spikes(packed: npt.NDArray[np.uint8], shape: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """Unpack uint8 (T, ceil(A * B * C / 8)) to uint8 (T, A, B, C) of 0 and 1; TraceError if a spare bit is set."""
    positions = shape[0] * shape[1] * shape[2]
    used_bits_of_last_byte = positions % 8
    if used_bits_of_last_byte and (packed[:, -1] >> used_bits_of_last_byte).any():
        raise TraceError("a spare bit after the last position is set; allowed is 0")
    spikes = np.unpackbits(packed, axis=1, count=positions, bitorder="little")
    return spikes.reshape(packed.shape[0], *shape)
