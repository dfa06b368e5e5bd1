"""Spikes that are drawn, clustered in time and space as those of real networks are, by statistics that are stated.

A neuron does not fire by itself: it fires in bursts, beside others that fire, and some channels fire far more than
others. So spikes are drawn by thresholding Gaussian noise that is correlated along time, rows and columns (first-order
autoregression along each axis), channel by channel:

    density             share of positions and timesteps with an event: met in expectation
    channel_variation   standard deviation over mean of the channels' own densities (drawn from a beta distribution)
    time_correlation    of a position with itself one timestep later, within its channel
    space_correlation   of a position with its neighbour in the row, or in the column, within its channel

The last two are correlations of spikes, 0 or 1, not of the noise: which correlation of the noise gives them, follows
from the bivariate normal distribution, d P(both above h) / d r = exp(-h^2 / (1 + r)) / (2 pi sqrt(1 - r^2)) (Plackett,
Biometrika 1954).
A channel of density p that is independent in time has a time_correlation of 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from spikecycle.traces.array_types import Float64
from spikecycle.traces.errors import TraceError

MOST_CORRELATED = 0.95
"""Beyond, hardly anything is drawn at random."""
FEWEST_VALUES = 1000
"""That make statistics of clusters known: independent ones would leave a deviation of 0.03 of a correlation."""
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_BISECTIONS = 50
_BLOCK_VALUES = 2**24
"""Of noise that is held at a time: 64 MiB."""


@dataclass(frozen=True)
class SpikeStatistics:
    """How spikes are spread; see the module. TraceError on what cannot be."""

    density: float
    channel_variation: float
    time_correlation: float
    space_correlation: float

    def __post_init__(self) -> None:
        if not 0 <= self.density <= 1:
            raise TraceError(f"density must be 0 to 1, found {self.density}")
        for name in ("time_correlation", "space_correlation"):
            value = getattr(self, name)
            if not 0 <= value <= MOST_CORRELATED:
                raise TraceError(f"{name} must be 0 to {MOST_CORRELATED}, found {value}")
        if self.channel_variation < 0:
            raise TraceError(f"channel_variation must be at least 0, found {self.channel_variation}")
        if self.channel_variation**2 * self.density >= 1 - self.density and 0 < self.density < 1:
            most = math.sqrt((1 - self.density) / self.density)
            raise TraceError(
                f"channel_variation must be below {most:.3g} for a density of {self.density:g}, found "
                f"{self.channel_variation:g}"
            )


def draw_densities(statistics: SpikeStatistics, channels: int, generator: np.random.Generator) -> Float64:
    """Densities of the channels, float64 (C,), whose mean is the density."""
    density, variation = statistics.density, statistics.channel_variation
    if channels == 1 or variation == 0 or density in (0.0, 1.0):
        return np.full(channels, density)
    size = (1 - density) / (density * variation**2) - 1
    drawn = generator.beta(density * size, (1 - density) * size, channels)
    for _ in range(8):  # a channel that was cut at 1 leaves something for the others
        drawn = np.minimum(1.0, drawn * (density / max(float(drawn.mean()), 1e-300)))
    return drawn


def draw_events(
    statistics: SpikeStatistics, densities: Float64, timesteps: int, shape: tuple[int, int, int], generator: Any
) -> npt.NDArray[np.bool_]:
    """Events of one sample, bool (T, C, H, W). densities: of the channels, float64 (C,)."""
    channels, rows, columns = shape
    events = np.zeros((timesteps, *shape), np.bool_)
    block = max(1, _BLOCK_VALUES // (timesteps * rows * columns))
    for start in range(0, channels, block):
        some = densities[start : start + block]
        noise = generator.standard_normal((timesteps, len(some), rows, columns), np.float32)
        in_time = noise_correlation(statistics.time_correlation, some).astype(np.float32)[:, None, None]
        in_space = noise_correlation(statistics.space_correlation, some).astype(np.float32)
        _correlate(noise, in_time)
        _correlate(np.moveaxis(noise, 2, 0), in_space[None, :, None])
        _correlate(np.moveaxis(noise, 3, 0), in_space[None, :, None])
        events[:, start : start + block] = noise > _thresholds(some).astype(np.float32)[:, None, None]
    return events


def noise_correlation(correlation: float, densities: Float64) -> Float64:
    """Correlation of normal variables whose excesses of a threshold have this correlation, by density, float64 (n,)."""
    if correlation == 0:
        return np.zeros(len(densities))
    low, high = np.zeros(len(densities)), np.ones(len(densities))
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        is_low = event_correlation(middle, densities) < correlation
        low, high = np.where(is_low, middle, low), np.where(is_low, high, middle)
    return low


def event_correlation(noise: Float64, densities: Float64) -> Float64:
    """The inverse: correlation of the excesses of normal variables of correlation `noise`, float64 (n,) each."""
    heights = _thresholds(densities)[:, None]
    ends = np.arcsin(noise)[:, None]
    angles = ends * (_POINTS + 1) / 2
    with np.errstate(under="ignore"):
        integrand = np.exp(-np.square(heights) / (1 + np.sin(angles)))
    both_less_chance = (integrand * _WEIGHTS).sum(axis=1) * ends[:, 0] / 2 / (2 * np.pi)
    spread = densities * (1 - densities)
    found: Float64 = np.divide(both_less_chance, spread, out=np.zeros(len(densities)), where=spread > 0)
    return found


def measure(samples: npt.NDArray[Any], fewest_values: int = FEWEST_VALUES) -> dict[str, float | None]:
    """The four statistics of events, (S, T, C, H, W), by name; None where they cannot be told.

    A channel's own density is known only from what was drawn, and a mean of few values lies near these very values: its
    square is too large, correlations come out too small, and densities too far apart. Samples are drawn independently,
    so that the square is estimated by products of means of different samples, which are right in expectation. One
    sample alone tells its own mean only.

    fewest_values: that make a statistic other than the density known: in each channel of a single sample, or in all
    channels and samples of several. Correlations are None also where there are no neighbours to compare.
    """
    events = (np.asarray(samples) != 0).astype(np.float64)
    mean = float(events.mean())
    if (events[:, :, :1] if len(events) == 1 else events).size < fewest_values:
        return {"density": mean, **dict.fromkeys(("channel_variation", "time_correlation", "space_correlation"))}
    own = events.mean(axis=(1, 3, 4))
    square, spread_of_channels = _product(own), _product(own) - _product(own.mean(axis=1, keepdims=True))
    spread, found = mean - square, own.mean(axis=0)
    away, excess = events - found[:, None, None], float(np.square(found).mean()) - square

    def correlation(first: Any, second: Any) -> float | None:
        return (float((first * second).mean()) + excess) / spread if first.size and spread > 0 else None

    pairs = [
        value
        for value in (
            correlation(away[..., 1:], away[..., :-1]),
            correlation(away[:, :, :, 1:], away[:, :, :, :-1]),
        )
        if value is not None
    ]
    return {
        "density": mean,
        "channel_variation": math.sqrt(max(0.0, spread_of_channels)) / mean if mean else None,
        "time_correlation": correlation(away[:, 1:], away[:, :-1]),
        "space_correlation": sum(pairs) / len(pairs) if pairs else None,
    }


def _product(means: Float64) -> float:
    """Mean over channels of the square of what means (S, C) are of: products of different samples, if there are any."""
    samples = len(means)
    squares, of_sums = np.square(means).sum(axis=0), np.square(means.sum(axis=0))
    different = (of_sums - squares) / (samples * (samples - 1)) if samples > 1 else squares
    return float(different.mean())


def _correlate(noise: npt.NDArray[np.float32], correlation: npt.NDArray[np.float32]) -> None:
    """Correlate standard normal noise along its first axis, in place; it stays standard normal."""
    fresh = np.sqrt(1 - np.square(correlation))
    for index in range(1, len(noise)):
        noise[index] = correlation * noise[index - 1] + fresh * noise[index]


def _thresholds(densities: Float64) -> Float64:
    """Heights that a standard normal variable exceeds with these probabilities."""
    normal = NormalDist()
    inside = np.clip(densities, 1e-12, 1 - 1e-12)
    heights = np.array([-normal.inv_cdf(float(density)) for density in inside])
    return np.where(densities <= 0, np.inf, np.where(densities >= 1, -np.inf, heights))
