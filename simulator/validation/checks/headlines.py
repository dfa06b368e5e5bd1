"""Headline figures that public data cannot reproduce: each a row that says why.

Their networks were trained for the papers, and neither weights nor spikes are published. Spikes drawn with published
densities do not stand in for them: Phi lives on patterns, which independent spikes do not have; the gains of the others
are means over networks and against machines whose energies follow from unpublished traces.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.tables import read_table

REASONS = {
    "phi": "neither networks nor spikes are published, and independent spikes of a published density have no patterns",
    "bishop": "neither networks nor spikes are published, nor the sizes of bundles and cores",
    "gustavsnn": "neither networks nor spikes are published, nor how positions are dealt to tiles",
}
"""Why there is no figure of ours, by machine."""


def rows(data: Path | None) -> Iterator[Row]:
    """Every headline, without a figure of ours."""
    for line in read_table("headlines"):
        machine = line["machine"]
        yield Row(machine, line["quantity"], None, float(line["value"]), 0, line["source"], REASONS[machine])


CHECKS.register(
    "headlines", Check("headlines", "headline figures that public data cannot reproduce", tuple(REASONS), (), rows)
)
