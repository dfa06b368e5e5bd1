"""Ctrl-C where it must not end the main thread at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class WaitingInterrupt:
    """Ctrl-C, kept waiting in a `with` block of the main thread.

    It would end that thread anywhere: within a lock that other threads need, Python's own among them, with a value
    half-made, or in a callback whose errors nobody hears of. What handled it before is called when the block ends.
    """

    def __init__(self) -> None:
        self._before: Any = None
        self._frames: list[FrameType | None] = []

    @property
    def is_waiting(self) -> bool:
        """Whether it came."""
        return bool(self._frames)

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread() and callable(signal.getsignal(signal.SIGINT)):
            self._before = signal.signal(signal.SIGINT, lambda _, frame: self._frames.append(frame))

    def __exit__(self, *_: object) -> None:
        before, self._before = self._before, None
        if before is not None:
            signal.signal(signal.SIGINT, before)
            if self._frames:
                frame = self._frames[-1]
                self._frames.clear()
                before(signal.SIGINT, frame)
