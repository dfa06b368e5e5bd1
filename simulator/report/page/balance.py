"""How even the work is: of the processing elements of an array, or of cores side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spikecycle.simulator.report.charts.heat import heat_map
from spikecycle.simulator.report.figures import share
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw
from spikecycle.simulator.result import LayerResult, RunResult

MOST_ROWS = 32
"""Rows of the map; of more PEs or cores, neighbours share one."""
_CORE = "core "
"""Beginning of the names of cores among the busy resources of a result."""


@dataclass(frozen=True)
class Busy:
    """One operator (or network) and the busy cycles of those that work at it, summed over samples."""

    operator: str
    cycles: int
    of_each: Sequence[int]


def balance_chart(key: str, result: RunResult) -> Chart | None:
    """How busy every PE, or core, is by operator; None where the dataflow does not tell them apart."""
    kind, found = "PE", [Busy(each.name, each.sum_cycles, each.sum_busy_cycles_by_pe) for each in result.layers]
    if not any(busy.of_each for busy in found):
        kind, found = "core", [Busy(each.name, each.sum_cycles, _of_cores(each)) for each in result.layers]
    found = [busy for busy in found if len(busy.of_each) > 1 and busy.cycles and any(busy.of_each)]
    if not found:
        return None
    count = max(len(busy.of_each) for busy in found)
    together = -(-count // MOST_ROWS)
    firsts = range(0, count, together)
    names = [
        f"{kind} {first}" if together == 1 else f"{kind} {first}-{min(first + together, count) - 1}" for first in firsts
    ]
    cells = [[_mean_share(busy, first, together) for busy in found] for first in firsts]
    imbalance = [share(max(busy.of_each), sum(busy.of_each) / len(busy.of_each)) for busy in found]
    rows = [
        (busy.operator, number, cycles / len(result.samples), 100 * cycles / busy.cycles)
        for busy in found
        for number, cycles in enumerate(busy.of_each)
    ]
    columns = [busy.operator for busy in found]
    height = 20.0 if len(names) <= 20 else 9.0
    worst = max(range(len(found)), key=lambda index: imbalance[index])
    return Chart(
        f"{key}-pes",
        "How evenly the processing elements work" if kind == "PE" else "How evenly the cores work",
        f"Share of the cycles in which a {kind} was occupied: it had work, and did it or waited for what that needs. "
        "(PE use counts cycles of useful work only.) What stands out in its column is what the others wait "
        f"for. The busiest {kind} over the mean of all: {imbalance[worst]:.2f} in {found[worst].operator}, the least "
        "even of these.",
        {
            f"by {kind}, %": _map(
                f"Share of cycles in which each {kind} is occupied", names, columns, cells, "%", height
            ),
            "busiest over mean": _map(
                f"Busiest {kind} over the mean of all", ["busiest / mean"], columns, [imbalance], "x the mean", 26
            ),
        },
        DataTable(("operator", kind, "occupied cycles per inference", "share of the operator's cycles (%)"), rows),
        short=f"{kind[:1].upper()}{kind[1:]}s",
    )


def _of_cores(layer: LayerResult) -> list[int]:
    return [cycles for name, cycles in layer.sum_busy_cycles.items() if name.startswith(_CORE)]


def _mean_share(busy: Busy, first: int, together: int) -> float:
    cycles = busy.of_each[first : first + together]
    return 100 * share(sum(cycles), len(cycles) * busy.cycles)


def _map(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[float]],
    unit: str,
    row_height: float,
) -> Draw:
    return lambda width, key: heat_map(width, key, title, rows, columns, cells, unit, row_height=row_height)
