"""Attention blocks as the comparison study of Prosperity times them: whole blocks, which traces have in parts or not.

A network of this project has attention as products of two tensors (`product_sparsity` runs them); gates and softmax
are no operators of it. The study (Wei et al., HPCA 2025, and its public simulator) times four kinds of block:

- "spikformer", "spikebert" (no softmax): K^T V and then Q (K^T V), each timestep and head by itself, of blocks with
  more tokens than features a head (all in the study);
- "sdt" (spike-driven transformer): gates instead of products; x = floor(T H d L / 128) cycles for K * V, summed by
  neurons at the same time (whichever takes longer), and x for the gate of Q;
- "spikingbert": Q K^T, softmax and S V of each timestep and head, softmax overlapping the products.

T timesteps, L tokens, H heads of d features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from spikecycle.simulator.array_types import UInt8
from spikecycle.simulator.dataflows.product_sparsity import (
    UPDATE_CYCLES,
    MatrixWork,
    ProductSparsityMachine,
    matrix_work,
)
from spikecycle.simulator.dataflows.row_tiles import packed
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.units import channel_cycles_per_bit

BlockKind = Literal["spikformer", "spikebert", "sdt", "spikingbert"]
SOFTMAX_LANES, SOFTMAX_MULTIPLIERS = 8, 32
"""Exponentials and multiplications at once (Prosperity, HPCA 2025, Table III: special function unit)."""
REREADS_OF_SPIKINGBERT = 10
"""Bits read for each bit of a spike matrix: 8-bit scores among them (public simulator of the study)."""


@dataclass(frozen=True, eq=False)
class AttentionBlock:
    """Spikes of one block: q, k, v are uint8 (T, L, H d), 0 or 1. in_buffer: whether they are on chip already."""

    kind: BlockKind
    q: UInt8
    k: UInt8
    v: UInt8
    heads: int
    in_buffer: bool

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """(T, L, H, d)."""
        timesteps, tokens, features = self.q.shape
        return timesteps, tokens, self.heads, features // self.heads

    def by_head(self, values: UInt8) -> UInt8:
        """(T x H, L, d)."""
        timesteps, tokens, heads, features = self.sizes
        return values.reshape(timesteps, tokens, heads, features).swapaxes(1, 2).reshape(-1, tokens, features)


@dataclass(frozen=True)
class BlockCycles:
    """What a block takes. compute, stall: cycles, together the total. read_bits, write_bits: DRAM traffic."""

    compute: int
    stall: int
    read_bits: int
    write_bits: int

    @property
    def total(self) -> int:
        """Cycles."""
        return self.compute + self.stall


def block_cycles(machine: ProductSparsityMachine, block: AttentionBlock) -> BlockCycles:
    """Cycles and traffic of a block on Prosperity."""
    rules = {"spikformer": _linear, "spikebert": _linear, "sdt": _gates, "spikingbert": _softmax}
    return rules[block.kind](machine, block)


def dense_operations(block: AttentionBlock) -> int:
    """Operations of a block where spikes play no part, as the study's Eyeriss_linear counts them."""
    timesteps, tokens, heads, features = block.sizes
    if block.kind == "sdt":
        return 4 * tokens * features * heads * timesteps
    products = 2 * tokens**2 * features * heads * timesteps
    softmax = 2 * tokens**2 * heads * timesteps + tokens * heads * timesteps
    return products + softmax if block.kind == "spikingbert" else products


def _linear(machine: ProductSparsityMachine, block: AttentionBlock) -> BlockCycles:
    """Products without softmax: keys and values first, as there are more tokens than features."""
    _, tokens, _, features = block.sizes
    if tokens <= features:
        raise UsageError(
            f"a {block.kind} block of {tokens} tokens and {features} features a head is not modelled: "
            "the study's order of products is another one there"
        )
    fits = machine.dataflow.weight_bits * features * features < machine.weight_tile_bits
    products = []
    for q, k in zip(block.by_head(block.q), block.by_head(block.k), strict=True):
        there = {"spikes_are_there": block.in_buffer}
        products.append(
            matrix_work(machine, [packed(k.T)], tokens, features, weights_are_there=block.in_buffer, **there)
        )
        products.append(matrix_work(machine, [packed(q)], features, features, weights_are_there=fits, **there))
    written = 0 if fits else len(products) // 2 * tokens * features
    return _sum(machine, products, written)


def _sum(machine: ProductSparsityMachine, products: list[MatrixWork], written: int) -> BlockCycles:
    per_bit = channel_cycles_per_bit(machine.dram.bandwidth_gbit_per_s, machine.technology.clock_mhz)
    return BlockCycles(
        compute=sum(product.compute for product in products),
        stall=sum(sum(product.stalls(per_bit)) for product in products),
        read_bits=sum(product.weight_bits + product.spike_bits for product in products),
        write_bits=written,
    )


def _gates(machine: ProductSparsityMachine, block: AttentionBlock) -> BlockCycles:
    timesteps, tokens, heads, features = block.sizes
    bits = timesteps * heads * features * tokens
    gate = bits // machine.dataflow.tile_outputs
    summing = -(-heads * features // machine.dataflow.update_lanes) * timesteps * UPDATE_CYCLES
    compute = max(gate, summing) + gate
    read = 0 if block.in_buffer else 3 * bits
    written = 0 if bits < machine.spike_tile_bits else bits
    per_bit = channel_cycles_per_bit(machine.dram.bandwidth_gbit_per_s, machine.technology.clock_mhz)
    first = 0 if block.in_buffer else 3 * tokens * features
    rest = (read - first) * per_bit
    stall = int(first * per_bit) + max(0, rest.numerator // rest.denominator - compute)
    return BlockCycles(compute, stall, read, written)


def _softmax(machine: ProductSparsityMachine, block: AttentionBlock) -> BlockCycles:
    timesteps, tokens, heads, features = block.sizes
    softmax = tokens**2 // SOFTMAX_LANES + tokens + tokens**2 // SOFTMAX_MULTIPLIERS
    moving = tokens**2 // machine.dataflow.tile_outputs
    there = {"spikes_are_there": True, "weights_are_there": True}
    compute = 0
    for k, v in zip(block.by_head(block.k), block.by_head(block.v), strict=True):
        scores = matrix_work(machine, [packed(k)], features, tokens, **there)
        weighted = matrix_work(machine, [packed(v.T)], tokens, tokens, **there)
        compute += max(scores.compute + weighted.compute + moving, softmax)
    return BlockCycles(compute, 0, REREADS_OF_SPIKINGBERT * timesteps * heads * tokens * features, 0)


def drawn_block(
    kind: BlockKind, timesteps: int, tokens: int, features: int, heads: int, density: float, in_buffer: bool, seed: int
) -> AttentionBlock:
    """A block of random spikes: q, k and v drawn in this order, each uniform (T, L, features) below the density."""
    random = np.random.default_rng(seed)
    q, k, v = ((random.random((timesteps, tokens, features)) < density).astype(np.uint8) for _ in range(3))
    return AttentionBlock(kind, q, k, v, heads, in_buffer)
