"""The paired test and the bound of a loss: by hand, against published examples, and laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecycle.models.study.paired import compare, loss_bound, mcnemar_p

Z_BOTH_SIDES_95 = 1.959963984540054


def test_mcnemar_by_hand() -> None:
    """6 lost and 1 gained of 7 tosses: 2 x (1 + 7) / 2 ** 7; 3 and 3: certain; none: certain."""
    assert mcnemar_p(6, 1) == pytest.approx(0.125)
    assert mcnemar_p(1, 6) == pytest.approx(0.125)
    assert mcnemar_p(9, 0) == pytest.approx(2 / 2**9)
    assert mcnemar_p(3, 3) == 1.0
    assert mcnemar_p(0, 0) == 1.0


@pytest.mark.parametrize(
    ("lost", "gained", "pairs", "z", "high", "low"),
    [
        # Tango 1998, the trial of contact lenses: 1 of 44 pairs differs, 90 % interval of the difference.
        (0, 1, 44, 1.6448536, 0.037, -0.096),
        # Fagerland, Lydersen, Laake, Statistics in Medicine 33 (2014): airways, 1 and 7 of 21 differ, 95 %.
        (1, 7, 21, Z_BOTH_SIDES_95, -0.026, -0.517),
        # Cavo et al. 2012 in the tests of the R package contingencytables, 6 and 16 of 161: -0.1240 to -0.0054.
        (6, 16, 161, Z_BOTH_SIDES_95, -0.0054, -0.1240),
    ],
)
def test_the_bound_as_published(lost: int, gained: int, pairs: int, z: float, high: float, low: float) -> None:
    digits = len(f"{high}".partition(".")[2])
    assert round(loss_bound(lost, gained, pairs, z), digits) == high
    assert round(-loss_bound(gained, lost, pairs, z), digits) == low  # the other side, by turning the pair


def test_without_any_difference_the_bound_is_what_is_left_to_chance() -> None:
    """Then the score is -sqrt(n d / (1 - d)), so that d = z^2 / (n + z^2): 2.7055 / 362.7055 of 360 samples."""
    assert loss_bound(0, 0, 360) == pytest.approx(0.0074593, abs=1e-6)
    assert loss_bound(0, 0, 36) == pytest.approx(2.7055434 / 38.7055434)
    assert loss_bound(5, 0, 5) == 1.0


def test_one_seed_is_counted_sample_by_sample() -> None:
    found = compare(["1110"], ["1001"])
    assert (found.samples, found.seeds, found.lost, found.gained) == (4, 1, 2, 1)
    assert (found.lost_samples, found.gained_samples, found.design_effect) == (2, 1, 1.0)
    assert found.loss == 0.25
    assert found.p_value == 1.0  # 2 x (1 + 3) / 8


def test_seeds_are_no_new_samples() -> None:
    """The same answers three times: the bound and the p of one seed. Answers without anything in common: more."""
    reference, candidate = "1" * 40, "0" * 3 + "1" * 37
    one, three = compare([reference], [candidate]), compare([reference] * 3, [candidate] * 3)
    assert three.design_effect == pytest.approx(3 * 40 / 39, rel=0.03)
    assert three.design_effect <= 3
    assert three.bound == pytest.approx(one.bound, rel=0.02)
    assert three.p_value == one.p_value == pytest.approx(0.25)  # 2 / 2 ** 3
    others = [candidate[shift:] + candidate[:shift] for shift in (0, 10, 20)]
    spread = compare([reference] * 3, others)
    assert spread.design_effect == 1.0
    assert spread.loss == three.loss
    assert spread.bound < three.bound


def test_the_design_effect_by_hand() -> None:
    """Four samples, two seeds: differences 2, 0, 0, 0, so 2 lost of 8 pairs.

    Between samples: mean 0.5, squares 2.25 + 3 x 0.25 = 3, times 4 / 3 = 4. Independent: 2 - 4 / 8 = 1.5. 4 / 1.5 is
    above 2 seeds, so 2.
    Differences 1, 1, 0, 0: squares 4 x 0.25 = 1, times 4 / 3; over 1.5: below 1, so 1.
    Differences 2, -1, 0, 0, that is 2 lost and 1 gained: mean 0.25, squares 3.0625 + 1.5625 + 2 x 0.0625 = 4.75, times
    4 / 3 = 19 / 3. Independent: 3 - 1 / 8 = 23 / 8. Ratio 152 / 69, above 2, so 2.
    """
    assert compare(["1000", "1000"], ["0000", "0000"]).design_effect == 2.0
    assert compare(["1000", "0100"], ["0000", "0000"]).design_effect == 1.0
    assert compare(["1000", "1000"], ["0100", "0000"]).design_effect == 2.0
    partly = compare(["11000000", "10100000"], ["00000000", "00000000"])
    # Differences 2, 1, 1 and five 0: mean 0.5, squares 2.25 + 2 x 0.25 + 5 x 0.25 = 4, times 8 / 7; 4 - 16 / 16 = 3.
    assert partly.design_effect == pytest.approx(32 / 21)


def test_what_is_not_paired_is_refused() -> None:
    for reference, candidate in ((["11"], ["111"]), (["11"], ["11", "11"]), ([], [])):
        with pytest.raises(ValueError, match="as many seeds and samples"):
            compare(reference, candidate)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 400))
def test_a_bound_lies_above_what_was_found_and_more_samples_alike_bring_it_nearer(
    lost: int, gained: int, same: int
) -> None:
    pairs = lost + gained + same + 1
    bound = loss_bound(lost, gained, pairs)
    assert (lost - gained) / pairs <= bound <= 1
    assert loss_bound(2 * lost, 2 * gained, 2 * pairs) <= bound + 1e-12
    assert loss_bound(lost + 1, gained, pairs + 1) >= bound - 1e-12
