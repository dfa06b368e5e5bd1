"""What a bench measured, as tables for a terminal; of two documents, how much faster one is than the other."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from spikecycle.sheet import Column, fitting_sheets, names
from spikecycle.simulator.bench.result import BenchCase, BenchResult
from spikecycle.simulator.bench.spread import Faster
from spikecycle.simulator.report.bench_words import (
    busy_words,
    compared_words,
    drawn_alike,
    drawn_words,
    ground_words,
    machine_words,
    network_lines,
    ours_words,
    peer_words,
    problem_lines,
    spread_percent,
    term_lines,
    work_words,
)
from spikecycle.simulator.report.human import digits
from spikecycle.wording import numbered

_MIB = 2**20
_NONE = "-"


def bench_report(result: BenchResult, other: tuple[str, BenchResult] | None = None) -> RenderableType:
    """The tables, what their terms are, and a line of grounds. other: a document whose equal cases are set beside, and
    its name."""
    parts: list[RenderableType] = [_cases(result, other[1] if other else None)]
    if other:
        parts += map(Text, [compared_words(result, *other), *busy_words(*other)])
    terms = term_lines("run", "±", "SOP", "dense SOP", "cycles", "first run", "compiling", "peak")
    parts += map(_note, [*network_lines(result), *terms])
    if result.peers:
        parts += [Text(), *_peers(result), *map(_note, peer_words(result))]
    if result.growth:
        parts += [Text(), _growth(result), *map(_note, term_lines("exponent"))]
    return Group(*parts, Text(), *map(Text, busy_words("This bench", result)), _note(ground_words(result)))


def _note(text: str) -> Text:
    return Text(text, style="dim")


def _cases(result: BenchResult, other: BenchResult | None) -> RenderableType:
    cases = result.cases
    shared = drawn_alike(cases)
    before = {} if other is None else {case.key: case for case in reversed(other.cases) if not case.problem}
    columns = [
        names("network", [_network(case, not shared) for case in cases]),
        names("machine", [machine_words(case) for case in cases]),
        Column("run,\nms", [_number(case, 1e3 * case.seconds) for case in cases]),
        Column("±\n%", [_spread(case) for case in cases]),
        Column("M SOP\nper s", [_number(case, case.sops_per_s / 1e6) for case in cases]),
        Column("dense G\nSOP per s", [_number(case, case.dense_sops_per_s / 1e9) for case in cases]),
        Column("M cycles\nper s", [_number(case, case.cycles_per_s / 1e6) for case in cases]),
        Column("first\nrun, s", [_number(case, case.first_s) for case in cases]),
        Column("compil-\ning, s", [_number(case, case.compile_s) for case in cases]),
        Column("peak\nMiB", [_number(case, case.peak_bytes / _MIB) for case in cases]),
    ]
    if other is not None:
        found = [_faster(case, before.get(case.key)) for case in cases]
        columns.append(Column("times as\nfast", [f"{each.times:.2f}" if each else _NONE for each in found]))
        columns.append(Column("by the\nspread", [_span(each) for each in found]))
    title = ", ".join(("Speed of the simulation", *shared))
    return Group(fitting_sheets((title, columns)), *map(Text, problem_lines(cases, ())))


def _peers(result: BenchResult) -> Iterator[RenderableType]:
    peers, shared = [peer for peer in result.peers if not peer.problem], drawn_alike(result.cases)
    columns = [
        names("program", [peer.peer for peer in peers]),
        names("work", [peer.work if shared else work_words(result, peer) for peer in peers]),
        Column("ours", [ours_words(result, peer) for peer in peers], justify="left", folds=True),
        Column("theirs,\nms", [digits(1e3 * peer.seconds) for peer in peers]),
        Column("ours,\nms", [digits(1e3 * peer.ours_s) for peer in peers]),
        Column("times\nas fast", [f"{peer.ratio:.2f} x" for peer in peers]),
    ]
    if peers:
        yield fitting_sheets((", ".join(("In turns with others", *shared)), columns))
    yield from map(Text, problem_lines((), result.peers))


def _growth(result: BenchResult) -> RenderableType:
    growth = result.growth
    columns = [
        names("size", [one.size for one in growth]),
        Column("values", [", ".join(map(str, one.values)) for one in growth], folds=True),
        Column("seconds", [", ".join(f"{each:.3g}" for each in one.seconds) for one in growth], folds=True),
        Column("exponent", [f"{one.exponent:.2f}" for one in growth]),
    ]
    return fitting_sheets(("Growth of the time of one convolution on spike_array", columns))


def _network(case: BenchCase, with_shares: bool) -> str:
    samples = (numbered(case.samples, "sample"),) if case.samples > 1 else ()
    return ", ".join((case.network, *(drawn_words(case) if with_shares else ()), *samples))


def _number(case: BenchCase, value: float | None) -> str:
    return _NONE if case.problem or value is None else digits(value)


def _spread(case: BenchCase) -> str:
    found = spread_percent(case)
    return _NONE if found is None else f"{found:.0f}"


def _faster(case: BenchCase, before: BenchCase | None) -> Faster | None:
    return None if before is None or case.problem else case.faster_than(before)


def _span(ratio: Faster | None) -> str:
    return f"{ratio.span[0]:.2f}-{ratio.span[1]:.2f}" if ratio and ratio.span else _NONE
