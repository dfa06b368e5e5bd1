"""Synthetic traces: exact shares, seeded, of the sizes asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.traces import LayerShape, TraceError, open_trace
from spikecycle.traces.synthetic import reference_network, synthetic_trace

SHAPES = [
    LayerShape("conv2d", C=2, H=20, W=17, M=6, R=3, S=3, stride=(2, 1), padding=(1, 1), groups=2),
    LayerShape("conv2d", C=6, H=10, W=17, M=5, R=1, S=3),
    LayerShape.linear(300, 70),
]


def _write(path: Path, **changes: Any) -> Path:
    arguments: dict[str, Any] = {
        "shapes": SHAPES, "timesteps": 20, "samples": 3, "spike_density": 0.1, "weight_sparsity": 0.8,
        "weight_bits": 5, "seed": 4,
    }  # fmt: skip
    synthetic_trace(path, **(arguments | changes))
    return path


def test_the_reference_network_has_the_work_that_the_design_states() -> None:
    shapes = reference_network()
    assert round(20 * sum(shape.dense_sops_per_timestep for shape in shapes) / 1e9, 1) == 16.8
    assert [(s.C, s.H, s.W, s.M, s.P, s.Q) for s in shapes[:5]] == [
        (2 if side == 128 else 128, side, side, 128, side, side) for side in (128, 64, 32, 16, 8)
    ]
    assert [(s.C, s.M) for s in shapes[5:]] == [(2048, 512), (512, 110)]


def test_contents_are_what_was_asked_for(tmp_path: Path) -> None:
    with open_trace(_write(tmp_path / "t.h5", output_density=0.3)) as trace:
        assert (trace.samples, trace.timesteps) == (3, 20)
        assert [layer.name for layer in trace.layers] == ["conv1", "conv2", "dense1"]
        for layer, shape in zip(trace.layers, SHAPES, strict=True):
            assert layer.shape == shape
            codes = layer.weights()
            assert np.count_nonzero(codes == 0) == round(0.8 * codes.size)
            assert -15 <= codes.min() < 0 < codes.max() <= 15
            # Six standard deviations of a binomial share on the smallest layer's 20 x 300 positions, 20 x 70 neurons.
            assert abs(layer.inputs(0).mean() - 0.1) < 6 * np.sqrt(0.1 * 0.9 / 6000)
            outputs = layer.outputs(2)
            assert outputs is not None and abs(outputs.mean() - 0.3) < 6 * np.sqrt(0.3 * 0.7 / 1400)


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.0, 0), (1.0, 21), (0.5, 10)])
def test_the_share_of_zeros_is_exact(tmp_path: Path, sparsity: float, zeros: int) -> None:
    _write(tmp_path / "t.h5", shapes=[LayerShape.linear(7, 3)], weight_sparsity=sparsity, weight_bits=2)
    with open_trace(tmp_path / "t.h5") as trace:
        codes = trace.layers[0].weights()
        assert np.count_nonzero(codes == 0) == zeros and set(np.unique(codes)) <= {-1, 0, 1}


def test_a_multi_bit_first_layer(tmp_path: Path) -> None:
    with open_trace(_write(tmp_path / "t.h5", input_bits=4)) as trace:
        assert [layer.input_bits for layer in trace.layers] == [4, 1, 1]
        values = trace.layers[0].inputs(1)
        assert set(np.unique(values)) == set(range(16))
        assert abs((values > 0).mean() - 0.1) < 0.02
        assert not trace.layers[0].has_outputs


def test_seeds(tmp_path: Path) -> None:
    first = _write(tmp_path / "a.h5").read_bytes()
    assert _write(tmp_path / "b.h5").read_bytes() == first
    assert _write(tmp_path / "c.h5", seed=5).read_bytes() != first
    with open_trace(tmp_path / "a.h5") as few, open_trace(_write(tmp_path / "d.h5", samples=5)) as many:
        assert np.array_equal(few.layers[1].inputs(2), many.layers[1].inputs(2))
        assert not np.array_equal(few.layers[1].inputs(1), few.layers[1].inputs(2))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spike_density": 1.5}, "spike_density must be 0 to 1, found 1.5"),
        ({"weight_sparsity": float("nan")}, "weight_sparsity must be 0 to 1, found nan"),
        ({"output_density": -1}, "output_density must be 0 to 1, found -1"),
        ({"weight_bits": 33}, "weight_bits must be 2 to 32, found 33"),
        ({"input_bits": 0}, "input_bits must be 1 to 16, found 0"),
        ({"potential_bits": 1}, "potential_bits must be 2 to 32, found 1"),
        ({"seed": -1}, r"seed must be 0 to \d+, found -1"),
        ({"samples": 0}, "at least one sample is needed, found none"),
        ({"timesteps": 0}, r"T must be 1 to \d+, found 0"),
        ({"shapes": []}, "at least one layer is needed, found none"),
    ],
)
def test_impossible_arguments(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(TraceError, match=rf"t\.h5: {message}$"):
        _write(tmp_path / "t.h5", **changes)
    assert list(tmp_path.iterdir()) == []
