"""The networks of traces of version 1, whose layers are lists: run on samples that they have not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikecycle.models.data.frames import FrameSet
from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.joined import joined
from spikecycle.models.importing.trace_network import TraceNetwork
from spikecycle.models.integer import IntegerNode, record_network, run_network
from spikecycle.models.networks.network import integer_nodes, quantize
from spikecycle.models.readout import predicted_classes
from spikecycle.simulator import simulate
from spikecycle.traces import Neuron, Pool, conv2d_layer, linear_layer, open_trace, sample_path, write_trace
from tests.unit.models.networks.lively import CLASSES, INPUT_BITS, frames_for, lively, quantized_to

pytestmark = pytest.mark.train
VOTERS = {"lenet5": 1, "digits": 2}


def nodes_of(name: str) -> list[IntegerNode]:
    return integer_nodes(quantize(lively(name), quantized_to(4)).eval(), INPUT_BITS)


def recorded(name: str, path: Path) -> list[IntegerNode]:
    """A trace of a network on four samples, one of each class."""
    nodes = nodes_of(name)
    record_network(path, nodes, frames_for(name, CLASSES), np.arange(CLASSES), {})
    return nodes


@pytest.mark.parametrize("name", ["lenet5", "digits"])
def test_other_samples_are_answered_as_the_integer_network_does(name: str, tmp_path: Path) -> None:
    nodes = recorded(name, tmp_path / "one.h5")
    others = np.random.default_rng(9).binomial(3, 0.2, (7, *frames_for(name).shape[1:])).astype(np.uint8)
    samples = FrameSet(others, np.arange(7) % CLASSES)
    emitted = run_network(nodes, others)[-1]
    with open_trace(tmp_path / "one.h5") as trace:
        network = TraceNetwork.of(trace)
        pools = [each for each in network.network.operators if isinstance(each, Pool)]
        assert [(each.mode, each.window) for each in pools] == [("max", (2, 2))] * (2 if name == "lenet5" else 0)
        assert network.classes == CLASSES == network.output.output.count / VOTERS[name]
        assert network.predictions(samples) == predicted_classes(emitted, CLASSES).tolist()
        network.record(tmp_path / "two.h5", samples, {})
        outputs = network.output.output.name
    with open_trace(tmp_path / "two.h5") as trace:
        values = np.stack([np.asarray(trace.tensors[outputs].values(sample)) for sample in range(7)])
        assert emitted.any() and np.array_equal(values.reshape(emitted.shape), emitted)
    result = simulate(tmp_path / "two.h5", "spike_array", verify=True)
    assert result.verification is not None and sum(each.mismatches for each in result.verification) == 0


def test_a_shipped_trace_answers_as_it_was_recorded() -> None:
    with open_trace(sample_path("digits-pruned80")) as trace:
        network = TraceNetwork.of(trace)
        frames, outputs = (
            np.stack([np.asarray(trace.tensors[name].values(sample)) for sample in range(trace.samples)])
            for name in (network.input.name, network.output.output.name)
        )
        assert network.classes == 10
        assert trace.labels is not None
        predicted = network.predictions(FrameSet(frames, trace.labels))
    assert predicted == predicted_classes(outputs, 10).tolist()


def test_joints_that_are_no_pooling_are_refused_by_name(tmp_path: Path) -> None:
    """Attention scales spikes between two layers."""
    recorded("tcja", tmp_path / "net.h5")
    with open_trace(tmp_path / "net.h5") as trace, pytest.raises(ModelsError) as error:
        joined(trace)
    assert "received is neither that nor a pooling of it; record the network again" in str(error.value)


def test_joints_that_may_be_several_are_refused_by_name(tmp_path: Path) -> None:
    """Of silent maps of 5 x 5, windows of 3, of 4 and of 5 all give one silent value."""
    two, three = (Neuron("if", np.full(count, 5, np.int32), 8) for count in (2, 3))
    spikes, silent = np.ones((1, 4, 1, 5, 5), np.uint8), np.zeros((1, 4, 2), np.uint8)
    before = conv2d_layer("a", spikes, np.zeros((2, 1, 1, 1), np.int32), 4, two)
    behind = linear_layer("b", silent, np.ones((3, 2), np.int32), 4, three)
    write_trace(tmp_path / "net.h5", [before, behind])
    with open_trace(tmp_path / "net.h5") as trace, pytest.raises(ModelsError) as error:
        joined(trace)
    assert "of what a emitted, what b received fits several ways of pooling" in str(error.value)
