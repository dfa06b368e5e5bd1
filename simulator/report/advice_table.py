"""Advice in a terminal: what bounds each operator, where time and energy go, and what to change."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Column, Fitting, fitting_sheets, names
from spikecycle.simulator.explore.advice import Advice, OperatorBound
from spikecycle.simulator.report import human
from spikecycle.simulator.report.figures import share
from spikecycle.simulator.report.grounds_line import ground_line, ground_of
from spikecycle.simulator.report.totals import WARNING
from spikecycle.simulator.units import pj_to_j
from spikecycle.simulator.variant import SYNTHETIC
from spikecycle.wording import setting_text

MOST_PARTS, MOST_KEYS = 5, 12
LEAST_ELASTICITY = 0.005
"""Below, a key is not worth a line: 10 % more of it is less than 0.05 % of anything."""
_NOTHING = "-"
_POWER = "energy.on_chip_power_mw"
_PUBLISHED = (
    " Energy on the chip is its published power times the time: a chip of another size would have another power, which "
    "is not in these figures."
)
_GOALS = {"edp": "energy x time", "energy": "energy", "time": "time"}


def advice_report(advice: Advice) -> Group:
    """Operators under their roofs, shares, elasticities, and the five changes that help most."""
    parts: list[RenderableType] = [
        Text.assemble((advice.trace, "bold"), " on ", (advice.machine, "bold")),
        Text(
            f"{human.si(pj_to_j(advice.energy_per_inference_pj), 'J')} and "
            f"{human.si(advice.seconds_per_inference, 's')} per inference, {_area(advice.area_mm2)}"
        ),
        *_ground(advice),
        *_warnings(advice),
        Text(),
        _operators(advice),
        Text(),
        Text(_shares("cycles", advice.cycles)),
        Text(_shares("energy", advice.energy_pj)),
        Text(),
        *_elasticities(advice),
        Text(),
        *_changes(advice),
    ]
    return Group(*parts)


def _area(area_mm2: float) -> str:
    return f"{human.digits(area_mm2)} mm²" if area_mm2 else "area not modelled"


def _ground(advice: Advice) -> list[Text]:
    line = ground_line([ground_of(advice)])
    return [Text(line)] if line else []


def _warnings(advice: Advice) -> list[Text]:
    found = []
    if advice.too_slow:
        found.append(f"This machine cannot run at its clock: {', '.join(advice.too_slow)} slower than a cycle.")
    if advice.synthetic:
        found.append(SYNTHETIC)
    return [Text(line, style=WARNING) for line in found]


def _operators(advice: Advice) -> Fitting:
    cycles = sum(each.cycles_per_inference for each in advice.operators)
    energy_pj = sum(each.energy_per_inference_pj for each in advice.operators)
    columns = [
        names("layer", [each.layer for each in advice.operators]),
        Column("cycles", [human.count(each.cycles_per_inference) for each in advice.operators]),
        Column("% of\ncycles", [human.percent(share(e.cycles_per_inference, cycles)) for e in advice.operators]),
        Column("% of\nenergy", [human.percent(share(e.energy_per_inference_pj, energy_pj)) for e in advice.operators]),
        Column("lowest roof", [human.label(each.bound_by) for each in advice.operators], justify="left"),
        Column("% of\nthat roof", [human.percent(each.share_of_bound) for each in advice.operators]),
        Column(
            "most cycles go to",
            [
                f"{human.label(each.lost_to)} ({human.percent(each.lost_to_share)} %)"
                if each.lost_to_share
                else _NOTHING
                for each in advice.operators
            ],
            justify="left",
        ),
    ]
    title = "What bounds each operator"
    return fitting_sheets((title, columns), (title, [columns[0], columns[1], *columns[4:]]))


def _lost(operator: OperatorBound) -> str:
    if not operator.lost_to_share:
        return _NOTHING
    return f"{human.label(operator.lost_to)} ({human.percent(operator.lost_to_share)} %)"


def _shares(what: str, parts: Mapping[str, float]) -> str:
    whole = sum(parts.values())
    largest = list(parts.items())[:MOST_PARTS]
    words = ", ".join(f"{human.label(name)} {human.percent(share(value, whole))} %" for name, value in largest)
    return f"Where the {what} {'go' if what == 'cycles' else 'goes'}: {words}"


def _elasticities(advice: Advice) -> list[RenderableType]:
    found = [
        each
        for each in advice.elasticities
        if max(abs(each.energy), abs(each.time), abs(each.area)) >= LEAST_ELASTICITY
    ]
    shown = found[:MOST_KEYS]
    columns = [
        Column("key", [each.key for each in shown], justify="left", folds=True),
        Column("now", [setting_text(each.value) for each in shown]),
        Column("energy,\n%", [_of_energy(advice, human.signed(each.energy, 2)) for each in shown]),
        Column("time,\n%", [human.signed(each.time, 2) for each in shown]),
        Column("area,\n%", [_of_area(advice, human.signed(each.area, 2)) for each in shown]),
    ]
    others = len(advice.elasticities) - len(shown)
    lines: list[RenderableType] = [fitting_sheets(("What 1 % more of a key does (elasticity)", columns))]
    if others:
        lines.append(
            Text(
                f"and {human.numbered_are(others, 'other key', 'does', 'do')} less, or nothing; all are in --json",
                style="dim",
            )
        )
    return lines


def _changes(advice: Advice) -> list[RenderableType]:
    best = advice.best
    goal = _GOALS[advice.goal]
    if not best:
        return [Text(f"No single change of those that were tried gives less {goal}.")]
    columns = [
        Column("change", [f"{change.key}: {change.words}" for change in best], justify="left", folds=True),
        Column("energy,\n%", [_of_energy(advice, _percent(change.energy)) for change in best]),
        Column("time,\n%", [_percent(change.time) for change in best]),
        Column("energy\nx time, %", [_of_energy(advice, _percent(change.edp)) for change in best]),
        Column("area,\n%", [_of_area(advice, _percent(change.area)) for change in best]),
        Column("area,\nmm²", [_of_area(advice, human.signed(change.area_mm2, 3)) for change in best]),
    ]
    title = f"Changes that help most, by {goal}, measured one by one"
    return [
        fitting_sheets((title, columns), (title, columns[:5])),
        Text(
            f"{human.numbered_are(advice.tried, 'machine', 'was', 'were')} simulated. Effects of several changes do "
            "not add up. Clock, node and prices are not changed: what they would cost is not modelled."
            f"{_PUBLISHED if any(each.key == _POWER for each in advice.elasticities) else ''}",
            style="dim",
        ),
    ]


def _of_energy(advice: Advice, text: str) -> str:
    """What is said of energy; nothing where the machine prices none."""
    return text if advice.energy_per_inference_pj else _NOTHING


def _of_area(advice: Advice, text: str) -> str:
    """What is said of the area; nothing where it is not modelled."""
    return text if advice.area_mm2 else _NOTHING


def _percent(value: float) -> str:
    return human.signed(100 * value, 1)
