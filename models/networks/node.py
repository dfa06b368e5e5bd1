"""The node interface of networks: from (T, B, C, H, W) to (T, B, M, P, Q), in floats first, then quantized.

A network is trained as a chain of `FloatNode`s. `quantize` turns each into a `QuantizedNode`, which computes in the
integers of hardware and still carries gradients; `integer` turns that into the node that hardware runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from torch import Tensor, nn

from spikecycle.models.integer import IntegerNode


class Quantizer(Protocol):
    """Turns a float weight into whole numbers; an nn.Module. bits: width of the codes in two's complement."""

    bits: int

    def scale(self) -> Tensor:
        """Value of one code, float32 (M, 1, 1, 1), above 0."""
        ...

    def __call__(self, weight: Tensor, scale: Tensor) -> Tensor:
        """Codes in the weight's dtype and shape (M, C / groups, R, S), with gradients for weight and scale."""
        ...


class Scheme(Protocol):
    """How a network is quantized: which quantizer each synapse gets, and how wide potentials are."""

    def quantizer(self, synapse: str, weight: Tensor, potential_bits: int | None = None) -> Quantizer:
        """The quantizer of the synapse of that name, started from its weight (M, C / groups, R, S).

        potential_bits: of the neurons that the weight feeds, whose threshold, 1 / scale, has to lie within them; None
        where it feeds none.
        """
        ...

    def potential_bits(self, layer: str) -> int | None:
        """Width of the membrane potentials of that layer; None leaves what the layer was trained with."""
        ...


class SynapseModule(nn.Module):
    """A module with a `weight` (M, C / groups, R, S) that can be pruned and quantized; its name is unique."""

    name: str
    weight: nn.Parameter

    def offsets(self) -> Sequence[tuple[nn.Module, str]]:
        """The parameters (M,) that are added to each output channel, as module and name; none by default."""
        return ()


class Node(nn.Module, ABC):
    """One step of a network. `fires` says whether it emits spikes (what a rate penalty and a firing rate are about)."""

    fires: ClassVar[bool] = False

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """What is emitted, (T, B, M, P, Q), for what arrives, (T, B, ...)."""

    def synapses(self) -> Sequence[SynapseModule]:
        """Its weights, in order; none by default."""
        return ()


class FloatNode(Node):
    """A node in floating point."""

    @abstractmethod
    def quantize(self, scheme: Scheme, input_unit: float) -> QuantizedNode:
        """Its quantized twin, started from what was trained.

        input_unit: what the number 1 that arrives is worth, a power of two: 1.0 for spikes and counts, less for spikes
        that were scaled.
        """


class QuantizedNode(Node):
    """A node whose every value is a whole number (held in float32), ready for quantization-aware training."""

    @property
    def output_unit(self) -> float:
        """What the number 1 that is emitted is worth; spikes are worth 1."""
        return 1.0

    @abstractmethod
    def integer(self, input_bits: int) -> IntegerNode | None:
        """The node that hardware runs, receiving numbers of input_bits (1: spikes); None where it has none."""
