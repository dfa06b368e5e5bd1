"""The page: sections put together as one HTML document that loads nothing."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path

from spikecycle.simulator.report import human
from spikecycle.simulator.report.charts.palette import DARK, LIGHT, css_variables
from spikecycle.simulator.report.charts.svg import plain
from spikecycle.simulator.report.page.benches import bench_titles
from spikecycle.simulator.report.page.chart import Chart
from spikecycle.simulator.report.page.contents import Material, Part, sections
from spikecycle.simulator.report.page.markup import table_markup
from spikecycle.simulator.variant import variant_text
from spikecycle.wording import some_of

WIDE, NARROW = 1080, 330
"""Pixels of the two drawings of a chart."""
MOST_BYTES = 3_000_000
"""Of a page; where it would be larger, fewer operators and results are drawn."""
_HEAVY = 60_000
"""Characters of a drawing beyond which a narrow window scrolls it instead of getting its own."""
_LIMITS = ((40, 8), (40, 3), (24, 2), (16, 1), (8, 1), (4, 1))
"""Operators and results that are drawn in detail, at most, from the wish to what always fits."""
_FEW_NOTES = 2
_MOST_NAMES = 3
"""Of traces, and of machines, in a title."""
_FOLDER = Path(__file__).parent


def page(material: Material) -> str:
    """The whole document, of at most MOST_BYTES (unless the names in it alone take more)."""
    document = ""
    for most_operators, most_results in _LIMITS:
        parts = list(sections(material, most_operators, most_results))
        document = _document(material, parts)
        if len(document.encode()) <= MOST_BYTES:
            break
    return document


def _document(material: Material, parts: Sequence[Part]) -> str:
    title, sub = _titles(material)
    links = "".join(f'<li><a href="#{key}">{plain(words)}</a></li>' for key, words in _links(material, parts))
    body = "".join(
        f'<section id="{part.key}" aria-labelledby="{part.key}-h"><h2 id="{part.key}-h">{plain(part.title)}</h2>'
        f"{part.ahead}{''.join(_figure(chart) for chart in part.charts)}{part.behind}</section>"
        for part in parts
    )
    script, style = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
    dark = css_variables(DARK)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'; img-src data: blob:\">\n"
        '<link rel="icon" href="data:,">\n'
        f"<title>{plain(title)}</title>\n"
        f"<style>:root{{{css_variables(LIGHT)}}}@media (prefers-color-scheme: dark){{:root:not([data-theme=light])"
        f"{{{dark}}}}}:root[data-theme=dark]{{{dark}}}\n{style}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the results</a>\n'
        f'<header><h1>{plain(title)}</h1><p class="sub">{plain(sub)}</p></header>\n'
        f'<nav aria-label="Sections"><ul>{links}<li><button id="theme" type="button" hidden>Light / dark</button></li>'
        f'</ul></nav>\n<main id="main">{body}</main>\n'
        "<footer><p>Made by spikecycle. This file needs no network: it may be kept, sent and opened anywhere. Point at "
        "a chart, or move to it with Tab and walk through it with the arrow keys; SVG, PNG and CSV save what a chart "
        "shows.</p></footer>\n"
        f'<div id="tip" role="status" aria-live="polite"></div>\n<script>{script}</script>\n</body>\n</html>\n'
    )


def _links(material: Material, parts: Sequence[Part]) -> Iterator[tuple[str, str]]:
    """Where the navigation leads: to the sections, and to the charts of the one result, or of benches alone."""
    few = len(material.results) == 1 or (material.benches and not material.results)
    for part in parts:
        yield part.key, part.short
        if few:
            yield from ((chart.key, chart.short) for chart in part.charts if chart.short)


def _titles(material: Material) -> tuple[str, str]:
    results = material.results
    if len(results) == 1:
        ((_, result),) = results
        variant = variant_text(
            str(result.machine["name"]), result.machine_file, result.machine_overrides, result.machine_sha256
        )
        return f"{result.trace} on {result.machine['name']}", f"{variant}, spikecycle {result.spikecycle}"
    if results:
        return f"{len(results)} results side by side", ", ".join(name for name, _ in results[:12])
    if material.comparisons:
        first = material.comparisons[0]
        return f"Formats of {first.trace} on {first.machine['name']}", f"spikecycle {first.spikecycle}"
    if material.benches and not material.candidates:
        return bench_titles(material.benches)
    rows = [row for _, each in material.explored for row in each.points]
    traces, machines = (
        list(dict.fromkeys(str(row[key]) for row in rows if row.get(key))) for key in ("trace", "machine")
    )
    places = f": {some_of(traces, _MOST_NAMES)} on {some_of(machines, _MOST_NAMES)}" if traces and machines else ""
    return f"{human.numbered(len(material.candidates), 'point')} compared{places}", "less is better on every axis"


def _figure(chart: Chart) -> str:
    names = list(chart.views)
    choices = ""
    if len(names) > 1:
        choices = "<fieldset><legend>Show</legend>" + "".join(
            f'<label><input type="radio" name="{chart.key}-view" value="v{number}"{" checked" if not number else ""}>'
            f"{plain(name)}</label>"
            for number, name in enumerate(names)
        )
        choices += "</fieldset>"
    views = "".join(_view(chart, number) for number in range(len(names)))
    notes = "".join(f'<p class="note">{plain(note)}</p>' for note in chart.notes)
    if len(chart.notes) > _FEW_NOTES:
        notes = f"<details><summary>{human.numbered(len(chart.notes), 'note')}</summary>{notes}</details>"
    csv = base64.b64encode(chart.table.csv().encode()).decode()
    return (
        f'<figure class="chart" id="{chart.key}"><figcaption><h3>{plain(chart.title)}</h3>'
        f'<p class="reading">{plain(chart.reading)}</p></figcaption>{choices}'
        f'<div class="plot" tabindex="0" role="group" aria-label="{plain(chart.title)}: chart, arrow keys walk through '
        f'it">{views}</div>{notes}<div class="tools">'
        f'<a class="button" download="{chart.key}.csv" href="data:text/csv;charset=utf-8;base64,{csv}">CSV</a>'
        '<button type="button" data-save="svg">SVG</button><button type="button" data-save="png">PNG</button>'
        f"<details><summary>Table</summary>{table_markup(chart.table)}</details></div></figure>\n"
    )


def _view(chart: Chart, number: int) -> str:
    draw = list(chart.views.values())[number]
    wide = draw(WIDE, f"{chart.key}-w{number}")
    hidden = " hidden" if number else ""
    if len(wide) > _HEAVY:
        inside = f'<div class="wide scroll">{wide}</div>'
    else:
        narrow = draw(NARROW, f"{chart.key}-n{number}")
        inside = f'<div class="wide replaced">{wide}</div><div class="narrow">{narrow}</div>'
    return f'<div class="view" data-view="v{number}"{hidden}>{inside}</div>'
