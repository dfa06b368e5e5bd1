"""Currents that no synapse of a network brings: a constant one, and one of the first timesteps alone.

A trace has no constant beside a synaptic current (a bias enters the current, and adds up in it), and starts all neurons
below the lowest threshold. Both have integers that take their place exactly: a bias, and weights of neurons that fire
from the second timestep on, or the third.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from spikecycle.models.importing.graph import Shape
from spikecycle.models.importing.neuron import Reals
from spikecycle.models.importing.refusal import Refusal
from spikecycle.traces import GraphBuilder, LayerShape, Neuron, Source

Integers = npt.NDArray[np.int64]


def arriving(constant: Integers, at_once: Integers, current_leak: tuple[Integers, int] | None) -> list[Integers]:
    """What has to arrive in each timestep, the last for all that follow, so that `constant` reaches the potential in
    every timestep, and `at_once` beside it in the first.

    All arrays broadcast with each other. current_leak: numerator and shift of the leak of a synaptic current, if that
    lies between.
    """
    if current_leak is None:
        found = [constant + at_once, constant]
    else:
        numerator, shift = current_leak
        first = constant + at_once
        found = [first, constant - ((first * numerator) >> shift), constant - ((constant * numerator) >> shift)]
    while len(found) > 1 and bool((found[-1] == found[-2]).all()):
        found.pop()
    return found


def inject(
    builder: GraphBuilder, name: str, shape: Shape, currents: Sequence[Integers], weight_bits: int, scale: Reals,
    beside: LayerShape | None,
) -> Source:  # fmt: skip
    """Add the operators that make `currents` for the population `name`, (M, P, Q), and give where they come from.

    currents: by timestep, the last for all that follow, each broadcasts to (M, 1, 1); Refusal where neurons of a
    channel differ. weight_bits: of the synapses, more where weights need them; scale: (M,), of a unit of the currents.
    beside: a synapse of the same population, whose maps, kernel and stride are taken, if there is one: machines lay
    synapses of a population side by side.
    """
    try:
        by_channel = np.stack([np.broadcast_to(each, (shape[0], 1, 1))[:, 0, 0] for each in currents])
    except ValueError:
        raise Refusal(
            "a start potential or a constant current (v_leak, v_reset) that differs between neurons of a channel; "
            "supported: one per channel"
        ) from None
    steps = max(1, len(currents) - 1)
    weights = np.diff(by_channel, axis=0, append=by_channel[-1:])[:steps].T
    layer, taps = _geometry(shape, steps, beside)
    kernel = np.zeros(layer.weight_shape, np.int64)
    kernel[:, :, *taps] = weights
    clock, each_step = f"timesteps for {name}", np.ones(steps, np.int64)
    back = builder.delayed(clock, layer.input_shape)
    never = np.zeros((steps, steps, 1, 1), np.int64)
    ticks = builder.conv2d(f"to {clock}", back, never, weight_bits=weight_bits, bias=each_step)
    late = Neuron("if", 1, potential_bits=1 + steps.bit_length() + 1, start_potential=-each_step.cumsum())
    bits = max(weight_bits, int(np.abs(weights).max()).bit_length() + 1)
    return builder.conv2d(
        f"constant of {name}", builder.neuron(clock, ticks, late), kernel, weight_bits=bits, stride=layer.stride,
        padding=layer.sides, dilation=layer.dilation, bias=by_channel[0], weight_scale=scale,
    )  # fmt: skip


def _geometry(shape: Shape, inputs: int, beside: LayerShape | None) -> tuple[LayerShape, tuple[int, int]]:
    """A convolution of `inputs` channels to that shape, and the tap of its kernel that lies inside of the map at every
    position: as the one beside it, or pointwise where that has none."""
    pointwise = LayerShape("conv2d", inputs, *shape[1:], shape[0], 1, 1)
    if beside is None or beside.operator == "linear" or beside.output_shape != shape:
        return pointwise, (0, 0)
    top, _, left, _ = beside.sides
    taps = []
    for size, out, kernel, stride, dilation, before in zip(
        (beside.H, beside.W), shape[1:], (beside.R, beside.S), beside.stride, beside.dilation, (top, left), strict=True
    ):
        inside = [
            tap
            for tap in range(kernel)
            if tap * dilation - before >= 0 and (out - 1) * stride + tap * dilation - before < size
        ]
        if not inside:
            return pointwise, (0, 0)
        taps.append(inside[0])
    return replace(beside, C=inputs, groups=1), (taps[0], taps[1])


def added(name: str, constant: bool) -> str:
    """What `inject` added for a population, for people."""
    what = "a constant (v_leak, v_reset) beside its synaptic current" if constant else "a start at another's threshold"
    return (
        f"{name}: {what} needs synapses and neurons of their own, which were added: constant of {name}, and timesteps "
        f"for {name}, which fire in every timestep but the first"
    )
