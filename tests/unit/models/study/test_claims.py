"""Claims on tables written by hand: each says what the numbers say, and no more than the test set allows."""

from __future__ import annotations

import io

import polars as pl
import pytest
from rich.console import Console

from spikecycle.models.study.claims import claims
from spikecycle.models.study.losses import Loss, free_networks, free_pruning, loss, reference, ternary
from spikecycle.models.study.results import Results
from spikecycle.models.study.summary import summary
from tests.unit.models.study.handmade import at, found, network, table, whole_study


@pytest.fixture(scope="module")
def results() -> Results:
    return Results(whole_study())


def _answers(results: Results) -> dict[str, str]:
    return {claim.question: "\n".join(claim.answers) for claim in claims(results)}


def test_ternary_is_free_by_the_margin_and_saves_energy_in_each_ones_best_format(results: Results) -> None:
    answer = _answers(results)["What do ternary weights cost and save?"]
    # 2 of 400 are lost and none gained: the bound is below 3 points; of two tosses both on one side: p = 2 / 4.
    assert "97.50 % against 98.00 % with 8-bit on 400 test samples: 0.50 points less (at most 1.50 less" in answer
    assert "McNemar p = 0.5); free by the margin of 3 points." in answer
    assert "chip: 55 % of the energy saved (10 uJ in rle against 22 uJ in plain)" in answer  # 1 - 10 / 22


def test_claims_say_where_weights_and_activations_come_from() -> None:
    rows = [
        row | {"machine": machine, "weight_residency": weights, "activation_residency": activations}
        for machine, weights, activations in (
            ("one", "inference", "dram"), ("two", "inference", "dram"), ("three", "batch:4", "dram"),
            ("four", "resident", "chip"),
        )
        for row in network("quantized-8", "quantization", 8, 0.0, 0.98, at(8))
    ]  # fmt: skip
    assert _answers(Results(table(rows)))["Where do weights and activations come from?"].splitlines() == [
        "one and two: weights are loaded in every inference, activations go through DRAM.",
        "three: weights are loaded once per batch of 4 inferences, activations go through DRAM.",
        "four: weights are resident and never loaded, activations stay on chip where they fit.",
        "With another residency another format can be the cheapest: `spikecycle formats` says where.",
    ]


def _with_both_residencies(resident_uj: dict[str, float]) -> str:
    """The answer on residency for two networks on `chip`; in `chip-resident` the second takes other energies."""
    eight, ternary = at(8), at(2)  # plain is the cheapest at 8 bits (22 uJ), rle for ternary weights (10 uJ)
    rows = [
        row | {"machine": machine, "weight_residency": weights}
        for machine, weights, second in (
            ("chip", "inference", ternary), ("chip-resident", "resident", resident_uj)
        )
        for row in (
            *network("quantized-8", "quantization", 8, 0.0, 0.98, eight),
            *network("quantized-2", "quantization", 2, 0.0, 0.97, second),
        )
    ]  # fmt: skip
    return _answers(Results(table(rows)))["Where do weights and activations come from?"].splitlines()[-1]


def test_claims_say_where_the_cheapest_format_depends_on_residency() -> None:
    assert _with_both_residencies({"rle": 9.0, "plain": 6.0}) == (
        "chip: the cheapest format is another one with resident weights for 1 of 2 networks: "
        "ternary (rle reloaded, plain resident)."
    )
    assert _with_both_residencies({"rle": 6.0, "plain": 9.0}) == (
        "chip: the cheapest format is the same with weights reloaded and resident, for all 2 networks."
    )


def test_pruning_is_free_up_to_the_last_share_below_the_margin(results: Results) -> None:
    whole = reference(results)
    assert whole is not None
    free, costly = free_pruning(results.pruned_alone()["global_magnitude"], whole, results.margin)
    assert (free and free.name, costly and costly.name) == ("pruned-0.8", "pruned-0.95")
    answer = _answers(results)["How much pruning is free?"]
    assert answer.startswith("Up to 8-bit, 80 % pruned, by the margin of 3 points: 97.00 %")
    assert "The first that is not: 8-bit, 95 % pruned, 82.00 %, 16.00 points less" in answer


