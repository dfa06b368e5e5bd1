"""Integer inference against the plain loops of tests/reference/replay.py, saturation and both resets included."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import IntegerLayer, run_network
from spikecycle.traces import LayerShape, Neuron
from tests.reference import replay

pytestmark = pytest.mark.train


@st.composite
def shapes(draw: st.DrawFn) -> LayerShape:
    small = st.integers(1, 3)
    if draw(st.booleans()):
        return LayerShape.linear(draw(st.integers(1, 6)), draw(small))
    groups = draw(st.integers(1, 2))
    r, s = draw(small), draw(small)
    return LayerShape(
        "conv2d",
        C=groups * draw(st.integers(1, 2)),
        H=r + draw(st.integers(0, 2)),
        W=s + draw(st.integers(0, 2)),
        M=groups * draw(st.integers(1, 2)),
        R=r,
        S=s,
        stride=(draw(st.integers(1, 2)), draw(st.integers(1, 3))),
        padding=(draw(st.integers(0, 1)), draw(st.integers(0, 1))),
        groups=groups,
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[IntegerLayer, np.ndarray]:
    shape = draw(shapes())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    potential_bits = draw(st.integers(4, 8))
    shift = draw(st.integers(0, 4))
    highest = 2 ** (potential_bits - 1) - 1
    reset: Literal["hard", "soft"] = draw(st.sampled_from(["hard", "soft"]))
    neuron = Neuron(
        kind="lif",
        threshold=rng.integers(1, highest + 1, shape.M, dtype=np.int32),
        potential_bits=potential_bits,
        leak_numerator=draw(st.integers(0, 2**shift)),
        leak_shift=shift,
        reset=reset,
        reset_value=draw(st.integers(-3, 0)),
    )
    input_bits = draw(st.integers(1, 3))
    layer = IntegerLayer(
        name="layer",
        shape=shape,
        weights=rng.integers(-8, 8, shape.weight_shape, dtype=np.int32),
        weight_bits=4,
        weight_scale=np.ones(shape.M),
        bias=rng.integers(-8, 8, shape.M, dtype=np.int32),
        neuron=neuron,
        input_bits=input_bits,
    )
    inputs = rng.integers(0, 2**input_bits, (2, 5, shape.C, shape.H, shape.W)).astype(np.uint8)
    return layer, inputs


def test_spikes_equal_those_of_the_plain_loops_in_every_corner_of_the_neuron() -> None:
    occurred: set[str] = set()

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(cases())
    def compare(case: tuple[IntegerLayer, np.ndarray]) -> None:
        layer, inputs = case
        spikes = layer.run(inputs)
        for sample in range(len(inputs)):
            twin = replay.replay(
                layer.shape, layer.neuron, layer.weights.tolist(), layer.bias.tolist(), inputs[sample].tolist()
            )
            assert spikes[sample].tolist() == twin.outputs
            occurred.update(twin.occurred)

    compare()
    assert occurred >= {
        "potential saturates at the top",
        "potential saturates at the bottom",
        "soft reset to not 0",
        "hard reset to not 0",
        "a negative potential leaks and is rounded down",
    }


def one_neuron(reset: Literal["hard", "soft"], potential_bits: int = 8) -> IntegerLayer:
    return IntegerLayer(
        name="one",
        shape=LayerShape.linear(1, 1),
        weights=np.array([[[[3]]]], dtype=np.int32),
        weight_bits=8,
        weight_scale=np.ones(1),
        bias=np.zeros(1, dtype=np.int32),
        neuron=Neuron("lif", np.array([5], dtype=np.int32), potential_bits, 7, 3, reset),
        input_bits=2,
    )


@pytest.mark.parametrize(("reset", "expected"), [("soft", [0, 1, 1, 1, 0]), ("hard", [0, 1, 1, 0, 0])])
def test_one_neuron_by_hand(reset: Literal["hard", "soft"], expected: list[int]) -> None:
    # Threshold 5, leak 7/8 rounded down, weight 3, inputs 1 1 3 1 0.
    # Both: 3, then 2 + 3 = 5 fires and leaves 0, then 9 fires.
    # Soft keeps 4: 3 + 3 = 6 fires and leaves 1, then 0. Hard keeps 0: 3, then 2.
    inputs = np.array([1, 1, 3, 1, 0], dtype=np.uint8)[None, :, None, None, None]
    assert one_neuron(reset).run(inputs).ravel().tolist() == expected


def test_layers_chain_through_the_flattened_map() -> None:
    conv = LayerShape("conv2d", C=1, H=2, W=2, M=2, R=1, S=1)
    neuron = Neuron("lif", np.ones(2, dtype=np.int32), 8, 1, 0, "hard")
    pass_on = IntegerLayer(
        "conv", conv, np.array([1, 1], dtype=np.int32).reshape(2, 1, 1, 1), 2, np.ones(2), np.zeros(2, np.int32), neuron
    )
    pick = np.zeros((2, 8, 1, 1), dtype=np.int32)
    pick[0, 1], pick[1, 4] = 1, 1  # channel 0 row 0 column 1; channel 1 row 0 column 0
    dense = IntegerLayer("fc", LayerShape.linear(8, 2), pick, 2, np.ones(2), np.zeros(2, np.int32), neuron)
    frames = np.array([[0, 1], [0, 0]], dtype=np.uint8).reshape(1, 1, 1, 2, 2)
    assert run_network([pass_on, dense], frames)[-1].ravel().tolist() == [1, 0]


def test_sums_beyond_exact_floating_point_are_refused() -> None:
    shape = LayerShape.linear(2**7, 1)
    weights = np.full(shape.weight_shape, 2**31 - 1, dtype=np.int32)
    neuron = Neuron("lif", np.ones(1, dtype=np.int32), 32)
    with pytest.raises(ModelsError, match=r"layer wide: sums may reach .* beyond exact float64"):
        IntegerLayer("wide", shape, weights, 32, np.ones(1), np.zeros(1, np.int32), neuron, input_bits=16)
