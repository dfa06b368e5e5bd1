"""How weights are held while a layer is mapped and run: in their own width, and of those that are not 0 how many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.dataflows.spike_array.bank_accesses import count_non_zeros
from spikecycle.simulator.dataflows.spike_array.fibers import channel_tile
from spikecycle.simulator.formats import WEIGHT_FORMATS, measure
from spikecycle.traces import LayerShape


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
@pytest.mark.parametrize("codes", [np.int8, np.int16, np.int32])
def test_weights_that_are_not_0_are_counted_by_kind_and_tap(groups: int, codes: type[np.signedinteger[Any]]) -> None:
    random = np.random.default_rng(3)
    weights = random.integers(-1, 2, (6, 5)).astype(codes)
    kinds = np.array([2, 0, 2, 2, 0, 1])
    expected = np.zeros((3, groups * 5), np.int64)
    for channel, kind in enumerate(kinds):
        group = channel * groups // 6
        for tap in range(5):
            expected[kind, group * 5 + tap] += weights[channel, tap] != 0
    found = np.zeros_like(expected, np.int32)
    count_non_zeros(weights, kinds, 6 // groups, found)
    assert found.tolist() == expected.tolist()
