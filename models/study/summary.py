"""What a terminal shows of a study: one line per compression, then question and answer."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from spikecycle.models.study.claims import claims, mega
from spikecycle.models.study.losses import free_networks, points, reference
from spikecycle.models.study.results import CompressedNetwork, Cost, Results, compared, front
from spikecycle.sheet import Column, Fitting, fitting_sheets, names


def summary(results: Results) -> Iterator[RenderableType]:
    """The table of all compressions, each in its cheapest format on each machine, then question and answer."""
    yield _table(results)
    for claim in claims(results):
        text = Text(f"\n{claim.question}\n", style="bold")
        text.append("\n".join(f"  {answer}" for answer in claim.answers), style="not bold")
        yield text


def _table(results: Results) -> Fitting:
    candidates = results.candidates
    compressions = "1 compression" if len(candidates) == 1 else f"{len(candidates)} compressions, each"
    whole = reference(results)
    against = "" if whole is None else f"; = is free against {whole.label} by {points(results.margin)}"
    title = f"{compressions} in its cheapest format; * is on the front{against}"
    several = max(candidate.seeds for candidate in candidates) > 1
    free = [] if whole is None else [one.name for one in free_networks(candidates, whole, results.margin)]
    columns = [
        names("compression", [f"{each.label}, joint" if each.method == "joint" else each.label for each in candidates]),
        Column("accuracy\n%", [f"{100 * each.accuracy:.2f}{'=' if each.name in free else ' '}" for each in candidates]),
    ]
    if several:
        columns.append(Column("seeds, lowest\nto highest", [_range_of(each) for each in candidates]))
    lost = ["" if whole is None or each is whole else f"{100 * compared(each, whole).bound:.2f}" for each in candidates]
    columns += [
        Column("lost, at\nmost", lost),
        Column("zeros\n%", [f"{100 * each.sparsity:.1f}" for each in candidates]),
        Column("M bit\nop.", [mega(each.bops) for each in candidates]),
    ]
    for machine in results.machines:
        best = _on_front(results, machine)
        cells = [_cell(results.cost(each, machine), "*" if each.name in best else " ", several) for each in candidates]
        columns.append(Column(f"{results.title(machine)}\nuJ", cells))
    return fitting_sheets((title, columns))


def _range_of(candidate: CompressedNetwork) -> str:
    low, high = min(candidate.accuracies), max(candidate.accuracies)
    return f"{candidate.seeds}, {100 * low:.2f} to {100 * high:.2f}"


def _cell(cost: Cost | None, star: str, several: bool) -> str:
    if cost is None:
        return "not simulated"
    spread = f" ({cost.lowest_energy_uj:.3g} to {cost.highest_energy_uj:.3g})" if several else ""
    return f"{cost.energy_uj:.3g}{spread} {cost.weight_format}{star}"


def _on_front(results: Results, machine: str) -> set[str]:
    if results.too_slow(machine):
        return set()  # what cannot run is on no front
    priced = [(candidate, results.cost(candidate, machine)) for candidate in results.candidates]
    points = [(candidate, cost.energy_uj) for candidate, cost in priced if cost is not None]
    indices = front([energy for _, energy in points], [candidate.accuracy for candidate, _ in points])
    return {points[index][0].name for index in indices}
