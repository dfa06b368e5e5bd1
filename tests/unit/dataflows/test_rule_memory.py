"""Estimates of what rules take of the computer's memory, against what runs really take, in a process of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from spikecycle.simulator.dataflows.memory import LayerSizes
from spikecycle.simulator.dataflows.rule_memory import all_rows, some_rows
from spikecycle.traces import LayerShape
from tests.children import run_child

MEASURE = """
import json, sys, tracemalloc
from spikecycle.simulator import engine, simulate
from spikecycle.traces import LayerShape
from spikecycle.traces.synthetic import synthetic_trace

needed = []

def check(where, needs, limit_bytes, threads=1):
    found = {part: tuple(each) for part, each in needs.items()}
    kept = sum(need.bytes for each in found.values() for need in each if need.is_kept)
    needed.append(kept + max(sum(need.bytes for need in each if not need.is_kept) for each in found.values()))
    return threads

engine.check_memory = check
engine.keep_freed_arrays = lambda: None
for number, (machine, sizes, timesteps, density) in enumerate(json.loads(sys.argv[1])):
    shape = LayerShape(**{name: tuple(size) if isinstance(size, list) else size for name, size in sizes.items()})
    path = f"{number}.h5"
    synthetic_trace(path, (shape,), timesteps, 1, density, 0.8, 8, 1, output_density=0.1)
    simulate(path, machine)  # compiles
    tracemalloc.start()
    simulate(path, machine)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(json.dumps([needed[-1], peak]), flush=True)
"""
MB = 2**20
SMALL_BYTES = 5 * MB // 2  # Python's own objects, and the buffer that a file is hashed by
BOUNDED_BYTES = 70 * MB  # blocks of rows, of timesteps, and what is kept of tensors, whatever the size of a layer


def linear(inputs: int, outputs: int) -> dict[str, object]:
    return {"operator": "linear", "C": inputs, "H": 1, "W": 1, "M": outputs, "R": 1, "S": 1}


def conv(channels: int, size: int, outputs: int, **more: object) -> dict[str, object]:
    same = {"operator": "conv2d", "H": size, "W": size, "R": 3, "S": 3, "padding": [1, 1]}
    return same | {"C": channels, "M": outputs} | more


def depthwise(channels: int, size: int) -> dict[str, object]:
    return conv(channels, size, channels, groups=channels)


COARSE = {"R": 1, "S": 1, "padding": [0, 0], "stride": [8, 8]}
CASES: list[tuple[str, dict[str, object], int, float]] = [
    *((machine, conv(64, 16, 64), 300, 0.1) for machine in ("prosperity", "ptb", "eyeriss", "bishop", "spinalflow")),
    *((machine, depthwise(10_000, 2), 2, 0.1) for machine in ("prosperity", "ptb", "sato", "loas", "bishop")),
    *((machine, linear(1024, 1024), 4, 0.1) for machine in ("loas", "gamma_s", "sato", "loihi", "catalyst_n1")),
    ("prosperity", conv(64, 40, 64), 300, 0.1),  # whose rows wait for a tile
    ("prosperity", conv(2, 160, 4, **COARSE), 150, 0.2),  # whose inputs are many beside its rows
    ("phi", linear(4608, 64), 300, 0.5),
    ("phi", conv(32, 24, 32), 60, 0.5),
    ("gustavsnn", conv(64, 16, 64), 300, 0.1),
    ("gustavsnn", conv(64, 16, 64, groups=4), 30, 0.1),
]  # fmt: skip
MANY_WEIGHTS = [
    ("gustavsnn", depthwise(100_000, 1), 1, 0.1),
    ("gustavsnn", linear(2048, 2048), 4, 0.1),
    ("loas", linear(2048, 2048), 4, 0.1),
    ("sato", linear(2**20, 1), 2, 0.1),  # whose weights are filled up to 64 output channels
    ("sato", conv(256, 2, 1024, groups=256), 2, 0.1),
]
"""Which are far beyond what is bounded."""


def measured(cases: list[tuple[str, dict[str, object], int, float]], folder: Path) -> list[tuple[int, int]]:
    ended = run_child(["-c", MEASURE, json.dumps(cases)], memory_bytes=4 * 2**30, seconds=500, folder=folder)
    assert ended.status == 0, ended.err[-2000:]
    found = [tuple(json.loads(line)) for line in ended.out.splitlines()]
    assert len(found) == len(cases)
    return found


def test_estimates_are_above_what_runs_really_take_and_not_far_above(tmp_path: Path) -> None:
    cases = [*CASES, *MANY_WEIGHTS]
    for case, (estimate, peak) in zip(cases, measured(cases, tmp_path), strict=True):
        assert peak <= estimate + SMALL_BYTES, (case, estimate, peak)
        assert estimate <= 2 * peak + (0 if case in MANY_WEIGHTS else BOUNDED_BYTES), (case, estimate, peak)


@pytest.mark.parametrize("timesteps", [100, 100_000])
def test_rows_in_blocks_do_not_grow_with_timesteps(timesteps: int) -> None:
    """A timestep has 4 positions of 9 words of 8 bytes, and 64 x 4 inputs: 2^21 bytes are 7281 timesteps."""
    sizes: Mapping[str, int] = {"C": 64, "H": 2, "W": 2, "M": 1, "R": 3, "S": 3}
    shape = LayerShape("conv2d", padding=(1, 1), **sizes)
    of_run = LayerSizes(shape, timesteps, 1, 8)
    assert some_rows(of_run).bytes == min(timesteps, 2**21 // 288) * (3 * 288 + 2 * 256)
    assert all_rows(of_run).bytes == timesteps * 4 * 288
