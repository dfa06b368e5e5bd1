"""`spikecycle audit`."""

from __future__ import annotations

from typing import Annotated

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import check_targets, standard_output, write_document


def audit(
    json: options.JsonOption = None,
    markdown: Annotated[
        str | None,
        typer.Option("--markdown", metavar="FILE", help="Write the table as Markdown too; - is standard output."),
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(
            "--trace",
            metavar="TRACE",
            help="Price this trace too, on every machine whose power is published: by that power, and by what it does.",
        ),
    ] = None,
) -> None:
    """Re-price published energy efficiencies in consistent units, and show how far they depend on the price of DRAM."""
    check_targets({"--json": json, "--markdown": markdown}, ())

    from spikecycle.simulator.validation.audit import audit as published
    from spikecycle.simulator.validation.audit import report_of, to_json, to_markdown
    from spikecycle.simulator.validation.power_audit import priced

    found = published()
    runs = [] if trace is None else list(priced(trace))
    if json is not None:
        write_document(json, to_json(found, runs))
    if markdown is not None:
        write_document(markdown, to_markdown(found, runs))
    if "-" not in (json, markdown):
        standard_output().show(report_of(found, runs))
