"""The report of a validation as a table: for the terminal, and as Markdown for documents."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from spikecycle.simulator.validation.row import Number, Report, Row

HEAD = ("machine", "quantity", "ours", "theirs", "error", "tolerance", "", "source")
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
        "" if error is None else "0" if error == 0 else f"{100 * error:+.2f} %",
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
    return f"{len(verdicts)} rows: {', '.join(words)}"


def report_of(report: Report) -> RenderableType:
    """The whole report for a terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in HEAD:
        table.add_column(head, justify="right" if head in ("ours", "theirs", "error", "tolerance") else "left")
    for row in report.rows:
        style = {True: "", False: "bold red", None: "dim"}[row.passed]
        table.add_row(*map(Text, cells(row)), style=style)
    return Group(table, Text(summary(report)), *map(Text, _skipped(report)))


def to_markdown(report: Report) -> str:
    """The whole report as a Markdown table."""
    lines = [summary(report) + ".", "", f"| {' | '.join(HEAD)} |", "|---|---|---:|---:|---:|---:|---|---|"]
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in cells(row))} |" for row in report.rows]
    return "\n".join([*lines, *(("", *_skipped(report)) if report.skipped else ())]) + "\n"


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
