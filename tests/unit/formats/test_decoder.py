"""What a decoder needs for each format, and how much it delivers."""

from __future__ import annotations

import pytest

from spikecycle.simulator.formats import WEIGHT_FORMATS, missing_rate, needed_kinds, slots_per_step
from spikecycle.simulator.formats.decoder import RATE_KEYS

RATES: dict[str, int | None] = {
    "mask_bits_per_cycle": 8,
    "coordinates_per_cycle": 3,
    "runs_per_cycle": 2,
    "groups_per_cycle": 3,
    "code_words_per_cycle": 1,
    "trit_bytes_per_cycle": 2,
    "table_lookups_per_cycle": 1,
}
# Weights a step with 16 lanes and 32 lanes, and what the format needs: by hand from RATES, 8-bit weights.
BY_HAND = [
    ("uncompressed", 16, 32, ()),
    ("uop", 16, 32, ()),
    ("ubm", 16, 32, ("mask",)),
    ("bitmask", 16, 32, ("mask",)),
    ("cp", 3, 3, ("coordinate",)),
    ("csr", 3, 3, ("coordinate",)),
    ("rle", 2, 2, ("run",)),
    ("n_of_m", 6, 6, ("group_index",)),  # 3 groups of 2
    ("trits", 10, 10, ("trits",)),  # 2 bytes of 5
    ("codebook", 1, 1, ("codebook",)),
    ("eie", 1, 1, ("run", "codebook")),
    ("rlc", 2, 2, ("run", "code_words")),
]


@pytest.mark.parametrize(("name", "few", "many", "kinds"), BY_HAND)
def test_the_slowest_part_limits_a_step(name: str, few: int, many: int, kinds: tuple[str, ...]) -> None:
    chosen = WEIGHT_FORMATS.lookup(name)
    assert needed_kinds(chosen) == kinds
    assert slots_per_step(chosen, 8, 16, RATES) == few
    assert slots_per_step(chosen, 8, 32, RATES) == many
    assert slots_per_step(chosen, 8, 1, RATES) == 1


def test_a_code_word_lets_its_entries_through() -> None:
    fast = RATES | {"runs_per_cycle": 100}
    for value_bits, entries in ((16, 3), (8, 4), (4, 7)):
        assert slots_per_step(WEIGHT_FORMATS.lookup("rlc"), value_bits, 32, fast) == entries


def test_every_registered_format_has_its_rates_by_hand() -> None:
    assert {name for name, *_ in BY_HAND} == set(WEIGHT_FORMATS.names())


@pytest.mark.parametrize(("name", "few", "many", "kinds"), BY_HAND)
def test_a_rate_that_a_machine_does_not_give_is_told_by_its_key(
    name: str, few: int, many: int, kinds: tuple[str, ...]
) -> None:
    chosen = WEIGHT_FORMATS.lookup(name)
    assert missing_rate(chosen, RATES) is None
    for kind, key in RATE_KEYS.items():
        for rates in (RATES | {key: None}, {other: rate for other, rate in RATES.items() if other != key}):
            assert missing_rate(chosen, rates) == (key if kind in kinds else None)
