"""What a page holds, section by section, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spikecycle.simulator.comparison import FormatComparison
from spikecycle.simulator.explore.differences import comparability, machine_differences
from spikecycle.simulator.explore.results import SearchResult, SweepResult
from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.svg import plain
from spikecycle.simulator.report.grounds_line import ground_line, grounds_of_points
from spikecycle.simulator.report.page import benches, costs, fronts, grounds, overview, places, rooflines, spikes
from spikecycle.simulator.report.page.balance import balance_chart
from spikecycle.simulator.report.page.banks import bank_chart
from spikecycle.simulator.report.page.bench_charts import bench_charts
from spikecycle.simulator.report.page.bench_rows import Benches
from spikecycle.simulator.report.page.chart import Chart, DataTable
from spikecycle.simulator.report.page.formats import format_charts
from spikecycle.simulator.report.page.machine import area_chart, machine_chart
from spikecycle.simulator.report.page.markup import panel_markup, table_markup
from spikecycle.simulator.report.page.searches import search_charts, search_table, search_words
from spikecycle.simulator.result import RunResult

MOST_SEEN = 10
"""Rows of a table that is open from the start."""


@dataclass(frozen=True)
class Material:
    """What a page is made of.

    results: with a short name each, no two alike. comparisons: of formats. candidates: points of a sweep or a search.
    searches: with a short name each, whose points are among the candidates.
    sweeps: the same of sweeps.
    benches: of the simulator's speed, with a short name each, no two alike; others are compared with the first.
    failed: points of these that have no result, or cannot run. validation: rows as `spikecycle validate` writes them,
    of the machines at hand. unchecked: checks that were not made, in words.
    """

    results: Sequence[tuple[str, RunResult]] = ()
    comparisons: Sequence[FormatComparison] = ()
    candidates: Sequence[fronts.Candidate] = ()
    searches: Sequence[tuple[str, SearchResult]] = ()
    sweeps: Sequence[tuple[str, SweepResult]] = ()
    benches: Benches = ()
    failed: int = 0
    validation: Sequence[Mapping[str, Any]] = ()
    unchecked: Sequence[str] = ()

    @property
    def explored(self) -> list[tuple[str, SweepResult | SearchResult]]:
        """Sweeps and searches, with their short names."""
        return [*self.sweeps, *self.searches]


@dataclass(frozen=True)
class Part:
    """One section: its key for links, its title, a short one for the navigation, what comes ahead, and its charts."""

    key: str
    title: str
    short: str
    ahead: str
    charts: Sequence[Chart] = field(default_factory=tuple)
    behind: str = ""


def sections(material: Material, most_operators: int = 40, most_results: int = 8) -> Iterator[Part]:
    """The sections in order."""
    results = material.results
    points = [fronts.candidate_of(name, result) for name, result in results] if len(results) > 1 else []
    front = fronts.front_chart("tradeoffs", [*points, *material.candidates])
    if len(results) > 1:
        charts = [costs.totals_chart(results, "energy"), costs.totals_chart(results, "cycles")]
        notes = "".join(
            f'<p class="caution">{plain(note)}</p>' for note in comparability([result for _, result in results])
        )
        ahead = panel_markup(notes + table_markup(overview.side_by_side(results)))
        differ = overview.differences(results)
        if differ is not None:
            keys = len(list(machine_differences([result.machine for _, result in results])))
            heading = f"Where the machines differ ({human.numbered(keys, 'key')})"
            opened = " open" if keys <= MOST_SEEN else ""
            ahead += panel_markup(f"<details{opened}><summary>{heading}</summary>{table_markup(differ)}</details>")
        yield Part("compared", "Side by side", "Side by side", ahead, charts)
    if front is not None:
        words = (
            f"{human.numbered_are(material.failed, 'more point', 'has', 'have')} no result, or cannot run at "
            f"{'its' if material.failed == 1 else 'their'} clock."
            if material.failed
            else ""
        )
        ahead = f'<p class="caution">{words}</p>' if words else ""
        ahead += "".join(f"<p>{plain(line)}</p>" for line in _ground_lines(material))
        yield Part("tradeoffs-part", "Trade-offs", "Trade-offs", ahead, [front])
    for number, (name, search) in enumerate(material.searches, start=1):
        title = f"Search: {name}"
        table = table_markup(search_table(search))
        ahead = f"<p>{plain(search_words(search))}</p>" + panel_markup(f"<h3>What none beats</h3>{table}")
        yield Part(f"s{number}", title, "Search", ahead, search_charts(f"s{number}", search))
    for number, (name, result) in enumerate(results[:most_results], start=1):
        yield _result_part(f"r{number}", name if len(results) > 1 else "", result, most_operators)
    if len(results) > most_results:
        rest = ", ".join(plain(name) for name, _ in results[most_results:])
        yield Part(
            "rest", "Other results", "Others", f"<p>Not drawn one by one, so that the page stays small: {rest}.</p>"
        )
    for number, comparison in enumerate(material.comparisons, start=1):
        charts = format_charts(f"f{number}", comparison)
        title = f"Formats: {comparison.trace} on {comparison.machine['name']}"
        yield Part(f"formats{number}", title, "Formats", "", charts)
    if material.benches:
        yield _bench_part(material.benches)
    yield _grounds_part(material)


def _ground_lines(material: Material) -> Iterator[str]:
    """What the points of each sweep and search rest on, in a line each."""
    for name, each in material.explored:
        line = ground_line(grounds_of_points(each.points))
        if line:
            yield f"{name}: {line}." if len(material.explored) > 1 or material.results else f"Simulated: {line}."


def charts_of(material: Material) -> list[Chart]:
    """Every chart of the page, for files of their own."""
    return [chart for part in sections(material) for chart in part.charts]


def _result_part(key: str, name: str, result: RunResult, most_operators: int) -> Part:
    drawn, note = _largest(result, most_operators)
    shown = _at_a_glance(overview.cautions(result), overview.totals(result), overview.sentences(result))
    makers: Sequence[Callable[[str, RunResult], Chart | None]] = (
        costs.energy_chart,
        costs.cycle_chart,
        rooflines.roofline_chart,
        places.memory_chart,
        bank_chart,
        costs.traffic_chart,
        balance_chart,
        spikes.density_chart,
        spikes.raster_chart,
        machine_chart,
        area_chart,
    )
    charts = [chart for chart in (maker(key, drawn) for maker in makers) if chart is not None]
    return Part(key, name or "At a glance", name or "At a glance", f"{shown}{note}", charts)


def _bench_part(measured: Benches) -> Part:
    shown = _at_a_glance(
        benches.bench_cautions(measured), benches.bench_tiles(measured), benches.bench_lines(measured)
    )  # fmt: skip
    tables = "".join(
        panel_markup(f"<h3>{plain(title)}</h3>{table_markup(table)}")
        for title, table in benches.bench_tables(measured)
    )  # fmt: skip
    return Part("bench", "Speed of the simulator", "Speed", shown, bench_charts("bench", measured), tables)


def _at_a_glance(cautions: Sequence[str], tiles: Sequence[tuple[str, str]], sentences: Sequence[str]) -> str:
    """What must not be overlooked, figures, and sentences."""
    warned = "".join(f'<p class="caution">{plain(line)}</p>' for line in cautions)
    figures = "".join(f"<div><dt>{plain(name)}</dt><dd>{plain(value)}</dd></div>" for name, value in tiles)
    said = "".join(f"<p>{plain(line)}</p>" for line in sentences)
    return f'{warned}<dl class="tiles">{figures}</dl><div class="words">{said}</div>'


def _largest(result: RunResult, most: int) -> tuple[RunResult, str]:
    """The result with at most so many operators, those with most energy, and a line that says so."""
    if len(result.layers) <= most:
        return result, ""
    by_energy = sorted(range(len(result.layers)), key=lambda index: -result.layers[index].sum_energy_pj)
    kept = [result.layers[index] for index in sorted(by_energy[:most])]
    words = (
        f"Drawn are the {human.numbered(most, 'operator')} with most energy of {len(result.layers)}; totals are of all."
    )
    note = f'<p class="note">{words}</p>'
    return result.model_copy(update={"layers": kept}), note


def _grounds_part(material: Material) -> Part:
    body = ""
    if material.validation:
        words = plain(grounds.validation_words(material.validation))
        table = table_markup(grounds.validation_table(material.validation))
        body += panel_markup(
            f"<h3>How right it is</h3><p>{words}</p><details><summary>Figure by figure</summary>{table}</details>"
        )
    elif material.results:
        body += panel_markup(
            "<h3>How right it is</h3><p>There are no figures of others to compare this machine with in this page. "
            "Where a rule is also written as hardware (<code>tests/rtl</code> of the repository: that of "
            "<code>spike_array</code>), cycles are held against that; README.md says in how many cases they agree. "
            "<code>spikecycle validate</code> makes the comparisons that there are.</p>"
        )
    if material.unchecked:
        lines = "".join(f"<li>{plain(line)}</li>" for line in material.unchecked)
        body += panel_markup(f"<h3>Checks that were not made</h3><ul>{lines}</ul>")
    if material.validation and any(result.machine_overrides for _, result in material.results):
        body += (
            '<p class="note">Figures of others are compared with the machines as shipped, without replaced keys.</p>'
        )
    for name, result in material.results:
        heading = f"Provenance{f' of {plain(name)}' if len(material.results) > 1 else ''}"
        inside = table_markup(grounds.provenance(result))
        origin = grounds.sources(result)
        inside += (
            f"<details><summary>Sources of the machine's numbers</summary>{table_markup(origin)}</details>"
            if origin
            else ""
        )
        body += panel_markup(
            f"<details{' open' if len(material.results) == 1 else ''}><summary>{heading}</summary>{inside}</details>"
        )
    for name, points in material.explored:
        table = table_markup(
            grounds.points_ground(points.spikecycle, points.columns, points.points, points.already_there)
        )
        heading = f"Provenance of the points of {plain(name)}"
        body += panel_markup(f"<details open><summary>{heading}</summary>{table}</details>")
    if material.benches:
        body += panel_markup(f"<h3>Measured on</h3>{table_markup(benches.bench_grounds(material.benches))}")
    glossary = table_markup(_glossary(material))
    behind = panel_markup(f"<details><summary>What the words mean</summary>{glossary}</details>")
    return Part("grounds", "What it rests on", "Grounds", body, (), behind)


def _glossary(material: Material) -> DataTable:
    """The words of everything that is on the page."""
    table = grounds.glossary([result for _, result in material.results])
    simulated = material.results or material.comparisons or material.candidates
    measured = benches.bench_glossary() if material.benches else []
    known = {row[1] for row in measured}
    return DataTable(table.columns, [*(row for row in table.rows if simulated and row[1] not in known), *measured])
