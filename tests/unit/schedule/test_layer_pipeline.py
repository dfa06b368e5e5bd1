"""Layer pipeline: by hand, against its twin, and its laws."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from spikecycle.simulator.schedule import OVERLAPS, DramTiming
from spikecycle.simulator.schedule.layer_pipeline import LayerPipelineOptions
from tests.reference import timesteps
from tests.reference.layer_pipeline import Pipeline
from tests.unit.schedule.cases import ONE_BIT_A_CYCLE, TIMINGS, activity, heavier, held_by, rows, stage

POLICY = OVERLAPS.lookup("layer_pipeline")
CHAIN = [(0, 1), (1, 2)]
OPTIONS = st.builds(
    LayerPipelineOptions,
    start_after=st.sampled_from([1.0, 0.75, 0.5, 0.1, 0.3]),
    buffer_steps=st.sampled_from([None, 1, 2, 3]),
    delivery_cycles=st.sampled_from([0, 0, 1, 7]),
)
NETWORKS = st.lists(rows(max_size=6), min_size=1, max_size=4)


@st.composite
def edges_of(draw, stages):
    """Any edges: chains, skips, edges back and to the stage itself."""
    pairs = [(i, j) for i in range(stages) for j in range(stages)]
    return draw(st.lists(st.sampled_from(pairs), max_size=6))


def run(durations, edges, dram=ONE_BIT_A_CYCLE, **options):
    """Stages with one row of so many cycles per timestep."""
    stages = [stage(cycles, steps=range(len(cycles))) for cycles in durations]
    return POLICY.resolve(stages, edges, dram, LayerPipelineOptions(**options))


def moments(schedule, stage):
    spans = schedule.stages[stage].spans["step"]
    return list(zip(spans.starts.tolist(), spans.ends.tolist(), strict=True))


def test_a_chain_fills_and_drains():
    """Three stages of 5 cycles, four timesteps: 5 * (4 + 3 - 1)."""
    schedule = run([[5] * 4] * 3, CHAIN)
    assert schedule.total_cycles == 30
    assert moments(schedule, 2) == [(10, 15), (15, 20), (20, 25), (25, 30)]
    assert schedule.stages[2].start == 10


def test_the_slowest_stage_sets_the_pace():
    """Stage 1 takes 9 cycles per timestep: it starts after 2, does four, and stage 2 adds its last 3."""
    schedule = run([[2] * 4, [9] * 4, [3] * 4], CHAIN)
    assert schedule.total_cycles == 2 + 4 * 9 + 3
    assert schedule.breakdown["compute"] == schedule.total_cycles
    # stage 2 waits 9 - 3 cycles between its timesteps
    assert schedule.stages[2].breakdown["pipeline_wait"] == 3 * 6
    assert schedule.stages[2].busy["core0"] == 12


def test_stages_without_edges_work_side_by_side():
    assert run([[4, 4], [7, 1]], []).total_cycles == 8


def test_a_full_buffer_holds_a_producer_up():
    """With room for one timestep, stage 0 starts timestep 1 when stage 1 has ended timestep 0."""
    free = run([[2, 2, 2], [10, 10, 10]], [(0, 1)])
    assert moments(free, 0) == [(0, 2), (2, 4), (4, 6)]
    one = run([[2, 2, 2], [10, 10, 10]], [(0, 1)], buffer_steps=1)
    assert moments(one, 0) == [(0, 2), (12, 14), (24, 26)]
    assert (free.total_cycles, one.total_cycles) == (32, 36)
    two = run([[2, 2, 2], [10, 10, 10]], [(0, 1)], buffer_steps=2)
    assert moments(two, 0) == [(0, 2), (2, 4), (12, 14)]
    assert two.total_cycles == 32


def test_a_stage_may_start_on_three_quarters_of_its_inputs():
    """SpikeSim's 75 %: 8 cycles of stage 0 let stage 1 go after 6, but it can't be done before its last inputs."""
    early = run([[8], [10]], [(0, 1)], start_after=0.75)
    assert moments(early, 1) == [(6, 16)]
    assert early.breakdown["compute"] == 16
    short = run([[8], [1]], [(0, 1)], start_after=0.75)
    assert moments(short, 1) == [(6, 8)]
    assert short.breakdown == {"compute": 8, **dict.fromkeys(POLICY.stalls, 0)}
    assert short.stages[1].breakdown["pipeline_wait"] == 1
    # 7 cycles: three quarters are there after 5.25, in cycle 6
    assert moments(run([[7], [10]], [(0, 1)], start_after=0.75), 1) == [(6, 16)]


def test_a_delivery_takes_its_cycles():
    schedule = run([[5, 5], [5, 5]], [(0, 1)], delivery_cycles=3)
    assert moments(schedule, 1) == [(8, 13), (13, 18)]
    assert (schedule.breakdown["compute"], schedule.breakdown["delivery"]) == (15, 3)


def test_an_edge_back_is_one_timestep_late():
    """Stage 0 needs the spikes of stage 1 of the timestep before: nothing overlaps."""
    schedule = run([[5, 5], [4, 4]], [(0, 1), (1, 0)])
    assert moments(schedule, 0) == [(0, 5), (9, 14)]
    assert schedule.total_cycles == 18


def test_a_skip_edge_waits_for_the_longer_way():
    schedule = run([[3, 3], [6, 6], [1, 1]], [(0, 1), (1, 2), (0, 2)])
    assert moments(schedule, 2) == [(9, 10), (15, 16)]


def test_traffic_of_all_stages_shares_the_channel():
    """Each stage's 8 bits hide behind 10 cycles, but two stages side by side need 16 of the channel."""
    stages = [stage([10], [8]), stage([10], [8])]
    schedule = POLICY.resolve(stages, [], ONE_BIT_A_CYCLE, LayerPipelineOptions())
    assert schedule.total_cycles == 16
    assert schedule.breakdown["dram_traffic"] == 6
    alone = POLICY.resolve([stage([10], [11])], [], ONE_BIT_A_CYCLE, LayerPipelineOptions())
    assert (alone.total_cycles, alone.breakdown["dram_traffic"]) == (11, 1)


