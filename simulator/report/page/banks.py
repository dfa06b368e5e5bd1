"""How evenly the banks of memories are accessed, where the dataflow says in which bank a word lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spikecycle.simulator.report.charts.heat import heat_map
from spikecycle.simulator.report.figures import share
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw
from spikecycle.simulator.result import RunResult

MOST_ROWS = 32
"""Rows of the map; of more banks, neighbours share one."""


@dataclass(frozen=True)
class _Row:
    """Some banks of a memory, and their mean accesses per inference by operator."""

    name: str
    accesses: Sequence[float]


def bank_chart(key: str, result: RunResult) -> Chart | None:
    """Accesses of each bank by operator, and how uneven they are; None where no memory's banks are told apart."""
    banked = {buffer.buffer: buffer.banks for buffer in result.buffers if buffer.banks > 1}
    told = {name: banks for name, banks in banked.items() if any(_of(result, name))}
    if not told:
        return None
    samples, columns = len(result.samples), [layer.name for layer in result.layers]
    rows = [row for name, banks in told.items() for row in _rows(result, name, banks)]
    uneven = [[share(max(found), sum(found) / len(found)) if found else 0.0 for found in _of(result, n)] for n in told]
    names, cells = [row.name for row in rows], [row.accesses for row in rows]
    views = {
        "accesses": _map("Accesses of each bank by operator", names, cells, columns, "accesses"),
        "busiest over mean": _map("Busiest bank over the mean of all", list(told), uneven, columns, "x the mean"),
    }
    ratios = (
        (value, name, column)
        for name, line in zip(told, uneven, strict=True)
        for column, value in zip(columns, line, strict=True)
    )
    worst, memory, operator = max(ratios, key=lambda ratio: ratio[0])
    table = [
        (layer.name, name, bank, accesses / samples)
        for layer in result.layers
        for name in told
        for bank, accesses in enumerate(layer.sum_accesses_by_bank.get(name, []))
    ]
    others = sorted(set(banked) - set(told))
    note = f"In which bank a word of these lies, the dataflow does not say: {', '.join(others)}." if others else ""
    return Chart(
        f"{key}-banks",
        "Accesses by bank",
        "One inference: reads and writes of the banks with the same number in all instances of a memory. The busiest "
        f"bank over the mean of all: {worst:.2f} in {operator} ({memory}), the least even of these. What it costs that "
        "banks are not accessed evenly is the category 'bank conflict' among the cycles.",
        views,
        DataTable(("operator", "memory", "bank", "accesses per inference"), table),
        (note,) if note else (),
        short="Banks",
    )


def _of(result: RunResult, memory: str) -> list[list[int]]:
    return [layer.sum_accesses_by_bank.get(memory, []) for layer in result.layers]


def _rows(result: RunResult, memory: str, banks: int) -> Iterator[_Row]:
    together = -(-banks // MOST_ROWS)
    for first in range(0, banks, together):
        last = min(first + together, banks) - 1
        size = (last + 1 - first) * len(result.samples)
        means = [share(sum(found[first : last + 1]), size) for found in _of(result, memory)]
        yield _Row(f"{memory} {first}" if first == last else f"{memory} {first}-{last}", means)


def _map(title: str, rows: Sequence[str], cells: Sequence[Sequence[float]], columns: Sequence[str], unit: str) -> Draw:
    return lambda width, key: heat_map(width, key, title, rows, columns, cells, unit)
