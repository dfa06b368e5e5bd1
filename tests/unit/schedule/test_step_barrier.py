"""Step barrier: by hand, against its twin, and its laws."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.schedule import OVERLAPS, DramTiming
from spikecycle.simulator.schedule.step_barrier import BarrierCost, StepBarrierOptions
from tests.reference import step_barrier as reference
from tests.reference import timesteps
from tests.unit.schedule.cases import ONE_BIT_A_CYCLE, ROWS, TIMINGS, activity, heavier, held_by, rows, stage

POLICY = OVERLAPS.lookup("step_barrier")


def options(*table):
    return StepBarrierOptions(barrier=[BarrierCost(active=active, cycles=cycles) for active, cycles in table])


TABLES = st.lists(st.tuples(st.integers(1, 2), st.integers(0, 9)), max_size=3).map(
    lambda gaps: [(sum(a for a, _ in gaps[: i + 1]), sum(c for _, c in gaps[: i + 1])) for i in range(len(gaps))]
)


def run(cycles, steps, resources, table=(), loads=None, stores=None, dram=ONE_BIT_A_CYCLE):
    return POLICY.resolve([stage(cycles, loads, stores, steps, resources)], [], dram, options(*table)).stages[0]


def test_a_timestep_takes_as_long_as_its_slowest_core():
    """Timestep 0: core 0 has 3 + 4 cycles, core 1 has 5; timestep 1: 2 and 6."""
    found = run([3, 5, 4, 2, 6], steps=[0, 0, 0, 1, 1], resources=[0, 1, 0, 0, 1])
    assert found.cycles == 7 + 6
    assert found.breakdown["compute"] == 13
    assert found.busy == {"core0": 9, "core1": 11, "dram_channel": 0}
    assert found.spans["compute"].starts.tolist() == [0, 0, 3, 7, 7]


def test_the_barrier_costs_by_active_cores():
    """Timestep 0 has two active cores, 1 has one, 2 none (its row takes no cycles), 3 three: more than the table."""
    found = run(
        [5, 5, 4, 0, 1, 1, 1], steps=[0, 0, 1, 2, 3, 3, 3], resources=[0, 1, 1, 0, 0, 1, 2], table=[(1, 10), (2, 25)]
    )
    assert found.breakdown["step_barrier"] == 25 + 10 + 10 + 25
    assert found.cycles == 5 + 4 + 0 + 1 + 70
    assert found.spans["barrier"].starts.tolist() == [5, 34, 44, 55]
    assert found.spans["barrier"].ends.tolist() == [30, 44, 54, 80]


def test_a_timestep_without_rows_still_has_its_barrier():
    assert run([5], steps=[2], resources=[0], table=[(1, 10)]).cycles == 5 + 3 * 10


def test_traffic_that_just_fits_hides_and_one_bit_more_stalls_one_cycle():
    """A timestep of 10 cycles beside 6 bits loaded and 4 stored by both cores."""
    steps, cores = [0, 0], [0, 1]
    fits = run([10, 3], steps, cores, loads=[6, 0], stores=[0, 4])
    assert (fits.cycles, fits.breakdown["dram_traffic"]) == (10, 0)
    more = run([10, 3], steps, cores, loads=[6, 0], stores=[0, 5])
    assert (more.cycles, more.breakdown["dram_traffic"]) == (11, 1)
    late = run([10, 3], steps, cores, loads=[6, 0], stores=[0, 4], dram=ONE_BIT_A_CYCLE._replace(latency_cycles=2))
    assert (late.cycles, late.breakdown["dram_latency"]) == (12, 2)


def test_row_misses_and_turnarounds_hold_the_channel_up():
    """A timestep loads 6 bits for one row of work, stores 4 of another: 2 misses, there and back, 10 + 6 + 4 cycles."""
    found = run([10, 3], [0, 0], [0, 1], loads=[6, 0], stores=[0, 4], dram=ROWS)
    assert (found.cycles, found.breakdown["dram_traffic"], found.busy["dram_channel"]) == (20, 10, 20)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(rows(), TIMINGS, TABLES)
def test_policy_equals_the_clocked_twin(work, dram, table):
    found = POLICY.resolve([activity(work)], [], dram, options(*table)).stages[0]
    steps = timesteps.stage(
        work,
        max((row.step + 1 for row in work), default=0),
        3,
        Fraction(dram.channel_cycles, dram.channel_bits),
        dram.burst_bits,
        dram.latency_cycles,
        held_by(dram),
    )
    breakdown, moments = reference.run(steps, table)
    assert found.breakdown == {category: breakdown[category] for category in found.breakdown}
    assert found.cycles == sum(breakdown.values())
    barriers = found.spans["barrier"]
    assert list(zip(barriers.starts, barriers.ends, strict=True)) == [(start, end) for _, start, end in moments]
    in_step = {t: iter(step.row_starts) for t, step in enumerate(steps)}
    assert found.spans["compute"].starts.tolist() == [moments[row.step][0] + next(in_step[row.step]) for row in work]
    assert found.busy["dram_channel"] == sum(step.channel_cycles for step in steps)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows().filter(bool), TIMINGS, TABLES, st.integers(0, 3), st.integers(0, 10), st.data())
def test_nothing_gets_faster_by_more_work_a_slower_memory_or_dearer_barriers(work, dram, table, slower, longer, data):
    def cycles(changed: list[timesteps.Row], timing: DramTiming, costs: list[tuple[int, int]]) -> int:
        return POLICY.resolve([activity(changed)], [], timing, options(*costs)).total_cycles

    before = cycles(work, dram, table)
    assert cycles(work, dram._replace(channel_cycles=dram.channel_cycles + slower), table) >= before
    assert cycles(work, dram._replace(latency_cycles=dram.latency_cycles + longer), table) >= before
    assert cycles(work, dram, [(active, cost + longer) for active, cost in table]) >= before
    assert cycles(heavier(data.draw, work), dram, table) >= before


@pytest.mark.parametrize("table", [[(2, 5), (2, 6)], [(2, 5), (1, 6)], [(2, 5), (3, 4)]])
def test_a_table_must_ascend(table):
    with pytest.raises(ValueError, match=r"overlap\.barrier"):
        options(*table)
