"""What must hold for any passes: bounds, the ideal memory, monotony."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.schedule import OVERLAPS, DramTiming, StageSchedule
from spikecycle.simulator.schedule.double_buffering import STALLS, DoubleBufferingOptions
from tests.unit.schedule.cases import stage

CYCLES = st.one_of(st.integers(0, 3), st.integers(0, 60))
BITS = st.one_of(st.just(0), st.integers(0, 200))
PASSES = st.lists(st.tuples(CYCLES, st.tuples(*[BITS] * 4), st.tuples(*[BITS] * 4)), min_size=1, max_size=12)
TIMING = st.builds(
    DramTiming,
    st.integers(1, 5),
    st.integers(1, 40),
    st.sampled_from([1, 64]),
    st.sampled_from([0, 1, 30]),
    row_bits=st.sampled_from([0, 16, 100]),
    miss_cycles=st.integers(0, 5),
    turnaround_cycles=st.integers(0, 3),
)


def run(passes, dram) -> StageSchedule:
    activity = stage([c for c, _, _ in passes], [load for _, load, _ in passes], [store for _, _, store in passes])
    return OVERLAPS.lookup("double_buffering").resolve([activity], [], dram, DoubleBufferingOptions()).stages[0]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(PASSES, TIMING)
def test_total_is_bounded_by_compute_channel_and_their_sum(passes, dram):
    timeline = run(passes, dram)
    compute = sum(c for c, _, _ in passes)
    latencies = dram.latency_cycles * sum(any(load) for _, load, _ in passes)
    assert max(compute, timeline.busy["dram_channel"]) <= timeline.cycles
    assert timeline.cycles <= compute + timeline.busy["dram_channel"] + latencies
    assert timeline.breakdown["compute"] == compute == timeline.busy["core0"]
    assert compute + sum(timeline.breakdown[stall] for stall in STALLS) == timeline.cycles


@settings(max_examples=200, deadline=None, derandomize=True)
@given(PASSES, st.sampled_from([1, 64]))
def test_ideal_memory_leaves_only_compute_and_moves_the_same_bits(passes, burst_bits):
    ideal = run(passes, DramTiming.ideal(burst_bits))
    real = run(passes, DramTiming(1, 8, burst_bits, 20))
    assert ideal.cycles == sum(c for c, _, _ in passes)
    assert {ideal.breakdown[stall] for stall in STALLS} == {0}
    assert ideal.load_moved_bits == real.load_moved_bits
    assert ideal.store_moved_bits == real.store_moved_bits


@settings(max_examples=300, deadline=None, derandomize=True)
@given(PASSES, TIMING, st.integers(0, 3), st.integers(0, 10), st.data())
def test_nothing_gets_faster_by_more_work_or_a_slower_memory(passes, dram, slower, longer, data):
    """Also with passes that take no cycles: the order of the channel does not depend on timing."""
    before = run(passes, dram).cycles
    assert run(passes, dram._replace(channel_cycles=dram.channel_cycles + slower)).cycles >= before
    assert run(passes, dram._replace(latency_cycles=dram.latency_cycles + longer)).cycles >= before
    i = data.draw(st.integers(0, len(passes) - 1))
    compute, load, store = passes[i]
    for changed in (
        (compute + longer, load, store),
        (compute, (load[0] + longer, *load[1:]), store),
        (compute, load, (*store[:3], store[3] + longer)),
    ):
        assert run([*passes[:i], changed, *passes[i + 1 :]], dram).cycles >= before


@settings(max_examples=200, deadline=None, derandomize=True)
@given(PASSES, TIMING)
def test_the_order_of_things_is_kept(passes, dram):
    timeline = run(passes, dram)
    has_load = np.array([any(load) for _, load, _ in passes])
    arrivals = timeline.spans["load"].ends + dram.latency_cycles * has_load
    assert (timeline.spans["compute"].starts >= arrivals).all()
    assert (timeline.spans["compute"].starts[1:] >= timeline.spans["compute"].ends[:-1]).all()
    assert (timeline.spans["load"].starts[2:] >= timeline.spans["compute"].ends[:-2]).all()
    assert (timeline.spans["store"].starts >= timeline.spans["compute"].ends).all()
    assert (timeline.spans["compute"].starts[2:] >= timeline.spans["store"].ends[:-2]).all()
    transfers = sorted(
        (start, end)
        for starts, ends in (
            (timeline.spans["load"].starts, timeline.spans["load"].ends),
            (timeline.spans["store"].starts, timeline.spans["store"].ends),
        )
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if end > start
    )
    assert all(end <= start for (_, end), (start, _) in pairwise(transfers))


def test_a_transfer_beyond_64_bits_is_refused():
    with pytest.raises(AssertionError, match="64-bit"):
        run([(1, (2**60, 0, 0, 0), (0, 0, 0, 0))], DramTiming(16, 1, 1, 0))
