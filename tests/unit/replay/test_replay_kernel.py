"""The replay's kernels (scatter, event by event) against the gathering twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spikecycle.simulator.dataflows.base import LayerTask
from spikecycle.simulator.replay import replay_layer
from spikecycle.traces import LayerShape, Neuron, TraceError
from tests.reference.replay import replay


@st.composite
def layers(draw) -> tuple[LayerTask, np.ndarray]:
    """A layer and its inputs. Weights are large beside the potential's range, so that it saturates."""
    size = st.integers(1, 5)
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    try:
        shape = LayerShape(
            "conv2d",
            C=groups * draw(st.integers(1, 3)),
            H=draw(size),
            W=draw(size),
            M=groups * draw(st.integers(1, 3)),
            R=draw(st.integers(1, 3)),
            S=draw(st.integers(1, 3)),
            stride=(draw(st.integers(1, 3)), draw(st.integers(1, 3))),
            padding=(draw(st.integers(0, 2)), draw(st.integers(0, 2))),
            groups=groups,
        )
    except TraceError:
        assume(False)
    if draw(st.booleans()) and draw(st.booleans()):
        shape = LayerShape.linear(draw(st.integers(1, 9)), draw(st.integers(1, 5)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    input_bits = draw(st.sampled_from([1, 1, 3, 8, 12]))
    timesteps = draw(st.integers(1, 4))
    values = random.integers(1, 2**input_bits, (timesteps, shape.C, shape.H, shape.W))
    inputs = (values * (random.random(values.shape) < draw(st.sampled_from([0.1, 0.5, 1.0])))).astype(
        np.uint16 if input_bits > 8 else np.uint8
    )
    largest = draw(st.sampled_from([1, 20]))
    weights = random.integers(-largest, largest + 1, shape.weight_shape)
    weights *= random.random(weights.shape) < draw(st.sampled_from([0.3, 1.0]))
    potential_bits = draw(st.sampled_from([2, 6, 10]))
    threshold = random.integers(1, 2 ** (potential_bits - 1), shape.M)
    shift = draw(st.integers(0, 4))
    leaks = draw(st.booleans())
    neuron = Neuron(
        "lif" if leaks else "if",
        threshold.astype(np.int32),
        potential_bits,
        leak_numerator=draw(st.integers(0, 2**shift)) if leaks else 2**shift,
        leak_shift=shift,
        reset=draw(st.sampled_from(["hard", "soft"])),
        reset_value=draw(st.sampled_from([0, 0, -1, int(threshold.min()) - 1])),
    )
    bias = random.integers(-3, 4, shape.M) * draw(st.booleans())
    task = LayerTask(
        name="generated",
        shape=shape,
        timesteps=timesteps,
        input_bits=input_bits,
        weight_bits=8,
        weights=weights.astype(np.int32),
        bias=bias.astype(np.int32),
        neuron=neuron,
    )
    return task, inputs


@pytest.mark.kernel
def test_scatter_equals_gather():
    occurred: set[str] = set()

    @settings(max_examples=250, deadline=None, derandomize=True)
    @given(layers())
    def compare(case):
        task, inputs = case
        twin = replay(task.shape, task.neuron, task.weights.tolist(), task.bias.tolist(), inputs.tolist())
        tracked = replay_layer(task, inputs, track_active=True)
        assert tracked.outputs.dtype == np.uint8
        assert tracked.outputs.tolist() == twin.outputs
        assert tracked.active is not None
        assert tracked.active.tolist() == twin.active
        assert tracked.potentials.tolist() == twin.potentials
        plain = replay_layer(task, inputs)
        assert plain.active is None
        assert np.array_equal(plain.outputs, tracked.outputs)
        assert np.array_equal(plain.potentials, tracked.potentials)
        occurred.update(twin.occurred)

    compare()
    # The cases must have been worth comparing.
    assert occurred >= {
        "saturates at the top",
        "saturates at the bottom",
        "a negative potential leaks and is rounded down",
        "hard reset to 0",
        "hard reset to not 0",
        "soft reset to 0",
        "soft reset to not 0",
        "accumulates that cancel",
    }
