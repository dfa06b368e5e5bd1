"""What runs read and unpack, in counts that no load of the computer changes: guards against reading anything twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spikecycle import files
from spikecycle.simulator import compare_formats, simulate
from spikecycle.simulator.explore.compare import compare
from spikecycle.simulator.explore.measure import Chunk, SharedRuns
from spikecycle.simulator.explore.sweep_spec import parse_sweep
from spikecycle.simulator.reuse import Reuse
from spikecycle.traces import open_trace, sample_path
from spikecycle.traces.packing import PackedSpikes
from spikecycle.traces.stored import StoredDataset
from tests.children import run_child
from tests.unit.dataflows.test_joined_sums import residual

TRACE = "digits-8bit"
SPIKES = ("inputs", "outputs")
WEIGHTS = ("weights", "bias")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, str]]:
    """How often each selection of each dataset is read."""
    seen: Counter[tuple[str, str]] = Counter()
    values = StoredDataset.values

    def counting(self: StoredDataset, selection: Any = (), *how: Any) -> Any:
        seen[h5py.h5i.get_name(self.id).decode(), str(selection)] += 1
        return values(self, selection, *how)

    monkeypatch.setattr(StoredDataset, "values", counting)
    return seen


def test_a_run_reads_every_dataset_once(reads: Counter[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    stored_bytes = 0
    stored_chunk = StoredDataset._stored_chunk

    def counting(self: StoredDataset, *where: Any) -> tuple[int, memoryview]:
        nonlocal stored_bytes
        skipped, stored = stored_chunk(self, *where)
        stored_bytes += len(stored)
        return skipped, stored

    monkeypatch.setattr(StoredDataset, "_stored_chunk", counting)
    simulate(TRACE, "spike_array")
    assert set(reads.values()) == {1}
    with open_trace(TRACE) as trace:
        assert len([name for name, _ in reads if name.endswith(SPIKES)]) == 2 * trace.samples * len(trace.layers)
    assert 0 < stored_bytes < sample_path(TRACE).stat().st_size


def test_several_machines_and_formats_read_spikes_once(reads: Counter[tuple[str, str]]) -> None:
    with open_trace(TRACE) as trace:
        reuse = Reuse(trace)
        for machine in ("spike_array", "spike_array_edge", "prosperity"):
            simulate(trace, machine, samples=[0, 1], reuse=reuse)
        simulate(trace, "spike_array", samples=[0, 1], formats={"weights": "rle"}, reuse=reuse)
        spikes = {key: times for key, times in reads.items() if key[0].endswith(SPIKES)}
        assert len(spikes) == 2 * 2 * len(trace.layers)
    assert set(spikes.values()) == {1}


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Traces that are hashed, each time: HDF5 opens them by itself, so that whoever else does hashes them."""
    seen: list[str] = []

    def counting(opened: Callable[..., Any]) -> Callable[..., Any]:
        def counted(path: Path, *arguments: Any, **options: Any) -> Any:
            if path.suffix == ".h5":
                seen.append(str(path))
            return opened(path, *arguments, **options)

        return counted

    monkeypatch.setattr(Path, "open", counting(Path.open))
    monkeypatch.setattr(files, "open_regular", counting(files.open_regular))
    return seen


def test_a_comparison_of_machines_reads_and_hashes_all_once(reads: Counter[tuple[str, str]], hashed: list[str]) -> None:
    """Spikes, weights and biases, of machines that run layers and of machines that run operators."""
    compare(TRACE, ["spike_array", "prosperity", "eyeriss_snn", "loihi", "sato"], samples=[0, 1])
    arrays = {name: times for (name, _), times in reads.items() if name.endswith((*SPIKES, *WEIGHTS))}
    assert set(arrays.values()) == {1}, "what opening reads, the settings are checked against too"
    with open_trace(TRACE) as trace:
        assert len([name for name, _ in reads if name.endswith(SPIKES)]) == 2 * 2 * len(trace.layers)
        assert len([name for name, _ in reads if name.endswith(WEIGHTS)]) == sum(
            1 + layer.has_bias for layer in trace.layers
        )
    assert hashed == [str(sample_path(TRACE))]


def test_a_comparison_of_formats_reads_and_hashes_all_once(reads: Counter[tuple[str, str]], hashed: list[str]) -> None:
    compare_formats(TRACE, "spike_array", samples=[0])
    assert reads
    assert set(reads.values()) == {1}
    assert hashed == [str(sample_path(TRACE))]


def test_the_points_of_a_sweep_read_and_hash_all_once(reads: Counter[tuple[str, str]], hashed: list[str]) -> None:
    said = {
        "traces": [TRACE],
        "machines": ["spike_array", "mint"],
        "samples": [0],
        "set": {"technology.clock_mhz": [10, 20]},
    }
    with SharedRuns(Chunk(())) as shared:
        rows = shared.rows(list(parse_sweep(said, "sweep").points()))
    assert [row["problem"] for row in rows] == [None] * 4
    assert set(reads.values()) == {1}
    assert hashed == [str(sample_path(TRACE))]


