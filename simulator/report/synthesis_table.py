"""What was drawn for a synthetic trace: asked for, and come out, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group
from rich.text import Text

from spikecycle.sheet import Column, fitting_sheets, names
from spikecycle.simulator.report.totals import WARNING
from spikecycle.simulator.variant import SYNTHETIC

Statistics = Mapping[str, Mapping[str, float | None]]
_HEADERS = {
    "density": "density,",
    "channel_variation": "channel\nvariation,",
    "time_correlation": "correlation\nin time,",
    "space_correlation": "correlation\nin space,",
}


def synthesis_report(
    trace: str, asked: Statistics, drawn: Statistics, fewest_values: int, notes: Sequence[str] = ()
) -> Group:
    """asked, drawn: statistics by layer; drawn ones of the first samples. fewest_values: below which they are unknown.
    notes: what of the network was read how."""
    title = "Inputs of each layer, or inputs and spikes of a network"
    columns = [names("", list(asked))]
    for key, header in _HEADERS.items():
        columns.append(Column(f"{header}\nasked", [_text(asked[layer].get(key)) for layer in asked]))
        columns.append(Column(f"{header}\ndrawn", [_text(drawn[layer].get(key)) for layer in asked]))
    unknown = any(
        drawn[name].get(key) is None for name in asked for key in _HEADERS if asked[name].get(key) is not None
    )
    too_few = (
        "-: there are no neighbours to compare, or too few values to tell what was drawn: "
        f"fewer than {fewest_values:,} in each channel of a single sample, or in all of several samples."
    )
    return Group(
        Text(f"wrote {trace}", style="bold"),
        Text("\n".join([SYNTHETIC, *notes]), style=WARNING),
        Text(),
        fitting_sheets((title, columns)),
        *([Text(too_few, style="dim")] if unknown else []),
    )


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
