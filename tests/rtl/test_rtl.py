"""The harness that compares simulator and RTL, on one small machine. `make rtl` runs the whole comparison."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.rtl.harness import generated
from tests.rtl.harness.build import RTL, binary, lint, verilator
from tests.rtl.harness.comparison import Agreement, Sample, capacities, compare
from tests.rtl.harness.coverage import Capacities, NotCoveredError, parameters
from tests.rtl.harness.measure import Group, generated_group, summary
from tests.rtl.harness.program import Program, Programmer
from tests.rtl.harness.simulator import LayerShape, buffer, layer, machine, machine_of

needs_verilator = pytest.mark.skipif(
    verilator() is None, reason="Verilator is not installed (apt-get install verilator), so the RTL is not simulated"
)

CAPACITIES = Capacities(fibers=16, fiber_words=8, tap_rows=3, tap_columns=3, channels=16, tile_neurons=256)


@pytest.fixture(scope="module")
def small() -> Group:
    """A small machine with generated layers."""
    chosen = machine(
        formats__weights__format="bitmask",
        buffers__potentials=buffer(256, 24, banks=3, ports=2),
        dataflow__update_lanes=3,
    )
    return Group(chosen, generated.samples(chosen, number=1000))


@needs_verilator
def test_simulator_and_rtl_agree_exactly(small: Group) -> None:
    for agreement in small.agreements():
        assert not agreement.differences, agreement.name


@needs_verilator
@pytest.mark.parametrize(
    ("right", "wrong", "seen_as"),
    [
        ("saturated >= $signed(threshold)", "saturated > $signed(threshold)", "output spikes"),
        ("done = !walking && !draining;", "done = !walking;", "cycles.update"),
        ("full = count == COUNT_BITS'(DEPTH);", "full = count == COUNT_BITS'(DEPTH - 1);", "cycles.accumulate"),
        ("pending[lane] && !accumulate[bank]", "pending[lane]", "cycles.accumulate"),
    ],
    ids=["threshold", "sweep", "fifo", "bank conflict"],
)
def test_a_fault_in_the_rtl_is_seen(small: Group, right: str, wrong: str, seen_as: str) -> None:
    faulty = binary(small.machine, capacities(small.pairs), faults=[(right, wrong)])
    differences = [text for agreement in compare(small.machine, small.pairs, faulty) for text in agreement.differences]
    assert any(seen_as in text for text in differences)


@needs_verilator
def test_the_rtl_is_lint_clean() -> None:
    chosen = [*generated.machines()[::9], machine_of("spike_array"), machine_of("spike_array_edge")]
    for each in chosen:
        assert lint(parameters(each, CAPACITIES)) == "", each.name


@needs_verilator
@pytest.mark.parametrize(
    "changes",
    [
        {"dataflow__pes": 1, "dataflow__lanes": 1, "dataflow__fifo_depth": 1, "formats__weights__format": "cp"},
        {"dataflow__pes": 20, "dataflow__update_lanes": 4, "buffers__potentials": buffer(64, 24, banks=4)},
        {
            "dataflow__update": "sparse",
            "dataflow__flags_per_cycle": 100,
            "buffers__potentials": buffer(64, 24, banks=70),
        },
        {"dataflow__lanes": 40, "formats__weights__format": "bitmask", "dataflow__decoder__mask_bits_per_cycle": 300},
        {"formats__weights__format": "ubm", "dataflow__decoder__mask_bits_per_cycle": 1},
        {"formats__weights__format": "bitmask", "buffers__directory": buffer(64, 7)},
        {"formats__weights__format": "rle", "formats__weights__run_bits": 16, "buffers__directory": buffer(64, 320)},
        {"buffers__weights": buffer(64, 1), "buffers__spikes": buffer(64, 1), "buffers__outputs": buffer(64, 1)},
        {"buffers__weights": buffer(64, 320), "buffers__spikes": buffer(64, 320), "buffers__outputs": buffer(64, 4096)},
        {"buffers__potentials": buffer(64, 1, banks=2), "formats__spikes__format": "aer"},
        {"buffers__potentials": buffer(2**24, 160, banks=2), "dataflow__fifo_depth": 10**6},
        {name: buffer(1, 24) for name in ("buffers__weights", "buffers__spikes", "buffers__outputs")},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_the_rtl_can_be_built_for_extreme_machines(changes: dict[str, Any]) -> None:
    assert lint(parameters(machine(**changes), CAPACITIES)) == ""


def test_generated_cases_cover_what_they_should() -> None:
    """At least 300 cases; every parameter over its range; tiles, chunks, empty and full frames among them."""
    found = [generated_group(number) for number in range(len(generated.machines()))]
    pairs = [pair for group in found for pair in group.pairs]
    assert len(pairs) >= 300
    machines = [group.machine for group in found]
    assert {m.dataflow.pes for m in machines} >= {1, 2, 4, 8, 16}
    assert {m.dataflow.fifo_depth for m in machines} >= {1, 2, 8, 16}
    assert {m.dataflow.lanes for m in machines} >= {1, 2, 4, 8}
    assert {m.buffers.potentials.banks for m in machines} == set(range(1, 9))
    assert {(m.buffers.potentials.ports, m.dataflow.update) for m in machines} >= {
        (ports, update) for ports in (1, 2) for update in ("dense", "sparse")
    }
    assert {(m.formats.weights.format, m.dataflow.zero_weights) for m in machines} >= {
        (name, zeros) for name in ("uncompressed", "bitmask", "rle", "cp") for zeros in ("gate", "skip")
    }
    assert {(m.formats.spikes.format, m.dataflow.partition) for m in machines} == {
        (spikes, partition) for spikes in ("bitmap", "aer") for partition in ("channel", "space")
    }
    _covers_layers(pairs)
    _covers_wide_buffer(found)


def _covers_layers(pairs: list[tuple[Sample, Program]]) -> None:
    tasks = [sample.task for sample, _ in pairs]
    assert {task.timesteps for task in tasks} == set(range(1, 9))
    assert {task.input_bits for task in tasks} >= {1, 2, 3, 8}
    assert {task.neuron.reset for task in tasks} == {"hard", "soft"}
    for attribute in ("stride", "padding", "groups"):
        assert len({getattr(task.shape, attribute) for task in tasks}) > 2
    frames = [frame for sample, _ in pairs for frame in sample.inputs]
    assert sum(not frame.any() for frame in frames) > 10
    assert sum(frame.all() for frame in frames) > 10
    for part, fewest in (("tile", 30), ("inputs", 10), ("chunk", 30)):
        assert sum(len({getattr(each, part) for each in program.passes}) > 1 for _, program in pairs) >= fewest


def _covers_wide_buffer(groups: list[Group]) -> None:
    """Potential words of more than 32 bits with resets to values below 0, of neurons that fire before the end."""
    wide = [group for group in groups if group.machine.buffers.potentials.width_bits > 32]
    assert {group.machine.buffers.potentials.width_bits for group in wide} >= {33, 40, 64}
    fired = [sample for group in wide for sample, _ in group.pairs if sample.outputs[:-1].any()]
    assert len(fired) > 20
    assert all(sample.task.neuron.reset_value < 0 for sample in fired)


def test_deviations_are_as_documented() -> None:
    """There is none: a difference in `make rtl` fails it."""
    assert "none" in (RTL / "DEVIATIONS.md").read_text().splitlines()[2]


SHAPE = LayerShape.linear(4, 4)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"dataflow__pes": 257}, "dataflow.pes: the RTL covers at most 256, found 257"),
        ({"dataflow__lanes": 65}, "dataflow.lanes: the RTL covers at most 64, found 65"),
        (
            {"dataflow__pes": 130, "dataflow__update_lanes": 8, "buffers__potentials": buffer(64, 24, banks=8)},
            "dataflow.pes x dataflow.update_lanes: the RTL covers at most 1024, found 1040",
        ),
        (
            {"dataflow__decoder__mask_bits_per_cycle": 1025},
            "dataflow.decoder.mask_bits_per_cycle: the RTL covers at most 1024, found 1025",
        ),
        ({"dataflow__flags_per_cycle": 5000}, "dataflow.flags_per_cycle: the RTL covers at most 1024, found 5000"),
        (
            {"dataflow__potential_access": "row", "dataflow__update_lanes": 2},
            "dataflow.potential_access: the RTL has word, found row",
        ),
        ({"buffers__spikes": buffer(64, 321)}, "buffers.spikes.width_bits: the RTL covers at most 320, found 321"),
        ({"buffers__weights": buffer(64, 512)}, "buffers.weights.width_bits: the RTL covers at most 320, found 512"),
        (
            {"buffers__directory": buffer(64, 321)},
            "buffers.directory.width_bits: the RTL covers at most 320, found 321",
        ),
        (
            {"buffers__potentials": buffer(64, 161, banks=2)},
            "buffers.potentials.width_bits: the RTL covers at most 160, found 161",
        ),
        (
            {"buffers__potentials": buffer(64, 24, banks=256)},
            "buffers.potentials.banks: the RTL covers at most 255, found 256",
        ),
        (
            {"buffers__directory": buffer(0.5, 24)},
            "buffers.directory.size_kib: the RTL needs room for a word, found none",
        ),
        (
            {"buffers__outputs": buffer(2**24 + 1, 8)},
            "buffers.outputs.size_kib, words: the RTL covers at most 16777216, found 16777217",
        ),
        (
            {"buffers__weights": buffer(2**20 + 1, 16), "dataflow__fiber_alignment_bits": 1},
            "buffers.weights.size_kib, units of dataflow.fiber_alignment_bits: "
            "the RTL covers at most 16777216, found 16777232",
        ),
    ],
    ids=lambda value: value.split(":")[0] if isinstance(value, str) else "",
)
def test_a_machine_that_is_not_covered_is_refused_by_name_and_key(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(NotCoveredError) as refused:
        parameters(machine(**changes, name="mine"), CAPACITIES)
    assert str(refused.value) == f"machine 'mine': {named}"


def test_a_layer_that_is_not_covered_is_refused_by_name_and_attribute() -> None:
    task = layer(SHAPE, np.ones(SHAPE.weight_shape), weight_bits=20)
    with pytest.raises(NotCoveredError, match=r"^layer 'generated': weight_bits: the RTL covers at most 16, found 20$"):
        Programmer(machine(buffers__potentials=buffer(64, 32, banks=2)), task)


def test_a_value_that_a_register_does_not_hold_is_refused_by_the_registers_name() -> None:
    """A fiber of 300 x 300 taps and channels is longer than 16 bits tell."""
    shape = LayerShape("conv2d", C=1, H=250, W=250, M=4, R=250, S=250, stride=(1, 1), padding=(0, 0), groups=1)
    task = layer(shape, np.ones(shape.weight_shape))
    chosen = machine(dataflow__pes=1, buffers__weights=buffer(10**6, 16), buffers__spikes=buffer(10**5, 16))
    with pytest.raises(NotCoveredError, match=r"^the RTL's register fiber_t\.length has 16 bits, found 250000$"):
        Programmer(chosen, task).program(np.ones((1, 1, 250, 250), np.uint8))


@needs_verilator
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("eyeriss_snn", "dataflow.kind: the RTL is a spike_array, found"),
        ("not_there", "not_there"),
        ("wide.yaml", "machine 'spike_array': buffers.weights.width_bits: the RTL covers at most 320, found 512"),
    ],
)
def test_a_machine_of_ones_own_that_cannot_be_built_is_refused_in_one_line(
    tmp_path: Path, name: str, said: str
) -> None:
    root = RTL.parent.parent
    shipped = (root / "hwconfigs" / "spike_array.yaml").read_text()
    (tmp_path / "wide.yaml").write_text(
        shipped.replace("weights: {size_kib: 32, width_bits: 64}", "weights: {size_kib: 32, width_bits: 512}")
    )
    done = subprocess.run(
        [sys.executable, "-m", "tests.rtl", "--machine", name],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("path", sorted((RTL / "src").glob("*.sv")), ids=lambda path: path.name)
def test_a_module_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_the_summary_tells_cases_worst_and_median() -> None:
    told = summary([Agreement("a", 100, 100, ()), Agreement("b", 103, 100, ("x",)), Agreement("c", 99, 100, ("y",))])
    assert told.startswith("3 cases, 1 exact")
    assert "worst 3.0000%, median 1.0000%" in told
