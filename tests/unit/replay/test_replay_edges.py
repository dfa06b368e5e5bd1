"""Replays worked out by hand: the active flag, saturation, verification, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from spikecycle.simulator.dataflows.layer import LayerTask
from spikecycle.simulator.replay import replay_layer, verify_layer
from spikecycle.traces import LayerShape, Neuron, TraceError


def linear(weights, timesteps, *, bias=0, input_bits=1, **neuron) -> LayerTask:
    """One output neuron with the given weights."""
    settings = {"kind": "if", "threshold": np.array([10], np.int32), "potential_bits": 8} | neuron
    return LayerTask(
        name="fc",
        shape=LayerShape.linear(len(weights), 1),
        timesteps=timesteps,
        input_bits=input_bits,
        weight_bits=32,
        weights=np.array(weights, np.int32).reshape(1, -1, 1, 1),
        bias=np.array([bias], np.int32),
        neuron=Neuron(**settings),
    )


def spikes(*timesteps) -> np.ndarray:
    """Inputs (T, C, 1, 1)."""
    return np.array(timesteps, np.uint16)[:, :, None, None]


def outcome(task, inputs):
    result = replay_layer(task, inputs, track_active=True)
    return result.outputs.ravel().tolist(), result.active.ravel().tolist(), int(result.potentials[0, 0, 0])


def test_a_silent_neuron_at_rest_is_not_active():
    assert outcome(linear([3], 2), spikes([0], [0])) == ([0, 0], [0, 0], 0)


def test_a_zero_weight_is_no_accumulate():
    assert outcome(linear([0, 3], 2), spikes([1, 0], [0, 1])) == ([0, 0], [0, 1], 3)


def test_accumulates_that_cancel_make_it_active_for_one_timestep():
    assert outcome(linear([3, -3], 3), spikes([1, 1], [0, 0], [0, 1])) == ([0, 0, 0], [1, 0, 1], -3)


def test_it_stays_active_until_the_stored_potential_is_zero():
    """1 leaks to 0 in the update of the next timestep: active there, at rest after it."""
    leaky = linear([1], 3, kind="lif", leak_numerator=1, leak_shift=1)
    assert outcome(leaky, spikes([1], [0], [0])) == ([0, 0, 0], [1, 1, 0], 0)


def test_floor_leak_keeps_a_negative_neuron_active():
    leaky = linear([-1], 3, kind="lif", leak_numerator=1, leak_shift=1)
    assert outcome(leaky, spikes([1], [0], [0])) == ([0, 0, 0], [1, 1, 1], -1)


def test_reset_to_zero_puts_it_to_rest_and_a_remainder_does_not():
    inputs = spikes([1], [0])
    assert outcome(linear([12], 2, reset="hard"), inputs) == ([1, 0], [1, 0], 0)
    assert outcome(linear([12], 2, reset="hard", reset_value=-2), inputs) == ([1, 0], [1, 1], -2)
    assert outcome(linear([12], 2, reset="soft"), inputs) == ([1, 0], [1, 1], 2)
    assert outcome(linear([10], 2, reset="soft"), inputs) == ([1, 0], [1, 0], 0)


def test_the_bias_sets_no_flag_of_its_own_timestep():
    assert outcome(linear([1], 3, bias=2), spikes([0], [0], [0])) == ([0, 0, 0], [0, 1, 1], 6)


def test_the_sum_saturates_once_when_complete():
    """100 + 100 - 150 is 50, although 100 + 100 alone saturates at 127."""
    task = linear([100, 100, -150], 2, threshold=np.array([60], np.int32))
    assert outcome(task, spikes([1, 1, 1], [1, 0, 0])) == ([0, 1], [1, 1], 0)
    assert outcome(task, spikes([0, 0, 1], [0, 0, 1])) == ([0, 0], [1, 1], -128)


def test_sums_beyond_32_bits():
    task = linear([2**31 - 1] * 3, 1, input_bits=16, potential_bits=32, threshold=np.array([2**31 - 1], np.int32))
    assert outcome(task, spikes([65535, 65535, 0])) == ([1], [1], 0)
    falling = linear([-(2**31)] * 2, 1, input_bits=16, potential_bits=32)
    assert outcome(falling, spikes([65535, 65535])) == ([0], [1], -(2**31))


@pytest.fixture
def recording():
    random = np.random.default_rng(7)
    shape = LayerShape("conv2d", C=2, H=4, W=5, M=3, R=3, S=2, stride=(1, 2), padding=(1, 0))
    task = LayerTask(
        name="conv",
        shape=shape,
        timesteps=3,
        input_bits=1,
        weight_bits=4,
        weights=random.integers(-7, 8, shape.weight_shape).astype(np.int32),
        bias=np.zeros(3, np.int32),
        neuron=Neuron("if", np.array([5, 6, 7], np.int32), 8),
    )
    inputs = random.integers(0, 2, (3, 2, 4, 5)).astype(np.uint8)
    return task, inputs, replay_layer(task, inputs).outputs


def test_an_exact_recording(recording):
    task, inputs, outputs = recording
    assert 0 < outputs.sum() < outputs.size
    verification = verify_layer(task, inputs, outputs)
    assert (verification.compared, verification.mismatches) == (outputs.size, 0)
    assert verification.first_mismatch is None


def test_the_first_of_several_mismatches_is_named(recording):
    task, inputs, outputs = recording
    wrong = outputs.copy()
    wrong[1, 2, 3, 1] ^= 1
    wrong[1, 2, 3, 0] ^= 1
    wrong[2, 0, 0, 0] ^= 1
    verification = verify_layer(task, inputs, wrong)
    assert verification.mismatches == 3
    assert verification.first_mismatch == (1, 2, 3, 0)


def test_inputs_are_left_alone_and_may_be_read_only(recording):
    task, inputs, outputs = recording
    inputs.setflags(write=False)
    outputs.setflags(write=False)
    assert verify_layer(task, inputs, outputs).mismatches == 0


def test_shapes_that_do_not_fit_are_refused(recording):
    task, inputs, outputs = recording
    with pytest.raises(TraceError, match=r"^layer conv: inputs: found shape \(2, 2, 4, 5\), expected \(3, 2, 4, 5\)$"):
        replay_layer(task, inputs[:2])
    with pytest.raises(TraceError, match="layer conv: outputs"):
        verify_layer(task, inputs, outputs[:, :2])
