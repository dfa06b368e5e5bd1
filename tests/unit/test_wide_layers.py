"""Memory of a layer of many weights, measured in a process that simulates it: a few bytes per weight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikecycle.traces import GraphBuilder, Neuron
from tests.children import run_child

OUTPUTS, INPUTS = 16_384, 1_024
BASE_BYTES = 250 * 2**20  # Python, NumPy, Numba and machine code
BYTES_PER_WEIGHT = 16  # codes, a copy in 32 bits, sizes of fibers; it once was 160
PEAK = """
import sys
import spikecycle
spikecycle.simulate(sys.argv[1], sys.argv[2])
lines = open("/proc/self/status").read().splitlines()  # of this program alone; getrusage counts what started it
print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024)
"""


@pytest.fixture(scope="module")
def wide_layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(3)
    graph = GraphBuilder(timesteps=2)
    spikes = (random.random((1, 2, INPUTS)) < 0.1).astype(np.int64)
    weights = random.integers(-127, 128, (OUTPUTS, INPUTS), np.int16) * (random.random((OUTPUTS, INPUTS)) < 0.2)
    current = graph.linear("wide", graph.input("x", spikes), weights, weight_bits=8)
    graph.neuron("wide.lif", current, Neuron("lif", 500, 20, 1, 1))
    path = tmp_path_factory.mktemp("wide") / "wide.h5"
    graph.write(path)
    return path


@pytest.mark.parametrize("machine", ["spike_array", "eyeriss_snn"])
def test_a_layer_of_millions_of_weights_takes_a_few_bytes_for_each(wide_layer: Path, machine: str) -> None:
    ended = run_child(["-c", PEAK, wide_layer, machine], memory_bytes=8 * 2**30, seconds=300)
    assert ended.status == 0, ended.err
    assert int(ended.out) <= BASE_BYTES + BYTES_PER_WEIGHT * OUTPUTS * INPUTS
