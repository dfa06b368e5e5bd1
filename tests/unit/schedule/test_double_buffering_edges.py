"""Timelines worked out by hand: what just fits hides, one cycle more stalls one cycle."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from spikecycle.simulator.activity import OPERANDS
from spikecycle.simulator.machine.schema import Dram
from spikecycle.simulator.schedule import OVERLAPS, DramTiming
from spikecycle.simulator.schedule.double_buffering import STALLS, DoubleBufferingOptions
from tests.unit.schedule.cases import ONE_BIT_A_CYCLE, ROWS, stage


def network(stages, dram=ONE_BIT_A_CYCLE):
    return OVERLAPS.lookup("double_buffering").resolve(stages, [], dram, DoubleBufferingOptions())


def run(compute, loads, stores, dram=ONE_BIT_A_CYCLE):
    """`loads` and `stores` in bits, of one operand or of all."""
    return network([stage(compute, loads, stores)], dram).stages[0]


def stalls(**cycles):
    return dict.fromkeys(STALLS, 0) | cycles


def stalls_of(timeline):
    return {category: timeline.breakdown[category] for category in STALLS}


def test_no_passes():
    timeline = run([], [], [])
    assert (timeline.cycles, stalls_of(timeline)) == (0, stalls())


def test_no_traffic():
    timeline = run([5, 0, 7], [0, 0, 0], [0, 0, 0])
    assert (timeline.cycles, stalls_of(timeline)) == (12, stalls())
    assert timeline.spans["compute"].starts.tolist() == [0, 5, 5]


def test_one_pass_fills_computes_drains():
    timeline = run([10], [4], [3], ONE_BIT_A_CYCLE._replace(latency_cycles=6))
    assert stalls_of(timeline) == stalls(dram_fill=4 + 6, dram_drain=3)
    assert timeline.cycles == 4 + 6 + 10 + 3


def test_a_load_that_just_fits_hides():
    timeline = run([10, 10, 10], [1, 10, 10], [0, 0, 0])
    assert stalls_of(timeline) == stalls(dram_fill=1)


def test_one_bit_more_stalls_one_cycle():
    timeline = run([10, 10, 10], [1, 11, 10], [0, 0, 0])
    assert stalls_of(timeline) == stalls(dram_fill=1, dram_load=1)


def test_latency_that_just_fits_hides_and_one_cycle_more_stalls():
    fits = run([10, 10], [1, 4], [0, 0], ONE_BIT_A_CYCLE._replace(latency_cycles=6))
    # Both loads carry the same latency, so only what load 1 takes on the channel must hide behind compute 0.
    assert stalls_of(fits) == stalls(dram_fill=1 + 6)
    third = run([10, 4, 10], [1, 4, 2], [0, 0, 0], ONE_BIT_A_CYCLE._replace(latency_cycles=2))
    # Load 2 is issued when compute 0 ends and has 4 cycles: 2 on the channel, 2 of latency.
    assert stalls_of(third) == stalls(dram_fill=3)
    late = run([10, 4, 10], [1, 4, 2], [0, 0, 0], ONE_BIT_A_CYCLE._replace(latency_cycles=3))
    assert stalls_of(late) == stalls(dram_fill=4, dram_latency=1)


def test_two_halves_only():
    """Load 2 may not begin before compute 0 has ended, though the channel idles."""
    timeline = run([100, 1, 1], [1, 1, 5], [0, 0, 0])
    assert timeline.spans["load"].starts.tolist() == [0, 1, 101]
    assert stalls_of(timeline) == stalls(dram_fill=1, dram_load=4)


def test_a_full_output_buffer_stalls():
    """Pass 2 needs no load but the output half that store 0 still occupies: 8 cycles, of which compute 1 hides 5."""
    timeline = run([5, 5, 5], [0, 0, 0], [8, 0, 0])
    assert stalls_of(timeline) == stalls(dram_store=3)
    assert stalls_of(run([5, 5, 5], [0, 0, 0], [5, 0, 0])) == stalls()


def test_a_store_delays_the_load_behind_it():
    """Store 0 and load 2 are issued together: the store goes first, and its share of the wait is the store's."""
    timeline = run([5, 5, 5], [0, 0, 4], [8, 0, 0])
    assert timeline.spans["store"].starts[0] == 5
    assert timeline.spans["load"].starts[2] == 13
    assert stalls_of(timeline) == stalls(dram_store=3, dram_load=4)


