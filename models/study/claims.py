"""What the results say: each claim is computed from the table and tells when the test set is too small to say more.

The questions are those of the published study (arXiv 2302.04174): what ternary weights cost and save, up to where
pruning is free, which of the two wins on a machine, and whether both together beat each alone.

`summary` shows them in a terminal, below one line per compression.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from spikecycle.models.study.results import CompressedNetwork, Cost, Interval, Results, difference_interval, front
from spikecycle.models.study.schema import RESIDENT

TERNARY_BITS = 2
COLLAPSE = 0.1
"""An accuracy that falls by more than this is called a collapse: a choice of words, not a finding."""


LEARNED = 0.5
"""A float network that finds fewer of the classes is doubted: a choice, not a finding."""


class Claim(NamedTuple):
    """A question and its answer, one sentence per line."""

    question: str
    answers: list[str]


class Loss(NamedTuple):
    """Accuracy given up against another network, as a share of the test samples; interval: at 95 % confidence."""

    lost: float
    interval: Interval

    @property
    def is_noise(self) -> bool:
        """Whether the test set is too small to tell the loss, or gain, from none."""
        return 0.0 in self.interval

    @property
    def is_free(self) -> bool:
        """Whether no loss is to be seen beyond the noise."""
        return self.is_noise or self.lost < 0

    def __str__(self) -> str:
        low, high = (100 * bound for bound in self.interval)
        points = f"{abs(100 * self.lost):.2f} points {'less' if self.lost > 0 else 'more'}" if self.lost else "no less"
        noise = "; within the noise of the test set" if self.is_noise else ""
        return f"{points} (95 % interval of the loss {low:+.2f} to {high:+.2f}{noise})"


def loss(candidate: CompressedNetwork, reference: CompressedNetwork) -> Loss:
    """What the candidate gives up against the reference.

    Of several seeds the means are compared; the interval is that of one test set all the same, for all seeds are
    tested on the same samples.
    """
    interval = difference_interval(reference.accuracy, candidate.accuracy, candidate.test_samples)
    return Loss(reference.accuracy - candidate.accuracy, interval)


def reference(results: Results) -> CompressedNetwork | None:
    """The least compressed network: quantized alone, with the most bits."""
    return max(results.of_method("quantization"), key=lambda candidate: candidate.weight_bits, default=None)


def ternary(results: Results) -> CompressedNetwork | None:
    """The network with ternary weights and no pruning."""
    return next((c for c in results.of_method("quantization") if c.weight_bits == TERNARY_BITS), None)


def free_pruning(
    pruned: Sequence[CompressedNetwork], whole: CompressedNetwork
) -> tuple[CompressedNetwork | None, CompressedNetwork | None]:
    """Of networks that one pruner made, by rising share: the last before any loses accuracy, and the first that does.

    A loss within the noise of the test set is none.
    """
    free = None
    for candidate in pruned:
        if not loss(candidate, whole).is_free:
            return free, candidate
        free = candidate
    return free, None


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
        "Which format is the cheapest?": _formats,
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
    yield (
        f"Accuracy {_percent(found.accuracy)} against {_percent(whole.accuracy)} with {whole.label} "
        f"on {whole.test_samples} test samples{_seeds(found)}: {loss(found, whole)}."
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
    free, costly = free_pruning(pruned, whole)
    if free is None:
        yield f"Nowhere in this study: the least pruning, {pruned[0].label}, has {loss(pruned[0], whole)}."
    else:
        against = f"{_percent(free.accuracy)} against {_percent(whole.accuracy)}"
        yield f"No loss is shown up to {free.label}: {against}, {loss(free, whole)}."
    if costly is None:
        yield "More pruning was not tried, so that the end of it was not seen."
    elif free is not None:
        yield f"The first to lose is {costly.label}: {_percent(costly.accuracy)}, {loss(costly, whole)}."
    fallen = next((candidate for candidate in pruned if loss(candidate, whole).lost > COLLAPSE), None)
    if fallen is not None and fallen is not costly:
        yield f"It loses more than {100 * COLLAPSE:.0f} points from {fallen.label} on: {_percent(fallen.accuracy)}."
    if free is not None:
        for machine, cost, other in _costs(results, free, whole):
            yield f"{results.title(machine)}: {_saving(cost, other)}."


def _winner(results: Results, whole: CompressedNetwork) -> Iterator[str]:
    few_bits = ternary(results)
    firsts = [free_pruning(pruned, whole)[0] for pruned in results.pruned_alone().values()]
    unharmed = [candidate for candidate in firsts if candidate is not None]
    if few_bits is None or not unharmed:
        yield "Not in this study: it needs ternary weights, and pruning alone that loses nothing."
        return
    for machine in results.machines:
        best, quantized = _cheapest(results, unharmed, machine), results.cost(few_bits, machine)
        if best is None or quantized is None:
            continue
        free, pruned = best
        ratio = pruned.energy_uj / quantized.energy_uj
        winner = few_bits if ratio > 1 else free
        yield (
            f"{results.title(machine)}: {winner.label}. {free.label}, the most without a loss shown, takes "
            f"{ratio:.2f} x the energy of ternary weights ({_energy(pruned)} against {_energy(quantized)})."
        )


def _joint(results: Results, whole: CompressedNetwork) -> Iterator[str]:
    both = [c for c in results.of_method("joint", "sequential") if loss(c, whole).is_free]
    alone = [c for c in results.of_method("quantization", "pruning") if loss(c, whole).is_free]
    if not results.of_method("joint", "sequential"):
        yield "Not in this study: it needs networks that are both pruned and quantized."
        return
    if not both:
        yield "No: every network that is both pruned and quantized loses accuracy beyond the noise."
        return
    yield f"Of all networks that lose nothing beyond the noise against {whole.label}, the cheapest:"
    for machine in results.machines:
        best, other = _cheapest(results, both, machine), _cheapest(results, alone, machine)
        if best is None or other is None:
            continue
        ratio = best[1].energy_uj / other[1].energy_uj
        yield (
            f"{results.title(machine)}: {'yes' if ratio < 1 else 'no'}. Both: {best[0].label}, {_energy(best[1])}, "
            f"{_percent(best[0].accuracy)}; alone: {other[0].label}, {_energy(other[1])}, "
            f"{_percent(other[0].accuracy)}; ratio {ratio:.2f}."
        )


def _formats(results: Results, whole: CompressedNetwork) -> Iterator[str]:
    alone = results.of_method("quantization", "pruning")
    for machine in results.machines:
        best: dict[str, list[str]] = {}
        for candidate in sorted(alone, key=lambda candidate: candidate.sparsity):
            cost = results.cost(candidate, machine)
            if cost is not None:
                label = candidate.label.removeprefix(f"{whole.label}, ")
                best.setdefault(cost.weight_format, []).append(label)
        words = "; ".join(f"{name} for {_listed(labels)}" for name, labels in best.items())
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
    results: Results, candidates: list[CompressedNetwork], machine: str
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


def _seeds(candidate: CompressedNetwork) -> str:
    return f", mean of {len(candidate.accuracies)} seeds" if len(candidate.accuracies) > 1 else ""


def _listed(labels: list[str]) -> str:
    return " and ".join([", ".join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels)


def summary(results: Results) -> Iterator[RenderableType]:
    """The table of all compressions, each in its cheapest format on each machine, then question and answer."""
    yield _table(results)
    for claim in claims(results):
        text = Text(f"\n{claim.question}\n", style="bold")
        text.append("\n".join(f"  {answer}" for answer in claim.answers), style="not bold")
        yield text


def _table(results: Results) -> Table:
    count = len(results.candidates)
    compressions = "1 compression" if count == 1 else f"{count} compressions, each"
    table = Table(title=f"{compressions} in its cheapest format; * is on the front")
    table.add_column("compression")
    table.add_column("accuracy %", justify="right")
    table.add_column("zeros %", justify="right")
    for machine in results.machines:
        table.add_column(f"{results.title(machine)} uJ", justify="right")
    fronts = {machine: _on_front(results, machine) for machine in results.machines}
    for candidate in results.candidates:
        cells = []
        for machine in results.machines:
            star = "*" if candidate.name in fronts[machine] else " "
            cells.append(_cell(results.cost(candidate, machine), star))
        name = f"{candidate.label}, joint" if candidate.method == "joint" else candidate.label
        table.add_row(name, f"{100 * candidate.accuracy:.2f}", f"{100 * candidate.sparsity:.1f}", *cells)
    return table


def _cell(cost: Cost | None, star: str) -> str:
    return "not simulated" if cost is None else f"{cost.energy_uj:.3g} {cost.weight_format}{star}"


def _on_front(results: Results, machine: str) -> set[str]:
    if results.too_slow(machine):
        return set()  # what cannot run is on no front
    priced = [(candidate, results.cost(candidate, machine)) for candidate in results.candidates]
    points = [(candidate, cost.energy_uj) for candidate, cost in priced if cost is not None]
    indices = front([energy for _, energy in points], [candidate.accuracy for candidate, _ in points])
    return {points[index][0].name for index in indices}
