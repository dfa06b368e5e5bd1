"""`spikecycle check`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import standard_output
from spikecycle.simulator.cli.progress import shown_progress


def check(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A trace, a machine, a sweep, a study, or what a command wrote, folders too; or a shipped one's name.",
        ),
    ],
    plugins: options.PluginOption = None,
    max_memory: options.MaxMemoryOption = None,
    loads_plugins: Annotated[
        bool,
        typer.Option("--load-plugins", help="Run code of installed packages where a machine names it; not by default."),
    ] = False,
) -> None:
    """Read every value of a file of ours, say what is wrong with it, or describe it."""
    options.load_plugins(plugins)
    max_memory_bytes = options.parse_max_memory(max_memory)

    from spikecycle.simulator.checking import check_file
    from spikecycle.simulator.plugins import without_installed_plugins
    from spikecycle.simulator.report.describe import report_of

    unloaded = nullcontext() if loads_plugins else without_installed_plugins()
    with unloaded, shown_progress("reading") as progress:
        description = check_file(file, progress, max_memory_bytes)
    standard_output().show(report_of(description))
