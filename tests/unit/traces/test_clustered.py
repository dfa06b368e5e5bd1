"""Clustered spikes: statistics that are asked for are met, and the correlation of noise is the textbook's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spikecycle.traces import TraceError
from spikecycle.traces.clustered import (
    SpikeStatistics,
    draw_densities,
    draw_events,
    event_correlation,
    measure,
    noise_correlation,
)


@pytest.mark.parametrize(
    ("density", "variation", "time", "space"),
    [(0.1, 0.0, 0.36, 0.5), (0.3, 0.5, 0.0, 0.7), (0.5, 0.0, 0.8, 0.0)],
)
def test_what_is_asked_for_is_drawn(density: float, variation: float, time: float, space: float) -> None:
    statistics = SpikeStatistics(density, variation, time, space)
    densities = draw_densities(statistics, 256, np.random.default_rng(1))
    events = draw_events(statistics, densities, 60, (256, 16, 16), np.random.default_rng(2))
    found = measure(events[None])
    # Clusters leave few independent draws: 256 fields of 60 x 16 x 16 positions; 3 deviations are below 0.02.
    assert found["density"] == pytest.approx(density, abs=0.02)
    assert found["time_correlation"] == pytest.approx(time, abs=0.02)
    assert found["space_correlation"] == pytest.approx(space, abs=0.02)


def test_channel_densities_have_the_mean_and_spread_that_were_asked_for() -> None:
    drawn = draw_densities(SpikeStatistics(0.1, 0.7, 0, 0), 20_000, np.random.default_rng(3))
    assert drawn.mean() == pytest.approx(0.1, rel=1e-3)
    assert drawn.std() / drawn.mean() == pytest.approx(0.7, rel=0.03)
    assert 0 <= drawn.min() <= drawn.max() <= 1


def test_correlation_at_a_density_of_one_half_is_the_arcsine_law() -> None:
    """Sheppard 1899: P(both above 0) = 1/4 + asin(r) / (2 pi), so that signs correlate with 2 asin(r) / pi."""
    noise = np.array([0.0, 0.3, 0.7, 0.95])
    expected = 2 * np.arcsin(noise) / math.pi
    np.testing.assert_allclose(event_correlation(noise, np.full(4, 0.5)), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(noise_correlation(0.4, np.array([0.5])), [math.sin(0.4 * math.pi / 2)], rtol=1e-9)


def test_nothing_and_everything() -> None:
    for density in (0.0, 1.0):
        statistics = SpikeStatistics(density, 0.5, 0.3, 0.3)
        events = draw_events(statistics, draw_densities(statistics, 3, np.random.default_rng(1)), 4, (3, 2, 2),
                             np.random.default_rng(1))  # fmt: skip
        assert events.mean() == density


def test_equal_seeds_draw_equal_events() -> None:
    statistics = SpikeStatistics(0.2, 0.0, 0.3, 0.4)
    first, second, other = (
        draw_events(statistics, np.full(2, 0.2), 5, (2, 4, 4), np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.5, 0, 0, 0), "density must be 0 to 1, found 1.5"),
        ((0.5, -1, 0, 0), "channel_variation must be at least 0"),
        ((0.5, 1.0, 0, 0), "channel_variation must be below 1 for a density of 0.5"),
        ((0.5, 0, 0.99, 0), "time_correlation must be 0 to 0.95"),
        ((0.5, 0, 0, float("nan")), "space_correlation must be 0 to 0.95, found nan"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[float, float, float, float], words: str) -> None:
    with pytest.raises(TraceError, match=words):
        SpikeStatistics(*arguments)


def test_statistics_of_events_by_hand() -> None:
    """One channel, one row: 1 1 0 0, then 1 0 0 1. Mean 1/2; products of deviations (each +-1/2) are +-1/4."""
    events = np.array([1, 1, 0, 0, 1, 0, 0, 1]).reshape(1, 2, 1, 1, 4)
    found = measure(events, fewest_values=0)
    assert found["density"] == 0.5
    assert found["time_correlation"] == pytest.approx((1 - 1 + 1 - 1) / 4)
    assert found["space_correlation"] == pytest.approx((1 - 1 + 1 - 1 + 1 - 1) / 6)
    assert found["channel_variation"] == 0
    assert measure(events[..., :1], fewest_values=0)["space_correlation"] is None


def test_statistics_of_two_samples_by_hand() -> None:
    """Two channels in two timesteps: 1 1 and 0 0, then 1 1 and 0 1. Means by channel (1, 0) and (1, 1/2).

    The square of a channel's density: products of the two samples, (1 + 0) / 2 = 1/2; of the whole, 1/2 x 3/4 = 3/8.
    Of four pairs of timesteps two are both 1, as many as by chance.
    """
    events = np.array([[[1, 0], [1, 0]], [[1, 0], [1, 1]]]).reshape(2, 2, 2, 1, 1)
    found = measure(events, fewest_values=8)
    assert found["density"] == 5 / 8
    assert found["time_correlation"] == pytest.approx((2 / 4 - 1 / 2) / (5 / 8 - 1 / 2))
    assert found["channel_variation"] == pytest.approx(math.sqrt(1 / 2 - 3 / 8) / (5 / 8))


def test_few_timesteps_of_several_samples_tell_what_was_asked_for() -> None:
    """As of a dense layer: four observations by channel and sample; a sample's own mean would give -0.2 and 2."""
    statistics = SpikeStatistics(0.1, 0.7, 0.36, 0.0)
    densities = draw_densities(statistics, 8192, np.random.default_rng(1))
    drawn = [draw_events(statistics, densities, 4, (8192, 1, 1), np.random.default_rng((2, i))) for i in range(2)]
    found = measure(np.stack(drawn))
    # 8192 channels x 2 x 3 pairs, with one event in ten: 3 deviations are below 0.03, and below 0.1
    assert found["time_correlation"] == pytest.approx(0.36, abs=0.03)
    assert found["channel_variation"] == pytest.approx(0.7, abs=0.1)
    assert measure(np.stack(drawn[:1])) == {
        "density": drawn[0].mean(), "channel_variation": None, "time_correlation": None, "space_correlation": None,
    }  # fmt: skip


def test_how_many_values_tell_statistics() -> None:
    events = np.random.default_rng(1).random((2, 5, 10, 2, 5)) < 0.5  # 1000 values, 50 by channel and sample
    assert measure(events)["time_correlation"] is not None
    assert measure(events[:, :, :9])["time_correlation"] is None
    assert measure(events[:1])["time_correlation"] is None
    assert measure(np.repeat(events[:1], 20, axis=1))["time_correlation"] is not None
