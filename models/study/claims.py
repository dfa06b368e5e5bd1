"""What the results say: each claim is computed from the table and tells when the test set is too small to say more.

The questions are those of the published study (arXiv 2302.04174): what ternary weights cost and save, up to where
pruning is free, which of the two wins on a machine, and whether both together beat each alone. Free is what is shown
to lose less than the study's margin, not what a small test set cannot tell from no loss (`paired`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import polars as pl

from spikecycle.models.study.losses import free_networks, free_pruning, loss, points, reference, ternary
from spikecycle.models.study.results import CompressedNetwork, Cost, Results
from spikecycle.models.study.schema import RESIDENT

COLLAPSE = 0.1
"""An accuracy that falls by more than this is called a collapse: a choice of words, not a finding."""
LEARNED = 0.5
"""A float network that finds fewer of the classes is doubted: a choice, not a finding."""
LEAST_RANKED = 3
"""Networks of which a rank correlation says something."""


class Claim(NamedTuple):
    """A question and its answer, one sentence per line."""

    question: str
    answers: list[str]


def claims(results: Results) -> list[Claim]:
    """Every claim that the table has the networks for."""
    whole = reference(results)
    if whole is None:
        return [Claim("What do the results say?", ["Nothing: the study has no network that is quantized alone."])]
    questions: dict[str, Callable[[Results, CompressedNetwork], Iterator[str]]] = {
        "What do ternary weights cost and save?": _ternary,
        "How much pruning is free?": _pruning,
        "Which of the two wins?": _winner,
        "Do both together beat each alone?": _joint,
        "Do more channels with fewer bits pay?": _widths,
        "Which format is the cheapest?": _formats,
        "Does a count of bit operations tell the energy?": _bit_operations,
        "Where do weights and activations come from?": _residency,
    }
    found = [Claim(question, list(answer(results, whole))) for question, answer in questions.items()]
    learned = results.float_accuracy
    if learned >= LEARNED:
        return found
    doubt = (
        f"Hardly: the float network finds {_percent(learned)} of the classes, so that nothing below says anything of "
        "compression. Train it longer; batch norm alone takes some fifty batches until its statistics hold."
    )
    return [Claim("Has the network learned?", [doubt]), *found]


def _ternary(results: Results, whole: CompressedNetwork) -> Iterator[str]:
    found = ternary(results)
    if found is None or found is whole:
        yield "Not in this study: it needs ternary weights, and wider ones, without pruning."
        return
    lost = loss(found, whole, results.margin)
    yield (
        f"Accuracy {_accuracy(found)} against {_percent(whole.accuracy)} with {whole.label} "
        f"on {whole.test_samples} test samples: {lost}; {lost.verdict}."
    )
    for machine, cost, other in _costs(results, found, whole):
        yield f"{results.title(machine)}: {_saving(cost, other)}."


def _pruning(results: Results, whole: CompressedNetwork) -> Iterator[str]:
    families = results.pruned_alone()
    if not families:
        yield "Not in this study: it needs networks that are pruned alone."
    for pruner, pruned in families.items():
        if len(families) > 1:
            yield f"By {pruner}:"
        yield from _one_pruner(results, pruned, whole)


def _one_pruner(results: Results, pruned: Sequence[CompressedNetwork], whole: CompressedNetwork) -> Iterator[str]:
    margin = results.margin
    losses = {candidate.name: loss(candidate, whole, margin) for candidate in pruned}
    free, costly = free_pruning(pruned, whole, margin)
    if free is None:
        least = pruned[0]
        yield (
            f"None is shown to be by the margin of {points(margin)}, not even the least, {least.label}: "
            f"{_accuracy(least)} against {_percent(whole.accuracy)}, {losses[least.name]}."
        )
    else:
        yield (
            f"Up to {free.label}, by the margin of {points(margin)}: {_accuracy(free)} against "
            f"{_percent(whole.accuracy)}, {losses[free.name]}."
        )
        if losses[free.name].is_significant:
            yield "That is a significant loss, smaller than the margin."
    if costly is None:
        yield "More pruning was not tried, so that the end of it was not seen."
    elif free is not None:
        yield f"The first that is not: {costly.label}, {_percent(costly.accuracy)}, {losses[costly.name]}."
    significant = next((candidate for candidate in pruned if losses[candidate.name].is_significant), None)
    if significant is not None and significant not in (costly if free is not None else pruned[0], free):
        yield (
            f"The first significant loss: {significant.label}, {_percent(significant.accuracy)}, "
            f"{losses[significant.name]}."
        )
    fallen = next((candidate for candidate in pruned if losses[candidate.name].lost > COLLAPSE), None)
    if fallen is not None and fallen not in (costly, significant):
        yield f"It loses more than {100 * COLLAPSE:.0f} points from {fallen.label} on: {_percent(fallen.accuracy)}."
    if free is not None:
        for machine, cost, other in _costs(results, free, whole):
            yield f"{results.title(machine)}: {_saving(cost, other)}."


def _winner(results: Results, whole: CompressedNetwork) -> Iterator[str]:
    few_bits = ternary(results)
    margin = results.margin
    lasts = [free_pruning(pruned, whole, margin)[0] for pruned in results.pruned_alone().values()]
    unharmed = [candidate for candidate in lasts if candidate is not None]
    if few_bits is None or not unharmed:
        yield "Not in this study: it needs ternary weights, and pruning alone that is free."
        return
    if not loss(few_bits, whole, margin).is_free:
        yield f"Ternary weights are {loss(few_bits, whole, margin).verdict}: of energy alone they win or lose below."
    for machine in results.machines:
        best, quantized = _cheapest(results, unharmed, machine), results.cost(few_bits, machine)
        if best is None or quantized is None:
            continue
        free, pruned = best
        ratio = pruned.energy_uj / quantized.energy_uj
        winner = few_bits if ratio > 1 else free
        yield (
            f"{results.title(machine)}: {winner.label}. {free.label}, the most that is free, takes "
            f"{ratio:.2f} x the energy of ternary weights ({_energy(pruned)} against {_energy(quantized)})."
        )


def _joint(results: Results, whole: CompressedNetwork) -> Iterator[str]:
    margin = results.margin
    both = free_networks(results.of_method("joint", "sequential"), whole, margin)
    alone = free_networks(results.of_method("quantization", "pruning"), whole, margin)
    if not results.of_method("joint", "sequential"):
        yield "Not in this study: it needs networks that are both pruned and quantized."
        return
    if not both:
        yield (
            "Not shown: no network that is both pruned and quantized is shown to be free by the margin of "
            f"{points(margin)}."
        )
        return
    yield f"Of all networks that are free against {whole.label} by the margin of {points(margin)}, the cheapest:"
    yield from _cheapest_of_two(results, ("Both", both), ("alone", alone))


def _widths(results: Results, whole: CompressedNetwork) -> Iterator[str]:
    """Of the networks that are quantized alone and free: the cheapest of the study's own width against the others."""
    quantized = results.of_method("quantization")
    if not any(candidate.width for candidate in quantized):
        yield "Not in this study: it needs networks of another width that are quantized alone."
        return
    free = free_networks(quantized, whole, results.margin)
    others = [candidate for candidate in free if candidate.width]
    if not others:
        yield f"Not shown: none of another width is shown to be free by the margin of {points(results.margin)}."
        return
    own = [candidate for candidate in free if not candidate.width]
    named = "The cheapest of another width that is free"
    yield from _cheapest_of_two(results, (named, others), ("of the own width", own))


