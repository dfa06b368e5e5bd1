"""The report of a validation as a table: for the terminal, and as Markdown for documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Column, Fitting, fitting_sheets, names
from spikecycle.simulator.report.human import signed
from spikecycle.simulator.validation.row import Number, Report, Row
from spikecycle.wording import numbered

HEAD = ("machine", "quantity", "ours", "theirs", "error", "tolerance", "", "source")
SOURCE_HEAD = ("machine", "figures", "passed", "worst error", "source")
BOUNDS = {"equal": "", "at_least": "at least ", "at_most": "at most "}


def verdict(row: Row) -> str:
    """One word, or three."""
    return {True: "pass", False: "FAIL", None: "not reproducible here"}[row.passed]


def cells(row: Row) -> tuple[str, ...]:
    """A row as texts, in the order of HEAD; the note follows the source."""
    error = row.error
    return (
        row.machine,
        row.quantity,
        "" if row.ours is None else _number(row.ours),
        BOUNDS[row.comparison] + _number(row.theirs),
        "" if error is None else _error(error),
        "exact" if row.tolerance == 0 else f"{100 * row.tolerance:g} %",
        verdict(row),
        row.source + (f" ({row.note})" if row.note else ""),
    )


def summary(report: Report) -> str:
    """How many rows passed, failed, or could not be computed."""
    verdicts = [row.passed for row in report.rows]
    words = [f"{verdicts.count(True)} passed", f"{verdicts.count(False)} failed"]
    if None in verdicts:
        words.append(f"{verdicts.count(None)} not reproducible here")
    return f"{numbered(len(verdicts), 'row')}: {', '.join(words)}"


def sources(rows: Iterable[Row]) -> Iterator[tuple[str, ...]]:
    """One line of texts for each machine and source, in the order of SOURCE_HEAD."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.machine, row.source), []).append(row)
    for (machine, source), group in groups.items():
        verdicts = [row.passed for row in group if row.passed is not None]
        errors = [row.error for row in group if row.error is not None and row.comparison == "equal"]
        worst = max(errors, key=abs, default=None)
        passed = f"{sum(verdicts)} of {len(verdicts)}" if verdicts else "not reproducible here"
        yield machine, str(len(group)), passed, "" if worst is None else _error(worst), source


def report_of(report: Report, every_row: bool = False) -> RenderableType:
    """The report for a terminal: a line for each machine and source and the rows that failed, or every row."""
    failed = [row for row in report.rows if row.passed is False]
    shown: list[RenderableType] = [_rows("Every figure", report.rows) if every_row else _sources(report.rows)]
    if failed and not every_row:
        shown += [Text(), _rows("Figures that are not met", failed)]
    more = [] if every_row else [Text("every figure: --rows", style="dim")]
    return Group(*shown, Text(), Text(summary(report)), *map(Text, _skipped(report)), *more)


def _rows(title: str, rows: Iterable[Row]) -> Fitting:
    shown = list(rows)
    styles = [{True: "", False: "bold red", None: "dim"}[row.passed] for row in shown]
    return _table(title, HEAD, [cells(row) for row in shown], ("machine", "quantity"), ("", "source"), styles)


def _sources(rows: Iterable[Row]) -> Fitting:
    return _table(
        "Figures of others, by machine and source", SOURCE_HEAD, list(sources(rows)), ("machine",), ("passed", "source")
    )


def _table(
    title: str,
    head: Sequence[str],
    lines: Sequence[Sequence[str]],
    of_names: Sequence[str],
    of_words: Sequence[str],
    styles: Sequence[str] = (),
) -> Fitting:
    """of_names, of_words: heads of the columns that say what a row is about, and of those with sentences; the others
    have numbers. styles: of each row."""
    columns = []
    for index, name in enumerate(head):
        texts = [line[index] for line in lines]
        if name in of_names:
            columns.append(names(name, texts))
            continue
        cells_of = [Text(text, style) for text, style in zip_longest(texts, styles, fillvalue="")]
        is_text = name in of_words
        columns.append(Column(name, cells_of, justify="left" if is_text else "right", folds=is_text))
    return fitting_sheets((title, columns))


def to_markdown(report: Report) -> str:
    """The whole report as a Markdown table."""
    lines = [summary(report) + ".", "", *markdown_rows(report.rows)]
    return "\n".join([*lines, *(("", *_skipped(report)) if report.skipped else ())]) + "\n"


def markdown_rows(rows: Iterable[Row]) -> list[str]:
    """Lines of a Markdown table of rows."""
    return markdown_table(HEAD, map(cells, rows), ("ours", "theirs", "error", "tolerance"))


def markdown_table(head: tuple[str, ...], lines: Iterable[tuple[str, ...]], numbers: tuple[str, ...]) -> list[str]:
    """Lines of a Markdown table; columns of numbers are set to the right."""
    rules = ["---:" if name in numbers else "---" for name in head]
    body = [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]
    return [f"| {' | '.join(head)} |", f"|{'|'.join(rules)}|", *body]


def to_json(report: Report) -> str:
    """Rows and skipped checks as a JSON document."""
    document = {
        "rows": [row.document() for row in report.rows],
        "skipped": [{"check": each.check, "reason": each.reason} for each in report.skipped],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _skipped(report: Report) -> Iterator[str]:
    return (f"skipped: {each.check}: {each.reason}" for each in report.skipped)


def _number(value: Number) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _error(error: float) -> str:
    return f"{signed(100 * error, 2)} %" if error else "0"
