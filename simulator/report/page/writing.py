"""Writing a page from Python: the same as `spikecycle report` does from files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from spikecycle.simulator.comparison import FormatComparison
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.files import write_file
from spikecycle.simulator.report.page.contents import Material
from spikecycle.simulator.report.page.html import page
from spikecycle.simulator.result import RunResult


def write_report(
    path: str | Path,
    results: RunResult | Sequence[RunResult] | Mapping[str, RunResult],
    comparisons: Sequence[FormatComparison] = (),
) -> None:
    """Write results as one HTML page that needs no network.

    results: one, several, or several by the name that the page shall call them. comparisons: of formats, to be shown
    too. UsageError for nothing at all, OutputError where the file cannot be written.
    """
    if isinstance(results, RunResult):
        named = [(str(results.machine["name"]), results)]
    elif isinstance(results, Mapping):
        named = list(results.items())
    else:
        named = [(f"{number}: {result.machine['name']}", result) for number, result in enumerate(results, start=1)]
    if not named and not comparisons:
        raise UsageError(f"{path}: there is nothing to report")
    write_file(path, page(Material(results=named, comparisons=comparisons)))
