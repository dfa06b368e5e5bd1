"""STEMS: how much less a network moves to and from DRAM with fused layers and time batches than without.

The network is the paper's spiking element-wise ResNet for DVS-Gesture (its public repository, SEW-RESNET/7PLIF): a
1 x 1 convolution of 128 x 128 maps of two channels, then seven blocks of two 3 x 3 convolutions whose input is added to
their output, each with a max pool behind it; T = 16, weights of 4 bits, potentials of 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.traces import GraphBuilder, Neuron, Operator, Source, Tensor, TensorSpec

SOURCE = "STEMS (Eissa et al., IEEE Transactions on Computers 2025), abstract"
TIMESTEPS = 16
CHANNELS = (64, 64, 64, 64, 128, 128, 128)
TRAFFIC, STATES, ENERGY = 12, 20, 5
"""What the paper saves at most: times less traffic, neuron states and energy."""
NOTE = "deviation M3: theirs is beside searched mappings of single layers, which save part of it already"
OTHERS = "what is saved depends on the searched mappings that it is compared with"


@dataclass(frozen=True, eq=False)
class PlainNetwork:
    """A network without values: what a mapping looks at."""

    timesteps: int
    operators: tuple[Operator, ...]
    tensors: dict[str, Tensor]
    version: int = 2


def rows(data: Path | None) -> Iterator[Row]:
    """The published factors, and the one that can be worked out."""
    yield Row("stems", "SEW-ResNet, DVS-Gesture: times less traffic", saved(), TRAFFIC, 0, SOURCE, NOTE, "at_least")
    yield Row("stems", "times less energy", None, ENERGY, 0, SOURCE, OTHERS)
    change = "a change of the network, not of the machine"
    yield Row("stems", "times fewer neuron states", None, STATES, 0, SOURCE, change)


def saved(**settings: int) -> float:
    """Bits moved layer by layer and timestep by timestep, over bits moved. settings: keys of `dataflow`."""
    network = sew_resnet()
    machine = load_machine("stems", {f"dataflow.{key}": value for key, value in settings.items()})
    dataflow = DATAFLOWS.lookup(machine.dataflow.kind)
    tilings = [dataflow.plan(machine, stage, network).tiling() for stage in dataflow.stages(machine, network)]
    return sum(one["apart_bits"] for one in tilings) / sum(one["moved_bits"] for one in tilings)


def sew_resnet() -> PlainNetwork:
    """The network."""
    graph = GraphBuilder(TIMESTEPS)
    neuron = Neuron("lif", 1, potential_bits=12, leak_numerator=1, leak_shift=1)

    def layer(name: str, source: Source, inputs: int, outputs: int, kernel: int) -> Source:
        weights = np.zeros((outputs, inputs, kernel, kernel), int)
        return graph.neuron(
            f"{name}.neurons", graph.conv2d(name, source, weights, weight_bits=4, padding=kernel // 2), neuron
        )

    inputs = graph.input("events", shape=(2, 128, 128), bits=4)
    now, channels = layer("stem", inputs, 2, CHANNELS[0], 1), CHANNELS[0]
    for index, wanted in enumerate(CHANNELS, 1):
        if wanted != channels:
            now, channels = layer(f"widen{index}", now, channels, wanted, 1), wanted
        first = layer(f"block{index}a", now, channels, channels, 3)
        second = layer(f"block{index}b", first, channels, channels, 3)
        now = graph.pool(f"pool{index}", graph.add(f"sum{index}", [second, now]), "max", 2)
    specs: dict[str, TensorSpec] = graph.tensors
    tensors = {name: Tensor(spec, None, None) for name, spec in specs.items()}
    return PlainNetwork(TIMESTEPS, tuple(graph.operators), tensors)


CHECKS.register("stems_traffic", Check("stems_traffic", "DRAM traffic with fusion and batches", ("stems",), (), rows))
