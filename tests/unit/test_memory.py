"""Memory that a run needs: sizes as people write them, what is refused and why, and the formulas against real runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spikecycle.simulator import engine, memory
from spikecycle.simulator.dataflows.memory import layer_sizes, stage_needs
from spikecycle.simulator.dataflows.stage import layers
from spikecycle.simulator.errors import MappingError, UsageError
from spikecycle.simulator.memory import Need, check_memory, free_bytes, parse_bytes
from spikecycle.traces import LayerShape, open_trace
from spikecycle.traces.synthetic import synthetic_trace
from tests.bad_input.inputs import small_trace
from tests.children import run_child, run_limited


@pytest.mark.parametrize(
    ("text", "size"),
    [("1", 1), ("4G", 4 * 2**30), ("1.5g", 3 * 2**29), ("512 M", 2**29), ("2KiB", 2048), ("1TB", 2**40), ("10b", 10)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1G", "G", "1P", "1e9", "nan", "inf", "1..5G", "4 G B", "٤G", "9" * 400])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="--max-memory"):
        parse_bytes(text)


def test_free_memory_is_some_and_not_more_than_there_is() -> None:
    assert 2**20 < free_bytes() < 2**50


def test_what_is_kept_adds_up_and_what_passes_does_not() -> None:
    needs = {
        "layer 'one'": (Need(100, "tables"), Need(70, "passes", is_kept=False)),
        "layer 'two'": (Need(50, "tables"), Need(90, "events of dataflow.x = 7", is_kept=False)),
    }
    check_memory("here", needs, 100 + 50 + 90)
    with pytest.raises(MappingError) as error:
        check_memory("here", needs, 100 + 50 + 90 - 1)
    assert str(error.value) == (
        "here: needs about 240 bytes of memory, may use 239 bytes (--max-memory); layer 'one' needs most, "
        "of it 100 bytes for tables"
    )


def test_a_stage_by_hand(tmp_path: Path) -> None:
    """The dense layer: 3 x 8 weights, 2 timesteps of 8 inputs and 3 outputs of one byte, or packed in one byte, all
    timesteps of which are unpacked at a time; 3 neurons. Beside int32 weights there are three times the codes, of a
    byte, and a flag of each."""
    with open_trace(small_trace(tmp_path)) as trace:
        dense = layers(trace)[1]
        needs = stage_needs(dense, trace)
        assert sorted(need.bytes for need in needs) == sorted([4 * 24, 4 * 24, 3 * 16, 3 * 6, 24 * 3])
        packed = stage_needs(dense, trace, packed_spikes=True)
        assert sorted(need.bytes for need in packed) == sorted([4 * 24, 4 * 24, 3 * 2, 16, 3 * 2, 6, 24 * 3])
        sizes = layer_sizes(dense, trace)
    assert sizes is not None
    assert (sizes.shape.C, sizes.shape.M, sizes.timesteps, sizes.input_bits, sizes.weight_bits) == (8, 3, 2, 1, 8)


def test_what_is_not_recorded_is_counted_with_what_it_is_made_of(tmp_path: Path) -> None:
    """Outputs are recomputed from the inputs; the sums between them are never kept."""
    with open_trace(small_trace(tmp_path, outputs=False)) as trace:
        conv = layers(trace)[0]
        sizes = sorted(need.bytes for need in stage_needs(conv, trace) if "tensor" in need.what)
    assert sizes == [3 * 2 * 2 * 36, 3 * 2 * 4 * 36]


def test_the_default_is_three_quarters_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda: 4000)
    assert memory.default_limit_bytes() == 3000


HUGE = [
    (("--set", "dataflow.pes=1000000"), "dataflow.pes = 1000000"),
    (("--set", "dataflow.pes=100000"), "dataflow.pes = 100000"),
    (("--max-memory", "100K"), "(--max-memory)"),
    (("--hw", "eyeriss_snn", "--max-memory", "5M"), "M x C/groups"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), HUGE, ids=lambda value: " ".join(value)[:60])
@pytest.mark.parametrize("command", ["simulate", "formats"])
def test_a_machine_that_no_computer_can_hold_is_refused_by_its_key(
    command: str, arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    ended = run_limited(command, "digits-8bit", *arguments, memory_bytes=3 * 2**30, seconds=60, folder=tmp_path)
    assert ended.status == 2 and words in ended.err, ended
    assert len(ended.err.splitlines()) == 1 and "Traceback" not in ended.err


def test_a_trace_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = small_trace(tmp_path)
    ended = run_limited("check", path, "--max-memory", "500", folder=tmp_path)
    assert ended.status == 2 and f"{path}: needs about" in ended.err and "needs most" in ended.err
    assert run_limited("check", path, "--max-memory", "500K", folder=tmp_path).status == 0


MEASURE = """
import importlib, json, sys, tracemalloc
import numpy as np
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask
from spikecycle.simulator.dataflows.row_stationary import RowStationaryPlan
from spikecycle.simulator.dataflows.spike_array import SpikeArrayPlan
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.traces import LayerShape, Neuron

