"""Temporal-channel joint attention in exact integer arithmetic, and the two layers that a trace holds of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from spikecycle.models.errors import ModelsError
from spikecycle.models.integer.node import Recording, Values
from spikecycle.models.integer.sigmoid import (
    INDEX_HIGHEST,
    INDEX_LOWEST,
    INDEX_SHIFT,
    MULTIPLIER_SHIFT,
    OPERAND_HIGHEST,
    OPERAND_LOWEST,
    sigmoid_table,
)
from spikecycle.models.integer.sums import FLOAT64_EXACT, exact_sums, largest_sum
from spikecycle.traces import LayerParameters, LayerShape, Neuron


@dataclass(frozen=True, eq=False)
class IntegerMixing:
    """A 1-D convolution over counts, and the multiplier that turns its sums into operands of the sigmoid.

    shape: C = M channels on a map of one row, kernel 1 x S; the columns of zeros that keep the length are part of the
    map, S - 1 of them, since those of an even kernel are one more on the right than on the left. weights: int32
    (M, C, 1, S); multiplier: int64 (M,), in units of 2**-MULTIPLIER_SHIFT; counts are 0 to largest_count.
    """

    name: str
    shape: LayerShape
    weights: npt.NDArray[np.int32]
    weight_bits: int
    weight_scale: npt.NDArray[np.float64]
    multiplier: npt.NDArray[np.int64]
    largest_count: int

    def __post_init__(self) -> None:
        """ModelsError when a rescaled sum could leave the integers that float64 represents exactly."""
        largest = self.largest_sum * int(np.abs(self.multiplier).max())
        if largest > FLOAT64_EXACT:
            raise ModelsError(f"layer {self.name}: rescaled sums may reach {largest}, beyond exact float64")

    @cached_property
    def largest_sum(self) -> int:
        """The largest magnitude that a sum can reach."""
        return largest_sum(self.weights, self.largest_count)

    def padded(self, counts: Tensor) -> Tensor:
        """Maps (N, C, 1, W) from counts (N, C, L): zeros before and after, one more after."""
        return torch.nn.functional.pad(counts, same_padding(self.shape.S))[:, :, None]

    def operands(self, counts: Tensor) -> Tensor:
        """int64 (N, M, L) from counts (N, C, L)."""
        sums = exact_sums(self.shape, self.weights, None, self.largest_sum, self.padded(counts))[:, :, 0].long()
        rescaled = (sums * torch.tensor(self.multiplier)[:, None]) >> MULTIPLIER_SHIFT
        return rescaled.clamp(OPERAND_LOWEST, OPERAND_HIGHEST)

    @cached_property
    def trace_layer(self) -> LayerParameters:
        """The convolution with neurons whose threshold is beyond every sum: what it computes are no spikes."""
        potential_bits = (self.largest_sum + 1).bit_length() + 1
        never = np.full(self.shape.M, 2 ** (potential_bits - 1) - 1, dtype=np.int32)
        return LayerParameters(
            self.name, self.shape, self.weights, self.weight_bits, Neuron("if", never, potential_bits),
            self.largest_count.bit_length(), self.weight_scale,
        )  # fmt: skip

    def recording(self, counts: Tensor, timesteps: int) -> Recording:
        """The counts (N, C, L) of a whole sample, presented in its last timestep; zeros before."""
        inputs = np.zeros((len(counts), timesteps, *self.shape.input_shape), self.trace_layer.header.input_dtype)
        inputs[:, -1] = self.padded(counts).numpy()
        return Recording(inputs, None)


@dataclass(frozen=True, eq=False)
class IntegerAttention:
    """Scales spikes per timestep and channel by the sigmoid of the product of two convolutions over their counts.

    Counts are the spikes of a channel's map in one timestep. across_timesteps has the timesteps as its channels and
    slides over the channels; across_channels the reverse. Emits numbers of output_bits, in units of 2**-output_bits.
    """

    name: str
    across_timesteps: IntegerMixing
    across_channels: IntegerMixing
    output_bits: int

    def run(self, inputs: Values) -> Values:
        """(N, T, C, H, W) scaled, uint8, from spikes (N, T, C, H, W)."""
        counts = self._counts(inputs)
        product = self.across_timesteps.operands(counts) * self.across_channels.operands(counts.mT).mT
        index = (product >> INDEX_SHIFT).clamp(INDEX_LOWEST, INDEX_HIGHEST) - INDEX_LOWEST
        scale = sigmoid_table(self.output_bits)[index.numpy()]
        scaled: Values = inputs * scale[..., None, None]
        return scaled

    def trace_layers(self) -> list[LayerParameters]:
        """The two convolutions."""
        return [self.across_timesteps.trace_layer, self.across_channels.trace_layer]

    def recordings(self, inputs: Values, outputs: Values) -> list[Recording]:
        """The counts, as either convolution receives them once all timesteps have been counted."""
        counts, timesteps = self._counts(inputs), inputs.shape[1]
        return [
            self.across_timesteps.recording(counts, timesteps),
            self.across_channels.recording(counts.mT, timesteps),
        ]

    def _counts(self, spikes: Values) -> Tensor:
        """Spikes of every map, int64 (N, T, C)."""
        return torch.from_numpy(spikes.sum(axis=(3, 4), dtype=np.int64))


def same_padding(kernel: int) -> tuple[int, int]:
    """Zeros before and after that keep a length, one more after for an even kernel (as PyTorch's and XLA's "same")."""
    return (kernel - 1) // 2, kernel // 2
