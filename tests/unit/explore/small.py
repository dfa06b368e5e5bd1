"""A trace of two small layers, on which a run takes milliseconds."""

from __future__ import annotations

from pathlib import Path

from spikecycle.traces import LayerShape
from spikecycle.traces.synthetic import synthetic_trace


def small_trace(path: Path, samples: int = 2) -> Path:
    """A convolution 2x6x6 to 4 channels and a dense layer to 5 neurons, 3 timesteps, drawn."""
    shapes = (LayerShape("conv2d", C=2, H=6, W=6, M=4, R=3, S=3, padding=(1, 1)), LayerShape.linear(144, 5))
    synthetic_trace(path, shapes, 3, samples, 0.3, 0.5, 8, seed=1, output_density=0.2)
    return path
