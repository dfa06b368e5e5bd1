"""`spikecycle list`."""

from __future__ import annotations

from typing import Annotated

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.extensions import GROUP as COMMANDS
from spikecycle.simulator.cli.output import standard_output


def list_components(
    plugins: options.PluginOption = None,
    only_plugins: Annotated[
        bool,
        typer.Option("--plugins", help="List what installed packages add instead, with the package; none is loaded."),
    ] = False,
) -> None:
    """List sample traces, machines, dataflows, overlap policies, weight formats and spike formats."""
    options.load_plugins(plugins)

    from spikecycle.simulator.catalogue import catalogue
    from spikecycle.simulator.machine.loader import MACHINES
    from spikecycle.simulator.plugins import REGISTRIES, installed_plugins
    from spikecycle.simulator.report.describe import catalogue_report

    if only_plugins:
        found = installed_plugins([*(registry.group for registry in REGISTRIES), MACHINES, COMMANDS])
        standard_output().show(catalogue_report({group: entries or [("none", "")] for group, entries in found.items()}))
    else:
        standard_output().show(catalogue_report(catalogue()))