@pytest.mark.parametrize("samples", [400, 40_000])
def test_free_pruning_can_be_a_significant_loss(samples: int) -> None:
    """A point is lost, at most 2.2 or 1.1: p is 2 / 2 ** 4 with 4 samples that differ, and nearly 0 with 400."""
    rows = [
        *network("a", "quantization", 8, 0.0, 0.98, at(8), test_samples=samples, correct=found(0.98, samples)),
        *network("b", "pruning", 8, 0.8, 0.97, at(2), test_samples=samples, correct=found(0.97, samples)),
    ]
    answer = _answers(Results(table(rows)))["How much pruning is free?"]
    assert answer.startswith("Up to 8-bit, 80 % pruned, by the margin of 3 points")
    assert ("a significant loss, smaller than the margin" in answer) == (samples == 40_000)


def test_each_pruner_is_asked_for_itself_and_the_cheapest_that_loses_nothing_is_compared() -> None:
    rows = [
        *network("quantized-8", "quantization", 8, 0.0, 0.98, at(8)),
        *network("quantized-2", "quantization", 2, 0.0, 0.98, at(2)),
        *network("a", "pruning", 8, 0.8, 0.97, {"rle": 8.0}),
        *network("b", "pruning", 8, 0.9, 0.97, {"rle": 9.0}),
        *network("channels", "pruning", 8, 0.3, 0.5, at(0.5), pruner="channel"),
    ]
    answers = _answers(Results(table(rows)))
    lines = answers["How much pruning is free?"].splitlines()
    assert lines[0] == "By channel:" and lines[1].startswith(
        "None is shown to be by the margin of 3 points, not even the least, 8-bit, 30 % pruned, channel: 50.00 %"
    )
    assert "By global_magnitude:" in lines and "Up to 8-bit, 90 % pruned, by the margin" in "\n".join(lines)
    assert "chip: 8-bit, 90 % pruned. 8-bit, 90 % pruned, the most" in answers["Which of the two wins?"]


def test_networks_are_told_apart_by_how_they_were_made_and_else_by_their_names() -> None:
    rows = [
        *network("a", "quantization", 8, 0.0, 0.98, at(8)),
        *network("b", "quantization", 8, 0.0, 0.97, at(8), quantizer="power_of_two"),
        *network("c", "quantization", 8, 0.0, 0.97, at(8), potential_bits=6),
        *network("d", "pruning", 8, 0.5, 0.97, at(0.5)),
        *network("e", "pruning", 8, 0.5, 0.97, at(0.5)),
        *network("f", "quantization", 4, 0.0, 0.97, at(8)),
        *network("g", "pruning", 8, 0.5, 0.97, at(0.5), pruner="n_m"),
    ]
    assert [one.label for one in Results(table(rows)).candidates] == [
        "8-bit", "8-bit, power_of_two", "8-bit, 6-bit potentials", "8-bit, 50 % pruned, d", "8-bit, 50 % pruned, e",
        "4-bit", "8-bit, 50 % pruned, n_m",
    ]  # fmt: skip


def test_a_network_that_has_not_learned_is_doubted() -> None:
    rows = network("a", "quantization", 8, 0.0, 0.1, at(8), accuracy_float=0.1)
    found = claims(Results(table(rows)))
    assert found[0].question == "Has the network learned?"
    assert "finds 10.00 % of the classes" in found[0].answers[0]


def test_what_costs_more_is_said_to_be_higher() -> None:
    rows = [
        *network("8", "quantization", 8, 0.0, 0.98, at(8)),
        *network("2", "quantization", 2, 0.0, 0.98, {"rle": 44.0}),
    ]
    answer = _answers(Results(table(rows)))["What do ternary weights cost and save?"]
    assert "100 % more energy" in answer and "energy-delay product 2.00 x higher" in answer


def test_ternary_wins_by_the_ratio_of_energies(results: Results) -> None:
    answer = _answers(results)["Which of the two wins?"]
    assert "chip: ternary. 8-bit, 80 % pruned, the most that is free, takes 1.40 x" in answer