def test_nothing_to_do_takes_no_cycles():
    assert POLICY.resolve([], [], ONE_BIT_A_CYCLE, LayerPipelineOptions()).total_cycles == 0
    assert run([[], []], [(0, 1)]).total_cycles == 0


def test_an_edge_to_nowhere_is_a_mistake():
    with pytest.raises(AssertionError, match="edge"):
        run([[1], [1]], [(0, 2)])


@pytest.mark.kernel
@settings(max_examples=300, deadline=None, derandomize=True)
@given(NETWORKS, TIMINGS, OPTIONS, st.data())
def test_policy_equals_the_twin(network, dram, options, data):
    edges = data.draw(edges_of(len(network)))
    schedule = POLICY.resolve([activity(work) for work in network], edges, dram, options)
    count = max((row.step + 1 for work in network for row in work), default=0)
    per_bit = Fraction(dram.channel_cycles, dram.channel_bits)
    stages = [
        timesteps.stage(work, count, 3, per_bit, dram.burst_bits, dram.latency_cycles, held_by(dram))
        for work in network
    ]
    share = Fraction(str(options.start_after))
    twin = Pipeline(stages, edges, share, options.buffer_steps or 0, options.delivery_cycles)
    twin.run()
    for i in range(len(network)):
        assert moments(schedule, i) == [(twin.starts[i, t], twin.ends[i, t]) for t in range(count)]
    breakdown = twin.breakdown(("compute", "weight_fetch", "dram_traffic", "dram_latency"))
    event(f"pipeline_wait on the path: {breakdown['pipeline_wait'] > 0}, delivery: {breakdown['delivery'] > 0}")
    assert schedule.total_cycles == twin.total()
    assert {category: n for category, n in schedule.breakdown.items() if n} == {
        category: n for category, n in breakdown.items() if n
    }
    for work, found in zip(network, schedule.stages, strict=True):
        starts, row_spans = found.spans["step"].starts, found.spans["compute"]
        assert all(row_spans.starts[i] >= starts[row.step] for i, row in enumerate(work))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(NETWORKS.filter(any), TIMINGS, OPTIONS, st.integers(0, 3), st.integers(0, 10), st.data())
def test_nothing_gets_faster_by_more_work_a_slower_memory_or_smaller_buffers(
    network, dram, options, slower, longer, data
):
    edges = data.draw(edges_of(len(network)))

    def cycles(changed: list[list[timesteps.Row]], timing: DramTiming, **keys: object) -> int:
        chosen = options.model_copy(update=keys)
        return POLICY.resolve([activity(work) for work in changed], edges, timing, chosen).total_cycles

    before = cycles(network, dram)
    assert cycles(network, dram._replace(channel_cycles=dram.channel_cycles + slower)) >= before
    assert cycles(network, dram._replace(latency_cycles=dram.latency_cycles + longer)) >= before
    assert cycles(network, dram, delivery_cycles=options.delivery_cycles + longer) >= before
    assert cycles(network, dram, start_after=1.0) >= before
    if options.buffer_steps:
        assert cycles(network, dram, buffer_steps=None) <= before <= cycles(network, dram, buffer_steps=1)
    i = data.draw(st.sampled_from([i for i, work in enumerate(network) if work]))
    assert cycles([*network[:i], heavier(data.draw, network[i]), *network[i + 1 :]], dram) >= before


@pytest.mark.parametrize("wrong", [{"start_after": 0.0}, {"start_after": 1.5}, {"buffer_steps": 0}])
def test_options_are_checked(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LayerPipelineOptions.model_validate(wrong)
