"""Kernels of the machines of the comparison study against their twins, on random rows of any size."""

from __future__ import annotations

import numpy as np
import pytest

from spikecycle.simulator.dataflows.balanced_rows import fullest_share
from spikecycle.simulator.dataflows.row_tiles import COMPARED_ROWS, packed, tile_work
from spikecycle.simulator.dataflows.time_batching import (
    Lanes,
    LaterWords,
    disjoint_sets,
    matrices,
    packed_lengths,
    padded_timesteps,
    united,
)
from tests.reference import balanced_rows, product_sparsity, time_batching

RANDOM = np.random.default_rng(11)
DENSITIES = (0.02, 0.1, 0.3, 0.7)


@pytest.mark.kernel
@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize(("rows", "columns", "height", "width"), [(23, 70, 8, 16), (9, 130, 4, 5), (40, 16, 40, 16)])
def test_tiles(rows: int, columns: int, height: int, width: int, density: float) -> None:
    bits = (RANDOM.random((rows, columns)) < density).astype(np.uint8)
    bits[rows // 2] = bits[0]  # equal rows
    assert tile_work(packed(bits), columns, height, width) == work_of_tiles(bits, height, width)


def work_of_tiles(bits: np.ndarray, height: int, width: int) -> tuple[int, int]:
    adds = prepare = 0
    for m in range(0, bits.shape[0], height):
        for k in range(0, bits.shape[1], width):
            part = [set(np.flatnonzero(row).tolist()) for row in bits[m : m + height, k : k + width]]
            found = product_sparsity.tile(part, True)
            adds, prepare = adds + found[0], prepare + found[1]
    return adds, prepare


@pytest.mark.kernel
def test_timesteps_of_a_position_follow_each_other() -> None:
    bits = (RANDOM.random((3, 7, 20)) < 0.3).astype(np.uint8)
    by_step = packed(bits.reshape(21, 20)).reshape(3, 7, 1)
    assert tile_work(by_step, 20, 5, 8) == work_of_tiles(bits.swapaxes(0, 1).reshape(21, 20), 5, 8)


@pytest.mark.kernel
def test_tiles_of_more_rows_than_are_compared() -> None:
    """Two tiles: rows of one spike less are there for some rows, but not for all, or in the other tile."""
    height = COMPARED_ROWS + 72
    wide = RANDOM.permutation(1 << 12)[: 2 * height]
    bits = (wide[:, None] >> np.arange(12) & 1).astype(np.uint8)
    assert tile_work(packed(bits), 12, height, 12) == work_of_tiles(bits, height, 12)


@pytest.mark.kernel
def test_more_tiles_than_numbers() -> None:
    """Tiles of one row are told apart by 255 numbers: row 1 1 1 1 takes 4 cycles in the first tile, and again in the
    256th; in between, rows take 2 cycles."""
    rows = np.ones((256, 4), np.uint8)
    rows[1:-1, :2] = 0
    assert tile_work(packed(rows), 4, 1, 4) == (4 + 254 * 2 + 4, 256)


def test_a_tile_by_hand() -> None:
    """Rows 110, 111, 110, 001, 001, 000: the first costs 2, the second has it as prefix and costs 1, the third is equal
    to the first and costs 1, single spikes cost 1 each although equal, silence costs nothing."""
    rows = np.array([[1, 1, 0], [1, 1, 1], [1, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 0]], np.uint8)
    assert tile_work(packed(rows), 3, 256, 16) == (2 + 1 + 1 + 1 + 1, 3 + 6 // 8)


@pytest.mark.kernel
@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize(
    ("timesteps", "positions", "columns"), [(4, 16, 70), (5, 9, 40), (1, 3, 9), (20, 6, 65), (4, 8, 700), (3, 150, 30)]
)
def test_packing(timesteps: int, positions: int, columns: int, density: float) -> None:
    """Also where eight does not divide the rows, T is no power of two, and matrices fill the lanes more than once."""
    bits = (RANDOM.random((timesteps, positions, columns)) < density).astype(np.uint8)
    rows = time_batching.windows(bits.tolist(), 4)
    words = united(packed(bits.reshape(-1, columns)).reshape(timesteps, positions, -1), 4)
    found = lengths(words.reshape(-1, words.shape[2]), matrices(timesteps, positions, 4), columns)
    assert found == time_batching.lengths(rows, 8)


def lengths(rows: np.ndarray, apart: int, columns: int) -> int:
    return packed_lengths(rows, apart, disjoint_sets(), LaterWords.of(columns), Lanes.of())


def test_packing_by_hand() -> None:
    """Eight windows of one position, five words: 1, 1|2, 2, all, none. The first joins the third, the second finds no
    partner, the full one stays: three are left."""
    words = [{0}, {0, 1}, {1}, set(range(8)), set()]
    rows = np.array([[int(column in word) for word in words] for column in range(8)], np.uint8)
    assert lengths(packed(rows), 1, 5) == 3


@pytest.mark.parametrize(("timesteps", "padded"), [(1, 4), (3, 4), (4, 4), (5, 8), (10, 16), (20, 32), (32, 32)])
def test_timesteps_are_filled_up_to_a_power_of_two(timesteps: int, padded: int) -> None:
    assert padded_timesteps(timesteps, 4) == padded


@pytest.mark.kernel
@pytest.mark.parametrize(("rows", "pes"), [(200, 16), (7, 16), (64, 1), (300, 128)])
def test_shares(rows: int, pes: int) -> None:
    spikes = RANDOM.integers(0, 9, rows) * (RANDOM.random(rows) < 0.8)
    assert fullest_share(spikes.astype(np.int64), np.zeros(pes, np.int64)) == balanced_rows.fullest(
        spikes.tolist(), pes
    )


def test_shares_by_hand() -> None:
    """5, 3, 3, 1 on two PEs: 5 | 3, then 3 to the second (6), then 1 to the first (6)."""
    shares = np.zeros(2, np.int64)
    assert fullest_share(np.array([5, 3, 3, 1]), shares) == 6
    assert shares.tolist() == [6, 6]
