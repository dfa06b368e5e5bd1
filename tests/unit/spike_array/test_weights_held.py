"""How weights are held while a layer is mapped and run: in their own width, and looked at piece by piece."""

from __future__ import annotations

import numpy as np
import pytest

from spikecycle.simulator.dataflows.layer import LayerSample
from spikecycle.simulator.dataflows.spike_array import bank_accesses
from spikecycle.simulator.dataflows.spike_array.fibers import channel_tile
from spikecycle.simulator.dataflows.spike_array.plan import SpikeArrayPlan
from spikecycle.simulator.formats import WEIGHT_FORMATS, measure
from spikecycle.traces import LayerShape
from tests.unit.spike_array.cases import layer, machine


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32])
@pytest.mark.parametrize("name", ["rle", "bitmask", "cp"])
def test_fibers_keep_the_width_of_codes_and_measure_alike(dtype: type[np.signedinteger], name: str) -> None:
    shape = LayerShape.linear(3, 4)
    codes = np.array([[-128, 0, 127], [0, 0, 0], [1, -1, 0], [0, 5, -128]], dtype).reshape(4, 3, 1, 1)
    chosen = WEIGHT_FORMATS.lookup(name)
    tile = channel_tile(shape, codes, 0, 4, 2, chosen, 8)
    assert tile.values.dtype == dtype
    # PE 0 owns channels 0 and 2, PE 1 channels 1 and 3; a fiber is an input's
    assert tile.values.tolist() == [-128, 1, 0, -1, 127, 0, 0, 0, 0, 5, 0, -128]
    wide = measure(tile.values.astype(np.int32), tile.starts, chosen, 8, tile.segments)
    assert tile.sizes.stored_bits.tolist() == wide.stored_bits.tolist()


@pytest.mark.parametrize("groups", [1, 2])
def test_accesses_by_bank_are_the_same_however_many_weights_are_looked_at(
    groups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(3)
    shape = LayerShape("conv2d", 4, 5, 5, 6, 3, 3, padding=(1, 1), groups=groups)
    task = layer(shape, random.integers(-2, 3, shape.weight_shape))
    inputs = (random.random((task.timesteps, *shape.input_shape)) < 0.4).astype(np.uint8)
    plan = SpikeArrayPlan(machine(), task)
    sample = LayerSample(inputs, np.zeros((task.timesteps, *shape.output_shape), np.uint8), None)
    together = plan.run(sample).accesses_by_bank["potentials"].tolist()
    assert sum(together) > 0
    monkeypatch.setattr(bank_accesses, "WEIGHTS_AT_ONCE", 1)
    assert plan.run(sample).accesses_by_bank["potentials"].tolist() == together