def test_both_together_are_judged_among_those_that_lose_nothing(results: Results) -> None:
    """The sequential one is cheaper still, but it lost 8 points."""
    answer = _answers(results)["Do both together beat each alone?"]
    assert "chip: yes. Both: ternary, 80 % pruned, 6 uJ in rle, 96.50 %; alone: ternary, 10 uJ in rle" in answer
    assert "ratio 0.60" in answer


def test_the_cheapest_format_of_each(results: Results) -> None:
    answer = _answers(results)["Which format is the cheapest?"]
    assert answer.endswith(": plain for 8-bit; rle for ternary, 50 % pruned, 80 % pruned and 95 % pruned.")


def _pair(samples: int, accuracy: float = 0.98, ternary_accuracy: float = 0.97) -> Results:
    rows = network("a", "quantization", 8, 0.0, accuracy, at(8), test_samples=samples, correct=found(accuracy, samples))
    return Results(
        table(
            [
                *rows,
                *network(
                    "b", "quantization", 2, 0.0, ternary_accuracy, at(2), test_samples=samples,
                    correct=found(ternary_accuracy, samples),
                ),
            ]
        )
    )  # fmt: skip


def _loss_of_ternary(results: Results) -> Loss:
    whole, few = reference(results), ternary(results)
    assert whole is not None
    assert few is not None
    return loss(few, whole, results.margin)


def test_fewer_test_samples_make_nothing_free_that_was_not() -> None:
    """A point is lost on 100, 400 and 40,000 samples: at most 4.9, 2.2 and 1.1 points; the margin is 3."""
    losses = {samples: _loss_of_ternary(_pair(samples)) for samples in (100, 400, 40_000)}
    assert {samples: one.is_free for samples, one in losses.items()} == {100: False, 400: True, 40_000: True}
    bounds = [one.compared.bound for one in losses.values()]
    assert bounds == sorted(bounds, reverse=True)
    assert losses[100].verdict == "not shown to be free by the margin of 3 points, and no significant loss"
    assert losses[400].verdict == "free by the margin of 3 points"
    assert losses[40_000].verdict == "a significant loss, and yet free by the margin of 3 points"


def test_a_loss_is_significant_where_the_exact_test_says_so() -> None:
    """All on one side: 2 / 2 ** 6 is below 0.05, 2 / 2 ** 5 is not."""
    assert _loss_of_ternary(_pair(100, 0.98, 0.92)).verdict == "a significant loss"
    assert not _loss_of_ternary(_pair(100, 0.98, 0.93)).is_significant
    assert not _loss_of_ternary(_pair(100, 0.92, 0.98)).is_significant
    assert str(_loss_of_ternary(_pair(400, 0.98, 0.5))).endswith("McNemar p < 0.0001)")


def test_the_least_compressed_network_is_free_however_few_the_samples_are() -> None:
    results = _pair(10, 1.0, 1.0)
    whole = reference(results)
    assert whole is not None
    assert free_networks(results.candidates, whole, results.margin) == [whole]


def test_a_wider_network_is_a_point_of_the_grid_and_never_what_others_are_compared_with() -> None:
    rows = [
        *network("8", "quantization", 8, 0.0, 0.98, at(8)),
        *network("wide-8", "quantization", 8, 0.0, 0.99, {"rle": 40.0}, width=2.0),
        *network("wide-2", "quantization", 2, 0.0, 0.98, {"rle": 11.0}, width=2.0),
    ]
    results = Results(table(rows))
    whole = reference(results)
    assert whole is not None and whole.name == "8"
    assert ternary(results) is None
    assert _answers(results)["Do more channels with fewer bits pay?"] == (
        "chip: yes. The cheapest of another width that is free: ternary, width 2, 11 uJ in rle, 98.00 %; of the own "
        "width: 8-bit, 22 uJ in plain, 98.00 %; ratio 0.50."
    )


def test_bit_operations_are_held_beside_energy(results: Results) -> None:
    """By rising bit operations (0.4 for 95 % pruned and joint, ...) energies rise too, but for two of them."""
    answer = _answers(results)["Does a count of bit operations tell the energy?"]
    assert answer.startswith("chip: rank correlation with energy ")
    # Ternary: 2 of 8 bits; 10 of 22 uJ.
    assert (
        "ternary weights take 0.25 x the bit operations of 8-bit (2 against 8 million) and 0.45 x the energy" in answer
    )