def _cheapest_of_two(
    results: Results, one: tuple[str, Sequence[CompressedNetwork]], other: tuple[str, Sequence[CompressedNetwork]]
) -> Iterator[str]:
    """By machine: whether the cheapest of the first networks takes less energy than that of the others. With names."""
    for machine in results.machines:
        first, second = _cheapest(results, one[1], machine), _cheapest(results, other[1], machine)
        if first is None or second is None:
            continue
        ratio = first[1].energy_uj / second[1].energy_uj
        told = (
            f"{name}: {network.label}, {_energy(cost)}, {_percent(network.accuracy)}"
            for name, (network, cost) in ((one[0], first), (other[0], second))
        )
        answer = "yes" if ratio < 1 else "no"
        yield f"{results.title(machine)}: {answer}. {'; '.join(told)}; ratio {ratio:.2f}."


def _bit_operations(results: Results, whole: CompressedNetwork) -> Iterator[str]:
    """How networks rank by both, and how far both fall from the least compressed network to ternary weights."""
    for machine in results.machines:
        priced = [(c.bops, results.cost(c, machine)) for c in results.candidates]
        pairs = [(bops, cost.energy_uj) for bops, cost in priced if cost is not None]
        if len(pairs) < LEAST_RANKED:
            yield f"{results.title(machine)}: {LEAST_RANKED} networks are needed to rank them."
            continue
        ranked = pl.DataFrame(pairs, schema=["bops", "energy"], orient="row")
        rank = ranked.select(pl.corr("bops", "energy", method="spearman")).item()
        words = f"rank correlation with energy {rank:.2f} over {len(pairs)} networks"
        if rank is None or not math.isfinite(rank):
            words = f"{len(pairs)} networks that all rank alike"
        few_bits = ternary(results)
        cost, other = (None if c is None else results.cost(c, machine) for c in (few_bits, whole))
        if few_bits is not None and few_bits is not whole and cost is not None and other is not None and whole.bops > 0:
            words += (
                f"; ternary weights take {few_bits.bops / whole.bops:.2f} x the bit operations of {whole.label} "
                f"({mega(few_bits.bops)} against {mega(whole.bops)} million) and "
                f"{cost.energy_uj / other.energy_uj:.2f} x the energy"
            )
        yield f"{results.title(machine)}: {words}."


