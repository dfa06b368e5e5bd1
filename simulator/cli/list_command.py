"""`spikecycle list`."""

from __future__ import annotations

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import standard_output


def list_components(plugins: options.PluginOption = None) -> None:
    """List sample traces, machines, dataflows, overlap policies, weight formats and spike formats."""
    options.load_plugins(plugins)

    from spikecycle.simulator.catalogue import catalogue
    from spikecycle.simulator.report.describe import catalogue_report

    standard_output().show(catalogue_report(catalogue()))
