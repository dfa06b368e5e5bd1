"""Roofline: by hand, against its twin, and its laws."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.schedule import OVERLAPS, DramTiming
from spikecycle.simulator.schedule.roofline import RooflineOptions
from tests.reference import roofline as reference
from tests.reference.timesteps import Row
from tests.unit.schedule.cases import ONE_BIT_A_CYCLE, ROWS, TIMINGS, activity, heavier, held_by, rows, stage

POLICY = OVERLAPS.lookup("roofline")
OPTIONS = st.builds(
    RooflineOptions,
    start=st.sampled_from(["hidden", "first_row", "fixed"]),
    start_bits=st.integers(0, 300),
    whole_cycles=st.sampled_from(["up", "down"]),
)


def run(cycles, loads, stores, dram=ONE_BIT_A_CYCLE, **options):
    return POLICY.resolve([stage(cycles, loads, stores)], [], dram, RooflineOptions(**options)).stages[0]


def stalls_of(found):
    return tuple(found.breakdown[stall] for stall in POLICY.stalls)


def test_traffic_that_just_fits_hides_and_one_bit_more_stalls_one_cycle():
    """The first row's 3 bits are ahead of the work; 10 cycles of it hide 6 + 4 bits."""
    fits = run([4, 6], [3, 6], [0, 4])
    assert (fits.cycles, stalls_of(fits)) == (13, (3, 0, 0))
    more = run([4, 6], [3, 6], [0, 5])
    assert (more.cycles, stalls_of(more)) == (14, (3, 1, 0))
    assert more.busy == {"core0": 10, "dram_channel": 14}


def test_row_misses_and_turnarounds_hold_the_channel_up():
    """Ahead of the work: 3 bits and a miss, 3 + 3 cycles. Beside its 20 cycles: 9 bits with 2 misses; 4 bits stored
    with a miss, there and back: 9 + 6 + 4 + 3 + 4 = 26 cycles."""
    found = run([4, 16], [3, 9], [0, 4], ROWS)
    assert (found.cycles, stalls_of(found)) == (6 + 26, (6, 6, 0))
    hidden = run([4, 16], [3, 9], [0, 4], ROWS, start="hidden")
    assert (hidden.cycles, stalls_of(hidden)) == (32, (0, 12, 0))


def test_a_hidden_start_leaves_the_longer_of_work_and_traffic():
    assert run([10], [10], [0], start="hidden").cycles == 10
    assert run([10], [10], [1], start="hidden").cycles == 11


def test_prosperity_adds_what_its_first_tiles_take():
    """A layer of K = 576, N = 120 and 32 rows with 5036 cycles of work and a port of 1024 bits: first load
    16 * 120 * 8 + 16 * 32 = 15872 bits, floor(15.5) = 15 cycles; the rest of 552960 + 18432 bits, 542 cycles, hides."""
    port = DramTiming(channel_cycles=1, channel_bits=1024, burst_bits=1, latency_cycles=0)
    rest = 576 * 120 * 8 + 576 * 32 - 15872
    found = run([0, 5036], [15872, rest], [0, 0], port, whole_cycles="down")
    assert found.cycles == 5036 + 15
    # with 500 cycles of work, what floor((571392 - 15872) / 1024) = 542 has more
    short = run([0, 500], [15872, rest], [0, 0], port, whole_cycles="down")
    assert (short.cycles, stalls_of(short)) == (500 + 15 + 42, (15, 42, 0))


def test_ptb_takes_its_first_bits_in_full():
    """floor(1536 / 1024) = 1 cycle, then max(work, floor((traffic - 1536) / 1024))."""
    port = DramTiming(channel_cycles=1, channel_bits=1024, burst_bits=1, latency_cycles=0)
    ptb = {"start": "fixed", "start_bits": 1536, "whole_cycles": "down"}
    assert run([100], [200_000], [0], port, **ptb).cycles == 1 + 193
    assert run([100], [0], [0], port, **ptb).cycles == 1 + 100


def test_the_latency_is_waited_once():
    slow = ONE_BIT_A_CYCLE._replace(latency_cycles=6)
    assert stalls_of(run([4, 6], [3, 6], [0, 4], slow)) == (3, 0, 6)
    # hidden: the last of 7 bits is there after 13 cycles, of which the work covers 10, or all
    assert stalls_of(run([10], [7], [0], slow, start="hidden")) == (0, 0, 3)
    assert stalls_of(run([13], [7], [0], slow, start="hidden")) == (0, 0, 0)
    # 12 cycles of the channel and then the latency: 2 and 6 beyond the work
    assert stalls_of(run([10], [12], [0], slow, start="hidden")) == (0, 2, 6)
    assert stalls_of(run([10], [0], [12], slow, start="hidden")) == (0, 2, 0)


def test_stages_in_turn_and_their_spans():
    schedule = POLICY.resolve([stage([5, 2], [1, 0]), stage([4], [2])], [], ONE_BIT_A_CYCLE, RooflineOptions())
    first, second = schedule.stages
    assert (first.start, first.end, second.start, second.end) == (0, 8, 8, 14)
    assert first.spans["compute"].starts.tolist() == [1, 6]
    assert second.spans["compute"].ends.tolist() == [14]
    assert schedule.total_cycles == 14
    assert schedule.breakdown == {"compute": 11, "dram_fill": 3, "dram_traffic": 0, "dram_latency": 0}
    assert POLICY.resolve([stage([])], [], ONE_BIT_A_CYCLE, RooflineOptions()).total_cycles == 0


@settings(max_examples=300, deadline=None, derandomize=True)
@given(rows(), TIMINGS, OPTIONS)
def test_policy_equals_the_twin(work, dram, options):
    found = POLICY.resolve([activity(work)], [], dram, options)
    twin = reference.run(
        work,
        Fraction(dram.channel_cycles, dram.channel_bits),
        dram.burst_bits,
        dram.latency_cycles,
        options.start,
        options.start_bits,
        options.whole_cycles,
        held_by(dram),
    )
    assert found.breakdown == {category: twin[category] for category in found.breakdown}
    assert found.total_cycles == sum(twin.values())


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows().filter(bool), TIMINGS, OPTIONS, st.integers(0, 3), st.integers(0, 10), st.data())
def test_nothing_gets_faster_by_more_work_or_a_slower_memory(work, dram, options, slower, longer, data):
    def cycles(changed: list[Row], timing: DramTiming) -> int:
        return POLICY.resolve([activity(changed)], [], timing, options).total_cycles

    before = cycles(work, dram)
    assert cycles(work, dram._replace(channel_cycles=dram.channel_cycles + slower)) >= before
    assert cycles(work, dram._replace(latency_cycles=dram.latency_cycles + longer)) >= before
    assert cycles(heavier(data.draw, work), dram) >= before


def test_ideal_memory_leaves_the_work():
    found = run([7, 3], [100, 5], [0, 9], DramTiming.ideal(64))
    assert found.cycles == 10
    assert found.load_moved_bits["weights"] == 128 + 64


@pytest.mark.parametrize("wrong", [{"start": "none"}, {"start_bits": -1}, {"whole_cycles": 1}, {"port": 3}])
def test_options_are_checked(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RooflineOptions.model_validate(wrong)