PLANS = {"spike_array": SpikeArrayPlan, "row_stationary": RowStationaryPlan}

def measured(hardware, settings, sizes, timesteps, input_bits):
    machine = load_machine(hardware, overrides=settings)
    random = np.random.default_rng(1)
    shape = LayerShape(**sizes)
    weights = random.integers(-127, 128, shape.weight_shape) * (random.random(shape.weight_shape) < 0.5)
    neuron = Neuron("lif", np.full(shape.M, 3000), 20, 1, 1)
    bias = np.zeros(shape.M, np.int32)
    task = LayerTask("x", shape, timesteps, input_bits, 8, weights.astype(np.int8), bias, neuron)
    spikes = random.random((timesteps, *shape.input_shape)) < 0.2
    inputs = (spikes * ((1 << input_bits) - 1)).astype(np.uint8)
    outputs = np.zeros((timesteps, *shape.output_shape), np.uint8)
    kind = machine.dataflow.kind
    needs = importlib.import_module(f"spikecycle.simulator.dataflows.{kind}.memory").needs
    needed = needs(machine, task)
    estimate = sum(need.bytes for need in needed if not need.is_of_timeline)
    tracemalloc.start()
    plan = PLANS[kind](machine, task)
    activity = plan.run(LayerSample(inputs, outputs, np.ones_like(outputs) if plan.needs_active else None))
    for _ in activity.rows.blocks():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return estimate, peak

linear = {"operator": "linear", "H": 1, "W": 1, "R": 1, "S": 1}
conv = {"operator": "conv2d", "R": 3, "S": 3, "padding": (1, 1)}
cases = json.loads(sys.argv[1])
for hardware, settings, sizes, timesteps, input_bits in cases:  # once, so that what compiling takes is not measured
    measured(hardware, {}, {**linear, "C": 4, "M": 4}, 2, input_bits)
    measured(hardware, {}, {**conv, "C": 4, "M": 4, "H": 4, "W": 4}, 2, input_bits)
for hardware, settings, sizes, timesteps, input_bits in cases:
    base = linear if "H" not in sizes else conv
    print(json.dumps(measured(hardware, settings, {**base, **sizes}, timesteps, input_bits)), flush=True)
"""
SPACE = {"dataflow.partition": "space", "dataflow.pe_rows": 8, "dataflow.pe_columns": 8, "dataflow.pes": 64}
CASES = [
    ("spike_array", {"dataflow.pes": 5000}, {"C": 16, "H": 16, "W": 16, "M": 32}, 4, 1),
    ("spike_array", {"dataflow.pes": 2000}, {"C": 64, "H": 8, "W": 8, "M": 64, "stride": (2, 2)}, 4, 1),
    ("spike_array", {}, {"C": 512, "M": 4096}, 4, 1),
    ("spike_array", {"buffers.weights.size_kib": 1}, {"C": 256, "M": 512}, 50, 1),
    ("spike_array", {}, {"C": 64, "H": 64, "W": 64, "M": 8}, 10, 4),
    ("spike_array", {}, {"C": 8, "M": 8}, 5000, 1),
    ("spike_array", {"dataflow.fifo_depth": 1_000_000}, {"C": 8, "M": 8}, 2, 1),
    ("spike_array", SPACE, {"C": 32, "H": 64, "W": 64, "M": 16}, 4, 1),
    ("spike_array_edge", {}, {"C": 4096, "M": 600}, 4, 1),
    ("spike_array_edge", {}, {"C": 256, "H": 16, "W": 16, "M": 64}, 8, 1),
    ("spike_array_edge", {"formats.weights.format": "bitmask"}, {"C": 2048, "M": 500}, 4, 1),
    ("spike_array_edge", {"dataflow.pes": 1}, {"C": 4096, "M": 300}, 20, 1),
    ("spike_array_edge", {}, {"C": 64, "H": 40, "W": 40, "M": 16}, 30, 1),
    ("eyeriss_snn", {}, {"C": 512, "M": 1024}, 4, 1),
    ("eyeriss_snn", {}, {"C": 64, "H": 16, "W": 16, "M": 64}, 20, 1),
    ("eyeriss_snn", {}, {"C": 256, "H": 4, "W": 4, "M": 256}, 8, 1),
    ("eyeriss_snn", {}, {"C": 64, "M": 10}, 2000, 1),
    ("eyeriss_snn", {}, {"C": 2, "H": 64, "W": 64, "M": 16}, 20, 4),
    ("eyeriss_snn", {}, {"C": 2048, "M": 2048}, 4, 1),
    ("eyeriss_snn", {}, {"C": 1024, "M": 100}, 100, 1),
    ("eyeriss_snn", {}, {"C": 16, "H": 16, "W": 16, "M": 16}, 500, 1),
    ("eyeriss_snn", {"dataflow.time_batching": True}, {"C": 16, "H": 3, "W": 3, "M": 14}, 54, 4),
    ("eyeriss_snn", {"dataflow.time_batching": True}, {"C": 64, "M": 10}, 2000, 1),
]  # fmt: skip
SMALL_BYTES = 2**18  # of Python's own objects, which no formula counts


def test_estimates_are_above_what_runs_really_take_and_not_far_above() -> None:
    ended = run_child(["-c", MEASURE, json.dumps(CASES)], memory_bytes=4 * 2**30, seconds=500)
    assert ended.status == 0, ended.err[-2000:]
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert len(found) == len(CASES)
    for case, (estimate, peak) in zip(CASES, found, strict=True):
        assert peak <= estimate + SMALL_BYTES, (case, estimate, peak)
        # row_stationary counts the smallest folds that there can be, which its search seldom chooses; and as many
        # passes, of which a block of rows takes 5 MB; a search of mappings takes 2 MB, if there are many
        most = 4.5 * peak + 7_000_000 if case[0] == "eyeriss_snn" else 3.5 * peak
        assert estimate <= most + SMALL_BYTES, (case, estimate, peak)


DEEP = """
import json, sys, tracemalloc
from spikecycle.simulator import engine, memory
from spikecycle.simulator.timeline import Timeline

