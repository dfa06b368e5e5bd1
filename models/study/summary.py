"""What a terminal shows of a study: one line per compression, then question and answer."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from spikecycle.models.study.claims import claims, mega
from spikecycle.models.study.losses import free_networks, points, reference
from spikecycle.models.study.results import Cost, Results, compared, front


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
    whole = reference(results)
    against = "" if whole is None else f"; = is free against {whole.label} by {points(results.margin)}"
    table = Table(title=f"{compressions} in its cheapest format; * is on the front{against}")
    several = max(candidate.seeds for candidate in results.candidates) > 1
    table.add_column("compression")
    table.add_column("accuracy %", justify="right")
    if several:
        table.add_column("seeds, lowest to highest", justify="right")
    table.add_column("lost, at most", justify="right")
    table.add_column("zeros %", justify="right")
    table.add_column("M bit op.", justify="right")
    for machine in results.machines:
        table.add_column(f"{results.title(machine)} uJ", justify="right")
    fronts = {machine: _on_front(results, machine) for machine in results.machines}
    free = [] if whole is None else [one.name for one in free_networks(results.candidates, whole, results.margin)]
    for candidate in results.candidates:
        cells = []
        for machine in results.machines:
            star = "*" if candidate.name in fronts[machine] else " "
            cells.append(_cell(results.cost(candidate, machine), star, several))
        name = f"{candidate.label}, joint" if candidate.method == "joint" else candidate.label
        low, high = min(candidate.accuracies), max(candidate.accuracies)
        table.add_row(
            name,
            f"{100 * candidate.accuracy:.2f}{'=' if candidate.name in free else ' '}",
            *([f"{candidate.seeds}, {100 * low:.2f} to {100 * high:.2f}"] if several else []),
            "" if whole is None or candidate is whole else f"{100 * compared(candidate, whole).bound:.2f}",
            f"{100 * candidate.sparsity:.1f}",
            mega(candidate.bops),
            *cells,
        )
    return table


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
