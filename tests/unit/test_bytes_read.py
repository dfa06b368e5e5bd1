"""What runs read and unpack, in counts that no load of the computer changes: guards against reading anything twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.reuse import Reuse
from spikecycle.traces import open_trace, sample_path
from spikecycle.traces.filters import FilterPipeline
from spikecycle.traces.packing import PackedSpikes
from spikecycle.traces.stored import StoredDataset
from tests.children import run_child

TRACE = "digits-8bit"
SPIKES = ("inputs", "outputs")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, str]]:
    """How often each selection of each dataset is read."""
    seen: Counter[tuple[str, str]] = Counter()
    values = StoredDataset.values

    def counting(self: StoredDataset, selection: Any = ()) -> Any:
        seen[self.name, str(selection)] += 1
        return values(self, selection)

    monkeypatch.setattr(StoredDataset, "values", counting)
    return seen


def test_a_run_reads_every_dataset_once(reads: Counter[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    stored_bytes = 0
    undo = FilterPipeline.undo

    def counting(self: FilterPipeline, stored: memoryview, skipped: int = 0) -> Any:
        nonlocal stored_bytes
        stored_bytes += len(stored)
        return undo(self, stored, skipped)

    monkeypatch.setattr(FilterPipeline, "undo", counting)
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
    array |= {"group_end", "_last_bit_of_entries", "_last_bit_with_mask"}  # not once more for a constant
    array |= {"accumulate_passes", "broadcast"} if machine == "spike_array" else {
        "accumulate_abreast", "broadcast_abreast", "send_abreast", "charge_abreast"
    }  # fmt: skip
    assert {name: compiled[name] for name in array} == dict.fromkeys(array, 1)
    assert compiled.total() <= 46, compiled
