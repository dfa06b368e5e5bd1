"""A pixel-exact event camera: every pixel reports when its log intensity has changed by one contrast threshold.

Model: Lichtsteiner, Posch, Delbruck, "A 128x128 120 dB 15 us Latency Asynchronous Temporal Contrast Vision
Sensor", IEEE JSSC 43(2) (2008), without noise, latency or refractory time. Between two given instants the log
intensity is taken as linear, so an event gets the time at which its level was crossed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spikecycle.models.data.events import CAMERA_EVENT, Events, event_array, in_order


def record_events(
    log_intensity: npt.NDArray[np.float64], times_us: npt.NDArray[np.int64], contrast_threshold: float
) -> Events:
    """What the camera reports while the scene goes through `log_intensity`.

    log_intensity: float64 (K + 1, H, W), natural logarithm of the intensity at K + 1 instants.
    times_us: int64 (K + 1,), the instants, increasing.
    contrast_threshold: change of log intensity that makes one event, above 0.

    Returns events of type CAMERA_EVENT, sorted by time, then row, column. A pixel remembers the last level that it
    reported, as a whole number of thresholds from its first value: what is left below one threshold carries over to
    the next instant, and a pixel that returns to its first value has reported as many ON as OFF events.
    """
    levels = (log_intensity - log_intensity[0]) / contrast_threshold
    reported = np.zeros(levels.shape[1:], dtype=np.int64)
    found: list[tuple[npt.NDArray[np.int64], ...]] = []
    for step in range(1, len(levels)):
        crossed = np.trunc(levels[step] - reported).astype(np.int64)
        for nth in range(1, int(np.abs(crossed).max()) + 1):
            y, x = np.nonzero(np.abs(crossed) >= nth)
            direction = np.sign(crossed[y, x])
            before, after = levels[step - 1, y, x], levels[step, y, x]
            share = (reported[y, x] + nth * direction - before) / (after - before)
            interval_us = times_us[step] - times_us[step - 1]
            # Half open, so that an event at the very end of the recording still falls in its last frame.
            delay_us = np.minimum((share * interval_us).astype(np.int64), interval_us - 1)
            found.append((x, y, times_us[step - 1] + delay_us, direction > 0))
        reported += crossed
    if not found:
        return np.zeros(0, dtype=CAMERA_EVENT)
    x, y, t, p = (np.concatenate(column) for column in zip(*found, strict=True))
    return in_order(event_array(CAMERA_EVENT, x=x, y=y, t=t, p=p))
