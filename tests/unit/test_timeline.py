"""Timelines, read back: lanes, events that nest, and sums that are those of the result."""

from __future__ import annotations

import json
import pickle
import weakref
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator import RunResult, simulate
from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows.row_stationary.plan import RowStationaryPlan
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.schedule import OVERLAPS, DramTiming
from spikecycle.simulator.timeline import Timeline
from spikecycle.simulator.trace_events import to_trace_events
from spikecycle.traces import LayerShape
from spikecycle.traces.synthetic import synthetic_trace
from tests.bad_input.inputs import refused, run, small_trace
from tests.unit.schedule.cases import ONE_BIT_A_CYCLE, stage

MACHINES: list[tuple[str, dict[str, Any]]] = [
    ("spike_array", {}),
    ("spike_array_edge", {"overlap.policy": "roofline"}),
    ("eyeriss_snn", {}),
    ("systolic_weight_stationary", {}),
    ("systolic_output_stationary", {"overlap": {"policy": "step_barrier"}}),
    ("mint", {}),
]


def read(text: str) -> tuple[list[dict[str, Any]], dict[tuple[int, int], str]]:
    """The events of a document, and the name of each lane as "group / lane"."""
    everything = json.loads(text)["traceEvents"]
    groups = {e["pid"]: e["args"]["name"] for e in everything if e["name"] == "process_name"}
    lanes = {
        (e["pid"], e["tid"]): f"{groups[e['pid']]} / {e['args']['name']}"
        for e in everything
        if e["name"] == "thread_name"
    }
    return [e for e in everything if e["ph"] == "X"], lanes


def by_lane(text: str) -> dict[str, list[dict[str, Any]]]:
    """Events by lane, after checks that hold for all of them: whole cycles, and on a lane they follow or nest."""
    events, names = read(text)
    lanes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        assert isinstance(event["ts"], int)
        assert isinstance(event["dur"], int)
        assert event["dur"] > 0
        lanes[names[event["pid"], event["tid"]]].append(event)
    for name, found in lanes.items():
        open_until: list[int] = []
        for event in sorted(found, key=lambda each: (each["ts"], -each["dur"])):
            while open_until and open_until[-1] <= event["ts"]:
                open_until.pop()
            end = event["ts"] + event["dur"]
            assert not open_until or end <= open_until[-1], (name, event)
            open_until.append(end)
    return lanes


def took(events: Sequence[dict[str, Any]]) -> int:
    return sum(event["dur"] for event in events)


def simulated(machine: str, settings: dict[str, Any]) -> tuple[RunResult, Timeline]:
    timeline = Timeline()
    return simulate("digits-pruned80", machine, settings=settings, samples=[2], timeline=timeline), timeline


@pytest.mark.parametrize(("machine", "settings"), MACHINES)
def test_sums_are_those_of_the_result(machine: str, settings: dict[str, Any]) -> None:
    result, timeline = simulated(machine, settings)
    text, reached = to_trace_events(timeline, {})
    assert reached == timeline.cycles == result.sum_cycles
    lanes = by_lane(text)
    operators = {event["name"]: event for event in lanes["operators / operators"]}
    for layer in result.layers:
        if not layer.sum_cycles:
            continue
        event = operators[layer.name]
        assert event["dur"] == layer.sum_cycles
        assert event["args"]["breakdown"] == {k: v for k, v in layer.sum_cycle_breakdown.items() if v}
    assert took(lanes["operators / operators"]) == result.sum_cycles
    channel = sum(layer.sum_busy_cycles.get("dram_channel", 0) for layer in result.layers)
    assert took(lanes.get("DRAM / DRAM channel", [])) == channel
    rows = [event for event in lanes["array / array"] if "row" in event["args"]]
    worked = sum(layer.sum_busy_cycles["array"] for layer in result.layers)
    assert took(rows) == worked
    if result.overlap != "step_barrier":
        assert took(lanes.get("array / waiting", [])) == result.sum_cycles - worked
    categories: dict[str, int] = defaultdict(int)
    for event in rows:
        assert sum(event["args"]["breakdown"].values()) == event["dur"]
        for category, cycles in event["args"]["breakdown"].items():
            categories[category] += cycles
    assert categories == {category: result.sum_cycle_breakdown[category] for category in categories}


