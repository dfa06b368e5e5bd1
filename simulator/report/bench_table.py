"""What a bench measured, as tables for a terminal; of two documents, how much faster one is than the other."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Column, fitting_sheets, names
from spikecycle.simulator.bench.result import BenchCase, BenchResult
from spikecycle.simulator.report.bench_words import (
    compared_words,
    ground_words,
    machine_words,
    network_words,
    problem_lines,
    work_words,
)

_MIB = 2**20


def bench_report(result: BenchResult, other: tuple[str, BenchResult] | None = None) -> RenderableType:
    """The tables, and a line of grounds. other: a document whose equal cases are set beside, and its name."""
    parts: list[RenderableType] = [_cases(result, other[1] if other else None)]
    if other:
        parts.append(Text(compared_words(result, *other)))
    if result.peers:
        parts += [Text(), _peers(result)]
    if result.growth:
        parts += [Text(), _growth(result)]
    return Group(*parts, Text(), Text(ground_words(result), style="dim"))


def _cases(result: BenchResult, other: BenchResult | None) -> RenderableType:
    cases = result.cases
    before = {} if other is None else {case.key: case for case in other.cases if not case.problem}
    columns = [
        names("network", [network_words(case) for case in cases]),
        names("machine", [machine_words(case) for case in cases]),
        Column("first\nrun, s", [_number(case, case.first_s) for case in cases]),
        Column("run,\ns", [_number(case, case.seconds) for case in cases]),
        Column("M SOP\nper s", [_number(case, case.sops_per_s / 1e6) for case in cases]),
        Column("dense G\nSOP per s", [_number(case, case.dense_sops_per_s / 1e9) for case in cases]),
        Column("M cycles\nper s", [_number(case, case.cycles_per_s / 1e6) for case in cases]),
        Column("peak\nMiB", [_number(case, case.peak_bytes / _MIB) for case in cases]),
    ]
    if other is not None:
        columns.append(Column("times as\nfast", [_faster(case, before.get(case.key)) for case in cases]))
    return Group(fitting_sheets(("Speed of the simulation", columns)), *map(Text, problem_lines(cases, ())))


def _peers(result: BenchResult) -> RenderableType:
    peers = result.peers
    columns = [
        names("program", [peer.peer for peer in peers]),
        names("work", [work_words(result, peer) for peer in peers]),
        Column("theirs, s", ["-" if peer.problem else f"{peer.seconds:.3g}" for peer in peers]),
        Column("ours, s", ["-" if peer.problem else f"{peer.ours_s:.3g}" for peer in peers]),
        Column("ours, times\nas fast", ["-" if peer.problem else f"{peer.ratio:.2f} x" for peer in peers]),
    ]
    table = fitting_sheets(("Beside other programs, in the same run", columns))
    return Group(table, *map(Text, problem_lines((), peers)))


def _growth(result: BenchResult) -> RenderableType:
    growth = result.growth
    columns = [
        names("size", [one.size for one in growth]),
        Column("values", [", ".join(map(str, one.values)) for one in growth], folds=True),
        Column("seconds", [", ".join(f"{each:.3g}" for each in one.seconds) for one in growth], folds=True),
        Column("exponent", [f"{one.exponent:.2f}" for one in growth]),
    ]
    return fitting_sheets(("Growth of the time of one convolution on spike_array", columns))


def _number(case: BenchCase, value: float) -> str:
    return "-" if case.problem else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _faster(case: BenchCase, before: BenchCase | None) -> str:
    return "-" if before is None or case.problem else f"{before.seconds / case.seconds:.2f}"
