"""The validation ledger: every figure of others with ours beside it, as the checks find them when the site is built."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from docs.generators.figures_with_data import kept_rows
from docs.generators.repository_pages import with_links
from spikecycle.simulator.validation import Report, Row
from spikecycle.simulator.validation.run import validate
from spikecycle.simulator.validation.table import SOURCE_HEAD, markdown_rows, markdown_table, sources, to_markdown

WORDS = Path(__file__).parent / "validation.md"


@cache
def report() -> Report:
    """The checks that need only what is shipped."""
    return validate()


def all_rows() -> list[Row]:
    """With those of the checks that need data of others, as they were when that data was last at hand."""
    return [*report().rows, *kept_rows()]


def validation_page() -> str:
    """What is held against what, and a line for each machine and source."""
    table = markdown_table(SOURCE_HEAD, sources(all_rows()), ("figures", "worst error"))
    words = with_links(WORDS.read_text().rstrip(), "docs/generators/validation.md", "validation.md")
    return "\n".join([words, "", *table, ""])


def ledger_page() -> str:
    """Every row."""
    with_data = [
        "## With data of others",
        "",
        "What `spikecycle validate --data FOLDER --rows` prints besides; it names the files that FOLDER lacks.",
        "",
        *markdown_rows(kept_rows()),
        "",
    ]
    words = ["# Every figure", "", "What `spikecycle validate --rows` prints.", "", to_markdown(report())]
    return "\n".join([*words, *with_data])


def machine_section(machine: str) -> list[str]:
    """The rows of one machine, for its page."""
    rows = [row for row in all_rows() if row.machine == machine]
    if not rows:
        return ["No figure of others is at hand for this machine.", ""]
    return [*markdown_rows(rows), ""]