path, machine, settings, windows = json.loads(sys.argv[1])
found = {}

def noting(where, needs, limit_bytes, threads):
    of_parts = [tuple(each) for each in needs.values()]
    kept = sum(need.bytes for each in of_parts for need in each if need.is_kept)
    passing = max(sum(need.bytes for need in each if not need.is_kept) for each in of_parts)
    found["estimate"] = kept + passing
    return threads

engine.check_memory = noting
engine.keep_freed_arrays = lambda: None  # an array that nobody writes to
def measured(timeline):
    tracemalloc.start()
    engine.simulate(path, machine, settings=settings, timeline=timeline)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found["estimate"], peak

measured(Timeline((0, 1))), measured(None)  # so that what compiling takes is not measured
print(json.dumps([measured(None), *(measured(Timeline(window and tuple(window))) for window in windows)]))
"""
ROOFLINE_WITH_ROWS = {
    "overlap.policy": "roofline", "dram.row_bits": 8192, "dram.activate_pj": 100, "dram.row_miss_ns": 30,
}  # fmt: skip


@pytest.mark.parametrize(
    ("machine", "settings"),
    [("eyeriss_snn", {}), ("eyeriss_snn", {"dram.burst_bits": 96}), ("eyeriss_snn", ROOFLINE_WITH_ROWS),
     ("spike_array", {"dataflow.pes": 2}), ("loihi", {"dataflow.mapping.neurons_per_core": 32})],
)  # fmt: skip
def test_timelines_of_deep_networks_take_no_more_than_estimated(
    machine: str, settings: dict[str, object], tmp_path: Path
) -> None:
    """And next to nothing where somebody looks at a few cycles."""
    path = tmp_path / "deep.h5"
    shape = LayerShape("conv2d", C=8, H=10, W=10, M=8, R=3, S=3, padding=(1, 1))
    shapes = [LayerShape.linear(128, 128)] * 12 if machine != "eyeriss_snn" else [shape] * 12
    synthetic_trace(path, shapes, 300, 1, 0.1, 0.5, 8, 1, output_density=0.1)
    told = json.dumps([str(path), machine, settings, [None, (0, 100)]])
    ended = run_child(["-c", DEEP, told], memory_bytes=4 * 2**30, seconds=200)
    assert ended.status == 0, ended.err[-2000:]
    (estimate_without, without), (estimate, whole), (_, window) = json.loads(ended.out)
    assert whole - without <= estimate - estimate_without
    if machine != "loihi":  # on cores the whole network is one stage
        assert window - without < (whole - without) / 2


def test_a_run_lets_freed_memory_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many page faults that saves depends on the C library, and on what else a process has allocated."""
    calls: list[int] = []
    monkeypatch.setattr(engine, "keep_freed_arrays", lambda: calls.append(1))
    engine.simulate(small_trace(tmp_path), "spike_array")
    assert calls == [1]
