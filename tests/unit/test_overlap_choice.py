"""The machine chooses how work and memory overlap: policies through the engine, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import spikecycle
from spikecycle.simulator.array_types import Int64
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.dataflows.rule import OperatorRun, RuleMachine, rule
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.schema import DataflowParameters
from spikecycle.traces import GraphBuilder, Neuron

STEPWISE = "stepwise_for_tests"


class StepwiseParameters(DataflowParameters):
    """The section `dataflow`."""

    kind: Literal["stepwise_for_tests"]


class StepwiseMachine(RuleMachine):
    """A machine that computes an input spike per cycle."""

    dataflow: StepwiseParameters

    @property
    def pe_count(self) -> int:
        """One."""
        return 1


@pytest.fixture(scope="module", autouse=True)
def stepwise() -> Iterator[None]:
    """The dataflow, for the tests of this module."""
    dataflow = rule(STEPWISE, machine=StepwiseMachine, summary="an input spike per cycle", free=("neuron",))
    dataflow.runs("linear")(linear)
    yield
    DATAFLOWS._members.pop(STEPWISE)


def linear(machine: StepwiseMachine, run: OperatorRun) -> Int64:
    """Cycles of each timestep: spikes that enter."""
    return run.inputs().reshape(run.timesteps, -1).sum(axis=1).astype(np.int64)


MACHINE = """
name: stepwise
describes: for tests
technology: {node_nm: 45, clock_mhz: 100}
dataflow: {kind: stepwise_for_tests}
energy: {table: 45nm}
sources: {}
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A machine, and two linear operators in a row: 5, 1, 2 spikes enter the first, 3 in every timestep the second."""
    (tmp_path / "machine.yaml").write_text(MACHINE)
    graph = GraphBuilder(timesteps=3)
    spikes = np.zeros((1, 3, 5), np.int64)
    for t, count in enumerate((5, 1, 2)):
        spikes[0, t, :count] = 1
    always = Neuron("if", 1, potential_bits=8)
    first = graph.linear("first", graph.input("x", spikes), np.ones((3, 5), int), weight_bits=2)
    graph.linear("second", graph.neuron("n", first, always), np.ones((1, 3), int), weight_bits=2)
    graph.write(tmp_path / "net.h5")
    return tmp_path / "net.h5", tmp_path / "machine.yaml"


def test_stages_follow_each_other_unless_the_machine_says_otherwise(files: tuple[Path, Path]) -> None:
    result = spikecycle.simulate(*files)
    assert result.overlap == "roofline"
    assert [layer.sum_cycles for layer in result.layers] == [5 + 1 + 2, 3 + 3 + 3]
    assert result.sum_cycles == 17


def test_a_pipeline_of_layers(files: tuple[Path, Path]) -> None:
    """First: 0-5, 5-6, 6-8. Second: from 5, 8 and 11 on, 3 cycles each."""
    result = spikecycle.simulate(*files, settings={"overlap.policy": "layer_pipeline"})
    assert result.sum_cycles == 5 + 3 + 3 + 3
    assert sum(result.sum_cycle_breakdown.values()) == result.sum_cycles
    assert [layer.sum_busy_cycles["array"] for layer in result.layers] == [8, 9]


def test_a_bounded_buffer_holds_the_producer_up(files: tuple[Path, Path]) -> None:
    """One timestep of room: the first may begin timestep 1 when the second has ended timestep 0, at 8."""
    result = spikecycle.simulate(*files, settings={"overlap.policy": "layer_pipeline", "overlap.buffer_steps": 1})
    assert result.sum_cycles == 5 + 3 + (1 + 3) + (2 + 3)


def test_a_barrier_per_timestep(files: tuple[Path, Path]) -> None:
    changes = {"overlap.policy": "step_barrier", "overlap.barrier": [{"active": 1, "cycles": 10}]}
    result = spikecycle.simulate(*files, settings=changes)
    assert result.sum_cycles == 17 + 2 * 3 * 10
    assert {category: cycles for category, cycles in result.sum_cycle_breakdown.items() if cycles} == {
        "compute": 17,
        "step_barrier": 60,
    }


def test_an_array_under_the_roofline_takes_its_work_or_its_traffic() -> None:
    changes = {"overlap.policy": "roofline", "overlap.start": "hidden"}
    result = spikecycle.simulate("digits-ternary", "spike_array", samples=[0], settings=changes)
    double = spikecycle.simulate("digits-ternary", "spike_array", samples=[0])
    for layer, buffered in zip(result.layers, double.layers, strict=True):
        work = sum(
            cycles for category, cycles in buffered.sum_cycle_breakdown.items() if not category.startswith("dram")
        )
        bits = sum(layer.sum_dram_read_bits.values()) + sum(layer.sum_dram_write_bits.values())
        channel = -(-bits * 500 // 512_000)  # 512 Gbit/s at 500 MHz are 1024 bits per cycle
        assert layer.sum_cycles in (max(work, channel), max(work, channel) + 25)  # 50 ns of latency where it shows
        assert layer.sum_cycles <= buffered.sum_cycles


DRAM = {"bandwidth_gbit_per_s": 64, "burst_bits": 8, "latency_ns": 0, "energy_pj_per_bit": 2}
FORMATS = {"weights": {"format": "rle"}, "spikes": {"format": "bitmap"}}


@pytest.mark.parametrize(
    ("machine", "changes", "message"),
    [
        ("spike_array", {"overlap.policy": "step_barrier"}, "overlap.policy: 'step_barrier' does not fit the dataflow"),
        ("mint", {"overlap.policy": "layer_pipeline", "overlap.buffer_steps": 0}, r"overlap.buffer_steps: .*found 0"),
        ("mint", {"overlap.start_bit": 1}, "overlap.start_bit: unknown key, allowed: .*did you mean 'start_bits'"),
        ("mint", {"overlap": 3}, "overlap: "),
        ("loihi", {"dram": DRAM}, "dram: the dataflow routed_cores moves nothing from or to DRAM"),
        ("spikesim_rram", {"dram": DRAM}, "dram: the dataflow crossbar_tiles moves nothing from or to DRAM"),
        ("ptb", {"formats": FORMATS}, "formats: the dataflow time_batching knows no formats"),
        ("mint", {"dram": DRAM}, "dataflow.traffic: once goes with a section dram"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_key(machine: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(MachineError, match=message):
        spikecycle.load_machine(machine, changes)
