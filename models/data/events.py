"""What a sensor reports: a structured array of events, the same fields as tonic's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Events = npt.NDArray[np.void]

# x, y in pixels from the upper left corner; t in microseconds; p: True = brighter.
CAMERA_EVENT = np.dtype([("x", np.int16), ("y", np.int16), ("t", np.int64), ("p", np.bool_)])
# x: frequency channel; t in microseconds.
COCHLEA_EVENT = np.dtype([("x", np.int16), ("t", np.int64)])


def event_array(dtype: np.dtype[np.void], **fields: npt.NDArray[np.generic]) -> Events:
    """Events of that type from one array per field, all of the same length."""
    events = np.empty(len(fields["t"]), dtype=dtype)
    for name, values in fields.items():
        events[name] = values
    return events


def in_order(events: Events) -> Events:
    """The events by time; equal times by row, then column, where they have one, so that the order is unique."""
    ties = [events[name] for name in ("x", "y") if name in (events.dtype.names or ())]
    ordered: Events = events[np.lexsort((*ties, events["t"]))]
    return ordered
