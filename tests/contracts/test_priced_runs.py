"""Runs of a tiny layer whose counts and energies are worked out by hand: what the engine hands to pricing is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.dataflows.spike_array.counters import counters as declared
from spikecycle.simulator.engine import simulate
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.pricing import MachinePrices
from spikecycle.traces import LayerArrays, LayerShape, Neuron, write_trace
from tests.unit.spike_array.cases import layer, machine


@pytest.mark.parametrize(
    ("numerator", "shift", "leaks", "action"),
    [(1, 1, 4, "shift"), (3, 2, 4, "multiply"), (4, 2, 0, None), (0, 0, 0, None)],
)
def test_a_leak_is_a_shift_or_a_multiplication(
    tmp_path: Path, numerator: int, shift: int, leaks: int, action: str | None
) -> None:
    """Two neurons, two timesteps: four updates. 1/2 shifts, 3/4 multiplies, 1 keeps, 0 clears."""
    result = simulate(_trace(tmp_path, numerator, shift), _array())
    leak = next(one for one in result.layers[0].counters if one.name == "neuron.leak")
    assert leak.sum_count == leaks
    if action is not None:
        # table 45nm, 24 bits: a shift is 0.417 x 24 / 32; a multiplication lies on the way from 0.2 pJ at 8 bits to 3.1
        # pJ at 32, in logarithms: 0.2 x 15.5 ** (log 3 / log 4)
        pj = {"shift": 0.31275, "multiply": 0.2 * 15.5 ** (np.log(3) / np.log(4))}[action]
        assert (leak.action, leak.sum_energy_pj) == (action, pytest.approx(4 * pj))


def test_every_access_of_a_potential_is_paid(tmp_path: Path) -> None:
    """3 inputs to 2 neurons, all weights there: 3 spikes of 3 + 0 in 2 timesteps are 6 accumulates, and 4 updates."""
    result = simulate(_trace(tmp_path, 1, 1), _array())
    counters = {one.name: one for one in result.layers[0].counters}
    potentials = next(area for area in result.buffers if area.buffer == "potentials")
    assert counters["accumulator.add"].sum_count == 6
    for action, pj in (("read", potentials.read_pj), ("write", potentials.write_pj)):
        access = counters[f"potentials.{action}"]
        assert access.sum_count == 6 + 4
        assert access.sum_energy_pj == pytest.approx(10 * pj)
        assert pj > 0
    assert potentials.read_pj != pytest.approx(potentials.write_pj)


def test_a_result_adds_up(tmp_path: Path) -> None:
    result = simulate(_trace(tmp_path, 1, 1), _array(energy__table="45nm_gates"))
    by_hand = sum(one.sum_energy_pj for one in result.layers[0].counters) + result.layers[0].sum_leakage_pj
    assert result.sum_energy_pj == pytest.approx(by_hand)
    assert result.sum_energy_pj == pytest.approx(sum(result.sum_energy_by_component_pj.values()))
    assert result.area_mm2 == pytest.approx(
        sum(area.area_mm2 for area in result.buffers) + sum(area.area_mm2 for area in result.logic)
    )
    # DRAM, bursts of 64 bits. Two PEs hold 3 fibers of one word of 16 bits each: 96 bits of weights are 2 bursts. Two
    # timesteps load a word of spikes, and store a word of spikes: a burst each.
    moved = {one.name: one.sum_count for one in result.layers[0].counters if one.resource == "dram" and one.sum_count}
    assert moved == {"dram.read.weights": 128, "dram.read.spikes": 128, "dram.write.outputs": 128}
    clock = [one for one in result.layers[0].counters if one.resource == "clock"]
    assert sum(one.sum_count for one in clock) == result.sum_cycles
    assert {"control", "clock", "logic leakage"}.isdisjoint(result.not_modelled)
    assert {"control", "clock", "logic leakage"} <= set(simulate(_trace(tmp_path, 1, 1), _array()).not_modelled)


def test_opened_rows_and_background_of_dram_are_counted(tmp_path: Path) -> None:
    # two timesteps: weights, spikes twice and outputs twice are five streams, none beyond a row
    paid = _array(dram__row_bits=8192, dram__activate_pj=900.0, dram__background_mw=40.0)
    result = simulate(_trace(tmp_path, 1, 1), paid)
    counters = {one.name: one for one in result.layers[0].counters}
    assert (counters["dram.activate"].sum_count, counters["dram.activate"].sum_energy_pj) == (5, pytest.approx(4500.0))
    assert counters["dram.background"].sum_count == result.sum_cycles


def _array(**changes: Any) -> Machine:
    return machine(**changes)


def _trace(folder: Path, numerator: int, shift: int) -> Path:
    """3 inputs, 2 neurons, 2 timesteps; all inputs spike in the first."""
    path = folder / "hand.h5"
    shape = LayerShape.linear(3, 2)
    kind = "if" if numerator == 1 << shift else "lif"
    neuron = Neuron(kind, np.full(2, 100, np.int32), potential_bits=12, leak_numerator=numerator, leak_shift=shift)
    task = layer(shape, np.array([[1, 2, 3], [-1, -2, -3]]), timesteps=2, neuron=neuron)
    inputs = np.zeros((1, 2, 3, 1, 1), np.uint8)
    inputs[0, 0] = 1
    write_trace(path, [LayerArrays("fc", shape, task.weights, 4, neuron, inputs, 1)], provenance={})
    return path


def test_the_array_declares_what_it_prices() -> None:
    """Every event of control that the spike array counts is one of a unit that it has."""
    for name in ("uncompressed", "bitmask", "cp", "rle"):
        chosen = machine(energy__table="45nm_gates", formats__weights={"format": name, "run_bits": 2})
        task = layer(LayerShape.linear(3, 2), np.ones((2, 3)))
        units = {unit.action for unit in chosen.units() if unit.kind == "control"}
        counted = [one for one in declared(chosen, task) if one.resource == "control"]
        assert counted
        assert {one.action.partition(".")[0] for one in counted} <= units
        assert all(one.sum_energy_pj > 0 for one in MachinePrices(chosen).price(counted, [1] * len(counted)))
