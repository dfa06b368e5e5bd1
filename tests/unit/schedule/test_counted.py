"""As counted: by hand, and the laws of what is hidden."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.activity import OPERANDS, Activity, Moves, Work
from spikecycle.simulator.schedule import OVERLAPS, Schedule
from spikecycle.simulator.schedule.counted import CountedOptions
from tests.unit.schedule.cases import ONE_BIT_A_CYCLE

POLICY = OVERLAPS.lookup("counted")


def stage(rows: list[tuple[int, int]], hidden: list[int] | None = None) -> Activity:
    """Rows of (compute, stall) cycles; hidden: marks."""
    none = np.zeros((len(rows), len(OPERANDS)), np.int64)
    places = {} if hidden is None else {"hidden": np.array(hidden)}
    breakdown = np.array(rows, np.int64).reshape(-1, 2)
    return Activity.of(Work.of(("compute", "dram_traffic"), breakdown, places=places), Moves(none, none), {})


def resolve(*stages: Activity) -> Schedule:
    return POLICY.resolve(stages, [], ONE_BIT_A_CYCLE, CountedOptions())


def test_stalls_are_those_of_the_work() -> None:
    found = resolve(stage([(10, 3)]), stage([(5, 0)]))
    assert (found.total_cycles, found.breakdown) == (18, {"compute": 15, "dram_traffic": 3})


def test_hidden_rows_run_during_the_stage_before() -> None:
    """6 of the 10 cycles of neurons hide behind 8 cycles of a convolution: the network takes 8 + 4."""
    found = resolve(stage([(8, 0)]), stage([(6, 0), (4, 0)], [1, 0]))
    assert found.total_cycles == 12
    assert found.breakdown == {"compute": 12, "dram_traffic": 0}
    assert [(each.start, each.cycles) for each in found.stages] == [(0, 8), (2, 10)]


def test_nothing_hides_before_the_network_begins() -> None:
    found = resolve(stage([(3, 0)]), stage([(6, 0), (4, 0)], [1, 0]))
    assert found.total_cycles == 10
    assert found.stages[1].start == 0


ROWS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=3)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(ROWS, st.booleans()), max_size=4))
def test_hiding_never_makes_a_network_longer(network: list[tuple[list[tuple[int, int]], bool]]) -> None:
    shown = resolve(*(stage(rows) for rows, _ in network))
    found = resolve(*(stage(rows, [int(mark)] + [0] * (len(rows) - 1) if rows else []) for rows, mark in network))
    hidden = sum(sum(rows[0]) for rows, mark in network if rows and mark)
    assert shown.total_cycles - hidden <= found.total_cycles <= shown.total_cycles
    assert sum(found.breakdown.values()) == found.total_cycles
    assert [each.cycles for each in found.stages] == [each.cycles for each in shown.stages]
