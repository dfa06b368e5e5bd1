"""Formats on the spike array: what is refused, and by hand the latencies of formats with a decoder of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.dataflows.layer import LayerSample
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.simulator.errors import MappingError
from spikecycle.traces import LayerShape
from tests.unit.spike_array.cases import buffer, layer, machine
from tests.unit.spike_array.test_timing import run, run_and_count

ALL = {
    "dataflow__decoder__groups_per_cycle": 1,
    "dataflow__decoder__code_words_per_cycle": 1,
    "dataflow__decoder__trit_bytes_per_cycle": 1,
    "dataflow__decoder__table_lookups_per_cycle": 1,
    "formats__weights__group_axis": "output_channel",
}
DENSE = LayerShape.linear(2, 8)


def plan(weights: Any, **changes: Any) -> Any:
    """A linear layer of 2 inputs and 8 outputs, weights (8, 2), on a machine of one PE."""
    return SpikeArrayPlan(machine(dataflow__pes=1, **changes), layer(DENSE, np.array(weights)))


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("n_of_m", "it needs dataflow.decoder.groups_per_cycle, which the machine does not give"),
        ("rlc", "it needs dataflow.decoder.code_words_per_cycle, which the machine does not give"),
        ("trits", "it needs dataflow.decoder.trit_bytes_per_cycle, which the machine does not give"),
        ("codebook", "it needs dataflow.decoder.table_lookups_per_cycle, which the machine does not give"),
        ("eie", "it needs dataflow.decoder.table_lookups_per_cycle, which the machine does not give"),
    ],
)
def test_a_format_without_a_decoder_is_refused_by_name(name: str, problem: str) -> None:
    with pytest.raises(MappingError) as error:
        plan(np.zeros((8, 2)), formats__weights__format=name)
    assert str(error.value) == (
        f"layer 'generated' cannot be mapped on machine 'generated': weight format {name!r}: {problem}"
    )
    assert plan(np.zeros((8, 2)), formats__weights__format=name, **ALL).weight_format.name == name


@pytest.mark.parametrize(
    ("changes", "weights", "problem"),
    [
        ({"formats__weights__format": "trits"}, [[1, 2]] + [[0, 0]] * 7, "weight format 'trits': value 2 is no trit"),
        (
            {"formats__weights__format": "n_of_m"},
            [[0, 0]] * 4 + [[0, 1], [0, 1], [0, 1], [0, 0]],
            "'n_of_m': not 2:4 along output_channel: fiber 1 has 3 non-zero values in weights 4..7",
        ),
        (
            {"formats__weights__format": "n_of_m", "formats__weights__group_axis": "input_channel"},
            [[0, 0]] * 8,
            "its groups of 4 weights lie along input_channel, the machine's fibers run along kernel_row, "
            "kernel_column, output_channel, the last one fastest",
        ),
        (
            {"formats__weights__format": "codebook", "formats__weights__index_bits": 1},
            [[1, 0]] * 4 + [[0, -1]] * 4,
            "'codebook': 3 different values, zero counted, are more than the codebook's 2",
        ),
    ],
)
def test_what_a_format_cannot_store_is_refused(changes: dict[str, Any], weights: Any, problem: str) -> None:
    with pytest.raises(MappingError, match=r"^layer 'generated' cannot be mapped on machine 'generated': ") as error:
        plan(weights, **(ALL | changes))
    assert problem in str(error.value)


def test_channels_dealt_out_to_pes_are_no_neighbours() -> None:
    """8 channels on 4 PEs: a PE owns channels 0 and 4, so its groups are not those of the layer."""
    weights = [[1], [1], [0], [0]] * 2
    task = layer(LayerShape.linear(1, 8), np.array(weights))
    chosen = {"formats__weights__format": "n_of_m", "formats__weights__kept": 1, **ALL}
    with pytest.raises(MappingError, match=r"not 1:4 along output_channel \(neighbours are 4 apart in the layer\)"):
        SpikeArrayPlan(machine(dataflow__pes=4, **chosen), task)


def test_an_operator_has_a_format_of_its_own() -> None:
    own = {"formats__per_operator": {"generated": {"weights": "cp"}, "another": {"weights": "rle"}}}
    assert plan(np.zeros((8, 2)), **own).weight_format.name == "cp"


# One spike, one fiber of 8 weights of 4 bits on one PE with 4 lanes and words of 16 bits; the PE's latency is what the
# weight format changes. Cycle 3 reads the first word, cycle 4 uses it (see test_timing.test_one_event).
WIDE = {"dataflow__lanes": 4, "buffers__potentials": buffer(64, 24, banks=8, ports=2)}


def barrier(weights: list[int], **changes: Any) -> int:
    """Cycles from the broadcast to the end of the pass."""
    return run([1], [[weight] for weight in weights], **(ALL | WIDE | changes))["barrier"]


def test_groups_in_the_array() -> None:
    weights = [0, 3, 0, 0, 0, -1, 0, 4]
    # 4 entries of 6 bits, 24 bits, 2 words. One group of 2 per cycle: the first step needs bit 11, the second bit 23,
    # of the second word: words in cycles 3 and 4, steps in 4 and 5
    assert barrier(weights, formats__weights__format="n_of_m") == 4 + 1
    # two groups per cycle: one step, of bit 23
    twice = barrier(weights, formats__weights__format="n_of_m", dataflow__decoder__groups_per_cycle=2)
    assert twice == 4 + 1
    # words of 32 bits: the two steps take two cycles, the one step takes one
    wide = {"formats__weights__format": "n_of_m", "buffers__weights": buffer(4096, 32)}
    assert barrier(weights, **wide) == 4 + 1
    assert barrier(weights, **wide, dataflow__decoder__groups_per_cycle=2) == 4


def test_trits_in_the_array() -> None:
    # 2 bytes, 1 word; a byte lets 5 through, the lanes 4: 2 steps
    assert barrier([1, 1, 1, 1, -1, 1, 1, 1], formats__weights__format="trits") == 4 + 1
    # 6 lanes: 5 per step from one byte per cycle, 6 from two
    six = {"formats__weights__format": "trits", "dataflow__lanes": 6}
    assert barrier([1] * 6, **six) == 4 + 1
    assert barrier([1] * 6, **six, dataflow__decoder__trit_bytes_per_cycle=2) == 4


def test_a_codebook_in_the_array() -> None:
    """Two inputs with a fiber each of 8 weights: indices of 2 bits, a word of 16 bits."""
    weights = [[1, 0]] * 4 + [[0, 7]] * 4
    changes = {"formats__weights__format": "codebook", "formats__weights__index_bits": 2, **ALL, **WIDE}
    breakdown, counts = run_and_count([1, 0], weights, **changes)
    # the table of 4 values of 4 bits is loaded once; one fiber is decoded, a look-up a cycle for 8 positions
    assert counts["codebook.write"] == 4
    assert counts["codebook.read"] == 8
    assert breakdown["barrier"] == 4 + 7
    four, _ = run_and_count([1, 0], weights, **(changes | {"dataflow__decoder__table_lookups_per_cycle": 4}))
    assert four["barrier"] == 4 + 1
    storage = plan(weights, **changes).storage
    # 2 fibers of 16 bits, and the table
    assert (storage.payload_bits, storage.metadata_bits, storage.stored_bits) == (32, 16, 32 + 16)
    passes = SpikeArrayPlan(machine(dataflow__pes=1, **changes), layer(DENSE, np.array(weights))).run(
        LayerSample(np.array([1, 0], np.uint8).reshape(1, 2, 1, 1), np.zeros((1, 8, 1, 1), np.uint8))
    )
    assert passes.moves.load_bits[:, 0].tolist() == [32 + 16]
    assert "codebook" in SpikeArrayPlan(machine(dataflow__pes=1, **changes), layer(DENSE, weights)).footprint.problem


def test_relative_indices_and_a_codebook_in_the_array() -> None:
    # entries of 4 + 2 bits for the four weights that are not zero, and one that pads a run of 17: 5 look-ups
    weights = [[1]] + [[0]] * 17 + [[2], [0], [3], [1]]
    changes = {"formats__weights__format": "eie", "formats__weights__index_bits": 2, **ALL, **WIDE}
    _, counts = run_and_count([1], weights, **changes)
    assert (counts["codebook.write"], counts["codebook.read"]) == (4, 5)
    assert counts["accumulator.add"] == 4
    _, silent = run_and_count([0], weights, **changes)
    assert (silent["codebook.write"], silent["codebook.read"]) == (4, 0)


def test_code_words_in_the_array() -> None:
    # 8 entries of 9 bits: 7 in the first word of 64 bits, 1 in the second. Memory words of 16 bits: entry 1 ends at bit
    # 8, entry 2 at 17, ... 7 at 62, 8 at 64 + 8. One run a cycle: 8 steps. Word k comes in cycle 3 + k: entries
    # 1 to 7 need words 0, 1, 1, 2, 2, 3, 3, entry 8 word 4, and every step is one cycle behind the one before: 4 .. 11
    assert barrier([1] * 8, formats__weights__format="rlc", dataflow__decoder__runs_per_cycle=1) == 4 + 7
    # 4 runs per cycle: entries 4 and 8 end two steps, bits 35 and 72: words 2 and 4, in cycles 6 and 8; but 128 bits
    # are 8 words, the last one read in cycle 10, so that the PE is free in 11 instead of 5
    assert barrier([1] * 8, formats__weights__format="rlc", dataflow__decoder__runs_per_cycle=4) == 4 + 6


def test_runs_of_silent_inputs_are_scanned_in_the_array() -> None:
    """40 silent inputs, then a spike: runs of 5 bits are an escape of 31 and a run of 9, both in the first word."""
    inputs = [0] * 40 + [1]
    run_length = run(inputs, [[1] * 41], formats__spikes__format="run_length")
    # as one event of a single input: everything is in the first word
    assert run_length == run([1], [[1]])
    # words of 5 bits: the spike is in the second one, which is scanned a cycle later
    narrow = run(inputs, [[1] * 41], formats__spikes__format="run_length", buffers__spikes=buffer(4096, 5))
    assert narrow == run_length | {"scan": run_length["scan"] + 1}


def test_runs_of_silent_outputs_are_encoded_in_the_array() -> None:
    # 34 outputs, 16 looked at in a cycle; runs of 5 bits, 3 to a word. The spike of neuron 33 comes behind an escape of
    # 31 and a run of 2: 1, 1 and 2 cycles
    outputs = [0] * 33 + [1]
    assert run([0], [[1]] * 34, outputs=outputs, formats__spikes__format="run_length")["encode"] == 1 + 1 + 2
