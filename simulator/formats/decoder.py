"""Decoder requirements of weight formats: what must be decoded per cycle, and the weights that this delivers.

A machine says how much of each kind its decoders take in a cycle; a kind that it does not say is one that it has no
decoder for, and formats that need it are refused by name.

    kind         key of the machine file     a unit of it lets through
    mask         mask_bits_per_cycle         no limit: it is the window that the mask is searched in
    coordinate   coordinates_per_cycle       a weight: a coordinate is a position, entries do not depend on each other
    run          runs_per_cycle              a weight: runs add up, each entry needs the position of the one before
    group_index  groups_per_cycle            the `kept` weights of a group: a multiplexer of `group` inputs for each
    code_words   code_words_per_cycle        the weights of a code word: its entries lie at fixed bits, none straddles
    trits        trit_bytes_per_cycle        five weights: a byte is divided by 3 four times, or looked up
    codebook     table_lookups_per_cycle     a weight: one read port of the table for each
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from spikecycle.simulator.formats.base import WeightFormat
from spikecycle.simulator.formats.levels import TRITS_PER_BYTE
from spikecycle.simulator.formats.runs import entries_per_code_word

RATE_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "mask": "mask_bits_per_cycle",
        "coordinate": "coordinates_per_cycle",
        "run": "runs_per_cycle",
        "group_index": "groups_per_cycle",
        "code_words": "code_words_per_cycle",
        "trits": "trit_bytes_per_cycle",
        "codebook": "table_lookups_per_cycle",
    }
)
"""What a decoder can be able to take -> the key of a machine file that says how much of it in a cycle."""


def needed_kinds(weight_format: WeightFormat) -> tuple[str, ...]:
    """What a decoder of this format takes besides plain values: kinds of RATE_KEYS, in their order."""
    kinds: set[str] = {weight_format.positions, weight_format.codes}
    if weight_format.code_word_bits:
        kinds.add("code_words")
    return tuple(kind for kind in RATE_KEYS if kind in kinds)


def missing_rate(weight_format: WeightFormat, rates: Mapping[str, int | None]) -> str | None:
    """The first key of a machine's decoder that the format needs and `rates` (by key) does not give, or None."""
    keys = (RATE_KEYS[kind] for kind in needed_kinds(weight_format))
    return next((key for key in keys if rates.get(key) is None), None)


def slots_per_step(weight_format: WeightFormat, value_bits: int, lanes: int, rates: Mapping[str, int | None]) -> int:
    """The `rate` of `decode_schedule`: weights that a step of a decoder with `lanes` outputs can deliver at most.

    value_bits: of a weight. rates: by key of the machine file, none of them missing.
    """
    spec = weight_format.spec(value_bits)
    slots = lanes
    for kind in needed_kinds(weight_format):
        if kind == "mask":
            continue
        units = rates[RATE_KEYS[kind]]
        assert units is not None, "the machine refuses formats that it cannot decode"
        weights_per_unit = {
            "group_index": weight_format.kept,
            "code_words": entries_per_code_word(spec) if spec.code_word_bits else 0,
            "trits": TRITS_PER_BYTE,
        }.get(kind, 1)
        slots = min(slots, units * weights_per_unit)
    return slots
