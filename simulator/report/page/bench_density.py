"""How the time of a simulation changes with the share of inputs that spike, and of weights that are not zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from spikecycle.simulator.bench.result import BenchCase
from spikecycle.simulator.report.bench_words import machine_words, percent
from spikecycle.simulator.report.charts.panels import Panel, PanelLine, log_panels
from spikecycle.simulator.report.page.bench_dots import seconds_tick, seconds_words, where
from spikecycle.simulator.report.page.bench_rows import Benches, sample_s
from spikecycle.simulator.report.page.chart import Chart, DataTable, Draw, Value

_LEAST = 3
"""Shares from which on a line is more than its ends."""
_MOST_PANELS = 8


@dataclass(frozen=True)
class _Share:
    """A share that varies. of: the share of a case; fixed: what is said of the other one; axis: what it is."""

    of: Callable[[BenchCase], float]
    fixed: Callable[[BenchCase], str]
    axis: str


_SHARES = {
    "over spikes": _Share(
        lambda case: case.density or 0.0,
        lambda case: f"{100 * (case.zero_weights or 0.0):g} % zeros",
        "inputs that spike (%)",
    ),
    "over weights": _Share(
        lambda case: 1 - (case.zero_weights or 0.0),
        lambda case: f"{100 * (case.density or 0.0):g} % spikes",
        "weights that are not zero (%)",
    ),
}


@dataclass
class _Lines:
    """Seconds per sample by machine and bench, and by share in percent."""

    by_name: dict[str, dict[float, float]] = field(default_factory=dict)

    def long_enough(self) -> Iterator[tuple[str, Sequence[tuple[float, float]]]]:
        """Lines of enough shares, by rising share."""
        for name, found in self.by_name.items():
            if len(found) >= _LEAST:
                yield name, sorted(found.items())


def density_chart(key: str, benches: Benches) -> Chart | None:
    """Time over each share of which there are several; None where there are not."""
    views: dict[str, Draw] = {}
    rows: list[Sequence[Value]] = []
    notes = []
    for name, share in _SHARES.items():
        groups = {title: list(lines.long_enough()) for title, lines in _gathered(benches, share).items()}
        groups = {title: lines for title, lines in groups.items() if lines}
        if groups:
            views[name] = _view(name, groups, share.axis)
            rows += [
                (title, line, share.axis, value, seconds)
                for title, lines in groups.items()
                for line, places in lines
                for value, seconds in places
            ]
            if len(groups) > _MOST_PANELS:
                notes.append(f"Drawn {name} are the first {_MOST_PANELS} of {len(groups)}; the table has all.")
    if not views:
        return None
    return Chart(
        key,
        "Density",
        "Time per sample over the share of inputs that spike, or of weights that are not zero. Both axes are "
        "logarithmic; along the dashed line, twice the share takes twice the time.",
        views,
        DataTable(("network", "machine", "share", "value (%)", "time per sample (s)"), rows),
        notes,
        "Density",
    )


def _gathered(benches: Benches, share: _Share) -> dict[str, _Lines]:
    """Lines by network and the other share."""
    found: dict[str, _Lines] = {}
    for number, (_, bench) in enumerate(benches):
        for case in bench.cases:
            if case.problem or case.density is None or case.zero_weights is None or share.of(case) <= 0:
                continue
            lines = found.setdefault(f"{case.network}, {share.fixed(case)}", _Lines())
            name = f"{machine_words(case)}{where(benches, number)}"
            lines.by_name.setdefault(name, {}).setdefault(percent(share.of(case)), sample_s(case))
    return found


def _view(name: str, groups: Mapping[str, Sequence[tuple[str, Sequence[tuple[float, float]]]]], axis: str) -> Draw:
    series = list(dict.fromkeys(line for lines in groups.values() for line, _ in lines))
    panels = [
        Panel(
            title,
            (),
            [
                PanelLine(
                    places,
                    [f"{title}, {line}: {seconds_words(seconds)} at {value:.10g} %" for value, seconds in places],
                    series.index(line),
                    is_joined=True,
                )
                for line, places in lines
            ],
            axis,
        )
        for title, lines in list(groups.items())[:_MOST_PANELS]
    ]
    return lambda width, key: log_panels(
        width, key, f"Time {name}", panels, "time per sample", series=series, write=seconds_tick, guide=True
    )
