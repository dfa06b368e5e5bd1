"""Audit: published efficiencies re-priced in consistent units, and how far they depend on what a bit of DRAM costs.

A published throughput (GOP/s) over a published efficiency (GOP/J) is the power that the efficiency was computed with.
What the published power of the chip leaves of it is DRAM. At another price of a bit that part scales and the chip does
not: so every machine's efficiency, and its ratio to the others', gets a band. A second table prices a comparison again
whose parts were added up in different units (`unit_audit`); a third, of a trace, compares published power with what the
machines count (`power_audit`).
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Column, Fitting, fitting_sheets, names
from spikecycle.simulator.units import UW_PER_MW
from spikecycle.simulator.validation import power_audit, unit_audit
from spikecycle.simulator.validation.tables import read_table

MW_PER_W = UW_PER_MW
PUBLISHED_PJ_PER_BIT = 12.45
"""Price of a bit that the published efficiencies were computed with (Prosperity, HPCA 2025, public simulator)."""
_WIDEST_HEAD = 12
"""Characters of a header before it goes on in the next line."""
REFERENCE = "prosperity"
SOURCE = "Prosperity (Wei et al., HPCA 2025), Table IV and its public simulator"


@dataclass(frozen=True)
class DramPrice:
    """What a bit costs, and who says so."""

    kind: str
    pj_per_bit: float
    source: str


@dataclass(frozen=True)
class PublishedEfficiency:
    """One machine as published.

    gops: throughput, 10^9 operations per second. gopj: efficiency, 10^9 operations per joule. on_chip_mw: power without
    DRAM. dram_ratio: DRAM traffic over the reference's on the same network. other_gopj: efficiency of the same chip and
    network in another publication, None where there is none.
    """

    machine: str
    gops: float
    gopj: float
    on_chip_mw: float
    dram_ratio: float
    other_gopj: float | None

    @property
    def power_w(self) -> float:
        """Power that throughput and efficiency together imply, W."""
        return self.gops / self.gopj

    @property
    def dram_w(self) -> float:
        """What the chip's power leaves of it, W; below 0, the published figures contradict each other."""
        return self.power_w - self.on_chip_mw / MW_PER_W

    @property
    def dram_gbit_per_s(self) -> float:
        """Traffic that this power pays for at the published price, 10^9 bits per second."""
        return self.dram_w / PUBLISHED_PJ_PER_BIT * 1e3

    @property
    def on_chip_gopj(self) -> float:
        """Efficiency without DRAM."""
        return self.gops / (self.on_chip_mw / MW_PER_W)

    def gopj_at(self, pj_per_bit: float) -> float:
        """Efficiency with DRAM at another price."""
        return self.gops / (self.on_chip_mw / MW_PER_W + self.dram_w * pj_per_bit / PUBLISHED_PJ_PER_BIT)


@dataclass(frozen=True)
class Audit:
    """Machines and prices, and what follows."""

    machines: tuple[PublishedEfficiency, ...]
    prices: tuple[DramPrice, ...]

    @property
    def reference(self) -> PublishedEfficiency:
        """The machine that the others are compared with."""
        return next(each for each in self.machines if each.machine == REFERENCE)

    def bits_per_operation(self, machine: PublishedEfficiency) -> float:
        """DRAM bits per operation that its power implies."""
        return machine.dram_gbit_per_s / machine.gops

    def implied_ratio(self, machine: PublishedEfficiency) -> float:
        """DRAM traffic over the reference's on the same work, by its power; the published one is `dram_ratio`."""
        return self.bits_per_operation(machine) / self.bits_per_operation(self.reference)

    def advantage(self, machine: PublishedEfficiency, pj_per_bit: float) -> float:
        """How many times as efficient the reference is at a price."""
        return self.reference.gopj_at(pj_per_bit) / machine.gopj_at(pj_per_bit)

    def band(self, machine: PublishedEfficiency) -> tuple[float, float]:
        """Least and most of that over all prices."""
        found = [self.advantage(machine, price.pj_per_bit) for price in self.prices]
        return min(found), max(found)


def audit() -> Audit:
    """The shipped publications at the shipped prices."""
    machines = tuple(
        PublishedEfficiency(
            line["machine"], float(line["gops"]), float(line["gopj"]), float(line["on_chip_mw"]),
            float(line["dram_ratio"]), float(line["phi_gopj"]) if line["phi_gopj"] else None,
        )
        for line in read_table("published_efficiency")
    )  # fmt: skip
    prices = tuple(
        DramPrice(line["kind"], float(line["pj_per_bit"]), line["source"]) for line in read_table("dram_prices")
    )
    return Audit(machines, prices)


HEAD = (
    "machine", "published GOP/J", "elsewhere", "implied W", "chip W", "DRAM W", "DRAM over reference: published",
    "implied", "chip only GOP/J", "reference is better by: published", "least", "most",
)  # fmt: skip


