"""Hypothesis strategies that several folders share: shapes and neurons with everything a trace can say."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from spikecycle.traces import LayerShape, Neuron, TraceError


@st.composite
def layer_shapes(draw: st.DrawFn) -> LayerShape:
    """Small convolutions of either kind, with groups, strides, dilation and unequal padding; and linear layers."""
    kind = draw(st.sampled_from(["conv2d", "conv2d", "conv2d", "conv1d", "linear"]))
    if kind == "linear":
        return LayerShape.linear(draw(st.integers(1, 9)), draw(st.integers(1, 5)))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    flat = kind == "conv1d"
    size, few, sides = st.integers(1, 5), st.integers(1, 3), st.integers(0, 2)
    try:
        return LayerShape(
            kind,
            C=groups * draw(few),
            H=1 if flat else draw(size),
            W=draw(size),
            M=groups * draw(few),
            R=1 if flat else draw(few),
            S=draw(few),
            stride=(1 if flat else draw(few), draw(few)),
            padding=(0 if flat else draw(sides), 0 if flat else draw(sides), draw(sides), draw(sides)),
            groups=groups,
            dilation=(1 if flat else draw(few), draw(few)),
        )
    except TraceError:
        assume(False)
        raise


@st.composite
def neurons(draw: st.DrawFn, shape: tuple[int, int, int]) -> Neuron:
    """Neurons of every kind for maps (M, P, Q); parameters for all, by channel, or by neuron."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def numbers(lowest: int, highest: int) -> Any:
        size = draw(st.sampled_from([(1,), shape[:1], shape]))
        return random.integers(lowest, highest + 1, size)

    bits = draw(st.sampled_from([2, 6, 10]))
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    kind = draw(st.sampled_from(["lif", "lif", "if", "synaptic", "synaptic", "readout"]))
    shift = draw(st.integers(0, 4))
    values: dict[str, Any] = {"kind": kind, "potential_bits": bits, "leak_shift": shift}
    values["leak_numerator"] = 2**shift if kind == "if" else numbers(0, 2**shift)
    largest_start = highest
    if kind != "readout":
        values["threshold"] = numbers(1, highest)
        largest_start = int(np.min(values["threshold"])) - 1
        values["reset"] = draw(st.sampled_from(["hard", "soft"]))
        values["reset_timing"] = draw(st.sampled_from(["same", "next"]))
        values["reset_value"] = draw(st.sampled_from([0, 0, -1, largest_start])) if values["reset"] == "hard" else 0
    if kind == "synaptic" or (kind == "readout" and draw(st.booleans())):
        values["current_leak_shift"] = draw(st.integers(0, 4))
        values["current_leak_numerator"] = numbers(0, 2 ** values["current_leak_shift"])
        values["current_bits"] = draw(st.sampled_from([3, 6, 12]))
    if draw(st.booleans()):
        values["start_potential"] = numbers(lowest, largest_start)
    return Neuron(**values)


def spikes(draw: st.DrawFn, size: tuple[int, ...], bits: int = 1, signed: bool = False) -> Any:
    """int64 values of some bits, many of them zero."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    lowest, highest = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (1, 2**bits - 1)
    values = random.integers(lowest, highest + 1, size)
    return values * (random.random(size) < draw(st.sampled_from([0.1, 0.5, 1.0])))
