"""Opening reads metadata; one sample of one layer costs the memory of that sample, however large the file."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikecycle.traces import LayerParameters, LayerShape, TraceWriter, open_trace
from spikecycle.traces.synthetic import synthetic_trace
from tests.unit.traces.builders import neuron

MIB = 2**20


def _resident_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """256 MiB of images, 2 MiB a sample, that compress to little."""
    path = tmp_path_factory.mktemp("large") / "large.h5"
    shape = LayerShape("conv2d", C=2, H=256, W=256, M=1, R=1, S=1)
    layer = LayerParameters("conv1", shape, np.ones(shape.weight_shape, int), 2, neuron(1), input_bits=8)
    values = np.zeros((16, *shape.input_shape), np.uint8)
    with TraceWriter(path, [layer], timesteps=16) as writer:
        for sample in range(128):
            values[:] = sample
            writer.append([values])
    return path


def test_one_sample_costs_one_sample(large: Path) -> None:
    with h5py.File(large) as file:
        assert file["layers/0/inputs"].nbytes == 256 * MIB
    before = _resident_bytes()
    tracemalloc.start()
    try:
        with open_trace(large) as trace:
            assert tracemalloc.get_traced_memory()[1] < MIB
            for sample in (127, 3, 64):
                assert (trace.layers[0].inputs(sample) == sample).all()
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * MIB  # NumPy's share: the sample, its conversion, the comparison
    assert _resident_bytes() - before < 50 * MIB  # and HDF5's, which tracemalloc does not see


def test_writing_and_reading_a_long_trace_is_bounded(tmp_path: Path) -> None:
    shape = LayerShape("conv2d", C=2, H=64, W=64, M=4, R=3, S=3)
    tracemalloc.start()
    try:
        synthetic_trace(tmp_path / "t.h5", [shape] * 3, 10, 40, 0.1, 0.5, 8, seed=1)
        with open_trace(tmp_path / "t.h5") as trace:
            for layer in trace.layers:
                for sample in range(trace.samples):
                    layer.inputs(sample)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    one_sample_of_one_layer = 10 * shape.input_count
    assert peak < 20 * one_sample_of_one_layer < 3 * 40 * one_sample_of_one_layer
