"""Weight formats as data: what can be described, and how machine files choose one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.formats import (
    FIBER_AXES,
    WEIGHT_FORMATS,
    Codes,
    FiberAxes,
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
GROUPS: dict[str, Any] = {
    "located": "fixed",
    "positions": "group_index",
    "run_bits": 0,
    "kept": 2,
    "group": 4,
    "group_axis": "input_channel",
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
        ({"positions": "coordinate", "run_bits": 0, "code_word_bits": 64}, "code_word_bits go with positions 'run'"),
        ({"index_bits": 4}, "index_bits go with codes 'codebook'"),
        ({"codes": "codebook"}, "index_bits go with codes 'codebook'"),
        ({"codes": "trits"}, "trits are packed in place"),
        ({"kept": 2, "group": 4}, "go with positions 'group_index'"),
        (GROUPS | {"kept": 5}, "keeps 1 to 4 of its 4 weights, found 5"),
        (GROUPS | {"kept": 0}, "keeps 1 to 4 of its 4 weights, found 0"),
        (GROUPS | {"group_axis": "column"}, "group_axis must be one of output_channel, input_channel, kernel, fan_in"),
    ],
)
def test_what_nothing_can_decode_is_no_format(changes: dict[str, Any], message: str) -> None:
    WeightFormat(**RLE)
    with pytest.raises(ValueError, match=f"format 'mine': .*{message}"):
        WeightFormat(**(RLE | changes))


def test_a_spec_is_the_levels_as_integers() -> None:
    spec = WeightFormat(**RLE).spec(8)
    assert spec == (Located.OFFSETS, Positions.RUN, Values.PACKED, 8, 4, Codes.PLAIN, 0, 0, 0)
    assert all(type(field) is int for field in spec)
    groups = WeightFormat(**(RLE | GROUPS)).spec(8)
    assert groups == (Located.FIXED, Positions.GROUP_INDEX, Values.PACKED, 8, 0, Codes.PLAIN, 0, 2, 4)
    indexed = WeightFormat(**(RLE | {"codes": "codebook", "index_bits": 3, "code_word_bits": 32})).spec(8)
    assert indexed == (Located.OFFSETS, Positions.RUN, Values.PACKED, 3, 4, Codes.CODEBOOK, 32, 0, 0)


def test_a_code_word_has_room_for_an_entry_and_its_end_bit() -> None:
    words = WeightFormat(**(RLE | {"code_word_bits": 16}))
    assert words.spec(11).value_bits == 11
    with pytest.raises(UsageError, match="'mine': a run of 4 bits, a weight of 12 bits and the end bit do not fit in"):
        words.spec(12)


def test_a_machine_file_sets_what_a_format_lets_it_set() -> None:
    assert weight_format(WeightFormatChoice(format="rle", run_bits=3)).run_bits == 3
    assert weight_format(WeightFormatChoice(format="rle")).run_bits == 5
    for name in ("cp", "eie", "rlc"):  # the runs of EIE and of Eyeriss are as wide as they are
        assert weight_format(WeightFormatChoice(format=name, run_bits=3)) == WEIGHT_FORMATS.lookup(name)
    assert weight_format(WeightFormatChoice(format="eie", index_bits=6)).index_bits == 6
    chosen = weight_format(WeightFormatChoice(format="n_of_m", kept=1, group=8, group_axis="output_channel"))
    assert (chosen.kept, chosen.group, chosen.group_axis) == (1, 8, "output_channel")
    own = weight_format(WeightFormatChoice(format="n_of_m"))
    assert (own.kept, own.group, own.group_axis) == (2, 4, "input_channel")
    with pytest.raises(UsageError, match="'n_of_m': a group keeps 1 to 4 of its 4 weights, found 5"):
        weight_format(WeightFormatChoice(format="n_of_m", kept=5))


@pytest.mark.parametrize("settings", [key for _, chosen in WEIGHT_FORMATS.items() for key in chosen.settings])
def test_what_a_format_lets_a_machine_file_set_is_a_key_of_it(settings: str) -> None:
    assert settings in WeightFormatChoice.model_fields


def test_an_unknown_format_is_told_with_those_that_exist() -> None:
    with pytest.raises(UsageError, match=r"unknown weight format 'bitmsk', allowed: bitmask, .*did you mean 'bitmask'"):
        weight_format(WeightFormatChoice(format="bitmsk"))
    with pytest.raises(UsageError, match="unknown spike format 'coo', allowed: aer, bitmap, firing_words"):
        spike_format(SpikeFormatChoice(format="coo"))
    assert spike_format(SpikeFormatChoice(format="aer")).name == "aer"
    assert spike_format(SpikeFormatChoice(format="run_length", run_bits=3)).run_bits == 3
    assert spike_format(SpikeFormatChoice(format="aer", run_bits=3)).run_bits == 0


def accepts(name: str, fibers: list[list[int]], **others: Any) -> str | None:
    """What the format of this name says of fibers."""
    values = np.array([value for fiber in fibers for value in fiber], dtype=np.int32)
    starts = np.cumsum([0, *map(len, fibers)], dtype=np.int64)
    return WEIGHT_FORMATS.lookup(name).accepts(values, starts, **others)


@pytest.mark.parametrize("name", WEIGHT_FORMATS.names())
def test_zeros_and_ones_are_stored_by_every_format(name: str) -> None:
    assert accepts(name, []) is None
    assert accepts(name, [[], [0, 0, 0, 0, 0, 0], [0, 1, 0, -1, 1]]) is None


def test_a_value_that_is_no_trit_is_named() -> None:
    assert accepts("trits", [[-1, 0], [1, 1]]) is None
    assert accepts("trits", [[-1, 0], [1, -2]]) == "value -2 is no trit (-1, 0 or 1)"
    assert accepts("trits", [[-(2**31)]]) == "value -2147483648 is no trit (-1, 0 or 1)"


def test_a_codebook_holds_zero_and_so_many_other_values() -> None:
    assert accepts("codebook", [list(range(16))]) is None
    assert accepts("codebook", [list(range(-8, 0)), [1] * 30, list(range(1, 8))]) is None
    problem = "17 different values, zero counted, are more than the codebook's 16"
    assert accepts("eie", [list(range(1, 17))]) == problem


def test_a_group_with_too_many_values_is_named() -> None:
    fibers = [[0, 0, 1, 1, 1, 1, 0, 0], [0] * 4 + [5, 0, 6, 7]]
    problem = "not 2:4 along input_channel: fiber 1 has 3 non-zero values in weights 4..7"
    assert accepts("n_of_m", fibers) == problem
    assert accepts("n_of_m", [[0, 0, 0, 0, 0, 1, 1, 1]], segments=np.array([5], dtype=np.int64)) == (
        "not 2:4 along input_channel: fiber 0 has 3 non-zero values in weights 5..7"
    )
    # segments of 6: groups 0..3, 4..5, 6..7
    assert accepts("n_of_m", [[0, 0, 0, 0, 0, 1, 1, 1]], segments=np.array([6], dtype=np.int64)) is None


def test_groups_need_fibers_along_their_axis() -> None:
    spread = FiberAxes(("kernel_row", "kernel_column", "output_channel"), step=16)
    assert accepts("n_of_m", [[0] * 4], axes=FIBER_AXES["input_channel"]) is None
    assert accepts("n_of_m", [[0] * 4], axes=spread) == (
        "its groups of 4 weights lie along input_channel, the machine's fibers run along kernel_row, kernel_column, "
        "output_channel, the last one fastest"
    )
    assert accepts("cp", [[0] * 4], axes=spread) is None
    along = weight_format(WeightFormatChoice(format="n_of_m", group_axis="output_channel"))
    values, starts = np.ones(4, np.int32), np.array([0, 4], np.int64)
    assert along.accepts(values, starts, spread) == (
        "not 2:4 along output_channel (neighbours are 16 apart in the layer): fiber 0 has 4 non-zero values in "
        "weights 0..3"
    )


def test_a_machine_that_takes_a_fiber_in_any_order_stores_its_groups_together() -> None:
    fan_in = ("input_channel", "kernel_row", "kernel_column")
    assert FiberAxes(fan_in).storage_order("input_channel") is None
    ordered = FiberAxes(fan_in, reorderable=True)
    assert ordered.storage_order("input_channel") == ("kernel_row", "kernel_column", "input_channel")
    assert ordered.storage_order("fan_in") == ordered.storage_order("kernel") == fan_in
    assert ordered.storage_order("output_channel") is None
    assert FiberAxes(fan_in).storage_order("kernel") == fan_in
    assert accepts("n_of_m", [[0] * 4], axes=FIBER_AXES["fan_in"]) is not None
    assert accepts("n_of_m", [[0] * 4], axes=ordered) is None
