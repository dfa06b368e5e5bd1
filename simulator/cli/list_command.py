"""`spikecycle list`."""

from __future__ import annotations

from spikecycle.simulator.cli.output import standard_output


def list_components() -> None:
    """List sample traces, machines, dataflows, weight formats and spike formats."""
    from spikecycle.simulator.catalogue import catalogue
    from spikecycle.simulator.report.describe import catalogue_report

    standard_output().show(catalogue_report(catalogue()))
