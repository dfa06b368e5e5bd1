"""`spikecycle validate`."""

from __future__ import annotations

from typing import Annotated

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import check_targets, standard_output, write_document
from spikecycle.simulator.cli.progress import shown_progress

_FAILED = 1


def validate(
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="FOLDER", help="Folder with the data files of others that some checks need."),
    ] = None,
    machine: Annotated[
        str | None, typer.Option("--machine", metavar="NAME", help="Only figures of this machine.")
    ] = None,
    every_row: Annotated[
        bool, typer.Option("--rows", help="Every figure, not only a line for each machine and source.")
    ] = False,
    json: options.JsonOption = None,
    markdown: Annotated[
        str | None,
        typer.Option("--markdown", metavar="FILE", help="Write the table as Markdown too; - is standard output."),
    ] = None,
) -> None:
    """Hold the machines against figures that others published or measured; exit status 1 if one is not met."""
    check_targets({"--json": json, "--markdown": markdown}, (data,))

    from spikecycle.simulator.validation.run import validate as run_checks
    from spikecycle.simulator.validation.table import report_of, to_json, to_markdown

    with shown_progress("validating") as progress:
        report = run_checks(data, machine, progress)
    if json is not None:
        write_document(json, to_json(report))
    if markdown is not None:
        write_document(markdown, to_markdown(report))
    if "-" not in (json, markdown):
        standard_output().show(report_of(report, every_row))
    if report.failed:
        raise typer.Exit(_FAILED)