def rows(found: Audit) -> list[tuple[str, ...]]:
    """The table, as texts."""
    lines: list[tuple[str, ...]] = []
    for machine in found.machines:
        low, high = found.band(machine)
        lines.append((
            machine.machine, f"{machine.gopj:g}", f"{machine.other_gopj:g}" if machine.other_gopj else "",
            f"{machine.power_w:.3f}", f"{machine.on_chip_mw / MW_PER_W:.3f}", f"{machine.dram_w:.3f}",
            f"{machine.dram_ratio:.2f}", f"{found.implied_ratio(machine):.2f}", f"{machine.on_chip_gopj:.1f}",
            f"{found.advantage(machine, PUBLISHED_PJ_PER_BIT):.2f}", f"{low:.2f}", f"{high:.2f}",
        ))  # fmt: skip
    return lines


def notes(found: Audit) -> list[str]:
    """What the table is made of."""
    prices = "; ".join(f"{price.pj_per_bit:g} {price.kind} ({price.source})" for price in found.prices)
    return [
        f"published: {SOURCE}; elsewhere: Phi (ISCA 2025), Table 2, same chips and network",
        f"least and most over these prices of DRAM, pJ/bit: {prices}",
        "implied W = GOP/s over GOP/J; DRAM W is what the chip's power leaves of it, "
        f"priced at {PUBLISHED_PJ_PER_BIT} pJ/bit",
    ]


def repriced(found: Audit) -> list[unit_audit.Repriced]:
    """The comparison in one unit, at the same prices of DRAM."""
    prices = [price.pj_per_bit for price in found.prices]
    return list(unit_audit.repriced(unit_audit.counted_runs(), prices))


def report_of(found: Audit, runs: Sequence[power_audit.PricedRun] = ()) -> RenderableType:
    """For a terminal. runs: of a trace, by both prices."""
    in_one_unit = _table(
        "LoAS and its baselines, added up in one unit", unit_audit.HEAD, [line.cells() for line in repriced(found)]
    )
    parts: list[RenderableType] = [
        _table("Published efficiencies, priced again", HEAD, rows(found)),
        *map(Text, notes(found)),
        Text(),
        in_one_unit,
        *map(Text, unit_audit.NOTES),
    ]
    if runs:
        priced = _table("A trace at published power", power_audit.HEAD, [run.cells() for run in runs])
        parts += [Text(), priced, *map(Text, power_audit.NOTES)]
    return Group(*parts)


def _table(title: str, heads: Sequence[str], lines: Sequence[tuple[str, ...]]) -> Fitting:
    columns = []
    for head, cells in zip(heads, zip(*lines, strict=True), strict=True):
        if head in ("network", "machine", "of"):
            columns.append(names(head, cells))
        else:
            columns.append(Column("\n".join(textwrap.wrap(head, _WIDEST_HEAD)), cells))
    return fitting_sheets((title, columns))


def to_markdown(found: Audit, runs: Sequence[power_audit.PricedRun] = ()) -> str:
    """As Markdown tables."""
    lines = [f"| {' | '.join(HEAD)} |", f"|---|{'---:|' * (len(HEAD) - 1)}"]
    lines += [f"| {' | '.join(line)} |" for line in rows(found)]
    lines += ["", *(f"- {note}" for note in notes(found)), ""]
    lines += [f"| {' | '.join(unit_audit.HEAD)} |", f"|---|---|{'---:|' * (len(unit_audit.HEAD) - 2)}"]
    lines += [f"| {' | '.join(line.cells())} |" for line in repriced(found)]
    lines += ["", *(f"- {note}" for note in unit_audit.NOTES)]
    if runs:
        lines += ["", f"| {' | '.join(power_audit.HEAD)} |", f"|---|---:|---|{'---:|' * (len(power_audit.HEAD) - 3)}"]
        lines += [f"| {' | '.join(run.cells())} |" for run in runs]
        lines += ["", *(f"- {note}" for note in power_audit.NOTES)]
    return "\n".join(lines) + "\n"


def to_json(found: Audit, runs: Sequence[power_audit.PricedRun] = ()) -> str:
    """Everything, with the efficiency at each price."""
    document = [
        {
            "machine": each.machine,
            "published_gopj": each.gopj,
            "published_elsewhere_gopj": each.other_gopj,
            "implied_power_w": each.power_w,
            "on_chip_power_w": each.on_chip_mw / MW_PER_W,
            "implied_dram_w": each.dram_w,
            "published_dram_ratio": each.dram_ratio,
            "implied_dram_ratio": found.implied_ratio(each),
            "on_chip_gopj": each.on_chip_gopj,
            "gopj_by_dram_pj_per_bit": {f"{p.pj_per_bit:g}": each.gopj_at(p.pj_per_bit) for p in found.prices},
            "reference_advantage": list(found.band(each)),
            "source": SOURCE,
        }
        for each in found.machines
    ]
    in_one_unit = [
        {
            "network": each.run.network,
            "machine": each.run.machine,
            "published_energy_ratio": each.run.published_ratio,
            "script_energy_ratio": each.script_ratio,
            "energy_ratio": each.ratio,
            "energy_ratio_band": [each.least, each.most],
            "energy_pj_by_part": each.run.parts_pj(unit_audit.DRAM_PJ_PER_BIT),
            "source": unit_audit.SOURCE,
        }
        for each in repriced(found)
    ]
    told: dict[str, object] = {"machines": document, "in_one_unit": in_one_unit}
    if runs:
        told["at_published_power"] = [run.told() for run in runs]
    told["notes"] = [*notes(found), *unit_audit.NOTES, *(power_audit.NOTES if runs else ())]
    return json.dumps(told, indent=2) + "\n"
