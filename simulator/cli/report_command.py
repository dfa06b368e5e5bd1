"""`spikecycle report`, and the option --report of other commands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spikecycle.simulator.cli.output import check_targets, standard_output, write_document
from spikecycle.simulator.errors import OutputError, UsageError
from spikecycle.simulator.files import write_file

if TYPE_CHECKING:
    from spikecycle.simulator.bench.result import BenchResult
    from spikecycle.simulator.report.page.contents import Material
    from spikecycle.simulator.report.page.fronts import Candidate
    from spikecycle.simulator.result import RunResult

DEFAULT_PAGE = "report.html"


def report(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT...",
            help="Files that --json of simulate, formats, sweep, search or bench has written.",
        ),
    ],
    out: Annotated[str, typer.Option("--out", metavar="FILE.html", help="The page to write.")] = DEFAULT_PAGE,
    validation: Annotated[
        str | None,
        typer.Option(
            "--validation",
            metavar="FILE",
            help="Errors to show, as `validate --json` has written them; by default those of checks that need no data.",
        ),
    ] = None,
    charts: Annotated[
        str | None,
        typer.Option("--charts", metavar="FOLDER", help="Write every chart as a file of its own too: SVG, PNG, CSV."),
    ] = None,
) -> None:
    """Write results as one HTML page that opens anywhere: charts, tables, the machine, and what it all rests on."""
    inputs = [*files, *([validation] if validation else [])]
    check_page_name("--out", out)
    check_targets({"--out": out}, inputs)

    from spikecycle.simulator.report.page.html import page
    from spikecycle.simulator.report.png import HOW_TO_GET_IT, has_png

    material = _material(files, validation)
    folder = None if charts is None else _folder(charts)
    content = page(material)
    drawn = {} if folder is None else {str(folder / name): chart for name, chart in _charts(material)}
    check_targets({name: name for name in drawn}, inputs)  # all of them, before the first is written
    write_document(out, content)
    written = [out]
    if folder is not None:
        for name, chart in drawn.items():
            write_file(name, chart)
        written.append(f"{len(drawn)} files in {folder}")
    if out != "-":
        if folder is not None and not has_png():
            standard_output().text(f"{HOW_TO_GET_IT}\n")
        standard_output().text(f"wrote {' and '.join(written)}: open {out} in any browser\n")


def write_report(target: str, result: RunResult) -> None:
    """One result as a page: the option --report."""
    from spikecycle.simulator.report.page.contents import Material
    from spikecycle.simulator.report.page.html import page

    name = str(result.machine["name"])
    rows, unchecked = _own_checks({name})
    write_document(target, page(Material(results=[(name, result)], validation=rows, unchecked=unchecked)))


def write_bench_report(target: str, benches: Sequence[tuple[str, BenchResult]]) -> None:
    """Benches as a page, each with a name: the option --report of bench."""
    from spikecycle.simulator.report.page.contents import Material
    from spikecycle.simulator.report.page.html import page

    write_document(target, page(Material(benches=benches)))


def _material(files: Sequence[str], validation: str | None) -> Material:
    from spikecycle.simulator.bench.result import BenchResult
    from spikecycle.simulator.comparison import FormatComparison
    from spikecycle.simulator.documents import read_document
    from spikecycle.simulator.explore.results import SearchResult, SweepResult
    from spikecycle.simulator.report.page.contents import Material
    from spikecycle.simulator.report.page.fronts import candidates_of_rows
    from spikecycle.simulator.result import RunResult

    documents = list(zip(_short_names(files), map(read_document, files), strict=True))
    results = [(name, each) for name, each in documents if isinstance(each, RunResult)]
    comparisons = [each for _, each in documents if isinstance(each, FormatComparison)]
    benches = [(name, each) for name, each in documents if isinstance(each, BenchResult)]
    candidates: list[Candidate] = []
    missing = 0
    for name, each in documents:
        if isinstance(each, SweepResult | SearchResult):
            found, without = candidates_of_rows(name, each.columns, each.points)
            candidates += found
            missing += without
    if not (results or comparisons or candidates or benches):
        raise UsageError(f"{files[0]}: no point of it has a result, so there is nothing to report")
    machines = {str(result.machine["name"]) for _, result in results}
    rows, unchecked = _validation(validation, machines) if validation else _own_checks(machines)
    return Material(
        results=results,
        comparisons=comparisons,
        candidates=candidates,
        searches=[(name, each) for name, each in documents if isinstance(each, SearchResult)],
        sweeps=[(name, each) for name, each in documents if isinstance(each, SweepResult)],
        benches=benches,
        failed=missing,
        validation=rows,
        unchecked=unchecked,
    )


def _validation(path: str, machines: set[str]) -> tuple[Sequence[Mapping[str, Any]], Sequence[str]]:
    """Rows of those machines, and the checks that were not made."""
    from spikecycle.simulator.documents import read_validation

    rows, skipped = read_validation(path)
    return [row for row in rows if row["machine"] in machines], skipped


def _own_checks(machines: set[str]) -> tuple[Sequence[Mapping[str, Any]], Sequence[str]]:
    """Rows of the checks of those machines that need no data of others, and the checks that were not made."""
    from spikecycle.simulator.validation import CHECKS
    from spikecycle.simulator.validation.run import validate

    rows: list[Mapping[str, Any]] = []
    unchecked: dict[str, None] = {}
    checked = {machine for _, check in CHECKS.items() for machine in check.machines}
    for machine in sorted(machines & checked):
        found = validate(machine=machine)
        rows += [row.document() for row in found.rows]
        unchecked.update(dict.fromkeys(f"{each.check} {each.reason}" for each in found.skipped))
    return rows, list(unchecked)


def _short_names(paths: Sequence[str]) -> list[str]:
    """Names of files without folders and suffixes; those that are alike get as much of the path as it takes."""
    names = [Path(path).stem for path in paths]
    longer = [name if names.count(name) == 1 else str(Path(path)) for name, path in zip(names, paths, strict=True)]
    return [
        long if longer.count(long) == 1 else f"{name} ({longer[: index + 1].count(long)})"
        for index, (name, long) in enumerate(zip(names, longer, strict=True))
    ]


def _folder(charts: str) -> Path:
    """The folder for charts, made if it is not there; OutputError where that cannot be."""
    folder = Path(charts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"--charts {charts}: cannot be written: {error.strerror or error}") from error
    return folder


def _charts(material: Material) -> Iterator[tuple[str, str | bytes]]:
    """Name and content of a file for every view of every chart: SVG, PNG where that can be made, and its numbers."""
    from spikecycle.simulator.report.charts.svg import as_file
    from spikecycle.simulator.report.page.contents import charts_of
    from spikecycle.simulator.report.page.html import WIDE
    from spikecycle.simulator.report.png import has_png, to_png

    for chart in charts_of(material):
        yield f"{chart.key}.csv", chart.table.csv()
        for number, draw in enumerate(chart.views.values(), start=1):
            name = chart.key if len(chart.views) == 1 else f"{chart.key}-{number}"
            svg = as_file(draw(WIDE, chart.key))
            yield f"{name}.svg", svg
            if has_png():
                yield f"{name}.png", to_png(svg)


def check_page_name(option: str, target: str | None) -> None:
    """UsageError where a page would get a name that no browser opens."""
    if target is not None and target != "-" and Path(target).suffix not in (".html", ".htm", ""):
        raise UsageError(f"{option} {target}: the report is HTML, name the file .html")
