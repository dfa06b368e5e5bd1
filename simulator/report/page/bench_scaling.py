"""How the time of a simulation changes with threads, and with each size that grows."""

from __future__ import annotations

from collections.abc import Sequence

from spikecycle.simulator.bench.growth import fitted
from spikecycle.simulator.bench.result import ONE_THREAD, BenchCase, TimeGrowth
from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.axes import tick_text
from spikecycle.simulator.report.charts.dots import Dot, DotGroup, DotRow
from spikecycle.simulator.report.charts.panels import Panel, PanelLine, log_panels
from spikecycle.simulator.report.page.bench_dots import (
    dot_chart,
    hue_of,
    measured,
    said,
    seconds_tick,
    seconds_words,
    series_of,
    where,
)
from spikecycle.simulator.report.page.bench_rows import Benches, SameCase, SameNetwork, speed_up
from spikecycle.simulator.report.page.chart import Chart, DataTable, Value


def threads_chart(key: str, benches: Benches, networks: Sequence[SameNetwork]) -> Chart | None:
    """How many times as fast several threads are as one; None where there was one thread only."""
    groups = []
    rows: list[Sequence[Value]] = []
    for network in networks:
        found = []
        for same in network.cases:
            dots, ends = [], []
            for number, case in measured(same):
                times = speed_up(benches[number][1], case, same.beside.get(ONE_THREAD, {}).get(number))
                if case.threads == 1 or times is None:
                    continue
                name = where(benches, number)
                words = f"{human.digits(times)} x one thread"
                tip = f"{network.name}, {same.name}{name}: {words}, {human.percent(times / case.threads)} % of the best"
                dots += [Dot(times, tip, hue_of(benches, number, case)), _best(case, network, same)]
                ends.append(f"{human.digits(times)} x")
                rows.append((benches[number][0], network.name, same.name, case.samples, case.threads, times))
            if dots:
                found.append(DotRow(same.name, list(dict.fromkeys(dots)), said(ends)))
        if found:
            groups.append(DotGroup(network.name, found))
    return dot_chart(
        key,
        "Threads",
        "How many times as fast the same case is on several threads as on one, in turns. Hollow: the best that "
        "can be, as many times as there are threads.",
        benches,
        {"times as fast as one thread": (groups, False, tick_text)},
        DataTable(("bench", "network", "machine", "samples", "threads", "times as fast as one thread"), rows),
        "Threads",
    )


def growth_chart(key: str, benches: Benches) -> Chart | None:
    """Time over each size that grew, with the fitted power; None where none did."""
    sizes: dict[str, dict[int, TimeGrowth]] = {}
    for number, (_, bench) in enumerate(benches):
        for growth in bench.growth:
            sizes.setdefault(growth.size, {})[number] = growth
    if not sizes:
        return None
    panels = [
        Panel(
            size,
            [f"exponent {each.exponent:.2f}{where(benches, number)}" for number, each in found.items()],
            [_line(size, each, where(benches, number), number) for number, each in found.items()],
        )
        for size, found in sizes.items()
    ]
    rows: list[Sequence[Value]] = [
        (
            benches[number][0], size, value, seconds,
            fitted(each.values, each.seconds, each.exponent, value), each.exponent,
        )
        for size, found in sizes.items()
        for number, each in found.items()
        for value, seconds in zip(each.values, each.seconds, strict=True)
    ]  # fmt: skip
    series = series_of(benches)
    return Chart(
        key,
        "Growth",
        "Median time of a run of one convolution on spike_array while one size grows. Both axes are logarithmic: the "
        "line that fits best has the exponent as its slope. At 1 (dashed) twice the size takes twice the time, below 1 "
        "it takes less, which a part of the time that does not grow makes of small sizes.",
        {
            "time over size": lambda width, name: log_panels(
                width, name, "Time over size", panels, "time of a run", series=series, write=seconds_tick, guide=True
            )
        },
        DataTable(("bench", "size", "value", "time of a run (s)", "fitted time (s)", "exponent"), rows),
        short="Growth",
    )


def _line(size: str, growth: TimeGrowth, where: str, hue: int) -> PanelLine:
    places = [(float(value), seconds) for value, seconds in zip(growth.values, growth.seconds, strict=True)]
    first, last = (
        (float(value), fitted(growth.values, growth.seconds, growth.exponent, value))
        for value in (min(growth.values), max(growth.values))
    )
    tips = [f"{value:,} {size}{where}: {seconds_words(s)}" for value, (_, s) in zip(growth.values, places, strict=True)]
    return PanelLine(places, tips, hue, (first, last))


def _best(case: BenchCase, network: SameNetwork, same: SameCase) -> Dot:
    return Dot(case.threads, f"{network.name}, {same.name}: {case.threads} threads, at best", 7, is_hollow=True)
