"""Ours beside theirs: energies, ratios, shares, statements, as rows of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.published.figures import (
    BREAKDOWN,
    DRAM_SHARE,
    LEAST_SPEARMAN,
    MOST_ARITHMETIC,
    PLAIN,
    PRUNED_80,
    PRUNED_975,
    RATIOS,
    TERNARY,
    TOLERANCE,
    WIRE_SHARE,
    Run,
)
from spikecycle.simulator.validation.weight_compression.compression import BITS, PRUNED, GridPoint
from spikecycle.simulator.validation.weight_compression.measure import OPERANDS, EnergyBreakdown

Energies = Mapping[Run, float]


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under a title, columns aligned: the first to the left, the others to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def text(line: Sequence[str]) -> str:
        cells = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        return "  ".join([line[0].ljust(widths[0]), *cells])

    return "\n".join([title, *map(text, lines)])


def relative(ours: float, published: float) -> str:
    """The error of a figure, %."""
    return f"{100 * (ours / published - 1):+.1f} %"


def energy_table(ours: Energies, published: Energies) -> str:
    """Every energy, absolute and over the same format's ternary one."""
    rows = []
    for run, energy in ours.items():
        format_name, point = run
        row = [f"{format_name} {point}", f"{energy:.2f}"]
        of_ternary = energy / ours[format_name, TERNARY]
        if run in published:
            theirs = published[run] / published[format_name, TERNARY]
            row += [f"{published[run]:.2f}", relative(energy, published[run])]
            row += [f"{of_ternary:.3f}", f"{theirs:.3f}", relative(of_ternary, theirs)]
        else:
            row += ["", "", f"{of_ternary:.3f}", "", ""]
        rows.append(row)
    head = ("energy of an inference, mJ", "ours", "published", "error", "ours / ternary", "published", "error")
    return table("Energies", head, rows)


def ratio_table(ours: Energies, published: Energies) -> str:
    """The ratios that the publication states."""
    rows = []
    for ratio in RATIOS:
        found, theirs = (energies[ratio.above] / energies[ratio.below] for energies in (ours, published))
        near = "yes" if abs(found / theirs - 1) <= TOLERANCE else "NO"
        rows.append((ratio.name, f"{found:.3f}", f"{theirs:.3f}", relative(found, theirs), near))
    return table("Ratios", ("", "ours", "published", "error", f"within {TOLERANCE:.0%}"), rows)


def within(limits: tuple[float, float], value: float) -> str:
    """A share, and where it lies if it is not within limits."""
    low, high = limits
    return f"{value:.1%}" + (" (low)" if value < low else " (high)" if value > high else "")


def share_table(measured: Mapping[Run, EnergyBreakdown], title: str = "Shares of the energy") -> str:
    """Parts of the energy of the points whose breakdown is published, by what spends it, and DRAM by operand."""
    expected = (DRAM_SHARE, WIRE_SHARE, (0.0, MOST_ARITHMETIC))
    ranges = ", ".join(f"{low:.0%} to {high:.0%}" for low, high in expected)
    parts = ("DRAM", "wires", "arithmetic", "global buffer", "pads")
    head = (f"expected: {ranges}", *parts, *(f"DRAM {operand}" for operand in OPERANDS))
    rows = []
    for (format_name, point), energy in sorted(measured.items(), key=lambda item: item[0][1]):
        if point not in BREAKDOWN:
            continue
        published = (f"{BREAKDOWN[point][part]:.1%}" for part in parts)
        theirs = (f"published, {point}", *published, *("" for _ in OPERANDS))
        if theirs not in rows:
            rows.append(theirs)
        pads = sum(energy.sram[pad] for pad in ("input_pad", "weight_pad", "psum_pad"))
        rows.append((
            f"{format_name} {point}",
            within(DRAM_SHARE, energy.dram_share),
            within(WIRE_SHARE, energy.share(energy.wires)),
            within((0.0, MOST_ARITHMETIC), energy.share(energy.arithmetic)),
            f"{energy.share(energy.sram['global_buffer']):.1%}",
            f"{energy.share(pads):.1%}",
            *(f"{energy.share(energy.dram[operand]):.1%}" for operand in OPERANDS),
        ))  # fmt: skip
    return table(title, head, rows)


@dataclass(frozen=True)
class Statement:
    """Something the study says, and whether our energies say it too."""

    text: str
    holds: bool


def statements(ours: Energies, published: Energies) -> list[Statement]:
    """The study's statements about energies."""
    found = []
    for name in ("rle", "uop"):
        by_bits = [ours[name, GridPoint(bits, 0)] for bits in BITS]
        found.append(Statement(f"{name}: more bits cost more", all(np.diff(by_bits) > 0)))
        by_pruning = [ours[name, GridPoint(8, pruned)] for pruned in PRUNED]
        found.append(Statement(f"{name}: pruning more never costs more", all(np.diff(by_pruning) < 0)))
        first, later = ours[name, PLAIN] - ours[name, PRUNED_80], ours[name, PRUNED_80] - ours[name, PRUNED_975]
        found.append(Statement(f"{name}: beyond 80 % pruning saves less than half as much again", later < first / 2))
        found.append(
            Statement(f"{name}: 80 % pruned costs more than ternary", ours[name, PRUNED_80] > ours[name, TERNARY])
        )
    gaps = {bits: ours["rle", GridPoint(bits, 0)] - ours["uop", GridPoint(bits, 0)] for bits in BITS}
    found.append(
        Statement("rle costs more than uop on weights of 8, 6 and 4 bits", min(gaps[b] for b in (8, 6, 4)) > 0)
    )
    found.append(Statement("uop costs more than rle on weights of 3 and 2 bits", max(gaps[b] for b in (3, 2)) < 0))
    rank = spearman([ours[run] for run in published], list(published.values()))
    text = f"the order of the {len(published)} energies is theirs: Spearman {rank:.3f}, at least {LEAST_SPEARMAN}"
    return [*found, Statement(text, rank >= LEAST_SPEARMAN)]


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Rank correlation of numbers without ties."""
    ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def statement_table(found: Sequence[Statement]) -> str:
    """Statements and whether they hold."""
    return table("Statements", ("", "holds"), [(s.text, "yes" if s.holds else "NO") for s in found])