def test_a_spike_array_has_lanes_for_its_units() -> None:
    result, timeline = simulated("spike_array", {})
    lanes = by_lane(to_trace_events(timeline, {})[0])
    assert set(lanes) == {
        "operators / operators", "DRAM / DRAM channel", "buffers / input buffers, half 0",
        "buffers / input buffers, half 1", "buffers / output buffers, half 0", "buffers / output buffers, half 1",
        "array / array", "array / waiting", "units / dispatcher", "units / PEs", "units / neuron units",
        "units / encoder",
    }  # fmt: skip
    categories = result.sum_cycle_breakdown
    assert took(lanes["units / neuron units"]) == categories["update"]
    assert took(lanes["units / encoder"]) == categories["encode"]
    dispatched = ("compute", "scan", "weight_fetch", "decode", "bank_conflict", "fifo")
    assert took(lanes["units / dispatcher"]) == sum(categories[name] for name in dispatched)
    loads = [event for event in lanes["DRAM / DRAM channel"] if event["name"].startswith("load")]
    assert loads[0]["name"] == "load weights, spikes"
    # the first pass waits for its load, and for the latency of 25 cycles after it
    first = min(lanes["array / array"], key=lambda event: event["ts"])
    assert first["ts"] == loads[0]["ts"] + loads[0]["dur"] + 25
    assert first["args"]["timestep"] == 0


def test_two_passes_by_hand() -> None:
    """Loads of 4 and 2 bits, a bit per cycle, no latency; 3 and 5 cycles of work; a store of 1 bit."""
    timeline = timeline_of("double_buffering", [stage([3, 5], [4, 2], [1, 0])], [])
    lanes = by_lane(to_trace_events(timeline, {})[0])
    places = {name: [(e["ts"], e["ts"] + e["dur"]) for e in events] for name, events in lanes.items()}
    assert places == {
        "operators / operators": [(0, 12)],
        "DRAM / DRAM channel": [(0, 4), (4, 6), (7, 8)],
        "array / core0": [(4, 7), (7, 12)],
        "array / waiting": [(0, 4)],
        "buffers / input buffers, half 0": [(0, 7)],
        "buffers / input buffers, half 1": [(4, 12)],
        "buffers / output buffers, half 0": [(4, 8)],
    }


def timeline_of(
    policy: str,
    stages: list[Activity],
    edges: list[tuple[int, int]],
    dram: DramTiming = ONE_BIT_A_CYCLE,
    **options: Any,
) -> Timeline:
    chosen = OVERLAPS.lookup(policy)
    schedule = chosen.resolve(stages, edges, dram, chosen.options_type(policy=policy, **options))
    timeline = Timeline()
    timeline.begin(in_turn=len(stages) == 1)
    for number, each in enumerate(stages):
        timeline.add(f"stage{number}", each.rows, None)
    timeline.finish(schedule.stages)
    return timeline


def test_stages_that_overlap_have_lanes_of_their_own() -> None:
    stages = [stage([3, 3], steps=[0, 1]), stage([2, 2], steps=[0, 1])]
    lanes = by_lane(to_trace_events(timeline_of("layer_pipeline", stages, [(0, 1)]), {})[0])
    places = {name: [(e["ts"], e["ts"] + e["dur"]) for e in events] for name, events in lanes.items()}
    assert places["array / core0: stage0"] == [(0, 3), (3, 6)]
    assert places["array / core0: stage1"] == [(3, 5), (6, 8)]
    assert places["operators / operators: stage1"] == [(3, 8)]


