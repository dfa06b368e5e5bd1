"""The neurons of the quantisenc core, bit for bit: integers with 4 fractional bits, subtraction, a multiplied leak.

Written from the golden spikes and potentials that its authors publish (drexel-DISCO/quantisenc-public); no RTL of
theirs is used. In one timestep, with the potential v, the threshold 16 (1.0), the leak factor 3/16, and x the sum of
the weights of the inputs that spike:

    v <- v - leak(v) - (16 if v > 16) + x,  clipped to 8 bits;  the neuron spikes if the new v > 16

The leak is 3 v / 16, rounded towards zero; where that is 0 and v is not, it is -1, whatever the sign of v (so small
potentials hover instead of vanishing). A neuron that is reset in a timestep in which no input of its layer spikes does
not leak. These last two are what a trace's neuron has no words for (traces/FORMAT.md), so the core is modelled here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from spikecycle.simulator.array_types import Int64, UInt8
from spikecycle.simulator.errors import UsageError

THRESHOLD = 16
LEAK_NUMERATOR, LEAK_DENOMINATOR = 3, 16
LOWEST, HIGHEST = -128, 127
SIZES = (256, 256, 10)
CODES = 32
"""Weights are stored modulo 32."""


@dataclass(frozen=True, eq=False)
class GoldenRun:
    """What is published. inputs: (T, 256). weights: (256, 256) and (10, 256), by neuron. outputs: (steps, 10).
    potentials: int64 (steps,), of the first neuron of the first layer."""

    inputs: UInt8
    weights: tuple[Int64, Int64]
    outputs: UInt8
    potentials: Int64


def run_layer(inputs: UInt8, weights: Int64, steps: int) -> tuple[Int64, UInt8]:
    """Potentials and spikes (steps, neurons) of a layer; inputs (T, fan-in) are followed by silence."""
    potentials = np.zeros((steps, len(weights)), np.int64)
    v = np.zeros(len(weights), np.int64)
    for t in range(steps):
        arriving = inputs[t] if t < len(inputs) else np.zeros_like(inputs[0])
        reset = v > THRESHOLD
        product = LEAK_NUMERATOR * v
        leak = np.sign(product) * (np.abs(product) // LEAK_DENOMINATOR)
        leak = np.where((leak == 0) & (v != 0), -1, leak)
        if not arriving.any():
            leak = np.where(reset, 0, leak)
        v = np.clip(v - leak - THRESHOLD * reset + weights @ arriving.astype(np.int64), LOWEST, HIGHEST)
        potentials[t] = v
    return potentials, (potentials > THRESHOLD).astype(np.uint8)


def read_golden(path: Path) -> GoldenRun:
    """The archive of the published run; UsageError, naming the file, where it is not one."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            # a line of text has the highest index on its left
            inputs, outputs = (
                np.unpackbits(archive[f"spikes_{side}_packed"], axis=1)[:, :size][:, ::-1]
                for side, size in (("in", SIZES[0]), ("out", SIZES[2]))
            )
            codes = archive["weight"].astype(np.int64)
            address = archive["weight_addr"].astype(np.int64)
            values = np.where(codes >= CODES // 2, codes - CODES, codes)
            layers = []
            for number in (0, 1):
                chosen = address >> 24 == number
                weights = np.zeros((SIZES[number + 1], SIZES[number]), np.int64)
                weights[address[chosen] >> 12 & 0xFFF, address[chosen] & 0xFFF] = values[chosen]
                layers.append(weights)
            potentials = archive["vmem_layer0_neuron0"].astype(np.int8).astype(np.int64)
    except (OSError, ValueError, KeyError, IndexError, BadZipFile) as error:
        raise UsageError(f"{path}: is no archive of the quantisenc run: {' '.join(str(error).split())}") from error
    return GoldenRun(inputs, (layers[0], layers[1]), outputs, potentials)
