"""The kernel of double buffering against the event queue written from the rules."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecycle.simulator.machine.schema import Dram
from spikecycle.simulator.schedule import OVERLAPS, DramTiming
from spikecycle.simulator.schedule.double_buffering import STALLS, DoubleBufferingOptions
from tests.reference.double_buffering import channel_cycles, overlap
from tests.unit.schedule.cases import stage

CYCLES = st.one_of(st.integers(0, 3), st.integers(0, 60))
BITS = st.one_of(st.just(0), st.integers(0, 200))
PASSES = st.lists(st.tuples(CYCLES, st.tuples(*[BITS] * 4), st.tuples(*[BITS] * 4)), max_size=12)


@pytest.mark.kernel
@settings(max_examples=400, deadline=None, derandomize=True)
@given(
    PASSES,
    st.integers(1, 3000),
    st.integers(1, 40),
    st.sampled_from([1, 7, 64]),
    st.one_of(st.just(0), st.integers(0, 40)),
)
def test_kernel_equals_event_queue(passes, clock_mhz, bandwidth_gbit_per_s, burst_bits, latency_cycles):
    compute = [c for c, _, _ in passes]
    loads = [bits for _, bits, _ in passes]
    stores = [bits for _, _, bits in passes]
    n = len(passes)
    dram = Dram(bandwidth_gbit_per_s=bandwidth_gbit_per_s, burst_bits=burst_bits, latency_ns=0.0, energy_pj_per_bit=1.0)
    timing = DramTiming.from_machine(dram, clock_mhz)._replace(latency_cycles=latency_cycles)

    activity = stage(compute, loads, stores)
    timeline = OVERLAPS.lookup("double_buffering").resolve([activity], [], timing, DoubleBufferingOptions()).stages[0]

    load_cycles = [channel_cycles(bits, burst_bits, clock_mhz, bandwidth_gbit_per_s) for bits in loads]
    store_cycles = [channel_cycles(bits, burst_bits, clock_mhz, bandwidth_gbit_per_s) for bits in stores]
    twin = overlap(compute, load_cycles, store_cycles, latency_cycles)
    assert timeline.cycles == twin.now
    assert timeline.breakdown["compute"] == twin.spent.get("compute", 0)
    assert {category: timeline.breakdown[category] for category in STALLS} == {
        category: twin.spent.get(category, 0) for category in STALLS
    }
    assert timeline.busy["dram_channel"] == sum(load_cycles) + sum(store_cycles)
    for array, what in (
        (timeline.spans["compute"].starts, "compute starts"),
        (timeline.spans["compute"].ends, "compute ends"),
        (timeline.spans["load"].starts, "load starts"),
        (timeline.spans["load"].ends, "load ends"),
        (timeline.spans["store"].starts, "store starts"),
        (timeline.spans["store"].ends, "store ends"),
    ):
        assert array.tolist() == [twin.moments[what, i] for i in range(n)], what
