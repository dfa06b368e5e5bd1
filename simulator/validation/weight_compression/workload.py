"""The workload of arXiv 2302.04174: its eleven rows, and synthetic layers of their shapes and densities.

The study's tool knows a layer by the sizes of its loops and by densities alone; so do we: positions of spikes and of
zero weights are drawn at random, seeded, and the sums that a layer computes mean nothing.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spikecycle.traces import LayerArrays, LayerShape, Neuron

DENSITIES = Path(__file__).parent / "densities.csv"
"""Input densities of our own float network of the study (benchmarks/published, activity.csv)."""
POTENTIAL_BITS = 8
"""Assumed: partial sums of the later SNN version of the study's design are 8 bits wide (timeloop-quant, psum_spad)."""
SEED = 2023
INPUTS, WEIGHTS = range(2)  # streams of random numbers


@dataclass(frozen=True)
class WorkloadRow:
    """A row of the study's workload; the letters are the study's (its `examples/sparsity.py` writes them)."""

    name: str
    T: int
    C: int
    M: int
    P: int
    Q: int
    R: int
    S: int

    @property
    def weights(self) -> int:
        """Weights of the layer."""
        return self.C * self.M * self.R * self.S

    @property
    def shape(self) -> LayerShape:
        """The layer as our dataflow takes it: the study's mapping spreads Q over PE columns and S over PE rows, ours
        output rows and kernel rows, so the two dimensions change places. Maps keep their size by padding where the
        kernel is odd; for the even one the input is larger by what the kernel needs, as in the study's tool."""
        padding = (self.S // 2, self.R // 2) if self.S % 2 else (0, 0)
        height, width = self.Q + self.S - 1 - 2 * padding[0], self.P + self.R - 1 - 2 * padding[1]
        return LayerShape("conv2d", C=self.C, H=height, W=width, M=self.M, R=self.S, S=self.R, padding=padding)


ROWS = (
    WorkloadRow("Conv1", 20, 2, 128, 128, 128, 3, 3),
    WorkloadRow("Conv2", 20, 128, 128, 64, 64, 3, 3),
    WorkloadRow("Conv3", 20, 128, 128, 32, 32, 3, 3),
    WorkloadRow("Conv4", 20, 128, 128, 16, 16, 3, 3),
    WorkloadRow("TCJA1-t", 20, 20, 20, 1, 256, 1, 4),
    WorkloadRow("TCJA1-c", 128, 128, 20, 1, 256, 1, 4),
    WorkloadRow("Conv5", 20, 128, 128, 8, 8, 3, 3),
    WorkloadRow("TCJA2-t", 20, 20, 20, 1, 64, 1, 4),
    WorkloadRow("TCJA2-c", 128, 128, 20, 1, 64, 1, 4),
    WorkloadRow("Dense1", 20, 2048, 512, 1, 1, 1, 1),
    WorkloadRow("Dense2", 20, 512, 110, 1, 1, 1, 1),
)


def read_densities(path: Path = DENSITIES) -> dict[str, float]:
    """Share of non-zero inputs of each row: a CSV of layer, input_density, source. ValueError if it is not that."""
    with path.open(newline="", encoding="utf-8") as file:
        found = {line["layer"]: float(line["input_density"]) for line in csv.DictReader(file)}
    if set(found) != {row.name for row in ROWS} or not all(0 <= density <= 1 for density in found.values()):
        raise ValueError(f"{path}: one density of 0 to 1 for each of {', '.join(row.name for row in ROWS)} is needed")
    return found


def synthetic_layer(
    row: WorkloadRow, input_density: float, zero_share: float, weight_bits: int, potential_bits: int = POTENTIAL_BITS
) -> LayerArrays:
    """A layer of one sample. Inputs are binary; non-zero weights are uniform over the symmetric codes; equal arguments
    give equal arrays, and inputs do not depend on the weights'."""
    number = ROWS.index(row)
    shape = row.shape
    inputs = np.random.default_rng((SEED, INPUTS, number)).random((1, row.T, *shape.input_shape), np.float32)
    neuron = Neuron("lif", np.ones(row.M, np.int32), potential_bits, leak_numerator=1, leak_shift=1)
    weights = _weights(row, zero_share, weight_bits, np.random.default_rng((SEED, WEIGHTS, number)))
    return LayerArrays(
        row.name, shape, weights.reshape(shape.weight_shape), weight_bits, neuron, inputs < np.float32(input_density)
    )


def _weights(row: WorkloadRow, zero_share: float, bits: int, generator: np.random.Generator) -> npt.NDArray[np.int32]:
    magnitudes = generator.integers(1, 1 << (bits - 1), row.weights)
    codes = np.where(generator.random(row.weights) < 0.5, -magnitudes, magnitudes).astype(np.int32)
    codes[generator.permutation(row.weights)[: round(zero_share * row.weights)]] = 0
    return codes
