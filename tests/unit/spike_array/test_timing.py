"""Cycles counted by hand, each at the edge where one more event, word or access costs one more cycle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.activity import Activity
from spikecycle.simulator.dataflows.layer import LayerSample
from spikecycle.simulator.dataflows.spike_array import SpikeArray
from spikecycle.simulator.dataflows.spike_array.passes import CYCLE_CATEGORIES
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.traces import LayerShape
from tests.unit.spike_array.cases import layer, machine

pytestmark = pytest.mark.kernel

DATAFLOW = SpikeArray()
ACCUMULATE = ("compute", "scan", "weight_fetch", "decode", "bank_conflict", "fifo", "barrier")


def run(
    inputs: list[int], weights: Any, outputs: list[int] | None = None, active: list[int] | None = None, **changes: Any
) -> dict[str, int]:
    """Cycles by category of one timestep of a linear layer, inputs on a bus of 16-bit words; weights (M, C) of 4
    bits."""
    return run_and_count(inputs, weights, outputs, active, **changes)[0]


def run_and_count(
    inputs: list[int], weights: Any, outputs: list[int] | None = None, active: list[int] | None = None, **changes: Any
) -> tuple[dict[str, int], dict[str, int]]:
    """The same, and what is counted."""
    codes = np.array(weights)
    shape = LayerShape.linear(len(inputs), len(codes))
    chosen = machine(**{"dataflow__pes": 1, **changes})
    passes = run_layer(shape, codes, inputs, outputs, active, chosen)
    assert len(passes.work.breakdown) == 1
    breakdown = zip(CYCLE_CATEGORIES, passes.work.breakdown[0].tolist(), strict=True)
    names = [counter.name for counter in SpikeArrayPlan(chosen, layer(shape, codes)).counters]
    return {name: cycles for name, cycles in breakdown if cycles}, {name: passes.counts[name] for name in names}


def run_layer(
    shape: LayerShape, codes: Any, inputs: Any, outputs: Any, active: Any, chosen: Any, input_bits: int = 1
) -> Activity:
    task = layer(shape, codes, input_bits=input_bits)
    maps = [
        np.array([0] * shape.output_count if values is None else values, np.uint8).reshape(1, shape.M, shape.P, shape.Q)
        for values in (outputs, active)
    ]
    values = np.array(inputs, np.uint8).reshape(1, shape.C, shape.H, shape.W)
    return SpikeArrayPlan(chosen, task).run(LayerSample(values, *maps))


def accumulate(breakdown: dict[str, int]) -> int:
    return sum(breakdown.get(name, 0) for name in ACCUMULATE)


def test_one_event() -> None:
    # 0: the word of spikes is read; 1: broadcast; 2: popped; 3: fiber read; 4: decoded and added; 5: all done, noticed
    assert run([1], [[3]]) == {"scan": 1, "compute": 1, "barrier": 4, "update": 3, "encode": 1}


def test_an_empty_timestep_costs_its_words_and_the_barrier() -> None:
    # 17 positions are 2 words of 16: 1 and 2 go to them, 3 to notice; then one neuron is updated, one word written
    assert run([0] * 17, [[1] * 17]) == {"scan": 3, "barrier": 1, "update": 3, "encode": 1}


def test_without_words_there_is_nothing_to_scan() -> None:
    assert run([0], [[1]], formats__spikes__format="aer") == {"scan": 1, "barrier": 1, "update": 3, "encode": 1}


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_a_fifo_holds_exactly_its_depth(depth: int) -> None:
    # the first event is popped in cycle 2 and keeps the PE until 5, one event per cycle comes in behind it
    slow = {"dataflow__fifo_depth": depth, "formats__weights__format": "uncompressed"}
    assert run([1] * 2, [[1] * 2], **slow)["compute"] == 2
    # 2: pop 0. 5: pop 1, and room for event depth + 1 from 6 on; it is offered in cycle depth + 2
    fits, waits = [1] * (depth + 1), [1] * (depth + 2)
    assert "weight_fetch" not in run(fits, [fits], **slow)
    if depth < 4:
        # a latency of 3 cycles is one of adding and two of fetching
        assert run(waits, [waits], **slow)["weight_fetch"] == min(2, 6 - (depth + 2))
    else:
        assert "weight_fetch" not in run(waits, [waits], **slow), "ready at the cycle when it is offered"


def test_a_fifo_of_depth_one_takes_a_cycle_to_pass_an_event_on() -> None:
    # broadcast in 1, popped in 2 at the earliest, refilled in 3: even a PE that has nothing to do lets one wait.
    # A stride of 2 lets a 1x1 kernel skip every second input: those events have no tap.
    shape = LayerShape("conv2d", C=1, H=1, W=9, M=1, R=1, S=1, stride=(1, 2))
    passes = run_layer(
        shape, [1], [0, 1, 0, 1, 0, 1, 0, 1, 0], None, None, machine(dataflow__pes=1, dataflow__fifo_depth=1)
    )
    breakdown = dict(zip(CYCLE_CATEGORIES, passes.work.breakdown[0].tolist(), strict=True))
    assert (breakdown["compute"], breakdown["fifo"], breakdown["weight_fetch"]) == (4, 3, 0)
    passes = run_layer(
        shape, [1], [0, 1, 0, 1, 0, 1, 0, 1, 0], None, None, machine(dataflow__pes=1, dataflow__fifo_depth=2)
    )
    breakdown = dict(zip(CYCLE_CATEGORIES, passes.work.breakdown[0].tolist(), strict=True))
    assert (breakdown["compute"], breakdown["fifo"], breakdown["barrier"]) == (4, 0, 2)


@pytest.mark.parametrize(("banks", "ports", "cycles"), [(2, 2, 1), (1, 2, 2), (2, 1, 2), (1, 1, 4)])
def test_a_step_takes_as_long_as_its_fullest_bank(banks: int, ports: int, cycles: int) -> None:
    # two weights in one step, for addresses 0 and 1; a bank does a read and a write a cycle, or one of them
    potentials = {"size_kib": 1.5, "width_bits": 24, "banks": banks, "ports": ports}
    breakdown = run([1], [[1], [1]], buffers__potentials=potentials)
    assert accumulate(breakdown) == 1 + 1 + 3 + cycles


def test_two_accumulates_in_a_bank_hold_the_next_step() -> None:
    # 4 weights, 2 per step; banks of addresses 0 1 | 2 3: with 2 banks 2 steps of 1 cycle, with 1 bank 2 of 2
    potentials = {"size_kib": 1.5, "width_bits": 24, "banks": 2, "ports": 2}
    one = accumulate(run([1], [[1]] * 4, buffers__potentials=potentials))
    two = accumulate(run([1], [[1]] * 4, buffers__potentials={**potentials, "banks": 1}))
    assert two - one == 2


def test_a_wait_is_charged_to_fetch_then_decode_then_conflicts() -> None:
    # 2 steps of 2 weights, one bank, one port: a latency is 2 cycles of fetch and 2 steps of 4, of which 3 are conflict
    potentials = {"size_kib": 1.5, "width_bits": 24, "banks": 1, "ports": 1}
    weights = [[1] * 6] * 4
    breakdown = run([1] * 6, weights, dataflow__fifo_depth=2, buffers__potentials=potentials)
    # pops at 2, 12, 22, 32, ...: events are broadcast in 1, 2, 3, 13, 23, 33; waits of 9 in 4 .. 12, 14 .. 22, 24 .. 32
    assert breakdown["weight_fetch"] == 3 * 2
    assert breakdown["bank_conflict"] == 3 * 6
    assert breakdown["compute"] == 6 + 3 * 1
    assert "decode" not in breakdown


def test_zero_weights_are_gated_or_skipped() -> None:
    # 8 weights, 2 per step, 32 bits in 2 words of 16. Gated: 4 steps in 4 5 6 7. Skipped through a mask: 2 windows of 4
    # bits, one of them empty; 8 + 4 bits in one word: 2 steps in 4 5
    weights = [[1]] + [[0]] * 7
    gated = run([1], weights, formats__weights__format="uncompressed")
    skipped = run([1], weights, formats__weights__format="bitmask")
    assert accumulate(gated) - 2 == 3 + 4
    assert accumulate(skipped) - 2 == 3 + 2


def test_decode_is_charged_for_steps_without_an_accumulate() -> None:
    weights = [[1] * 6] + [[0] * 6] * 7
    breakdown = run([1] * 6, weights, formats__weights__format="uncompressed")
    # a latency of 6 cycles: 2 fetch, 1 step that adds, 3 that do not; pops in 2 8 14 20, waits of 5 each, all explained
    assert breakdown["weight_fetch"] == 3 * 2
    assert breakdown["decode"] == 3 * 3
    assert breakdown["compute"] == 6


def test_an_empty_fiber_is_looked_up_and_that_is_all() -> None:
    # 1: broadcast; 2: popped, directory read; 4: free
    assert accumulate(run([1], [[0]], formats__weights__format="bitmask")) == 4 + 1
    assert accumulate(run([1], [[0]], formats__weights__format="uncompressed")) == 5 + 1


def test_words_come_one_a_cycle() -> None:
    # one weight of 4 bits per word of 4 bits; 2 weights per step wait for the second of their words
    weights = {"size_kib": 2.0, "width_bits": 4}
    potentials = {"size_kib": 1.5, "width_bits": 24, "banks": 4, "ports": 2}
    for outputs, done in ((1, 5), (2, 6), (3, 7), (4, 8)):
        breakdown = run([1], [[1]] * outputs, buffers__weights=weights, buffers__potentials=potentials)
        assert accumulate(breakdown) == done + 1


def test_all_words_of_a_fiber_are_read() -> None:
    # ubm of 8 weights of 4 bits in 8-bit words: a mask, and 4 words of values, of which only the first is used
    changes = {"buffers__weights": {"size_kib": 2.0, "width_bits": 8}, "dataflow__decoder__mask_bits_per_cycle": 8}
    weights = [[1]] + [[0]] * 7
    # popped in 2, words in 3 4 5 6 7, free in 8 although the step is done after 5
    assert accumulate(run([1], weights, formats__weights__format="ubm", **changes)) == 8 + 1


@pytest.mark.parametrize(
    ("alignment", "event", "lanes", "last_step", "words"),
    # fibers of 3 weights, 12 bits, in words of 16. At multiples of 4 bits they start at 0, 12, 24 and 36: the first and
    # the last lie in one word, the others in two. Popped in 2; words are read in 3 and 4, to be used in 4 and 5.
    [
        (16, 1, 1, 6, 1),
        (16, 1, 2, 5, 1),
        (16, 1, 3, 4, 1),
        (8, 1, 3, 4, 1),  # 12 bits take 2 bytes: a word each
        (4, 0, 3, 4, 1),
        (4, 1, 3, 5, 2),  # all three are there with the second word
        (4, 1, 2, 6, 2),  # bits 12 to 19 go first, in the second word; then the third weight
        (4, 1, 1, 6, 2),  # bits 12 to 15 go first, in the first word
        (4, 2, 3, 5, 2),
        (4, 2, 2, 5, 2),  # bits 24 to 31 go first, in the first word
        (4, 2, 1, 6, 2),
        (4, 3, 3, 4, 1),
    ],
)
def test_a_fiber_may_straddle_words(alignment: int, event: int, lanes: int, last_step: int, words: int) -> None:
    inputs = [int(channel == event) for channel in range(4)]
    potentials = {"size_kib": 1.5, "width_bits": 24, "banks": 4, "ports": 2}
    breakdown, counts = run_and_count(
        inputs,
        [[1] * 4] * 3,
        dataflow__fiber_alignment_bits=alignment,
        dataflow__lanes=lanes,
        buffers__potentials=potentials,
    )
    assert counts["weights.read"] == words
    # the second word is read in 4, before the PE is free in 5 at the earliest
    assert accumulate(breakdown) == last_step + 1 + 1


@pytest.mark.parametrize(
    ("weights", "ports", "lanes", "rows", "done"),
    [
        ([1] * 4, 2, 4, 1, 5),  # 4 channels in one row of 4
        ([1] * 5, 2, 5, 2, 6),  # channel 4 begins the second row: two accesses, one after the other
        ([1] * 5, 1, 5, 2, 8),  # with one port, two cycles each
        ([0, 1, 0, 1, 0, 1], 2, 6, 2, 6),  # rows 0 and 1 are touched, whatever lies between
        ([0, 0, 0, 0, 1, 1], 2, 6, 1, 5),  # row 1 alone
    ],
)
def test_a_row_of_potentials_is_one_access(weights: list[int], ports: int, lanes: int, rows: int, done: int) -> None:
    """One event, a step of all weights in cycle 4 (popped in 2, read in 3), a cycle per row and port; potentials of 6
    channels at most take two rows of 4 in the sweep."""
    potentials = {"size_kib": 1.5, "width_bits": 24, "banks": 4, "ports": ports}
    breakdown, counts = run_and_count(
        [1],
        [[weight] for weight in weights],
        dataflow__lanes=lanes,
        dataflow__update_lanes=4,
        dataflow__potential_access="row",
        buffers__potentials=potentials,
        buffers__weights={"size_kib": 1, "width_bits": 64},
    )
    swept = -(-len(weights) // 4)
    assert accumulate(breakdown) == done + 1
    assert breakdown["update"] == swept * (3 - ports) + 2
    assert counts["accumulator.add"] == sum(weights)
    assert counts["potentials.read"] == counts["potentials.write"] == rows + swept


@pytest.mark.parametrize(("inputs", "rows"), [([1, 0], 1), ([0, 1], 2)])
def test_a_group_of_channels_may_begin_within_a_row_of_potentials(inputs: list[int], rows: int) -> None:
    """Channels 0 to 2 of the first group lie in row 0; 3 to 5 of the second in rows 0 and 1. The sweep takes both."""
    shape = LayerShape("conv2d", C=2, H=1, W=1, M=6, R=1, S=1, groups=2)
    chosen = machine(
        dataflow__pes=1,
        dataflow__lanes=3,
        dataflow__update_lanes=4,
        dataflow__potential_access="row",
        buffers__potentials={"size_kib": 1.5, "width_bits": 24, "banks": 4, "ports": 2},
    )
    assert run_layer(shape, [1] * 6, inputs, None, None, chosen).counts["potentials.read"] == rows + 2


def test_every_output_position_begins_a_row_of_potentials() -> None:
    """3 channels x 2 positions in rows of 4: 2 rows; a word is left out at each end. By words, 6 words are 6."""
    shape = LayerShape("conv2d", C=1, H=1, W=2, M=3, R=1, S=2, padding=(0, 0, 1, 0))
    chosen: dict[str, Any] = {"dataflow__pes": 1, "dataflow__update_lanes": 4, "dataflow__lanes": 6}
    chosen["buffers__weights"] = {"size_kib": 1, "width_bits": 64}
    potentials = {"size_kib": 1.5, "width_bits": 24, "banks": 4, "ports": 2}
    counts = {}
    for access in ("word", "row"):
        machine_of = machine(**chosen, dataflow__potential_access=access, buffers__potentials=potentials)
        passes = run_layer(shape, [1] * 6, [1, 0], None, None, machine_of)
        counts[access] = passes.counts["potentials.read"]
    # the input of column 0 meets both positions with 3 channels each: 6 accumulates in one step; then 6 updates
    assert counts == {"word": 6 + 6, "row": 2 + 2}


@pytest.mark.parametrize(("alignment", "stored_words"), [(16, 4), (8, 2), (4, 1)])
def test_fibers_share_a_word_and_each_reads_it(alignment: int, stored_words: int) -> None:
    # 4 fibers of one weight of 4 bits; every event reads its word, at the times at which it would read one of its own
    breakdown, counts = run_and_count([1] * 4, [[1] * 4], dataflow__fiber_alignment_bits=alignment)
    assert counts["weights.write"] == stored_words
    assert counts["weights.read"] == 4
    assert breakdown == run([1] * 4, [[1] * 4])


@pytest.mark.parametrize(("alignment", "stored_words"), [(16, 2), (8, 1), (4, 1), (2, 1), (1, 1)])
def test_an_empty_fiber_takes_nothing(alignment: int, stored_words: int) -> None:
    # two fibers of 5 bits and one of none between them
    chosen = {"dataflow__fiber_alignment_bits": alignment, "formats__weights__format": "bitmask"}
    _, counts = run_and_count([1] * 3, [[1, 0, 1]], **chosen)
    assert (counts["weights.write"], counts["weights.read"]) == (stored_words, 2)
    assert (counts["directory.write"], counts["directory.read"]) == (3, 3)


def test_a_value_is_one_event_a_set_bit() -> None:
    shape = LayerShape.linear(1, 1)
    events = [
        run_layer(shape, [1], [value], None, None, machine(), input_bits=3).counts["dispatcher.broadcast"]
        for value in range(8)
    ]
    assert events == [0, 1, 1, 2, 1, 2, 2, 3]


def test_the_sweep_takes_the_neurons_of_the_fullest_pe() -> None:
    # 5 outputs on 2 PEs: 3 neurons; 2 per cycle: 2 groups, + 2
    changes = {"dataflow__pes": 2, "dataflow__update_lanes": 2}
    assert run([0], [[1]] * 5, **changes)["update"] == 2 + 2
    single_ported = {"size_kib": 1.5, "width_bits": 24, "banks": 2, "ports": 1}
    assert run([0], [[1]] * 5, **changes, buffers__potentials=single_ported)["update"] == 2 * 2 + 2


@pytest.mark.parametrize(
    ("active", "cycles"),
    [([0] * 8, 2), ([1] + [0] * 7, 2), ([1, 1] + [0] * 6, 3), ([0, 0, 1, 1, 1, 0, 0, 1], 4), ([1] * 8, 8)],
)
def test_a_sparse_sweep_scans_flags_and_updates_what_is_active(active: list[int], cycles: int) -> None:
    assert run([0], [[1]] * 8, active=active, dataflow__update="sparse")["update"] == cycles + 2


def test_outputs_are_encoded_word_by_word_or_spike_by_spike() -> None:
    spikes = [1] * 3 + [0] * 30 + [1]
    assert run([0], [[1]] * 34, outputs=spikes)["encode"] == 3
    # groups of 16, 16 and 2 positions with 3, 0 and 1 spikes
    assert run([0], [[1]] * 34, outputs=spikes, formats__spikes__format="aer")["encode"] == 3 + 1 + 1
    # an address of 6 bits takes 2 words of 4: groups of 4 with 3, 0 (7 times) and 1 spikes
    narrow = {"size_kib": 2.0, "width_bits": 4}
    assert run([0], [[1]] * 34, outputs=spikes, formats__spikes__format="aer", buffers__outputs=narrow)["encode"] == (
        3 * 2 + 7 + 1 * 2
    )
