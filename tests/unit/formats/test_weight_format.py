"""Weight formats as data: what can be described, and how machine files choose one."""

from __future__ import annotations

from typing import Any

import pytest

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats import (
    WEIGHT_FORMATS,
    Located,
    Positions,
    Values,
    WeightFormat,
    spike_format,
    weight_format,
)
from spikecycle.simulator.machine.schema import SpikeFormatChoice, WeightFormatChoice

RLE: dict[str, Any] = {
    "name": "mine",
    "title": "",
    "source": "",
    "located": "offsets",
    "positions": "run",
    "values": "packed",
    "run_bits": 4,
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"located": "fixed"}, "nothing can decode fixed/run/packed"),
        ({"values": "in_place"}, "nothing can decode offsets/run/in_place"),
        ({"positions": "implicit", "run_bits": 0}, "nothing can decode offsets/implicit/packed"),
        ({"run_bits": 0}, "run_bits go with"),
        ({"positions": "mask"}, "run_bits go with"),
        (
            {"located": "fixed", "positions": "mask", "values": "in_place", "run_bits": 0, "offset_pairs": True},
            "need no offsets",
        ),
    ],
)
def test_what_nothing_can_decode_is_no_format(changes: dict[str, Any], message: str) -> None:
    WeightFormat(**RLE)
    with pytest.raises(ValueError, match=f"format 'mine': .*{message}"):
        WeightFormat(**(RLE | changes))


def test_a_spec_is_the_levels_as_integers() -> None:
    spec = WeightFormat(**RLE).spec(8)
    assert spec == (Located.OFFSETS, Positions.RUN, Values.PACKED, 8, 4)
    assert all(type(field) is int for field in spec)


def test_a_machine_file_sets_the_run_bits_of_run_length_only() -> None:
    assert weight_format(WeightFormatChoice(format="rle", run_bits=3)).run_bits == 3
    assert weight_format(WeightFormatChoice(format="rle")).run_bits == 5
    assert weight_format(WeightFormatChoice(format="cp", run_bits=3)) == WEIGHT_FORMATS.lookup("cp")


def test_an_unknown_format_is_told_with_those_that_exist() -> None:
    with pytest.raises(UsageError, match=r"unknown weight format 'bitmsk', allowed: bitmask, .*did you mean 'bitmask'"):
        weight_format(WeightFormatChoice(format="bitmsk"))
    with pytest.raises(UsageError, match="unknown spike format 'coo', allowed: aer, bitmap"):
        spike_format(SpikeFormatChoice(format="coo"))
    assert spike_format(SpikeFormatChoice(format="aer")).name == "aer"
