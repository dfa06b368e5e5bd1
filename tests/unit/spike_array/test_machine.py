"""Machine files of spike arrays: what is refused, and that the shipped ones map what they are for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.checking import describe_machine
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.simulator.energy import SramModel
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.pricing import MachinePrices
from spikecycle.simulator.result import BufferArea
from spikecycle.traces import LayerShape
from spikecycle.traces.synthetic import reference_network
from tests.unit.spike_array.cases import layer

MACHINES = ("spike_array", "spike_array_edge")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"dataflow.update_lanes": 5}, "dataflow.update_lanes must be at most buffers.potentials.banks, found 5 > 4"),
        (
            {"dataflow.fiber_alignment_bits": 24},
            "dataflow.fiber_alignment_bits must divide buffers.weights.width_bits, found 24 and 64",
        ),
        ({"dataflow.pe_rows": 4}, "dataflow: pe_rows goes with partition: space, found partition: channel"),
        ({"dataflow.partition": "space"}, "dataflow: pe_rows and pe_columns are needed with partition: space"),
        (
            {"dataflow.partition": "space", "dataflow.pe_rows": 4, "dataflow.pe_columns": 3},
            "dataflow: pe_rows * pe_columns must be pes, found 4 * 3 != 16",
        ),
        (
            {"dataflow.fiber_alignment_bits": 128},
            "dataflow.fiber_alignment_bits must divide buffers.weights.width_bits, found 128 and 64",
        ),
        (
            {"dataflow.potential_access": "row", "dataflow.update_lanes": 2},
            "dataflow.update_lanes must be buffers.potentials.banks with dataflow.potential_access: row, found 2 and 4",
        ),
        ({"dataflow.potential_access": "row", "dataflow.update": "sparse"}, "dataflow.update: dense, found sparse"),
        ({"dataflow.potential_access": "row", "buffers.potentials.bank_wires": "local"}, "shared, found local"),
        ({"dataflow.fiber_alignment_bits": 0}, "dataflow.fiber_alignment_bits"),
        ({"dataflow.fifo_depth": 0}, "dataflow.fifo_depth"),
        ({"dataflow.decoder.lanes": 1}, "dataflow.decoder.lanes: unknown key"),
        ({"buffers.potentials.ports": 3}, "buffers.potentials.ports"),
        ({"dataflow.broadcast_um": -1}, "dataflow.broadcast_um"),
        ({"logic.devices": "lop"}, "logic.devices: found 'lop', energy table 45nm_gates has leakage of: hp, lstp"),
        ({"technology.sram_cell": "itrs-hp"}, "technology.sram_cell: found 'itrs-hp' at 300 K"),
        ({"logic.clock_gating": "some"}, "logic.clock_gating: input should be 'none', 'enable' or 'unit'"),
        ({"buffers.weights.kind": "cache"}, "buffers.weights: line_bits goes with kind: cache"),
    ],
)
def test_an_impossible_machine_is_refused_with_the_key(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(MachineError) as refused:
        load_machine("spike_array", changes)
    assert problem in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", MACHINES)
def test_a_shipped_machine_says_what_it_is_made_of(name: str) -> None:
    machine = load_machine(name)
    pes = machine.pe_count
    assert {buffer: machine.instances(buffer) for buffer in machine.buffer_items()} == {
        "spikes": 1,
        "weights": pes,
        "directory": pes,
        "potentials": pes,
        "outputs": 1,
    }
    arithmetic = [unit for unit in machine.units() if unit.kind == "arithmetic"]
    assert {unit.action for unit in arithmetic} == {"add", "multiply", "compare"}
    assert all(unit.count % pes == 0 for unit in arithmetic)


@pytest.mark.parametrize("name", MACHINES)
def test_no_buffer_of_a_shipped_machine_is_slower_than_its_clock(name: str) -> None:
    assert describe_machine(name).too_slow == ()


@pytest.mark.parametrize("name", MACHINES)
def test_a_shipped_machine_loads_a_wide_dense_layer_once(name: str) -> None:
    """Input tiles would load weights anew in every timestep: in its own format no machine needs them here."""
    shape = LayerShape.linear(2048, 128)
    weights = np.random.default_rng(1).integers(-127, 128, shape.weight_shape)
    plan = SpikeArrayPlan(load_machine(name), layer(shape, weights, weight_bits=8))
    assert plan.tiling()["input_tiles"] == 1


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("shape", reference_network(), ids=lambda shape: f"{shape.C}x{shape.H}x{shape.W}")
def test_a_shipped_machine_maps_the_reference_network(name: str, shape: LayerShape) -> None:
    machine = load_machine(name)
    random = np.random.default_rng(1)
    weights = random.integers(-127, 128, shape.weight_shape) * (random.random(shape.weight_shape) < 0.2)
    plan = SpikeArrayPlan(machine, layer(shape, weights, weight_bits=8))
    assert plan.storage.stored_bits > 0
    if name == "spike_array":
        tiling = plan.tiling()
        assert (tiling["channel_tiles"], tiling["input_tiles"]) == (1, 1), "the main machine holds a layer's weights"


def test_banks_of_their_own_cost_what_a_smaller_memory_costs() -> None:
    """48 KiB in 4 banks: 4 memories of 12 KiB a PE, without the wires between them."""
    shared, local = (
        describe_machine_buffer({"buffers.potentials.bank_wires": wires}) for wires in ("shared", "local")
    )  # fmt: skip
    one = SramModel.load(ports=2).estimate(45, 12, 24, 1)
    assert (local.instances, shared.instances) == (64, 16)
    assert (local.read_pj, local.write_pj) == pytest.approx((one.read_pj, one.write_pj))
    assert local.area_mm2 == pytest.approx(64 * one.area_mm2)
    assert local.read_pj < shared.read_pj


def test_a_row_of_potentials_costs_what_one_wide_memory_costs() -> None:
    """48 KiB in 4 banks of 24 bits, accessed by rows: one bank of words of 96 bits per PE."""
    row = describe_machine_buffer({"dataflow.potential_access": "row"})
    word = describe_machine_buffer({})
    wide = SramModel.load(ports=2).estimate(45, 48, 96, 1)
    assert (row.instances, word.instances) == (16, 16)
    assert (row.read_pj, row.write_pj, row.access_ns) == pytest.approx((wide.read_pj, wide.write_pj, wide.access_ns))
    assert row.area_mm2 == pytest.approx(16 * wide.area_mm2)
    assert word.read_pj < row.read_pj < 4 * word.read_pj  # a row is cheaper than four words


def describe_machine_buffer(changes: dict[str, Any]) -> BufferArea:
    """The potentials of the main machine, changed."""
    areas = MachinePrices(load_machine("spike_array", changes)).memory_areas
    return next(area for area in areas if area.buffer == "potentials")


def test_flags_of_a_sparse_update_are_a_memory() -> None:
    """One bit for each of the 16,384 words of 24 bits of a PE, in the banks of the potentials."""
    assert "flags" not in {memory.name for memory in load_machine("spike_array").memories()}
    flags = load_machine("spike_array", {"dataflow.update": "sparse"}).memories()[-1]
    assert (flags.name, flags.size_kib, flags.width_bits, flags.banks, flags.instances) == ("flags", 2.0, 32, 4, 16)


def test_flip_flops_of_a_pe_are_those_of_its_netlist() -> None:
    """3,047 after synthesis with the machine's parameters; those of a lane and a bank are rounded in the model."""
    machine = load_machine("spike_array")
    prices = MachinePrices(machine)
    outside = sum(area.flip_flops for area in prices.logic_areas if area.component in ("dispatcher", "sequencer"))
    assert (prices.flip_flops - outside) / machine.pe_count == pytest.approx(3047, abs=2)
