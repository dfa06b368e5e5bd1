"""Names and options of data sets: the nearest name, the option that is not there, nothing loaded too early."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import DATA_SETS, check_options, load_data
from spikecycle.models.errors import ModelsError

pytestmark = pytest.mark.train


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_data_set_takes_defaults_for_what_all_have_in_common(name: str) -> None:
    check_options(name, DataOptions())
    check_options(name, DataOptions(timesteps=3, slicing="events", count_bits=1, samples_per_class=2, split_seed=1))


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(ModelsError, match=r"no data set named digit; did you mean digits\?"):
        load_data("digit")
    with pytest.raises(ModelsError, match="no data set named zzz; there are digits"):
        load_data("zzz")


def test_options_that_a_data_set_does_not_have_are_all_named() -> None:
    with pytest.raises(ModelsError, match="data set digits has no option root, download; it has timesteps, slicing,"):
        load_data("digits", DataOptions.model_validate({"root": "somewhere", "download": False, "timesteps": 3}))


@pytest.mark.parametrize(
    "options",
    [{"timestep": 4}, {"timesteps": 0}, {"count_bits": 9}, {"test_share": 1.0}, {"split_seed": -1}, {"slicing": "x"}],
)
def test_impossible_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DataOptions.model_validate(options)


def test_options_reach_the_loader() -> None:
    options = DataOptions(timesteps=3, resolution=8, count_bits=3, samples_per_class=10, test_share=0.3, split_seed=4)
    seen: list[tuple[int, int]] = []
    data = load_data("digits", options, lambda done, total: seen.append((done, total)))
    assert data.train.frames.shape == (70, 3, 2, 8, 8) and data.input_bits == 3 and data.train.frames.max() == 7
    assert np.bincount(data.test.labels).tolist() == [3] * 10
    assert seen[0] == (1, 100) and seen[-1] == (100, 100)
    assert "16x16 pixels summed 2x2" in data.description and "seed 4" in data.description
    by_events = load_data("digits", options.model_copy(update={"slicing": "events"}))
    assert "frames of equal numbers of events" in by_events.description
    assert not np.array_equal(by_events.train.frames, data.train.frames)


def test_options_and_names_need_no_training_libraries() -> None:
    program = (
        "import sys, spikecycle.models.data.options, models.data.registry\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'tonic', 'sklearn', 'snntorch')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
