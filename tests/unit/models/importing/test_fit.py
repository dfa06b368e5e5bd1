"""Potentials that are too wide for a machine: which, which key, what it costs; and with the key set it runs."""

from __future__ import annotations

import re
from pathlib import Path

import nir
import numpy as np
import pytest

from spikecycle import simulator
from spikecycle.models import import_network
from spikecycle.models.importing.fit import KEY, unfit
from tests.unit.models.importing.graphs import chain, leaky

pytestmark = pytest.mark.train


def test_a_line_says_which_populations_which_key_and_the_price() -> None:
    (line,) = unfit({"a": 20, "b": 30, "c": 36}, ["spike_array"])
    assert line == (
        "on spike_array words of potentials have 24 bits, and these need more: b 30, c 36; set "
        "buffers.potentials.width_bits=36 (1.50 times the bits of each), or import with fewer weight bits or "
        "potential bits"
    )
    assert not unfit({"a": 24}, ["spike_array"]) and not unfit({"a": 99}, ["systolic_weight_stationary"])


def test_with_the_key_as_told_the_network_runs(tmp_path: Path, rng: np.random.Generator) -> None:
    weight = rng.normal(size=(4, 30))
    network = import_network(chain((30,), fc=nir.Linear(weight), n=leaky(4, 0.75, v_threshold=60.0)))
    samples = (rng.random((3, 8, 30)) < 0.4).astype(np.float32)
    network.calibrate(samples)
    network.quantize(16, potential_bits=28)
    network.record(tmp_path / "wide.h5", samples)
    (line,) = network.unfit(["spike_array"])
    bits = re.search(rf"{KEY}=(\d+)", line)
    assert bits is not None and "n " in line
    with pytest.raises(simulator.SimulatorError, match=rf"needs {bits[1]} bits, {KEY} is 24; set it to {bits[1]}, and"):
        simulator.simulate(tmp_path / "wide.h5", "spike_array")
    wider = simulator.override(simulator.load_machine("spike_array"), {KEY: int(bits[1])})
    simulator.simulate(tmp_path / "wide.h5", wider)