def _formats(results: Results, whole: CompressedNetwork) -> Iterator[str]:
    alone = results.of_method("quantization", "pruning")
    for machine in results.machines:
        best: dict[str, list[str]] = {}
        for candidate in sorted(alone, key=lambda candidate: candidate.sparsity):
            cost = results.cost(candidate, machine)
            if cost is not None:
                label = candidate.label.removeprefix(f"{whole.label}, ")
                best.setdefault(cost.weight_format, []).append(label)
        words = "; ".join(f"{name} for {_listed(_quoted(labels))}" for name, labels in best.items())
        yield f"{results.title(machine)}, by rising sparsity: {words}."


def _residency(results: Results, whole: CompressedNetwork) -> Iterator[str]:
    """On what all of the figures rest, and with another residency another format may be the cheapest."""
    machines: dict[tuple[str, str], list[str]] = {}
    for machine in results.machines:
        machines.setdefault(results.residency(machine), []).append(machine)
    for (weights, activations), names in machines.items():
        kind, _, batch = weights.partition(":")
        loaded = {
            "inference": "weights are loaded in every inference",
            "batch": f"weights are loaded once per batch of {batch} inferences",
            "resident": "weights are resident and never loaded",
        }[kind]
        stay = "stay on chip where they fit" if activations == "chip" else "go through DRAM"
        yield f"{_listed([results.title(name) for name in names])}: {loaded}, activations {stay}."
    pairs = {name: f"{name}{RESIDENT}" for name in results.machines if f"{name}{RESIDENT}" in results.machines}
    for reloaded, resident in pairs.items():
        yield _formats_by_residency(results, reloaded, resident)
    if not pairs:
        yield "With another residency another format can be the cheapest: `spikecycle formats` says where."


def _formats_by_residency(results: Results, reloaded: str, resident: str) -> str:
    """For which networks the cheapest format is another one once weights are resident."""
    differing, same = [], 0
    for candidate in results.candidates:
        one, other = results.cost(candidate, reloaded), results.cost(candidate, resident)
        if one is None or other is None:
            continue
        if one.weight_format == other.weight_format:
            same += 1
        else:
            differing.append(f"{candidate.label} ({one.weight_format} reloaded, {other.weight_format} resident)")
    title = results.title(reloaded)
    if not differing:
        return f"{title}: the cheapest format is the same with weights reloaded and resident, for all {same} networks."
    return (
        f"{title}: the cheapest format is another one with resident weights for {len(differing)} of "
        f"{len(differing) + same} networks: {_listed(differing)}."
    )


def _costs(results: Results, one: CompressedNetwork, other: CompressedNetwork) -> Iterator[tuple[str, Cost, Cost]]:
    """What both cost, each in its best format, on every machine that runs both."""
    for machine in results.machines:
        cost, against = results.cost(one, machine), results.cost(other, machine)
        if cost is not None and against is not None:
            yield machine, cost, against


def _cheapest(
    results: Results, candidates: Sequence[CompressedNetwork], machine: str
) -> tuple[CompressedNetwork, Cost] | None:
    priced = [(candidate, results.cost(candidate, machine)) for candidate in candidates]
    return min(((c, cost) for c, cost in priced if cost is not None), key=lambda pair: pair[1].energy_uj, default=None)


def _saving(cost: Cost, other: Cost) -> str:
    saved = 100 * (1 - cost.energy_uj / other.energy_uj)
    words = f"{saved:.0f} % of the energy saved" if saved >= 0 else f"{-saved:.0f} % more energy"
    edp = other.edp_js / cost.edp_js
    than = f"{edp:.2f} x lower" if edp >= 1 else f"{1 / edp:.2f} x higher"
    return f"{words} ({_energy(cost)} against {_energy(other)}), energy-delay product {than}"


def _energy(cost: Cost) -> str:
    return f"{cost.energy_uj:.3g} uJ in {cost.weight_format}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def mega(count: float) -> str:
    """Millions, three digits."""
    return f"{count / 1e6:.3g}"


def _accuracy(candidate: CompressedNetwork) -> str:
    """In percent; of several seeds the mean, with their span beside it."""
    mean = _percent(candidate.accuracy)
    if candidate.seeds == 1:
        return mean
    low, high = min(candidate.accuracies), max(candidate.accuracies)
    return f"{mean} (mean of {candidate.seeds} seeds, {100 * low:.2f} to {100 * high:.2f})"


def _quoted(labels: list[str]) -> list[str]:
    """Labels in quotation marks where commas of their own would make them run into each other."""
    return [f"'{label}'" for label in labels] if any("," in label for label in labels) else labels


def _listed(labels: list[str]) -> str:
    return " and ".join([", ".join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels)
