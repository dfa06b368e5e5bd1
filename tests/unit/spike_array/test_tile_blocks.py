"""Blocks of channel tiles: whatever their size, and whatever is held or kept, results are the same."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.dataflows.spike_array import alike_fibers, channel_tiles, latency_tables
from spikecycle.simulator.dataflows.spike_array.alike_fibers import FiberRecords
from spikecycle.simulator.dataflows.spike_array.latency_tables import tile_bytes, tiles_together
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.traces import LayerShape
from spikecycle.traces.synthetic import synthetic_trace
from tests.unit.spike_array.cases import buffer, layer, machine

NETWORK = (
    LayerShape("conv2d", C=3, H=7, W=7, M=24, R=3, S=3, stride=(2, 2), padding=(1, 1)),
    LayerShape("conv2d", C=24, H=4, W=4, M=22, R=3, S=3, padding=(1, 1), groups=2),
    LayerShape.linear(352, 45),
)
MACHINES: list[tuple[str, dict[str, Any]]] = [
    ("spike_array_edge", {"buffers.weights.size_kib": 0.5}),
    ("spike_array", {"dataflow.pes": 8, "buffers.weights.size_kib": 0.5}),
    ("spike_array", {"dataflow.pes": 1, "buffers.weights.size_kib": 0.5}),
    (
        "spike_array",
        {
            "dataflow.pes": 4,
            "dataflow.partition": "space",
            "dataflow.pe_rows": 2,
            "dataflow.pe_columns": 2,
            "buffers.weights.size_kib": 0.5,
        },
    ),
]


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiles") / "net.h5"
    synthetic_trace(path, NETWORK, 3, 2, 0.3, 0.6, 8, 1, output_density=0.2)
    return path


@pytest.mark.usefixtures("all_threads_help")
@pytest.mark.parametrize("weights", ["uncompressed", "bitmask", "rle"])
@pytest.mark.parametrize(("name", "settings"), MACHINES)
def test_results_do_not_depend_on_blocks_of_channel_tiles(
    name: str, settings: dict[str, Any], weights: str, trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One tile after the other, some, or all; with fibers held while a layer is mapped, or laid anew; with short ones
    looked up, or each worked out."""

    def found() -> Any:
        return simulate(trace, name, settings=settings, formats={"weights": weights})

    right = found()
    assert max(one.tiling["channel_tiles"] for one in right.layers) > 4
    monkeypatch.setattr(latency_tables, "KEPT_BYTES", 0)
    assert found() == right
    monkeypatch.setattr(latency_tables, "BLOCK_BYTES", 1)
    monkeypatch.setattr(latency_tables, "TURNED_TOGETHER", 3)
    monkeypatch.setattr(channel_tiles, "HELD_BYTES", 0)
    assert found() == right
    monkeypatch.setattr(latency_tables, "BLOCK_BYTES", 100_000)
    monkeypatch.setattr(channel_tiles, "HELD_BYTES", 20_000)
    monkeypatch.setattr(alike_fibers, "MOST_POSITIONS", 0)
    assert found() == right
    assert simulate(trace, name, settings=settings, formats={"weights": weights}, threads=2) == right


def tiled_plan(monkeypatch: pytest.MonkeyPatch, kept_bytes: int, block_bytes: int) -> SpikeArrayPlan:
    """A linear layer of 6 inputs and 20 outputs on 2 PEs, in 10 tiles of one output channel each: a PE's 12 words of
    4 bits hold 6 weights in either half."""
    monkeypatch.setattr(latency_tables, "KEPT_BYTES", kept_bytes)
    monkeypatch.setattr(latency_tables, "BLOCK_BYTES", block_bytes)
    weights = np.arange(120).reshape(20, 6) % 7 - 3
    chosen = machine(buffers__weights=buffer(12, 4))
    plan = SpikeArrayPlan(chosen, layer(LayerShape.linear(6, 20), weights))
    assert plan.tiling()["channel_tiles"] == 10
    return plan


