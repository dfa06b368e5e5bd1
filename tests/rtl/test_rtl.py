"""The simulator against the RTL: every output spike, every access, every cycle. `make rtl` prints the figures."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.rtl.harness import generated, shipped
from tests.rtl.harness.build import RTL, lint, verilator
from tests.rtl.harness.comparison import Agreement
from tests.rtl.harness.coverage import Capacities, NotCoveredError, parameters
from tests.rtl.harness.measure import SHIPPED_SAMPLES, Group, generated_groups, shipped_group, summary
from tests.rtl.harness.program import Programmer
from tests.rtl.harness.simulator import LayerShape, buffer, layer, machine, machine_of

needs_verilator = pytest.mark.skipif(
    verilator() is None, reason="Verilator is not installed (apt-get install verilator), so the RTL is not simulated"
)

CAPACITIES = Capacities(fibers=16, fiber_words=8, channels=16, tile_neurons=256)


@pytest.fixture(scope="session")
def groups() -> list[Group]:
    """The generated machines with their layers, all built."""
    found = generated_groups()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(Group.build, found))
    return found


@needs_verilator
@pytest.mark.parametrize("number", range(generated.SPREAD + len(generated.NASTY) + len(generated.WIDE)))
def test_generated_layers_agree_exactly(groups: list[Group], number: int) -> None:
    for agreement in groups[number].agreements():
        assert not agreement.differences, agreement.name


@needs_verilator
@pytest.mark.parametrize("trace", shipped.traces())
@pytest.mark.parametrize("name", SHIPPED_SAMPLES)
def test_shipped_traces_agree_exactly(name: str, trace: str) -> None:
    for agreement in shipped_group(name, trace, [0]).agreements():
        assert not agreement.differences, agreement.name


@needs_verilator
def test_the_rtl_is_lint_clean() -> None:
    chosen = [*generated.machines()[::5], machine_of("spike_array"), machine_of("spike_array_edge")]
    for each in chosen:
        assert lint(parameters(each, CAPACITIES)) == "", each.name


def test_generated_cases_cover_what_they_should() -> None:
    """At least 300 cases; every parameter over its range; tiles, chunks, empty and full frames among them."""
    found = generated_groups()
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


def test_deviations_are_as_documented() -> None:
    """There is none: the tests above assert equality."""
    assert "none" in (RTL / "DEVIATIONS.md").read_text().splitlines()[2]


SHAPE = LayerShape.linear(4, 4)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"dataflow__pes": 300}, "dataflow.pes"),
        ({"buffers__weights": buffer(64, 512)}, "buffers.weights.width_bits"),
        ({"buffers__spikes": buffer(64, 1024)}, "buffers.spikes.width_bits"),
    ],
)
def test_a_machine_that_is_not_covered_is_refused_by_the_parameters_name(changes: dict[str, object], name: str) -> None:
    with pytest.raises(NotCoveredError, match=rf"^{name}: the RTL covers at most \d+, found \d+$"):
        Programmer(machine(**changes), layer(SHAPE, np.ones(SHAPE.weight_shape)))


def test_a_layer_that_is_not_covered_is_refused_by_the_attributes_name() -> None:
    task = layer(SHAPE, np.ones(SHAPE.weight_shape), weight_bits=20)
    with pytest.raises(NotCoveredError, match=r"^weight_bits: the RTL covers at most 16, found 20$"):
        Programmer(machine(buffers__potentials=buffer(64, 32, banks=2)), task)


@pytest.mark.parametrize("path", sorted((RTL / "src").glob("*.sv")), ids=lambda path: path.name)
def test_a_module_is_one_room(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_the_summary_tells_cases_worst_and_median() -> None:
    told = summary([Agreement("a", 100, 100, ()), Agreement("b", 103, 100, ("x",)), Agreement("c", 99, 100, ("y",))])
    assert told.startswith("3 cases, 1 exact")
    assert "worst 3.0000%, median 1.0000%" in told
