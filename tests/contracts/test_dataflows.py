"""What every registered dataflow must keep, on every shipped machine that uses it."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from spikecycle.simulator.activity import OUTPUTS, SPIKES, WEIGHTS, Activity
from spikecycle.simulator.dataflows.layer import LayerSample, LayerTask, MappedLayer
from spikecycle.simulator.dataflows.row_stationary import RowStationaryPlan
from spikecycle.simulator.dataflows.spike_array import SpikeArrayPlan
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.machine.loader import load_machine, override, shipped_machines
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.pricing import logic_areas, price
from spikecycle.simulator.replay import replay_layer
from spikecycle.traces import LayerShape, Neuron
from tests.unit.activities import assert_same

SHAPES = {
    "convolution": LayerShape("conv2d", C=4, H=9, W=7, M=6, R=3, S=3, padding=(1, 1)),
    "strided": LayerShape("conv2d", C=3, H=8, W=10, M=5, R=3, S=2, stride=(2, 3), padding=(1, 0)),
    "grouped": LayerShape("conv2d", C=6, H=5, W=5, M=4, R=3, S=3, padding=(1, 1), groups=2),
    "unequal padding": LayerShape("conv2d", C=3, H=6, W=7, M=5, R=3, S=3, stride=(2, 1), padding=(0, 2, 2, 1)),
    "linear": LayerShape.linear(70, 20),
}
TIMESTEPS = 4
PLANS = {"spike_array": SpikeArrayPlan, "row_stationary": RowStationaryPlan}
MACHINES = [name for name in shipped_machines() if load_machine(name).dataflow.kind in PLANS]
CASES = [(machine, name) for machine in MACHINES for name in SHAPES]


def _task(shape: LayerShape, input_bits: int = 1) -> LayerTask:
    rng = np.random.default_rng(7)
    weights = rng.integers(-7, 8, shape.weight_shape).astype(np.int32)
    weights[rng.random(shape.weight_shape) < 0.6] = 0
    neuron = Neuron("lif", np.full(shape.M, 9, np.int32), potential_bits=10, leak_numerator=3, leak_shift=2)
    return LayerTask("layer", shape, TIMESTEPS, input_bits, 4, weights, np.zeros(shape.M, np.int32), neuron)


def _inputs(task: LayerTask, density: float = 0.2) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(8)
    shape = task.shape
    values = rng.integers(1, 1 << task.input_bits, (task.timesteps, shape.C, shape.H, shape.W))
    return np.where(rng.random(values.shape) < density, values, 0).astype(np.uint8)


def _plan(machine: Machine, task: LayerTask) -> MappedLayer:
    return PLANS[machine.dataflow.kind](machine, task)


def _run(machine: Machine, task: LayerTask, inputs: npt.NDArray[np.uint8]) -> Activity:
    replay = replay_layer(task, inputs, track_active=True)
    plan = _plan(machine, task)
    return plan.run(LayerSample(inputs, replay.outputs, replay.active if plan.needs_active else None))


@cache
def _applied(name: str) -> int:
    """Non-zero weights that meet a spike, output position by output position."""
    task = _task(SHAPES[name])
    shape, inputs = task.shape, _inputs(_task(SHAPES[name]))
    (top, bottom, left, right), (stride_h, stride_w) = shape.sides, shape.stride
    padded = np.pad(inputs, ((0, 0), (0, 0), (top, bottom), (left, right))).astype(np.int64)
    used = (task.weights != 0).astype(np.int64)
    per_group_in, per_group_out = shape.C // shape.groups, shape.M // shape.groups
    total = 0
    for m in range(shape.M):
        first = m // per_group_out * per_group_in
        for p in range(shape.P):
            for q in range(shape.Q):
                h, w = p * stride_h, q * stride_w
                window = padded[:, first : first + per_group_in, h : h + shape.R, w : w + shape.S]
                total += int((window * used[m]).sum())
    return total


@pytest.mark.parametrize(("machine", "name"), CASES)
def test_every_weight_that_meets_a_spike_is_applied_once(machine: str, name: str) -> None:
    task = _task(SHAPES[name])
    assert _run(load_machine(machine), task, _inputs(task)).synaptic_operations == _applied(name) > 0


@pytest.mark.parametrize(("machine", "name"), CASES)
def test_a_run_changes_nothing_and_repeats_to_the_bit(machine: str, name: str) -> None:
    task = _task(SHAPES[name])
    inputs = _inputs(task)
    before = inputs.copy()
    loaded = load_machine(machine)
    first, second = _run(loaded, task, inputs), _run(loaded, task, inputs)
    assert np.array_equal(inputs, before)
    assert_same(first, second)


@pytest.mark.parametrize(("machine", "name"), CASES)
def test_counts_are_declared_and_can_be_priced(machine: str, name: str) -> None:
    task = _task(SHAPES[name])
    loaded = load_machine(machine)
    counters = _plan(loaded, task).counters
    passes = _run(loaded, task, _inputs(task))
    names = {counter.name for counter in counters}
    assert len(names) == len(counters)
    assert set(passes.counts) <= names
    assert min(passes.counts.values()) >= 0
    assert passes.work.cause_names[0] == "compute"
    assert 0 < passes.busy["pe"] <= loaded.pe_count * passes.work.cycles.sum()
    assert all(counter.meaning for counter in counters)
    counts = [passes.counts.get(counter.name, 0) for counter in counters]
    assert all(one.energy_pj >= 0 for one in price(counters, counts, loaded))
    for key in loaded.buffer_items():
        assert loaded.instances(key) >= 1
    assert sum(area.area_mm2 for area in logic_areas(loaded)) > 0


@pytest.mark.parametrize(("machine", "name"), CASES)
def test_silence_applies_nothing_and_costs_less(machine: str, name: str) -> None:
    task = _task(SHAPES[name])
    inputs = _inputs(task)
    loaded = load_machine(machine)
    silent, busy = _run(loaded, task, np.zeros_like(inputs)), _run(loaded, task, inputs)
    assert silent.synaptic_operations == silent.busy["pe"] == 0
    assert 0 < silent.work.cycles.sum() <= busy.work.cycles.sum()


EVERYWHERE = ("uncompressed", "ubm", "bitmask", "cp", "rle", "uop", "csr", "bitmap", "aer")
"""Formats that every shipped machine can take; it may refuse others, by name."""


@pytest.mark.parametrize("weights", WEIGHT_FORMATS.names())
@pytest.mark.parametrize("spikes", SPIKE_FORMATS.names())
@pytest.mark.parametrize(("machine", "name"), CASES)
def test_formats_move_other_bits_but_do_the_same_work(machine: str, name: str, weights: str, spikes: str) -> None:
    task = _task(SHAPES[name])
    loaded = override(load_machine(machine), {"formats.weights.format": weights, "formats.spikes.format": spikes})
    try:
        plan = _plan(loaded, task)
    except MappingError as error:
        assert weights not in EVERYWHERE or spikes not in EVERYWHERE
        assert f"format {weights!r}" in str(error) or f"format {spikes!r}" in str(error)
        return
    passes = _run(loaded, task, _inputs(task))
    assert passes.synaptic_operations == _applied(name)
    storage = plan.storage
    assert storage.stored_bits > 0
    assert passes.moves.load_bits[:, WEIGHTS].sum() >= storage.stored_bits
    assert passes.moves.load_bits[:, SPIKES].sum() > 0
    assert passes.moves.store_bits[:, OUTPUTS].sum() > 0


@pytest.mark.parametrize("machine", MACHINES)
def test_a_multi_bit_input_is_so_many_events(machine: str) -> None:
    task = _task(SHAPES["convolution"], input_bits=2)
    inputs = _inputs(task)
    assert inputs.max() == 3
    assert _run(load_machine(machine), task, inputs).synaptic_operations > 0
