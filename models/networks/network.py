"""A chain of nodes, float or quantized: what one emits is what the next receives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar, cast

from torch import Tensor, nn

from spikecycle.models.errors import ModelsError
from spikecycle.models.integer import IntegerNode
from spikecycle.models.networks.node import FloatNode, Node, QuantizedNode, Scheme, SynapseModule

AnyNode = TypeVar("AnyNode", bound=Node)


class SpikingNetwork(nn.Module, Generic[AnyNode]):
    """Nodes in a chain. Names of nodes, and of synapses, are unique: ModelsError names one that is not."""

    def __init__(self, nodes: Sequence[AnyNode]) -> None:
        super().__init__()
        self.nodes = nn.ModuleList(nodes)
        for names in ([node.name for node in nodes], [synapse.name for synapse in self.synapses()]):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ModelsError(f"two parts of the network are named {twice}")

    def chain(self) -> list[AnyNode]:
        """The nodes in order."""
        return cast(list[AnyNode], list(self.nodes))

    def synapses(self) -> list[SynapseModule]:
        """All weights, in the order of the nodes."""
        return [synapse for node in self.chain() for synapse in node.synapses()]

    def emitted(self, x: Tensor) -> list[Tensor]:
        """What every node emits, each (T, B, M, P, Q), from frames (T, B, C, H, W)."""
        values = []
        for node in self.chain():
            x = node(x)
            values.append(x)
        return values

    def spikes(self, x: Tensor) -> list[Tensor]:
        """What every node that fires emits; the last one is the output of the network."""
        return [values for node, values in zip(self.chain(), self.emitted(x), strict=True) if node.fires]

    def forward(self, x: Tensor) -> Tensor:
        """Output spikes (T, B, M, P, Q) of the last node."""
        for node in self.chain():
            x = node(x)
        return x


FloatNetwork = SpikingNetwork[FloatNode]
QuantizedNetwork = SpikingNetwork[QuantizedNode]


def quantize(network: FloatNetwork, scheme: Scheme) -> QuantizedNetwork:
    """The quantized twin of a float network, ready for quantization-aware training."""
    nodes: list[QuantizedNode] = []
    unit = 1.0
    for node in network.chain():
        nodes.append(node.quantize(scheme, unit))
        unit = nodes[-1].output_unit
    return SpikingNetwork(nodes)


def integer_nodes(network: QuantizedNetwork, input_bits: int) -> list[IntegerNode]:
    """The nodes that hardware runs; the first receives numbers of input_bits, each other what the one before emits."""
    nodes: list[IntegerNode] = []
    for node in network.chain():
        integer = node.integer(input_bits)
        if integer is not None:
            nodes.append(integer)
            input_bits = integer.output_bits
    return nodes