def test_cores_side_by_side_have_a_lane_each() -> None:
    stages = [stage([3, 5], steps=[0, 0], resources=[0, 1])]
    lanes = by_lane(
        to_trace_events(timeline_of("step_barrier", stages, [], barrier=[{"active": 8, "cycles": 2}]), {})[0]
    )
    assert [e["dur"] for e in lanes["array / core0"]] == [3]
    assert [e["dur"] for e in lanes["array / core1"]] == [5]
    assert [(e["ts"], e["dur"]) for e in lanes["array / barriers"]] == [(5, 2)]


def test_a_window_cuts_and_bounds() -> None:
    _, timeline = simulated("spike_array", {})
    whole = by_lane(to_trace_events(timeline, {})[0])
    low, high = 1000, 3000
    text, reached = to_trace_events(timeline, {}, (low, high))
    assert reached == high
    lanes = by_lane(text)
    assert sum(map(len, lanes.values())) < sum(map(len, whole.values())) / 4
    for name, events in lanes.items():
        inside = [(max(e["ts"], low), min(e["ts"] + e["dur"], high)) for e in whole[name]]
        assert sorted((e["ts"], e["ts"] + e["dur"]) for e in events) == sorted(p for p in inside if p[0] < p[1])
    beyond = timeline.cycles + 10
    assert to_trace_events(timeline, {}, (beyond, beyond + 5))[0].count('"ph": "X"') == 0


WINDOWED = [*MACHINES, ("loihi", {}), ("prosperity", {}), ("spikesim_rram", {})]


