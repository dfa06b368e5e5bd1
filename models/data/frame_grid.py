"""Frame grids: which cell of a frame counts an event, for the pixels of a camera or the channels of a cochlea."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from spikecycle.models.data.events import Events
from spikecycle.models.errors import ModelsError

Indices = npt.NDArray[np.int64]


class FrameGrid(Protocol):
    """The cells of a frame that count events. `shape` is the (channels, height, width) that a network reads."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height, width of a frame."""

    @property
    def remark(self) -> str:
        """What a description says of the pooling: a clause that begins with a comma, or nothing."""

    def of(self, events: Events) -> Indices:
        """int64 (N,): the flat index of each event's cell in a frame."""


@dataclass(frozen=True)
class PixelGrid:
    """Square frames of a camera, channel 0 OFF and 1 ON; a cell sums pool_px x pool_px pixels of the sensor."""

    side_px: int
    pool_px: int = 1

    @classmethod
    def at_resolution(cls, sensor_px: int, resolution: int) -> PixelGrid:
        """The grid of frames of resolution x resolution, which has to divide the sensor's side evenly."""
        return cls(resolution, _pooled(sensor_px, "resolution", resolution))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Polarities, rows, columns."""
        return 2, self.side_px, self.side_px

    @property
    def remark(self) -> str:
        """The pooling of the sensor, if there is any."""
        sensor_px, pool_px = self.side_px * self.pool_px, self.pool_px
        return f", {sensor_px}x{sensor_px} pixels summed {pool_px}x{pool_px}" if pool_px > 1 else ""

    def of(self, events: Events) -> Indices:
        """int64 (N,): polarity, row and column of each event as one index."""
        row, column = (events[axis].astype(np.int64) // self.pool_px for axis in ("y", "x"))
        cells: Indices = (events["p"].astype(np.int64) * self.side_px + row) * self.side_px + column
        return cells


@dataclass(frozen=True)
class ChannelGrid:
    """Frames of (channels, 1, 1), each cell the sum of `pool` neighbouring channels of the sensor."""

    channels: int
    pool: int = 1

    @classmethod
    def of_channels(cls, sensor_channels: int, channels: int) -> ChannelGrid:
        """The grid of frames of that many channels, which has to divide the sensor's evenly."""
        return cls(channels, _pooled(sensor_channels, "channels", channels))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, 1, 1."""
        return self.channels, 1, 1

    @property
    def remark(self) -> str:
        """The pooling of the sensor, if there is any."""
        return f", {self.channels * self.pool} channels summed by {self.pool}" if self.pool > 1 else ""

    def of(self, events: Events) -> Indices:
        """int64 (N,): the pooled channel of each event."""
        channel: Indices = events["x"].astype(np.int64) // self.pool
        return channel


def _pooled(size: int, option: str, cells: int) -> int:
    if size % cells:
        whole = ", ".join(str(n) for n in range(1, size + 1) if size % n == 0)
        raise ModelsError(f"{option} {cells} does not divide the {size} of the sensor; possible are {whole}")
    return size // cells
