"""Spikes by timestep and the raster, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from spikecycle.simulator import simulate
from spikecycle.simulator.spike_record import (
    LEAST_BYTES,
    MOST_NEURONS,
    MOST_TIMESTEPS,
    OutputSpikes,
    SpikeRecord,
    by_timestep,
    raster_of,
)
from spikecycle.traces.packing import PackedSpikes


def test_sums_by_timestep_and_the_raster_of_the_first_sample() -> None:
    values = np.zeros((3, 2, 1, 2), np.uint8)
    values[0, 0, 0, 1] = 1
    values[2] = [[[0, 1]], [[1, 3]]]
    record = SpikeRecord()
    record.add_output(OutputSpikes.of(values, 7, with_raster=True))
    record.add_output(OutputSpikes.of(np.ones_like(values), 8, with_raster=False))
    assert record.outputs.tolist() == [1 + 4, 0 + 4, 3 + 4]
    assert record.neurons == 4
    assert record.raster is not None
    assert (record.raster.sample, record.raster.neurons) == (7, [0, 1, 2, 3])
    assert record.raster.rows == ["000", "101", "001", "001"]


def test_inputs_of_several_tensors_are_added() -> None:
    record = SpikeRecord()
    record.add_input(by_timestep(np.ones((2, 1, 1, 3), np.uint8)))
    record.add_input(by_timestep(np.array([[[[0, 1]]], [[[0, 0]]]], np.uint16)))
    assert record.inputs.tolist() == [4, 3]


@pytest.mark.parametrize("size", [1, 7, 8, 64, LEAST_BYTES // 4 - 8, LEAST_BYTES // 4, LEAST_BYTES // 4 + 1])
def test_packed_spikes_are_counted_by_timestep(size: int) -> None:
    packed = np.random.default_rng(size).integers(0, 256, (4, size), np.uint8)
    packed[1], packed[2] = 0, 255
    expected = np.unpackbits(packed, axis=1).sum(axis=1)
    assert by_timestep(PackedSpikes(packed, (size * 8, 1, 1))).tolist() == expected.tolist()
    apart = np.repeat(packed, 2, axis=0)[::2]  # rows that do not lie one behind the other
    assert by_timestep(PackedSpikes(apart, (8, size, 1))).tolist() == expected.tolist()


def test_a_raster_has_a_bound_and_its_neurons_are_evenly_spaced() -> None:
    raster = raster_of(np.zeros((MOST_TIMESTEPS + 5, 2 * MOST_NEURONS, 1, 1), np.uint8), 0)
    assert raster.neurons == list(range(0, 2 * MOST_NEURONS, 2))
    assert {len(row) for row in raster.rows} == {MOST_TIMESTEPS}


def test_a_result_tells_spikes_by_timestep_and_cycles_by_pe() -> None:
    result = simulate("digits-pruned80", "spike_array_edge", samples=[1])
    for layer in result.layers:
        assert sum(layer.sum_input_spikes_by_timestep) == layer.sum_input_spikes
        assert sum(layer.sum_output_spikes_by_timestep) == layer.sum_output_spikes
        assert len(layer.sum_input_spikes_by_timestep) == result.timesteps
        assert len(layer.sum_busy_cycles_by_pe) == result.pes
        # a PE that accumulates is serving, and it serves no longer than the layer takes
        assert layer.utilization * result.pes * layer.sum_cycles <= sum(layer.sum_busy_cycles_by_pe)
        assert max(layer.sum_busy_cycles_by_pe) <= layer.sum_cycles
