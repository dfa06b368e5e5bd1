"""Blocks of timesteps: whatever their size, results are the same, and no tensor is unpacked as a whole.

Sizes are shrunk so that a small trace has several blocks, at borders that no window, bundle or tile of a machine meets.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import activity, simulate
from spikecycle.simulator.dataflows.row_stationary import replay as row_replay
from spikecycle.simulator.dataflows.row_stationary import weight_streams
from spikecycle.simulator.dataflows.row_tiles import TilesByPosition
from spikecycle.simulator.machine.loader import load_machine, shipped_machines
from spikecycle.simulator.replay import sample as sample_tensors
from spikecycle.simulator.workload import synapse
from spikecycle.traces import GraphBuilder, LayerShape, Neuron, frames
from spikecycle.traces.frames import ComputedFrames, blocks, delayed, pack_frames
from spikecycle.traces.packing import PackedSpikes
from spikecycle.traces.synthetic import synthetic_trace

TIMESTEPS = 301
"""More than the 256 rows of a tile of `phi`, of which a linear operator has one per timestep."""
NETWORK = (
    LayerShape("conv2d", C=2, H=6, W=6, M=5, R=3, S=3, padding=(1, 1)),
    LayerShape("conv2d", C=5, H=6, W=6, M=4, R=3, S=3, stride=(2, 2), padding=(1, 1)),
    LayerShape.linear(36, 7),
)
KINDS = {load_machine(name).dataflow.kind: name for name in reversed(shipped_machines())}
MACHINES = sorted({*KINDS.values(), "loas_ft", "prosperity_bit", "eyeriss_sparseloop", "truenorth"})


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("blocks") / "long.h5"
    synthetic_trace(path, NETWORK, TIMESTEPS, 1, 0.15, 0.5, 8, 1, output_density=0.1)
    return path


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Timesteps that are unpacked at a time."""
    seen: list[int] = []
    take = PackedSpikes.__getitem__

    def counting(self: PackedSpikes, timesteps: Any) -> Any:
        found = take(self, timesteps)
        seen.append(found.size // self.positions)
        return found

    monkeypatch.setattr(PackedSpikes, "__getitem__", counting)
    return seen


def shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of few timesteps: 5 of the first layer's inputs."""
    monkeypatch.setattr(frames, "BLOCK_VALUES", 360)
    monkeypatch.setattr(synapse, "BLOCK_BYTES", 5 * 36 * 8)
    monkeypatch.setattr("spikecycle.simulator.dataflows.time_batching.BLOCK_BYTES", 5 * 36 * 8)
    monkeypatch.setattr("spikecycle.simulator.dataflows.time_batching.WHOLE_BYTES", 5 * 36 * 8)
    monkeypatch.setattr("spikecycle.simulator.dataflows.product_sparsity.WHOLE_BYTES", 5 * 36 * 8)
    monkeypatch.setattr(row_replay, "BLOCK_BYTES", 5 * 16 * 2 * 6 * 3 * 8)
    monkeypatch.setattr(weight_streams, "FIBERS_AT_ONCE", 3)
    monkeypatch.setattr(sample_tensors, "KEPT_BYTES", 100)
    monkeypatch.setattr(activity, "ROWS_AT_ONCE", 50)


@pytest.mark.parametrize("machine", MACHINES)
def test_results_do_not_depend_on_blocks_and_no_tensor_is_unpacked_as_a_whole(
    machine: str, trace: Path, monkeypatch: pytest.MonkeyPatch, unpacked: list[int]
) -> None:
    right = simulate(trace, machine)
    unpacked.clear()
    shrink(monkeypatch)
    found = simulate(trace, machine)
    assert found == right
    assert max(unpacked, default=0) < TIMESTEPS


def test_a_sparse_update_takes_active_neurons_packed(
    trace: Path, monkeypatch: pytest.MonkeyPatch, unpacked: list[int]
) -> None:
    settings = {"dataflow.update": "sparse"}
    right = simulate(trace, "spike_array", settings=settings)
    unpacked.clear()
    shrink(monkeypatch)
    assert simulate(trace, "spike_array", settings=settings) == right
    assert max(unpacked, default=0) < TIMESTEPS


@pytest.mark.parametrize("machine", ["spike_array", "eyeriss_snn"])
def test_tensors_kept_on_chip_are_looked_at_in_blocks(
    machine: str, trace: Path, monkeypatch: pytest.MonkeyPatch, unpacked: list[int]
) -> None:
    right = simulate(trace, machine, residency={"activations": "chip"})
    unpacked.clear()
    shrink(monkeypatch)
    assert simulate(trace, machine, residency={"activations": "chip"}) == right
    assert max(unpacked, default=0) < TIMESTEPS


@pytest.mark.parametrize("machine", ["spike_array", "eyeriss_snn", "loihi", "catalyst_n1", "snn_fpga"])
def test_recurrence_and_several_inputs_in_blocks(machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tensor of the timestep before, and outputs that were not recorded."""
    random = np.random.default_rng(3)
    neuron = Neuron("lif", 3, potential_bits=12, leak_numerator=1, leak_shift=1)
    graph = GraphBuilder(TIMESTEPS)
    x = graph.input("x", (random.random((1, TIMESTEPS, 3, 5, 5)) < 0.3).astype(int))
    first = graph.neuron("first", graph.conv2d("a", x, random.integers(-3, 4, (4, 3, 3, 3)), weight_bits=4, padding=1),
                         neuron, record=False)  # fmt: skip
    main = graph.conv2d("b", first, random.integers(-3, 4, (4, 4, 3, 3)), weight_bits=4, padding=1)
    graph.neuron("last", [main, first], neuron, record=False)
    path = tmp_path / "net.h5"
    graph.write(path)
    right = simulate(path, machine)
    shrink(monkeypatch)
    assert simulate(path, machine) == right


@pytest.mark.parametrize("timesteps", [1, 3, 37])
@pytest.mark.parametrize("tile_rows", [4, 50])
def test_tiles_by_position_are_those_of_the_whole_matrix(timesteps: int, tile_rows: int) -> None:
    """Row p x T + t is in tile (p x T + t) div rows; here each row is its own number, and that of the row before."""
    positions = 6
    numbers = np.arange(1, positions * timesteps + 1, dtype=np.uint64).reshape(positions, timesteps).T
    numbers = np.stack([numbers - 1, numbers], axis=2)
    for together in (1, 2, 5, timesteps):
        cutter = TilesByPosition(timesteps, tile_rows)
        parts = [cutter.add(numbers[first : first + together]) for first in range(0, timesteps, together)]
        if together >= timesteps:  # as they came
            parts = [parts[0].swapaxes(0, 1).reshape(-1, 2)]
        rest = cutter.rest()
        rows = np.concatenate([*parts, *([] if rest is None else [rest])])
        assert np.array_equal(rows[:, 0] + 1, rows[:, 1])
        found = rows[:, 0]
        tiles = [found[at : at + tile_rows] // tile_rows for at in range(0, len(found), tile_rows)]
        assert sorted(found.tolist()) == list(range(positions * timesteps))
        assert all(len(set(tile.tolist())) == 1 for tile in tiles), (together, tiles)


def test_frames_of_all_kinds_give_the_same_blocks() -> None:
    values = (np.random.default_rng(4).random((7, 2, 3, 3)) < 0.4).astype(np.uint8)
    computed = ComputedFrames(lambda: iter(values), 7, (2, 3, 3), values.dtype)
    packed = pack_frames(values, 7, (2, 3, 3))
    later = np.concatenate([np.zeros_like(values[:1]), values[:-1]])
    for kind in (values, computed, packed):
        for timesteps in (1, 3, 7, 10):
            parts = list(blocks(kind, timesteps))
            assert [len(part) for part in parts] == [min(timesteps, 7 - at) for at in range(0, 7, timesteps)]
            assert np.array_equal(np.concatenate(parts), values)
        assert np.array_equal(np.asarray(delayed(kind)), later)
        assert np.array_equal(kind[2:5], values[2:5])
