"""The node interface of integer networks: integers in, integers out, and what a trace records of the node."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from spikecycle.traces import LayerParameters

Values = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
"""Unsigned numbers (N, T, C, H, W): 0 and 1 for spikes, more for counts or scaled spikes."""


class Recording(NamedTuple):
    """What one trace layer received and emitted. inputs: (N, T, C, H, W); outputs: (N, T, M, P, Q), or None."""

    inputs: Values
    outputs: Values | None


class IntegerNode(Protocol):
    """One step of an integer network, from potential 0 in every sample.

    output_bits: bits of the numbers that it emits, 1 for spikes.
    """

    @property
    def name(self) -> str: ...

    @property
    def output_bits(self) -> int: ...

    def run(self, inputs: Values) -> Values:
        """What is emitted, (N, T, M, P, Q), for what arrives, (N, T, ...) flattened or not."""
        ...

    def trace_layers(self) -> list[LayerParameters]:
        """The layers that a trace holds of this node, in order; none for what has no weights."""
        ...

    def recordings(self, inputs: Values, outputs: Values) -> list[Recording]:
        """What those layers received and emitted, given what `run` got and gave."""
        ...
