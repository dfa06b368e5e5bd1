"""Inputs beyond those that a network was calibrated on: they are clipped, which is said and counted as what it is.

One neuron without leak, weight 1, that fires above 2.5 and is then at 0.
"""

from __future__ import annotations

from pathlib import Path

import nir
import numpy as np
import pytest

from spikecycle.models import import_network
from spikecycle.models.importing.measure import INPUTS
from spikecycle.models.importing.network import ImportedNetwork
from spikecycle.traces import open_trace
from tests.unit.models.data.test_labelled_folder import SENSOR, recording
from tests.unit.models.importing.graphs import chain, integrate, written
from tests.unit.models.importing.test_evaluate_command import Capsys, evaluated

pytestmark = pytest.mark.train


@pytest.fixture
def network() -> ImportedNetwork:
    found = import_network(chain((1,), fc=nir.Linear(np.ones((1, 1))), n=integrate(1, 2.5)))
    found.calibrate(np.ones((1, 4, 1), np.float32))
    found.quantize(8)
    return found


def test_what_is_clipped_is_said_and_is_the_cause(network: ImportedNetwork) -> None:
    """Inputs of 3 make it fire in each of 4 timesteps; clipped to 1, in the third alone."""
    figures = network.measure(np.full((1, 4, 1), 3, np.float32))
    assert figures.spike_difference_causes == {"n": {INPUTS: 3}} and figures.clipped_inputs == 1
    assert figures.remarks[0] == (
        "4 of 4 input values (100 %) are clipped to the range of the calibration's samples, 0 to 1 (spikes of 1 bits): "
        "these are 3 to 3"
    )


def test_what_is_rounded_is_said_and_is_the_cause(network: ImportedNetwork) -> None:
    """Inputs of 0.75 are at 3 in the fourth timestep; of 1, above 2.5 in the third: two spikes in other places."""
    figures = network.measure(np.full((1, 4, 1), 0.75, np.float32))
    assert figures.spike_difference_causes == {"n": {INPUTS: 2}} and figures.clipped_inputs == 0
    assert "4 of 4 input values (100 %) are rounded to integers" in figures.remarks[0]


def test_nothing_is_said_of_inputs_that_were_seen(network: ImportedNetwork) -> None:
    figures = network.measure(np.ones((2, 4, 1), np.float32))
    assert figures.spike_difference_causes == {"n": {}}
    assert not any("input values" in remark for remark in figures.remarks)


def test_what_is_recorded_says_it_too(network: ImportedNetwork, tmp_path: Path) -> None:
    """Though other samples were measured."""
    measured = network.measure(np.ones((2, 4, 1), np.float32))
    samples = np.ones((1, 4, 1), np.float32)
    samples[0, 1] = 7
    figures = network.record(tmp_path / "n.h5", samples, measured=measured)
    assert "1 of 4 input values (25 %) are clipped" in figures.remarks[0]
    with open_trace(tmp_path / "n.h5") as trace:
        assert figures.remarks[0] in trace.provenance["remarks"]


def test_evaluating_says_it(capsys: Capsys, tmp_path: Path) -> None:
    """Every pixel of the quiet folder has at most one event in a frame, of the loud one up to three and more."""
    flat = nir.Flatten({"input": np.array([2, SENSOR, SENSOR])}, 0)
    weight = np.ones((2, 2 * SENSOR * SENSOR))
    file = written(tmp_path / "net.nir", chain((2, SENSOR, SENSOR), f=flat, fc=nir.Linear(weight), n=integrate(2, 1.5)))
    for label in range(2):
        recording(tmp_path / "quiet" / str(label) / "a.npy", label, events=1)
        recording(tmp_path / "loud" / str(label) / "a.npy", label, events=400)
    quiet, loud = tmp_path / "quiet", tmp_path / "loud"
    ended = evaluated(capsys, file, loud, "--calibrate-on", str(quiet), "--timesteps", "5")
    assert ended.status == 0 and "0 to 1 (spikes of 1 bits): these are 0 to 3" in ended.out
    ended = evaluated(capsys, file, quiet, "--timesteps", "5", "--out", str(tmp_path / "one.h5"))
    assert ended.status == 0 and "clipped" not in ended.out
    ended = evaluated(capsys, tmp_path / "one.h5", loud, "--count-bits", "2")
    assert ended.status == 0 and "are clipped to 1, what the trace's 1-bit inputs hold; these are up to 3" in ended.out
    assert "are clipped to 1, what the trace's" in evaluated(capsys, tmp_path / "one.h5", loud).out
    assert "clipped" not in evaluated(capsys, tmp_path / "one.h5", quiet).out
