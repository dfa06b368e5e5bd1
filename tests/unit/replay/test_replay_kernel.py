"""The replay's kernels (scatter, event by event) against the gathering twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.replay import replay_layer
from tests.generated import layer_shapes, neurons, spikes
from tests.reference.replay import replay


@st.composite
def layers(draw) -> tuple[LayerTask, np.ndarray]:
    """A layer and its inputs. Weights are large beside the potential's range, so that it saturates."""
    shape = draw(layer_shapes())
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    input_bits = draw(st.sampled_from([1, 1, 3, 8, 12]))
    timesteps = draw(st.integers(1, 4))
    inputs = spikes(draw, (timesteps, *shape.input_shape), input_bits)
    largest = draw(st.sampled_from([1, 20]))
    weights = random.integers(-largest, largest + 1, shape.weight_shape)
    weights *= random.random(weights.shape) < draw(st.sampled_from([0.3, 1.0]))
    bias = random.integers(-3, 4, shape.M) * draw(st.booleans())
    task = LayerTask(
        name="generated",
        shape=shape,
        timesteps=timesteps,
        input_bits=input_bits,
        weight_bits=8,
        weights=weights.astype(np.int32),
        bias=bias.astype(np.int32),
        neuron=draw(neurons(shape.output_shape)),
    )
    return task, inputs.astype(np.uint16 if input_bits > 8 else np.uint8)


@pytest.mark.kernel
def test_scatter_equals_gather():
    occurred: set[str] = set()

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(layers())
    def compare(case):
        task, inputs = case
        twin = replay(task.shape, task.neuron, task.weights.tolist(), task.bias.tolist(), inputs.tolist())
        tracked = replay_layer(task, inputs, track_active=True)
        assert tracked.outputs.dtype == (np.uint8 if task.neuron.fires else np.int32)
        assert tracked.outputs.tolist() == twin.outputs
        assert tracked.active is not None
        assert tracked.active.tolist() == twin.active
        assert tracked.potentials.tolist() == twin.potentials
        plain = replay_layer(task, inputs)
        assert plain.active is None
        assert np.array_equal(plain.outputs, tracked.outputs)
        assert np.array_equal(plain.potentials, tracked.potentials)
        occurred.update(twin.occurred | {task.shape.operator, task.neuron.kind})

    compare()
    # The cases must have been worth comparing.
    assert occurred >= {
        "potential saturates at the top",
        "potential saturates at the bottom",
        "current saturates at the top",
        "current saturates at the bottom",
        "a negative potential leaks and is rounded down",
        "hard reset to 0",
        "hard reset to not 0",
        "soft reset to 0",
        "soft reset to not 0",
        "late hard reset",
        "late soft reset",
        "accumulates that cancel",
        *("conv1d", "conv2d", "linear"),
        *("lif", "if", "synaptic", "readout"),
    }
