"""Serial spike accumulation in plain Python: every spike of every window is counted one by one."""

from __future__ import annotations

from typing import Any

import numpy as np

from spikecycle.traces import LayerShape
from tests.reference.expected import Expected, Sample, arriving


def expected(machine: Any, stage: Any, network: Any, sample: Sample) -> Expected:
    """One operator and sample."""
    (operator,) = stage.operators
    parameters = machine.dataflow
    if operator.kind == "neuron":
        neurons = int(np.prod(operator.output.shape))
        states = 2 if len(operator.neuron.current_leak_numerator) else 1
        cycles = neuron_cycles(neurons * states, network.timesteps, parameters.update_lanes)
        if operator.neuron.start_potential.any():  # a cycle for every group that is written once
            cycles += len(range(0, neurons, parameters.update_lanes))
    else:
        inputs = arriving(operator.inputs[0], sample).reshape(-1, *operator.shape.input_shape)
        cycles = synapse_cycles(operator.shape, inputs, parameters.pes)
    return Expected(cycles, {"compute": cycles})


def synapse_cycles(shape: LayerShape, inputs: np.ndarray, adders: int) -> int:
    """A cycle per set bit that a window sees and set of `adders` output channels of its group. inputs: (T, C, H, W)."""
    cycles = 0
    for timestep in inputs:
        for p in range(shape.P):
            for q in range(shape.Q):
                for c in range(shape.C):
                    for r in range(shape.R):
                        for s in range(shape.S):
                            h = p * shape.stride[0] + r * shape.dilation[0] - shape.padding_top
                            w = q * shape.stride[1] + s * shape.dilation[1] - shape.padding_left
                            if 0 <= h < shape.H and 0 <= w < shape.W:
                                spikes = bin(int(timestep[c, h, w])).count("1")
                                channels = 0
                                while channels < shape.M // shape.groups:
                                    cycles += spikes
                                    channels += adders
    return cycles


def neuron_cycles(neurons: int, timesteps: int, lanes: int) -> int:
    """Three cycles per neuron and timestep, shared by the lanes; what is left over is dropped, as the study does."""
    return int(3 * neurons * timesteps / lanes)