def test_a_load_issued_earlier_delays_a_store():
    timeline = run([5, 5], [1, 20], [8, 0])
    assert timeline.spans["store"].starts[0] == 21
    assert stalls_of(timeline) == stalls(dram_fill=1, dram_load=15, dram_drain=3)


def test_every_operand_is_rounded_to_whole_bursts():
    timeline = run([1], [(1, 65, 0, 64)], [0], DramTiming(1, 64, 64, 0))
    assert timeline.load_moved_bits == dict(zip(OPERANDS, (64, 128, 0, 64), strict=True))
    assert timeline.store_moved_bits == dict.fromkeys(OPERANDS, 0)
    assert timeline.cycles == 4 + 1
    assert timeline.busy["dram_channel"] == 4


def test_a_machine_in_cycles():
    """25.6 Gbit/s would be 51.2 bits per cycle at 500 MHz; here 26: 52 bits, exactly. 50.1 ns are 26 cycles."""
    dram = Dram(bandwidth_gbit_per_s=26, burst_bits=512, latency_ns=50.1, energy_pj_per_bit=4.0)
    timing = DramTiming.from_machine(dram, clock_mhz=500)
    assert timing == DramTiming(channel_cycles=1, channel_bits=52, burst_bits=512, latency_cycles=26)
    timeline = run([1], [520], [0], timing)
    assert timeline.cycles == -(-1024 // 52) + 26 + 1


def test_row_misses_and_turnarounds_hold_the_channel_up():
    """Load 0: 9 and 1 bits, 2 + 1 rows: 10 + 9 cycles. Store 0: 4 bits, 1 row, there and back: 4 + 3 + 4 cycles, from
    the end of compute 0 in 19 + 5 = 24 on, beside compute 1 (6 cycles), whose load of 1 bit (1 + 3) came by 23."""
    timeline = run([5, 6], [(9, 1, 0, 0), (1, 0, 0, 0)], [4, 0], ROWS)
    assert timeline.spans["load"].ends.tolist() == [19, 23]
    assert (timeline.spans["store"].starts[0], timeline.spans["store"].ends[0]) == (24, 35)
    assert timeline.cycles == 35
    assert timeline.busy["dram_channel"] == 19 + 4 + 11
    assert stalls_of(timeline) == stalls(dram_fill=19, dram_drain=5)


def test_rows_and_turnarounds_take_time_only_where_the_machine_gives_it():
    given = {"bandwidth_gbit_per_s": 26, "burst_bits": 512, "latency_ns": 50.1, "energy_pj_per_bit": 4.0}
    paid = Dram(**given, row_bits=8192, activate_pj=900.0)
    assert DramTiming.from_machine(paid, clock_mhz=500) == DramTiming(1, 52, 512, 26)
    timed = Dram(**given, row_bits=8192, activate_pj=900.0, row_miss_ns=27.1, turnaround_ns=7.5)
    # 13.55 and 3.75 cycles of 2 ns
    assert DramTiming.from_machine(timed, clock_mhz=500) == DramTiming(1, 52, 512, 26, 8192, 14, 4)
    with pytest.raises(ValidationError, match="row_miss_ns goes with row_bits"):
        Dram(**given, row_miss_ns=27.1)


def test_stages_follow_each_other():
    """The first takes 1 + 10 + 2 cycles; the second begins in cycle 13 with a load of its own."""
    schedule = network([stage([10], [1], [2]), stage([5], [3], [0])])
    first, second = schedule.stages
    assert (first.start, first.cycles, second.start, second.cycles) == (0, 13, 13, 8)
    assert second.spans["load"].starts.tolist() == [13]
    assert second.spans["compute"].starts.tolist() == [16]
    assert schedule.total_cycles == 21
    assert schedule.breakdown == {"compute": 15, **stalls(dram_fill=1 + 3, dram_drain=2)}


def test_no_stages_take_no_cycles():
    assert network([]).total_cycles == 0