def test_seeds_are_means_with_their_spread() -> None:
    rows = network("a", "quantization", 8, 0.0, 0.98, {"rle": 10.0}, seed=0)
    rows += network("a", "quantization", 8, 0.0, 0.96, {"rle": 14.0}, seed=1)
    results = Results(table(rows))
    (candidate,) = results.candidates
    cost = results.cost(candidate, "chip")
    assert candidate.accuracy == pytest.approx(0.97)
    assert cost is not None
    assert (cost.lowest_energy_uj, cost.energy_uj, cost.highest_energy_uj) == pytest.approx((10.0, 12.0, 14.0))
    cells = _cells(results)
    assert any("2, 96.00 to 98.00" in line and "12 (10 to 14) rle*" in line for line in cells)


def test_the_span_of_seeds_stands_beside_the_accuracy_that_it_is_of() -> None:
    """Ternary: 0.94 to 0.96; 8 bits: 0.98 with both seeds."""
    rows = [
        row
        for seed, accuracy in enumerate((0.94, 0.96))
        for row in (
            *network("whole", "quantization", 8, 0.0, 0.98, {"rle": 10.0}, seed=seed),
            *network("few", "quantization", 2, 0.0, accuracy, {"rle": 5.0}, seed=seed),
            *network("pruned", "pruning", 8, 0.5, accuracy, {"rle": 7.0}, seed=seed),
        )
    ]
    answers = _answers(Results(table(rows)))
    for question in ("What do ternary weights cost and save?", "How much pruning is free?"):
        assert "95.00 % (mean of 2 seeds, 94.00 to 96.00) against 98.00 %" in answers[question]


def test_what_mixed_chose_is_told_for_all_seeds() -> None:
    """Seed 0 has 4 bits and 70 % pruned at most, seed 1 has 8 bits and 80 %: the widest, and the mean."""
    rows = [
        *network("mixed", "mixed", 4, 0.7, 0.9, {"rle": 5.0}, seed=0),
        *network("mixed", "mixed", 8, 0.8, 0.9, {"rle": 5.0}, seed=1),
    ]
    assert Results(table(rows)).candidates[0].label == "mixed, up to 8-bit, 75 % pruned"


def test_whether_the_study_has_learned_is_asked_of_its_own_width() -> None:
    """Though a narrower network, which has not, comes first."""
    narrow = network("narrow", "quantization", 8, 0.0, 0.2, {"rle": 5.0}, width=0.5, accuracy_float=0.25)
    own = network("own", "quantization", 8, 0.0, 0.9, {"rle": 9.0}, accuracy_float=0.95)
    assert Results(table([*narrow, *own])).float_accuracy == 0.95
    assert Results(table(narrow)).float_accuracy == 0.25


@pytest.mark.parametrize(
    ("methods", "missing"),
    [
        (["quantization"], ["How much pruning is free?", "Which of the two wins?"]),
        (["pruning"], ["What do the results say?"]),
    ],
)  # fmt: skip
def test_what_the_study_has_no_networks_for_is_said(methods: list[str], missing: list[str]) -> None:
    whole = whole_study()
    answers = _answers(Results(whole.filter(whole["method"].is_in(methods))))
    assert all("Not in this study" in answers[question] or "Nothing" in answers[question] for question in missing)


def test_a_machine_that_cannot_run_never_wins_in_silence() -> None:
    slow = Results(whole_study().with_columns(too_slow=pl.lit("weights")))
    answers = [answer for claim in claims(slow) for answer in claim.answers if answer.startswith("chip")]
    assert answers
    assert all(answer.startswith("chip (cannot run at its clock, too slow: weights)") for answer in answers)
    assert "*" not in "".join(_cells(slow)) and "*" in "".join(_cells(Results(whole_study())))


def _cells(results: Results) -> list[str]:
    """The lines of the summary's table, without its title."""
    page = io.StringIO()
    Console(file=page, width=400).print(next(iter(summary(results))))
    return page.getvalue().splitlines()[1:]
