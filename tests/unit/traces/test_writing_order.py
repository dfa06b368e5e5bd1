"""When samples reach the file is decided by their sizes alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikecycle.traces import LayerParameters, LayerShape, TraceWriter, open_trace, recording
from tests.unit.traces.builders import neuron

SHAPE = LayerShape("conv2d", C=3, H=8, W=8, M=2, R=1, S=1)
TIMESTEPS = 4


def write(path: Path, frames: np.ndarray) -> bytes:
    layer = LayerParameters("conv", SHAPE, np.ones(SHAPE.weight_shape, int), 2, neuron(2), input_bits=3)
    with TraceWriter(path, [layer], TIMESTEPS) as open_writer:
        for sample in frames:
            open_writer.append([sample])
    return path.read_bytes()


@pytest.mark.parametrize("block_bytes", [1, 1000, 2**20])
def test_samples_that_waited_are_as_they_were_when_appended(
    block_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "BLOCK_BYTES", block_bytes)
    frames = np.random.default_rng(0).integers(0, 8, (5, TIMESTEPS, 3, 8, 8)).astype(np.uint8)
    reused = np.empty_like(frames[0])

    class OneBuffer:
        def __iter__(self):
            for frame in frames:
                reused[:] = frame
                yield reused

    assert write(tmp_path / "a.h5", frames) == write(tmp_path / "b.h5", OneBuffer())
    with open_trace(tmp_path / "b.h5") as trace:
        assert trace.samples == 5
        for sample, frame in enumerate(frames):
            assert np.array_equal(trace.layers[0].inputs(sample), frame)
