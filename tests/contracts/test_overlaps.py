"""What every registered overlap policy must keep, with the options that it has by default."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.schedule import OVERLAPS, DramTiming
from spikecycle.simulator.schedule.base import CHANNEL
from tests.unit.schedule.cases import TIMINGS, activity, rows

NETWORKS = st.lists(rows(), max_size=3)


def test_the_policies_are_there() -> None:
    assert set(OVERLAPS.names()) >= {"double_buffering", "layer_pipeline", "roofline", "step_barrier"}


@pytest.mark.parametrize("name", OVERLAPS.names())
def test_a_policy_says_what_it_is(name: str) -> None:
    policy = OVERLAPS.lookup(name)
    assert policy.name == policy.options_type().policy == name
    assert policy.summary
    assert policy.source
    with pytest.raises(ValueError, match="policy"):
        policy.options_type.model_validate({"policy": "another"})


@pytest.mark.parametrize("name", OVERLAPS.names())
@settings(max_examples=60, deadline=None, derandomize=True)
@given(network=NETWORKS, dram=TIMINGS)
def test_a_schedule_accounts_for_everything(name: str, network, dram) -> None:
    policy = OVERLAPS.lookup(name)
    activities = [activity(work) for work in network]
    edges = [(i, i + 1) for i in range(len(network) - 1)]
    schedule = policy.resolve(activities, edges, dram, policy.options_type())
    again = policy.resolve(activities, edges, dram, policy.options_type())
    ideal = policy.resolve(activities, edges, DramTiming.ideal(dram.burst_bits), policy.options_type())
    assert (schedule.total_cycles, schedule.breakdown) == (again.total_cycles, again.breakdown)
    assert ideal.total_cycles <= schedule.total_cycles
    assert set(schedule.breakdown) <= {"compute", "weight_fetch", *policy.stalls}
    assert min(schedule.breakdown.values(), default=0) >= 0
    assert len(schedule.stages) == len(network)
    for given_stage, found, without in zip(activities, schedule.stages, ideal.stages, strict=True):
        work = given_stage.work
        assert set(found.breakdown) <= {"compute", "weight_fetch", *policy.stalls}
        assert 0 <= found.start <= found.end <= schedule.total_cycles
        assert max(found.busy[resource] for resource in work.resources) <= found.cycles
        assert sum(found.busy[resource] for resource in work.resources) == work.cycles.sum()
        assert found.busy[CHANNEL] <= schedule.total_cycles
        for bits, moved in (
            (given_stage.moves.load_bits, found.load_moved_bits),
            (given_stage.moves.store_bits, found.store_moved_bits),
        ):
            bursts = (-(-bits // dram.burst_bits)).sum(axis=0) * dram.burst_bits
            assert list(moved.values()) == bursts.tolist()
        assert (found.load_moved_bits, found.store_moved_bits) == (without.load_moved_bits, without.store_moved_bits)
        rows_in_time = found.spans["compute"]
        assert np.array_equal(rows_in_time.ends - rows_in_time.starts, work.cycles)
        assert rows_in_time.starts.min(initial=schedule.total_cycles) >= found.start
        assert rows_in_time.ends.max(initial=0) <= found.end
