"""Charts of what benches measured; those of work per second and of memory are made here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spikecycle.simulator.bench.result import BenchCase
from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.axes import tick_text
from spikecycle.simulator.report.charts.dots import Dot, DotGroup, DotRow
from spikecycle.simulator.report.page.bench_density import density_chart
from spikecycle.simulator.report.page.bench_dots import (
    NOT_MEASURED,
    Words,
    dot_chart,
    hue_of,
    measured,
    said,
    seconds_tick,
    seconds_words,
    where,
)
from spikecycle.simulator.report.page.bench_rows import Benches, SameNetwork, networks_of
from spikecycle.simulator.report.page.bench_scaling import growth_chart, threads_chart
from spikecycle.simulator.report.page.bench_times import times_chart
from spikecycle.simulator.report.page.chart import Chart, DataTable, Value

_MIB = 2**20


def bench_charts(key: str, benches: Benches) -> list[Chart]:
    """Every chart for which something was measured."""
    networks = networks_of(benches)
    made = (
        times_chart(f"{key}-times", benches, networks),
        throughput_chart(f"{key}-throughput", benches, networks),
        threads_chart(f"{key}-threads", benches, networks),
        growth_chart(f"{key}-growth", benches),
        density_chart(f"{key}-density", benches),
        resources_chart(f"{key}-resources", benches, networks),
    )
    return [chart for chart in made if chart is not None]


@dataclass(frozen=True)
class _Figure:
    """A figure of a case. name: without its unit; column: with it; of: its value; words: a value as people read it."""

    name: str
    column: str
    of: Callable[[BenchCase], float]
    words: Words
    tick: Words = tick_text
    is_log: bool = True


def throughput_chart(key: str, benches: Benches, networks: Sequence[SameNetwork]) -> Chart | None:
    """Work per second of each case: for networks of different sizes and densities, what their times do not say."""
    figures = [
        _Figure(name, name, of, _count_words)
        for name, of in (
            ("synaptic events per s", lambda case: case.sops_per_s),
            ("dense SOPs per s", lambda case: case.dense_sops_per_s),
            ("simulated cycles per s", lambda case: case.cycles_per_s),
        )
    ]
    return _figure_chart(
        key,
        "Throughput",
        "Work per second of wall time: synaptic events (weights applied because of a spike), dense SOPs (every weight "
        "at every timestep, which a simulator without sparsity would do), and cycles of the machine.",
        benches,
        networks,
        figures,
        "Throughput",
    )


def resources_chart(key: str, benches: Benches, networks: Sequence[SameNetwork]) -> Chart | None:
    """The first run, and the memory of the process."""
    figures = [
        _Figure("first run", "first run (s)", lambda case: case.first_s, seconds_words, seconds_tick),
        _Figure(
            "peak memory, MiB", "peak memory (MiB)", lambda case: case.peak_bytes / _MIB,
            lambda value: f"{human.digits(value)} MiB", is_log=False,
        ),
    ]  # fmt: skip
    return _figure_chart(
        key,
        "First run and memory",
        "The first run has what is compiled for the machine, or read from the cache of kernels, in it. Memory is the "
        "largest of the process that ran the simulation.",
        benches,
        networks,
        figures,
        "Memory",
    )


def _figure_chart(
    key: str,
    title: str,
    reading: str,
    benches: Benches,
    networks: Sequence[SameNetwork],
    figures: Sequence[_Figure],
    short: str,
) -> Chart | None:
    """A view for each figure."""
    rows: list[Sequence[Value]] = [
        (benches[number][0], network.name, same.name, *(figure.of(case) for figure in figures))
        for network in networks
        for same in network.cases
        for number, case in measured(same)
    ]
    views = {
        figure.name: (_groups(benches, networks, figure), figure.is_log, figure.tick) for figure in figures
    }  # fmt: skip
    table = DataTable(("bench", "network", "machine", *(figure.column for figure in figures)), rows)
    return dot_chart(key, title, reading, benches, views, table, short)


def _groups(benches: Benches, networks: Sequence[SameNetwork], figure: _Figure) -> list[DotGroup]:
    """One figure of every case."""
    groups = []
    for network in networks:
        rows = []
        for same in network.cases:
            found = [(number, case, figure.words(figure.of(case))) for number, case in measured(same)]
            dots = [
                Dot(
                    figure.of(case),
                    f"{network.name}, {same.name}{where(benches, number)}: {figure.name.split(',')[0]} {words}",
                    hue_of(benches, number, case),
                )
                for number, case, words in found
            ]
            rows.append(DotRow(same.name, dots, said([words for _, _, words in found]) if found else NOT_MEASURED))
        groups.append(DotGroup(network.name, rows))
    return groups


def _count_words(value: float) -> str:
    return human.si(value, "")