def test_a_network_with_its_sums_joined_reads_what_the_other_has_read(
    reads: Counter[tuple[str, str]], tmp_path: Path
) -> None:
    path = residual(tmp_path / "net.h5", "sum")
    with open_trace(path) as trace:
        reuse = Reuse(trace)
        for machine in ("spike_array", "prosperity", "loihi"):
            simulate(trace, machine, reuse=reuse)
    assert reads
    assert set(reads.values()) == {1}


@pytest.mark.parametrize(("samples_kept", "times"), [(0, [2, 2]), (1, [1, 2]), (2, [1, 1])])
def test_what_does_not_fit_the_budget_is_read_again(
    reads: Counter[tuple[str, str]], samples_kept: int, times: list[int]
) -> None:
    with open_trace(TRACE) as trace:
        values = sum(tensor.spec.count * -(-tensor.spec.bits // 8) for tensor in trace.tensors.values())
        reuse = Reuse(trace, limit_bytes=samples_kept * values * trace.timesteps)
        for machine in ("spike_array", "spike_array_edge"):
            simulate(trace, machine, samples=[0, 1], reuse=reuse)
    for sample, expected in enumerate(times):
        found = {count for (name, part), count in reads.items() if name.endswith(SPIKES) and part == str(sample)}
        assert found == {expected}, (sample, reads)


@pytest.mark.parametrize("spike_format", ["bitmap", "aer"])
def test_a_spike_array_unpacks_at_most_a_few_timesteps(monkeypatch: pytest.MonkeyPatch, spike_format: str) -> None:
    """255 timesteps where banks are counted by place, of which a byte holds the sum; one everywhere else."""
    unpacked: list[tuple[int, int]] = []
    take = PackedSpikes.__getitem__

    def counting(self: PackedSpikes, timesteps: int | slice) -> Any:
        found = take(self, timesteps)
        unpacked.append((found.size // self.positions, len(self)))
        return found

    def all_of_them(self: PackedSpikes, *arguments: Any, **named: Any) -> Any:
        raise AssertionError("all timesteps are unpacked")

    monkeypatch.setattr(PackedSpikes, "__getitem__", counting)
    monkeypatch.setattr(PackedSpikes, "__array__", all_of_them)
    simulate(TRACE, "spike_array", formats={"spikes": spike_format}, samples=[0])
    by_place = [timesteps for timesteps, of_all in unpacked if timesteps > 1]
    assert max(by_place, default=0) <= 255
    with open_trace(TRACE) as trace:
        assert len(by_place) <= len(trace.layers)
        ones = [timesteps for timesteps, _ in unpacked if timesteps == 1]
        assert bool(ones) == (spike_format == "aer"), "a bit map is read word by word"


def test_spikes_of_a_float_dtype_are_still_spikes() -> None:
    packed = PackedSpikes(np.array([[0b101]], np.uint8), (3, 1, 1))
    assert np.asarray(packed, np.int64).ravel().tolist() == [1, 0, 1]


SIGNATURES = """
import json, sys
from spikecycle.simulator import simulate
from spikecycle.simulator.compiling import told_of_compiling

names = []
with told_of_compiling(names.append):
    for trace in ("digits-8bit", "digits-ternary"):
        simulate(trace, sys.argv[1], samples=[0])
print(json.dumps(names))
"""


@pytest.mark.parametrize("machine", ["spike_array", "spike_array_edge"])
def test_kernels_of_spike_arrays_are_compiled_once_whatever_the_trace(
    machine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spikes are words, whether packed in the file or not; weights of up to 8 bits are bytes."""
    for name in ("NUMBA_DISABLE_JIT", "NUMBA_BOUNDSCHECK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPIKECYCLE_CACHE_DIR", str(tmp_path))
    ended = run_child(["-c", SIGNATURES, machine], memory_bytes=4 * 2**30)
    assert ended.status == 0, ended.err
    compiled = Counter(json.loads(ended.out))
    array = {"list_events", "tabulate_latencies", "time_fiber", "lay_fibers", "measure_fibers", "decode_schedule"}
    array |= {"group_end", "_last_bit_with_mask"}  # not once more for a constant
    array |= {"accumulate_passes", "broadcast"} if machine == "spike_array" else {
        "accumulate_abreast", "broadcast_abreast", "send_abreast", "charge_abreast", "_last_bit_of_entries"
    }  # fmt: skip
    assert {name: compiled[name] for name in array} == dict.fromkeys(array, 1)
    if machine == "spike_array":  # of the ways to decode a format, only that of bit maps
        assert compiled["_last_bit_of_entries"] == 0
    assert compiled.total() <= 47, compiled
