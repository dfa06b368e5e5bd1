"""The values of a tensor, timestep by timestep, in whatever form they lie, and blocks of timesteps of them.

A trace may have many more timesteps than fit in memory unpacked. So whoever goes through the values of a sample takes
`blocks` of timesteps, each unpacked (or computed) when its turn comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.array_types import Array
from spikecycle.traces.packing import PackedSpikes, pack_spikes, packed_bytes

BLOCK_VALUES = 2**21
"""Values of a block at most, if it has more than one timestep: few beside a long trace, many beside what a step of
Python takes."""


@dataclass(frozen=True, eq=False)
class ComputedFrames:
    """Values that are too many to be kept, and are computed anew whenever somebody goes through them.

    start: begins anew and gives each timestep, (C, H, W); the next one may overwrite it. shape: (C, H, W).
    """

    start: Callable[[], Iterator[Array]]
    timesteps: int
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self.timesteps

    def __iter__(self) -> Iterator[Array]:
        return self.start()

    def __getitem__(self, timesteps: slice) -> Array:
        """(n, C, H, W); everything before is computed too."""
        first, last, _ = timesteps.indices(self.timesteps)
        return self._collected(islice(self.start(), first, last), last - first)

    def blocks(self, timesteps: int) -> Iterator[Array]:
        """(n, C, H, W) of so many timesteps each, the last of what is left."""
        steps = self.start()
        for first in range(0, self.timesteps, timesteps):
            count = min(timesteps, self.timesteps - first)
            yield self._collected(islice(steps, count), count)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        values = self[:]
        return values if dtype is None else values.astype(dtype, copy=False)

    def _collected(self, steps: Iterable[Array], count: int) -> Array:
        values: Array = np.empty((max(0, count), *self.shape), self.dtype)
        for place, now in enumerate(steps):
            values[place] = now
        return values


Frames = Array | PackedSpikes | ComputedFrames
"""Values (T, C, H, W) of a tensor: an array, binary spikes packed as they are recorded, or values to be computed."""


def frame_shape(frames: Frames) -> tuple[int, ...]:
    """Shape of one timestep."""
    return tuple(frames.shape[-3:])


def block_timesteps(values: int, multiple: int = 1) -> int:
    """Timesteps of a block whose timesteps have so many values: a multiple of `multiple`."""
    return max(1, BLOCK_VALUES // (max(1, values) * multiple)) * multiple


def blocks(frames: Frames, timesteps: int | None = None) -> Iterator[Array]:
    """The values, unpacked, (n, C, H, W) of so many timesteps at a time, by default `block_timesteps`."""
    if timesteps is None:
        timesteps = block_timesteps(int(np.prod(frame_shape(frames))))
    if isinstance(frames, ComputedFrames):
        yield from frames.blocks(timesteps)
    else:
        yield from (frames[first : first + timesteps] for first in range(0, len(frames), timesteps))


def delayed(frames: Frames) -> Frames:
    """The same a timestep later: zeros first, and without the last timestep."""
    if isinstance(frames, ComputedFrames):
        return ComputedFrames(lambda: _after_zeros(frames), frames.timesteps, frames.shape, frames.dtype)
    if isinstance(frames, PackedSpikes):
        return PackedSpikes(_later(frames.packed), frames.shape)
    return _later(frames)


def pack_frames(frames: Iterable[Array], timesteps: int, shape: tuple[int, int, int]) -> PackedSpikes:
    """Binary spikes that come timestep by timestep, (C, H, W), or as blocks (n, C, H, W), packed."""
    count = int(np.prod(shape))
    packed = np.empty((timesteps, packed_bytes(count)), np.uint8)
    first = 0
    for values in frames:
        rows = values.reshape(-1, *shape)
        packed[first : first + len(rows)] = pack_spikes(rows)
        first += len(rows)
    return PackedSpikes(packed, shape)


def _later(values: Array) -> Array:
    moved: Array = np.zeros_like(values)
    moved[1:] = values[:-1]
    return moved


def _after_zeros(frames: ComputedFrames) -> Iterator[Array]:
    yield np.zeros(frames.shape, frames.dtype)
    yield from islice(iter(frames), frames.timesteps - 1)
