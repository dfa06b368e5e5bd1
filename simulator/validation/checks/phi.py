"""Phi (ISCA 2025): its headline figures, none of which public data can reproduce.

Patterns are calibrated on spikes of the training split and tried on those of the test split. Neither is published, nor
are the networks. Spikes drawn with the published density are no way out: independent spikes have hardly any patterns,
which is the very thing that the figures are about.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.tables import read_table

REASON = "neither networks nor spikes are published, and independent spikes of that density have no patterns"


def rows(data: Path | None) -> Iterator[Row]:
    """Every headline, without a figure of ours."""
    for line in read_table("phi_headlines"):
        yield Row("phi", line["quantity"], None, float(line["value"]), 0, "Phi (ISCA 2025)", REASON)


CHECKS.register("phi", Check("phi", "Phi: headline figures", ("phi",), (), rows))
