"""What must hold for any passes: bounds, the ideal memory, monotony."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.timeline import DramTiming, Timeline, resolve

CYCLES = st.one_of(st.integers(0, 3), st.integers(0, 60))
BITS = st.one_of(st.just(0), st.integers(0, 200))
PASSES = st.lists(st.tuples(CYCLES, st.tuples(*[BITS] * 4), st.tuples(*[BITS] * 4)), min_size=1, max_size=12)
TIMING = st.builds(
    DramTiming, st.integers(1, 5), st.integers(1, 40), st.sampled_from([1, 64]), st.sampled_from([0, 1, 30])
)


def run(passes, dram) -> Timeline:
    return resolve(
        np.array([c for c, _, _ in passes], np.int64),
        np.array([bits for _, bits, _ in passes], np.int64).reshape(len(passes), 4),
        np.array([bits for _, _, bits in passes], np.int64).reshape(len(passes), 4),
        dram,
    )


@settings(max_examples=200, deadline=None, derandomize=True)
@given(PASSES, TIMING)
def test_total_is_bounded_by_compute_channel_and_their_sum(passes, dram):
    timeline = run(passes, dram)
    compute = sum(c for c, _, _ in passes)
    latencies = dram.latency_cycles * sum(any(load) for _, load, _ in passes)
    assert max(compute, timeline.channel_busy_cycles) <= timeline.total_cycles
    assert timeline.total_cycles <= compute + timeline.channel_busy_cycles + latencies
    assert compute + sum(timeline.stalls.values()) == timeline.total_cycles


@settings(max_examples=200, deadline=None, derandomize=True)
@given(PASSES, st.sampled_from([1, 64]))
def test_ideal_memory_leaves_only_compute_and_moves_the_same_bits(passes, burst_bits):
    ideal = run(passes, DramTiming.ideal(burst_bits))
    real = run(passes, DramTiming(1, 8, burst_bits, 20))
    assert ideal.total_cycles == sum(c for c, _, _ in passes)
    assert set(ideal.stalls.values()) == {0}
    assert ideal.load_moved_bits.tolist() == real.load_moved_bits.tolist()
    assert ideal.store_moved_bits.tolist() == real.store_moved_bits.tolist()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(PASSES, TIMING, st.integers(0, 3), st.integers(0, 10), st.data())
def test_nothing_gets_faster_by_more_work_or_a_slower_memory(passes, dram, slower, longer, data):
    """Also with passes that take no cycles: the order of the channel does not depend on timing."""
    before = run(passes, dram).total_cycles
    assert run(passes, dram._replace(channel_cycles=dram.channel_cycles + slower)).total_cycles >= before
    assert run(passes, dram._replace(latency_cycles=dram.latency_cycles + longer)).total_cycles >= before
    i = data.draw(st.integers(0, len(passes) - 1))
    compute, load, store = passes[i]
    for changed in (
        (compute + longer, load, store),
        (compute, (load[0] + longer, *load[1:]), store),
        (compute, load, (*store[:3], store[3] + longer)),
    ):
        assert run([*passes[:i], changed, *passes[i + 1 :]], dram).total_cycles >= before


@settings(max_examples=200, deadline=None, derandomize=True)
@given(PASSES, TIMING)
def test_the_order_of_things_is_kept(passes, dram):
    timeline = run(passes, dram)
    has_load = np.array([any(load) for _, load, _ in passes])
    arrivals = timeline.load_ends + dram.latency_cycles * has_load
    assert (timeline.compute_starts >= arrivals).all()
    assert (timeline.compute_starts[1:] >= timeline.compute_ends[:-1]).all()
    assert (timeline.load_starts[2:] >= timeline.compute_ends[:-2]).all()
    assert (timeline.store_starts >= timeline.compute_ends).all()
    assert (timeline.compute_starts[2:] >= timeline.store_ends[:-2]).all()
    transfers = sorted(
        (start, end)
        for starts, ends in (
            (timeline.load_starts, timeline.load_ends),
            (timeline.store_starts, timeline.store_ends),
        )
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        if end > start
    )
    assert all(end <= start for (_, end), (start, _) in pairwise(transfers))


@pytest.mark.parametrize("shape", [(2, 3), (3, 4)])
def test_traffic_of_another_shape_is_a_mistake_of_the_dataflow(shape):
    with pytest.raises(AssertionError, match="load_bits"):
        resolve(np.zeros(2, np.int64), np.zeros(shape, np.int64), np.zeros((2, 4), np.int64), DramTiming.ideal())


def test_negative_cycles_and_an_impossible_size_are_refused():
    none = np.zeros((1, 4), np.int64)
    with pytest.raises(AssertionError, match="compute_cycles"):
        resolve(np.array([-1]), none, none, DramTiming.ideal())
    with pytest.raises(AssertionError, match="64-bit"):
        resolve(np.array([1]), none + 2**60, none, DramTiming(16, 1, 1, 0))
