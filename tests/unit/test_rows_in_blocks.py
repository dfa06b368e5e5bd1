"""Rows of work of a long run are made a block at a time: never all of them at once, and little is kept for each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator import activity, simulate
from spikecycle.simulator.activity import Moves, Work, WorkRows
from spikecycle.simulator.dataflows.cores.step_table import StepTable
from spikecycle.simulator.schedule import OVERLAPS
from spikecycle.simulator.timeline import Timeline
from spikecycle.simulator.totals import SampleRun, StageTotals
from spikecycle.traces import LayerShape
from spikecycle.traces.synthetic import synthetic_trace
from tests.unit.schedule.cases import TIMINGS, rows
from tests.unit.schedule.cases import activity as activity_of

TIMESTEPS = 400
NETWORK = (LayerShape("conv2d", C=2, H=6, W=6, M=5, R=3, S=3, padding=(1, 1)), LayerShape.linear(180, 7))
SETTINGS = {
    "tinyodin": {"dataflow.mapping.neurons_per_core": 16},
    "catalyst_n1": {"dataflow.mapping.neurons_per_core": 16},
    "loihi": {"dataflow.mapping.neurons_per_core": 16},
    "eyeriss_snn": {},
    "eyeriss_sparseloop": {},
}
BLOCK_ROWS = 256
KEPT_BYTES_PER_ROW = 8
"""At most; a row has some 150 bytes, with its traffic."""


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "long.h5"
    synthetic_trace(path, NETWORK, TIMESTEPS, 1, 0.15, 0.5, 8, 1, output_density=0.1)
    return path


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows are made at a time, block by block; blocks are of BLOCK_ROWS."""
    seen: list[int] = []
    check = Work.__post_init__

    def counting(self: Work) -> None:
        seen.append(len(self.cycles))
        check(self)

    monkeypatch.setattr(Work, "__post_init__", counting)
    monkeypatch.setattr(activity, "ROWS_AT_ONCE", BLOCK_ROWS, raising=False)
    return seen


@pytest.mark.parametrize("machine", SETTINGS)
def test_rows_are_made_in_blocks_and_little_is_kept_of_each(
    machine: str, trace: Path, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[WorkRows] = []
    add = StageTotals.add

    def keeping(self: StageTotals, run: SampleRun) -> None:
        kept.append(run.activity.rows)
        add(self, run)

    monkeypatch.setattr(StageTotals, "add", keeping)
    simulate(trace, machine, settings=SETTINGS[machine])
    assert max(made) <= BLOCK_ROWS
    assert sum(made) > 5 * BLOCK_ROWS
    count = sum(len(each.all()[0].cycles) for each in kept)
    assert sum(each.kept_bytes for each in kept) < KEPT_BYTES_PER_ROW * count


@pytest.mark.parametrize("machine", SETTINGS)
def test_a_timeline_has_all_rows(machine: str, trace: Path, made: list[int]) -> None:
    """Each takes its cycles, in a network of which nothing else says when it happens."""
    timeline = Timeline()
    result = simulate(trace, machine, settings=SETTINGS[machine], timeline=timeline)
    for stage in timeline.stages:
        spans = stage.schedule.spans["compute"]
        assert np.array_equal(spans.ends - spans.starts, stage.work.cycles)
        assert len(spans.ends) == len(stage.work.cycles) == len(stage.moves.load_bits)
    assert result.sum_cycles == timeline.cycles >= max(spans.ends.max(), BLOCK_ROWS)


@pytest.mark.parametrize("policy", ["double_buffering", "roofline", "step_barrier"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(network=rows(), dram=TIMINGS, at_once=st.integers(1, 4))
def test_a_schedule_of_blocks_is_that_of_the_whole(policy: str, network, dram, at_once: int) -> None:
    overlap = OVERLAPS.lookup(policy)
    barrier = {"barrier": [{"active": 1, "cycles": 2}, {"active": 2, "cycles": 5}]} if policy == "step_barrier" else {}
    options = overlap.options_type.model_validate({"policy": policy, **barrier})
    whole = activity_of(sorted(network, key=lambda row: row.step))
    work, moves = whole.rows.all()
    places = np.arange(len(work.cycles) + 1)  # where units begin
    if policy == "step_barrier":
        places = np.unique(np.concatenate([[0], np.flatnonzero(np.diff(work.step)) + 1, [len(work.cycles)]]))

    def make(first: int, stop: int) -> tuple[Work, Moves]:
        here = slice(places[first], places[stop])
        part = Work(
            work.cycles[here], work.categories, work.breakdown[here], work.step[here], work.resource[here],
            work.resources,
        )  # fmt: skip
        return part, Moves(moves.load_bits[here], moves.store_bits[here], moves.operands)

    in_blocks = activity.Activity(WorkRows(len(places) - 1, at_once, make, 0, by_timestep=True), {})
    right, found = (overlap.resolve([each], [], dram, options).stages[0] for each in (whole, in_blocks))
    for name in ("start", "cycles", "breakdown", "load_moved_bits", "store_moved_bits", "busy"):
        assert getattr(found, name) == getattr(right, name), name
    for name, spans in right.spans.items():
        assert np.array_equal(found.spans[name].starts, spans.starts)
        assert np.array_equal(found.spans[name].ends, spans.ends)


def test_numbers_of_timesteps_are_kept_narrow_and_come_back() -> None:
    numbers = np.random.default_rng(3).integers(0, 200, (40, 2, 3))
    numbers[17, 1, 2] = 70_000
    table = StepTable()
    for first, stop in ((0, 7), (7, 8), (8, 30), (30, 40)):
        table.add(numbers[first:stop])
    assert len(table) == 40
    assert table.nbytes == (40 - 22) * 6 + 22 * 6 * 4  # one part has the number that takes four bytes
    for first, stop in ((0, 40), (0, 1), (6, 9), (7, 8), (29, 31), (12, 12 + 5), (39, 40)):
        found = table.between(first, stop)
        assert found.dtype == np.int64
        assert np.array_equal(found, numbers[first:stop])


@pytest.mark.parametrize("policy", ["double_buffering", "roofline"])
def test_passes_of_a_spike_array_are_made_for_some_channel_tiles_at_a_time(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes through them: all of them at once, those of three channel tiles, of one."""
    path, timesteps = tmp_path / "wide.h5", 30
    synthetic_trace(path, (LayerShape.linear(20, 1200),), timesteps, 1, 0.2, 0.5, 8, 1, output_density=0.1)
    settings = {"dataflow.pes": 1, "overlap": {"policy": policy}}
    whole = Timeline()
    kept = simulate(path, "spike_array_edge", settings=settings, timeline=whole)
    (right,) = whole.stages
    assert right.work.places["channel_tile"].max() > 6
    for rows_at_once in (3 * timesteps, 1):
        monkeypatch.setattr(activity, "ROWS_AT_ONCE", rows_at_once)
        in_blocks = Timeline()
        made = simulate(path, "spike_array_edge", settings=settings, timeline=in_blocks)
        assert made.layers == kept.layers
        (found,) = in_blocks.stages
        assert np.array_equal(found.work.breakdown, right.work.breakdown)
        assert np.array_equal(found.moves.load_bits, right.moves.load_bits)
        assert np.array_equal(found.moves.store_bits, right.moves.store_bits)
        assert list(found.work.places) == list(right.work.places)
        assert all(np.array_equal(found.work.places[name], right.work.places[name]) for name in right.work.places)