@pytest.mark.parametrize(("machine", "settings"), WINDOWED)
def test_a_timeline_with_a_window_keeps_little_else_and_shows_the_same(machine: str, settings: dict[str, Any]) -> None:
    def simulated_in(window: tuple[int, int] | None) -> Timeline:
        timeline = Timeline(window)
        simulate("digits-pruned80", machine, settings=settings, samples=[2], timeline=timeline)
        return timeline

    whole = simulated_in(None)
    ends = np.concatenate([stage.schedule.spans["compute"].ends for stage in whole.stages])
    random, cycles = np.random.default_rng(5), whole.cycles
    windows = [(0, 1), (cycles - 1, cycles), (0, cycles), (cycles // 3, cycles // 3 + 1), (cycles + 3, cycles + 9)]
    for low in random.integers(0, cycles, 4).tolist():
        windows.append((low, low + int(random.integers(1, 40))))
    for edge in random.choice(ends, 4).tolist():  # where a row ends
        windows += [(edge, edge + 1), (max(0, edge - 1), edge + 1)]
    for window in windows:
        found = simulated_in(window)
        assert found.cycles == cycles
        assert to_trace_events(found, {}) == to_trace_events(whole, {}, window), window
        if window[1] == window[0] + 1:  # what is in it, a row on each side, and the others of these timesteps
            side_by_side = max(len(stage.work.resources) for stage in whole.stages)
            together = 1 if whole.in_turn else len(whole.stages)
            assert sum(len(stage.work.cycles) for stage in found.stages) <= 5 * side_by_side * together


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(("machine", "kind"), [("spike_array", SpikeArrayPlan), ("eyeriss_snn", RowStationaryPlan)])
def test_stages_that_are_done_leave_nothing_but_their_rows(
    machine: str, kind: type, threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are: with one thread, of two stages at most there is a plan, of which one is new."""
    path, plans, most = tmp_path / "deep.h5", [], 0
    synthetic_trace(path, [LayerShape.linear(20, 20)] * 12, 3, 1, 0.2, 0.5, 8, 1, output_density=0.2)
    made = kind.__post_init__  # type: ignore[attr-defined]

    def noted(self: Any) -> None:
        nonlocal most
        plans.append(weakref.ref(self))
        made(self)
        most = max(most, sum(plan() is not None for plan in plans))

    monkeypatch.setattr(kind, "__post_init__", noted)
    simulate(path, machine, timeline=Timeline(), threads=threads)
    assert len(plans) == 12
    assert threads > 1 or most <= 2


def test_a_file_without_a_window_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    _, timeline = simulated("spike_array", {})
    monkeypatch.setattr("spikecycle.simulator.trace_events.MOST_EVENTS", 50)
    text, reached = to_trace_events(timeline, {})
    assert text.count('"ph": "X"') == 50
    assert 0 <= reached < timeline.cycles
    by_lane(text)


def test_a_timeline_holds_one_sample() -> None:
    timeline = timeline_of("roofline", [stage([1])], [])
    with pytest.raises(UsageError, match="holds one sample"):
        timeline.begin(in_turn=True)


@pytest.mark.parametrize(("machine", "kind"), [("spike_array", SpikeArrayPlan), ("eyeriss_snn", RowStationaryPlan)])
def test_a_timeline_can_be_pickled_and_keeps_no_plan(machine: str, kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[weakref.ref[Any]] = []
    made = kind.__post_init__  # type: ignore[attr-defined]

    def noted(self: Any) -> None:
        plans.append(weakref.ref(self))
        made(self)

    monkeypatch.setattr(kind, "__post_init__", noted)
    timeline = Timeline()
    simulate("digits-4bit", machine, samples=[0], timeline=timeline)
    assert plans and all(plan() is None for plan in plans)
    assert pickle.dumps(timeline)


def test_the_command_writes_it(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = tmp_path / "timeline.json"
    trace = small_trace(tmp_path)
    assert (
        run(capsys, "simulate", trace, "--samples", "1", "--timeline", target, "--timeline-window", "0-50").status == 0
    )
    document = json.loads(target.read_text())
    assert document["otherData"]["sample"] == 1
    assert document["otherData"]["clock_mhz"] == 500
    assert max(e["ts"] + e["dur"] for e in document["traceEvents"] if e["ph"] == "X") == 50


def test_a_window_beyond_the_end_says_where_the_run_ends(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trace = small_trace(tmp_path)
    whole = ("simulate", trace, "--samples", "1", "--json", tmp_path / "r.json", "--timeline", tmp_path / "t.json")
    assert run(capsys, *whole).status == 0
    cycles = int(json.loads((tmp_path / "r.json").read_text())["sum_cycles"])
    for name in ("r.json", "t.json"):
        (tmp_path / name).unlink()
    beyond = run(capsys, *whole, "--timeline-window", f"{cycles}-{cycles + 9}")
    refused(beyond, f"--timeline-window {cycles}-{cycles + 9}: the run ends before it, at cycle {cycles:,}")
    assert not list(tmp_path.glob("*.json"))
    assert run(capsys, *whole, "--timeline-window", f"{cycles - 1}-{cycles + 9}").status == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--timeline-window", "0-9"], "--timeline-window goes with --timeline"),
        (["--timeline", "t.json", "--timeline-window", "9"], "write FROM-TO in cycles"),
        (["--timeline", "t.json", "--timeline-window", "9-x"], "write FROM-TO in cycles"),
        (["--timeline", "t.json", "--timeline-window", "9-9"], "there is nothing between 9 and 9"),
        (["--timeline", "t.json", "--timeline-window", f"0-{10**40}"], "no run has so many cycles"),
        (["--timeline", "nowhere/t.json"], "nowhere/t.json: cannot be written"),
        (["--timeline", "t.json", "--json", "t.json"], "would overwrite what --json writes"),
    ],
)
def test_what_does_not_fit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(run(capsys, "simulate", "digits-8bit", *options), words)
    assert not list(tmp_path.iterdir())


def test_moments_of_long_runs_stay_whole_numbers() -> None:
    long = 10**15
    timeline = timeline_of("roofline", [stage([long, 1])], [])
    lanes = by_lane(to_trace_events(timeline, {})[0])
    assert [(e["ts"], e["dur"]) for e in lanes["array / core0"]] == [(0, long), (long, 1)]
    assert isinstance(np.int64(long).item(), int)
