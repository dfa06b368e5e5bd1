"""The results for a terminal: one line per compression, and the claims."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from spikecycle.models.study.claims import claims
from spikecycle.models.study.pareto import front
from spikecycle.models.study.results import Cost, Results


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
