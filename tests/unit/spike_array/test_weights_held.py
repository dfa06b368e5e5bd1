"""How weights are held while a layer is mapped and run: in their own width, and of those that are not 0 how many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.dataflows.spike_array.bank_accesses import count_non_zeros
from spikecycle.simulator.dataflows.spike_array.fibers import channel_tile
from spikecycle.simulator.dataflows.spike_array.weight_layout import first_bits, units_ahead, units_by_layout
from spikecycle.simulator.errors import UsageError
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


@pytest.mark.kernel
@pytest.mark.parametrize("phases", [1, 2])
@pytest.mark.parametrize("input_channels", [1, 2, 3, 5, 8])
def test_fibers_of_an_input_tile_lie_one_behind_the_other(input_channels: int, phases: int) -> None:
    """Five input channels: the last of several tiles has fewer."""
    shape = LayerShape("conv2d", C=5, H=4, W=4, M=3, R=1, S=2, stride=(1, phases))
    weights = np.random.default_rng(phases).integers(-1, 2, shape.weight_shape).astype(np.int8)
    tile = channel_tile(shape, weights, 0, 3, 2, WEIGHT_FORMATS.lookup("cp"), 4)
    bits = tile.sizes.stored_bits.reshape(2, 5, phases).tolist()
    ends = [min(first + input_channels, 5) for first in range(0, 5, input_channels)]
    units: list[list[int]] = []
    places: list[list[list[int]]] = []
    for of_pe in bits:
        units.append([])
        places.append([])
        for first, stop in zip([0, *ends[:-1]], ends, strict=True):
            ahead = 0
            for channel in range(first, stop):
                places[-1].append([])
                for size in of_pe[channel]:
                    places[-1][-1].append(ahead * 3)
                    ahead += -(-size // 3)
            units[-1].append(ahead)
    assert first_bits(tile, input_channels, 3).tolist() == places
    assert units_by_layout(units_ahead(tile, 3), input_channels).tolist() == units
    assert tile.longest == np.diff(tile.starts).max()


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("starts", "segments", "reason"),
    [
        ([1, 4], [3], "must ascend"),
        ([0, 3], [3], "must ascend"),
        ([0, 5, 4], [1, 1], "must ascend"),
        ([0, 3, 2, 4], [1, 1, 1], "must ascend"),
        ([0, 2, 4], [1], "as many segments"),
        ([0, 2, 4], [1, 0], "as many segments"),
    ],
)
def test_fibers_that_do_not_make_up_the_weights_are_refused(
    starts: list[int], segments: list[int], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        measure(np.ones(4, np.int8), np.array(starts), WEIGHT_FORMATS.lookup("cp"), 4, np.array(segments))
