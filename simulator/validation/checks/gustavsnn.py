"""GustavSNN (HPCA 2026): how long PEs wait for each other, on drawn spikes and weights.

Published are less than 10 % as long as fewer than 80 % of the weights are zero, and an activity of 12.5 % (that of
SEW-ResNet18, T = 4), of independent neurons here, always from the same seed; the layers are four of a ResNet18, on maps
of 32 to 4.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spikecycle.simulator.engine import simulate
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.generated import write_layers
from spikecycle.traces import LayerShape

MACHINE = "gustavsnn"
SOURCE = "GustavSNN (HPCA 2026)"
TIMESTEPS = 4
ACTIVITY = 0.125
MOST_WAITING = 0.10
LAYERS = ((64, 32), (128, 16), (256, 8), (512, 4))
"""Channels and side of the map."""


def rows(data: Path | None) -> Iterator[Row]:
    """Share of PE cycles in which a PE waits for those of its number, by share of zero weights."""
    pes = load_machine(MACHINE).pe_count
    for zeros in (0.0, 0.5, 0.75):
        random = np.random.default_rng(0)
        layers = []
        for channels, side in LAYERS:
            shape = LayerShape("conv2d", C=channels, H=side, W=side, M=channels, R=3, S=3, padding=(1, 1))
            spikes = (random.random((TIMESTEPS, *shape.input_shape)) < ACTIVITY).astype(np.uint8)
            weights = (random.random(shape.weight_shape) >= zeros).astype(np.int32)
            layers.append((f"conv{channels}", shape, spikes, weights))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.h5"
            write_layers(layers, path)
            result = simulate(path, MACHINE)
        cycles = sum(layer.sum_cycle_breakdown["compute"] for layer in result.layers)
        waits = sum(
            counter.sum_count for layer in result.layers for counter in layer.counters if counter.name == "pe.wait"
        )
        quantity = f"share of PE cycles waited, {zeros:.0%} zero weights"
        note = "spikes and weights drawn, seed 0"
        yield Row(MACHINE, quantity, waits / (cycles * pes), MOST_WAITING, 0, SOURCE, note, "at_most")


CHECKS.register(MACHINE, Check(MACHINE, "GustavSNN: how long PEs wait for each other", (MACHINE,), (), rows))