def test_latencies_of_a_tile_by_hand() -> None:
    """Four numbers of 4 bytes for each of 6 tap cases, and behind the last one, in 2 PEs."""
    assert tile_bytes(6, 2) == 4 * 4 * 7 * 2


def test_a_block_holds_no_more_than_its_bytes_unless_all_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    of_tile = tile_bytes(6, 2)
    for kept, block, sizes in (
        (10 * of_tile, 1, [10]),
        (10 * of_tile - 1, 1, [1] * 10),
        (0, 4 * of_tile, [4, 4, 2]),
        (0, 5 * of_tile - 1, [4, 4, 2]),
        (0, 20 * of_tile, [10]),
    ):
        blocks = list(tiled_plan(monkeypatch, kept, block).latencies.blocks())
        assert [one.tiles.stop - one.tiles.start for one in blocks] == sizes
        assert [one.tiles.start for one in blocks] == np.cumsum([0, *sizes[:-1]]).tolist()
        assert all(one.cycles.nbytes == size * of_tile for one, size in zip(blocks, sizes, strict=True))


def test_what_is_kept_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, made = tiled_plan(monkeypatch, 10**6, 1), tiled_plan(monkeypatch, 0, 1)
    assert next(kept.latencies.blocks()) is next(kept.latencies.blocks())
    first, again = next(made.latencies.blocks()), next(made.latencies.blocks())
    assert first is not again
    assert np.array_equal(first.cycles, again.cycles) and np.array_equal(first.work, again.work)


def test_fibers_are_laid_once_where_they_can_be_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried are tiles of 10, 5, 3, 2 and 1 output channels in a PE, the first of each; then there are 9 more to lay."""
    laid = []
    original = channel_tiles.channel_tile

    def counting(*arguments: Any) -> Any:
        laid.append(arguments[2:4])
        return original(*arguments)

    monkeypatch.setattr(channel_tiles, "channel_tile", counting)
    tiled_plan(monkeypatch, 10**6, 1)
    tries = [(0, 20), (0, 10), (0, 6), (0, 4)]
    tiles = [(first, first + 2) for first in range(0, 20, 2)]
    assert laid == tries + tiles
    laid.clear()
    monkeypatch.setattr(channel_tiles, "HELD_BYTES", 0)
    tiled_plan(monkeypatch, 10**6, 1)
    assert laid == tries + tiles + tiles


def test_as_many_fibers_are_remembered_as_caches_hold() -> None:
    """Of 5 tap cases with 4 cycles of 4 bytes and 100 counts of 8, 4 MiB hold 1028: those of 7 positions, 2^7 at each
    of 8 places in a word. Where most fibers are longer than any that is remembered, none is."""
    records = FiberRecords.of(1, 8, 5, 100, mean_length=3.0)
    assert records.positions == 7 and records.work.shape == (8 * 2**7 * 5, 100)
    assert FiberRecords.of(1, 8, 5, 100, mean_length=11.0).work.shape == (0, 100)


@pytest.mark.parametrize(
    ("full_tiles", "of_tile", "together"),
    [(3, 10**9, 1), (3, 10**8, 3), (4, 10**8, 1), (30, 10**7, 30), (31, 10**7, 3), (1, 2**20, 32)],
)
def test_whether_latencies_are_kept_is_known_without_weights(full_tiles: int, of_tile: int, together: int) -> None:
    """Up to 300 MB of them; else 32 MiB at a time, which may be more tiles than there are."""
    assert tiles_together(full_tiles, of_tile) == together


def test_a_plan_goes_with_who_held_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once: nothing of it refers to it, so that a stage that is done takes no memory until Python looks for that."""
    plan = tiled_plan(monkeypatch, 10**6, 1)
    held = weakref.ref(plan)
    del plan
    assert held() is None
