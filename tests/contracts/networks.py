"""Small networks that every dataflow is tried on: one for each thing that a network can have.

Every network has three samples of `TIMESTEPS`: one of few spikes, one that is silent, and one of many.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from spikecycle.traces import GraphBuilder, Neuron, Source

TIMESTEPS = 3
FEW, SILENT, MANY = range(3)
"""The samples."""
LEAKY = Neuron("lif", 5, potential_bits=12, leak_numerator=3, leak_shift=2)
KEEPING = Neuron("if", 3, potential_bits=12)


class Drawing:
    """A network in the making, and seeded numbers for it."""

    def __init__(self) -> None:
        self.graph = GraphBuilder(TIMESTEPS)
        self.random = np.random.default_rng(7)

    def input(self, name: str, *shape: int, bits: int = 1, signed: bool = False) -> Source:
        """An input of the network, (C, H, W)."""
        size = (3, TIMESTEPS, *shape)
        lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (1, 2**bits - 1)
        density = np.array([0.15, 0.0, 0.5]).reshape(-1, 1, 1, 1, 1)
        values = self.random.integers(lowest, highest + 1, size) * (self.random.random(size) < density)
        return self.graph.input(name, values, bits=bits, signed=signed)

    def weights(self, *shape: int) -> np.ndarray:
        """Codes of 4 bits, half of them 0, rather above 0 so that neurons fire."""
        return self.random.integers(-4, 8, shape) * (self.random.random(shape) < 0.5)

    def conv2d(self, name: str, source: Source, *shape: int, **geometry: Any) -> Source:
        """Currents of a convolution with weights (M, C / groups, R, S)."""
        return self.graph.conv2d(name, source, self.weights(*shape), weight_bits=4, record=True, **geometry)

    def linear(self, name: str, source: Source, *shape: int, bias: np.ndarray | None = None) -> Source:
        """Currents of a dense layer with weights (M, inputs)."""
        return self.graph.linear(name, source, self.weights(*shape), weight_bits=4, bias=bias, record=True)


def convolution(net: Drawing) -> None:
    """One layer."""
    net.graph.neuron("spikes", net.conv2d("conv", net.input("x", 3, 6, 5), 5, 3, 3, 3, padding=1), LEAKY)


def strided(net: Drawing) -> None:
    """Unequal strides and padding."""
    current = net.conv2d("conv", net.input("x", 3, 7, 6), 4, 3, 3, 2, stride=(2, 3), padding=(1, 0, 2, 1))
    net.graph.neuron("spikes", current, LEAKY)


def grouped(net: Drawing) -> None:
    """Two groups."""
    net.graph.neuron("spikes", net.conv2d("conv", net.input("x", 4, 5, 4), 6, 2, 3, 3, padding=1, groups=2), LEAKY)


def along_time(net: Drawing) -> None:
    """A convolution along maps of one row."""
    codes = net.weights(4, 3, 3)
    current = net.graph.conv1d("conv", net.input("x", 3, 1, 8), codes, weight_bits=4, padding=1, record=True)
    net.graph.neuron("spikes", current, LEAKY)


def dilated(net: Drawing) -> None:
    """Holes in the kernel."""
    net.graph.neuron("spikes", net.conv2d("conv", net.input("x", 2, 6, 6), 3, 2, 2, 3, dilation=(2, 1)), LEAKY)


def linear(net: Drawing) -> None:
    """Two dense layers, the second with a bias."""
    first = net.graph.neuron("hidden", net.linear("fc1", net.input("x", 20, 1, 1), 12, 20), LEAKY)
    net.graph.neuron("spikes", net.linear("fc2", first, 5, 12, bias=np.array([0, 1, -1, 0, 2])), KEEPING)


def residual(net: Drawing) -> None:
    """A population that takes a convolution and, as they are, the spikes that entered the block."""
    first = net.graph.neuron("first", net.conv2d("conv1", net.input("x", 3, 5, 4), 4, 3, 1, 1), KEEPING)
    net.graph.neuron("spikes", [net.conv2d("conv2", first, 4, 4, 3, 3, padding=1), first], LEAKY)


def recurrent(net: Drawing) -> None:
    """A population that takes its own spikes of the timestep before through weights."""
    back = net.conv2d("back", net.graph.delayed("spikes", (4, 5, 4)), 4, 4, 1, 1)
    net.graph.neuron("spikes", [net.conv2d("conv", net.input("x", 3, 5, 4), 4, 3, 3, 3, padding=1), back], LEAKY)


def own_loop(net: Drawing) -> None:
    """Neurons that each take their own spike of the timestep before, and groups beside a convolution without."""
    back = net.graph.delayed("spikes", (4, 5, 4))
    own = net.graph.conv2d(
        "own", back, np.array([-2, 3, 1, 0]).reshape(4, 1, 1, 1), weight_bits=4, groups=4, record=True
    )
    pairs = net.conv2d("pairs", net.input("y", 2, 5, 4), 4, 1, 3, 3, padding=1, groups=2)
    net.graph.neuron("spikes", [net.conv2d("conv", net.input("x", 3, 5, 4), 4, 3, 3, 3, padding=1), pairs, own], LEAKY)


def addition(net: Drawing) -> None:
    """Spikes of two tensors added, then through weights."""
    total = net.graph.add("total", [net.input("x", 3, 5, 4), net.input("y", 3, 5, 4)])
    net.graph.neuron("spikes", net.conv2d("conv", total, 4, 3, 3, 3, padding=1), LEAKY)


def attention(net: Drawing) -> None:
    """Queries, keys and values of two heads; scores times values, neurons and a dense layer behind."""
    queries, keys, values = (net.input(name, 4, 1, 6) for name in ("queries", "keys", "values"))
    scores = net.graph.attention("scores", queries, keys, heads=2, transpose_right=True)
    mixed = net.graph.attention("mixed", scores, values, heads=2, shift=1)
    attended = net.graph.neuron("attended", mixed, KEEPING)
    net.graph.neuron("spikes", net.linear("fc", attended, 5, 24), LEAKY)


def pooled_currents(net: Drawing) -> None:
    """A max pool between a convolution and its neurons."""
    current = net.conv2d("conv", net.input("x", 3, 6, 6), 4, 3, 3, 3, padding=1)
    net.graph.neuron("spikes", net.graph.pool("pool", current, "max", 2), LEAKY)


def pooled_leftovers(net: Drawing) -> None:
    """Max pools of currents of which some are in no window, with a bias, before neurons of two states and before such
    that differ from each other and never fire."""
    states = Neuron("synaptic", 5, 12, 3, 2, current_leak_numerator=1, current_leak_shift=1, current_bits=11)
    current = net.graph.conv2d(
        "conv1", net.input("x", 2, 7, 6), net.weights(4, 2, 3, 3), weight_bits=4, padding=1,
        bias=np.array([0, 1, -2, 3]), record=True,
    )  # fmt: skip
    first = net.graph.neuron("first", net.graph.pool("pool1", current, "max", (3, 2)), states)
    last = Neuron("readout", (), 12, 1 + np.arange(5).reshape(5, 1, 1) % 4 + np.zeros((1, 1, 1), int), 3)
    pooled = net.graph.pool("pool2", net.conv2d("conv2", first, 5, 4, 1, 1), "max", 2)
    net.graph.neuron("potentials", pooled, last)


def pooled_spikes(net: Drawing) -> None:
    """A pool that adds spikes, ahead of a dense layer."""
    first = net.graph.neuron("first", net.conv2d("conv", net.input("x", 2, 6, 6), 3, 2, 3, 3, padding=1), LEAKY)
    net.graph.neuron("spikes", net.linear("fc", net.graph.pool("pool", first, "sum", 2), 4, 27), LEAKY)


def concatenated(net: Drawing) -> None:
    """The channels of two tensors side by side."""
    both = net.graph.concatenate("both", [net.input("x", 2, 5, 4), net.input("y", 1, 5, 4)])
    net.graph.neuron("spikes", net.conv2d("conv", both, 4, 3, 3, 3, padding=1), LEAKY)


def many_bits(net: Drawing) -> None:
    """Inputs of 3 bits."""
    net.graph.neuron("spikes", net.conv2d("conv", net.input("x", 3, 5, 4, bits=3), 4, 3, 3, 3, padding=1), LEAKY)


def signed(net: Drawing) -> None:
    """Inputs below zero."""
    current = net.conv2d("conv", net.input("x", 3, 5, 4, bits=3, signed=True), 4, 3, 3, 3, padding=1)
    net.graph.neuron("spikes", current, LEAKY)


def readout(net: Drawing) -> None:
    """Neurons of two states, and neurons that never fire."""
    states = Neuron("synaptic", 5, 12, 3, 2, current_leak_numerator=1, current_leak_shift=1, current_bits=10)
    first = net.graph.neuron("first", net.linear("fc1", net.input("x", 12, 1, 1), 8, 12), states)
    potentials = Neuron("readout", potential_bits=14, leak_numerator=7, leak_shift=3)
    net.graph.neuron("potentials", net.linear("fc2", first, 3, 8), potentials)


def two_states(net: Drawing) -> None:
    """Maps of neurons with a synaptic current, one leak of it per channel; dense ones with a bias, late soft resets and
    start potentials; and such that never fire."""
    first = Neuron("synaptic", 6, 12, 3, 2, current_leak_numerator=[1, 0, 3], current_leak_shift=2, current_bits=11)
    late = Neuron(
        "synaptic", 4, 12, 7, 3, reset="soft", reset_timing="next", start_potential=-2,
        current_leak_numerator=5, current_leak_shift=3, current_bits=10,
    )  # fmt: skip
    last = Neuron("readout", (), 13, 7, 3, current_leak_numerator=1, current_leak_shift=1, current_bits=12)
    maps = net.graph.neuron("maps", net.conv2d("conv", net.input("x", 2, 5, 4), 3, 2, 3, 3, padding=1), first)
    dense = net.graph.neuron("dense", net.linear("fc1", maps, 5, 60, bias=np.array([0, 2, -1, 0, 3])), late)
    net.graph.neuron("potentials", net.linear("fc2", dense, 3, 5), last)


def own_parameters(net: Drawing) -> None:
    """Thresholds and leaks that differ from neuron to neuron of a channel: thresholds alone, all of one state, and all
    of two states, more bits than a word of some machines."""
    places = np.arange(60).reshape(3, 5, 4)
    thresholds = Neuron("lif", 2 + places % 5, 12, 3, 2, reset="soft")
    leaky = Neuron("lif", 2 + places % 3, 12, 1 + places % 8, 3)
    both = Neuron(
        "synaptic", 2 + places % 4, 12, 64 + places, 7,
        current_leak_numerator=300 + 3 * places, current_leak_shift=9, current_bits=11,
    )  # fmt: skip
    first = net.graph.neuron("first", net.conv2d("conv1", net.input("x", 2, 5, 4), 3, 2, 3, 3, padding=1), thresholds)
    second = net.graph.neuron("second", net.conv2d("conv2", first, 3, 3, 3, 3, padding=1), leaky)
    net.graph.neuron("spikes", net.conv2d("conv3", second, 3, 3, 1, 1), both)


def late_reset(net: Drawing) -> None:
    """Neurons that reset in the timestep after the spike, softly and to a value."""
    soft = Neuron("lif", 4, 12, leak_numerator=3, leak_shift=2, reset="soft", reset_timing="next")
    hard = Neuron("lif", 3, 12, leak_numerator=7, leak_shift=3, reset="hard", reset_value=-2, reset_timing="next")
    first = net.graph.neuron("first", net.conv2d("conv", net.input("x", 2, 5, 4), 3, 2, 3, 3, padding=1), soft)
    net.graph.neuron("spikes", net.linear("fc", first, 5, 60), hard)


def started(net: Drawing) -> None:
    """Neurons that start with potentials: of their own, and one per channel."""
    places = np.arange(60).reshape(3, 5, 4) % 7 - 3
    first = Neuron("lif", 5, 12, leak_numerator=3, leak_shift=2, start_potential=places)
    current = net.conv2d("conv", net.input("x", 2, 5, 4), 3, 2, 3, 3, padding=1)
    spikes = net.graph.neuron("first", current, first)
    second = Neuron("if", 3, 12, reset="soft", start_potential=[0, 1, 2, -1, 0])
    net.graph.neuron("spikes", net.linear("fc", spikes, 5, 60), second)


def own_leaks(net: Drawing) -> None:
    """A leak for each channel, one of which keeps its potential and one of which forgets it."""
    first = Neuron("lif", 5, 12, leak_numerator=[4, 0, 3], leak_shift=2)
    spikes = net.graph.neuron("first", net.conv2d("conv", net.input("x", 2, 5, 4), 3, 2, 3, 3, padding=1), first)
    second = Neuron("lif", 3, 12, leak_numerator=[7, 5, 8, 1, 2], leak_shift=3, reset="soft", reset_timing="next")
    net.graph.neuron("spikes", net.linear("fc", spikes, 5, 60), second)


def membrane(net: Drawing) -> None:
    """Neurons that never fire behind some that do: what leaves the network are potentials, maps of them too."""
    potentials = Neuron("readout", potential_bits=11, leak_numerator=7, leak_shift=3, start_potential=-3)
    first = net.graph.neuron("first", net.linear("fc1", net.input("x", 12, 1, 1), 8, 12), LEAKY)
    net.graph.neuron("classes", net.linear("fc2", first, 3, 8, bias=np.array([0, 2, -1])), potentials)
    maps = Neuron("readout", potential_bits=9)
    net.graph.neuron("maps", net.conv2d("conv", net.input("y", 2, 5, 4), 3, 2, 3, 3, padding=1), maps)


def ternary(net: Drawing) -> None:
    """Ternary weights, every other one 0: what all weight formats can store, groups of 2:4 along any axis included."""
    for name, source, shape in (("conv", net.input("x", 4, 5, 4), (8, 4, 3, 1)), ("fc", "spikes", (6, 96))):
        codes = net.random.integers(-1, 2, shape) * (np.indices(shape).sum(axis=0) % 2)
        synapse = net.graph.conv2d if name == "conv" else net.graph.linear
        current = synapse(name, source, codes, weight_bits=2, record=True)
        net.graph.neuron("spikes" if name == "conv" else "outputs", current, Neuron("if", 1, potential_bits=8))


NETWORKS: dict[str, Callable[[Drawing], None]] = {
    network.__name__: network
    for network in (
        convolution, strided, grouped, along_time, dilated, linear, residual, recurrent, own_loop, addition, attention,
        pooled_currents, pooled_leftovers, pooled_spikes, concatenated, many_bits, signed, readout, late_reset,
        two_states, own_parameters, started, own_leaks, membrane,
        ternary,
    )
}  # fmt: skip


def write_network(name: str, folder: Path) -> Path:
    """The network as a trace file in a folder."""
    net = Drawing()
    NETWORKS[name](net)
    path = folder / f"{name}.h5"
    net.graph.write(path)
    return path
