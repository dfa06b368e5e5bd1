"""How long runs took, case by case, beside other programs on the same work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spikecycle.simulator.bench.result import PeerTime
from spikecycle.simulator.bench.spread import Faster
from spikecycle.simulator.report import human
from spikecycle.simulator.report.bench_words import shares_of
from spikecycle.simulator.report.charts.dots import Dot, DotGroup, DotRow
from spikecycle.simulator.report.charts.svg import as_file
from spikecycle.simulator.report.page.bench_dots import (
    MOST_SAID,
    NOT_MEASURED,
    dot_chart,
    dot_view,
    hue_of,
    measured,
    said,
    seconds_tick,
    seconds_words,
    where,
)
from spikecycle.simulator.report.page.bench_rows import (
    Benches,
    SameCase,
    SameNetwork,
    faster,
    networks_of,
    own_work,
    peer_sample_s,
    sample_s,
)
from spikecycle.simulator.report.page.chart import Chart, DataTable, Value

OURS = "spikecycle"
_UNCLEAR = " (unclear)"
_AXIS = "time per sample"
_PICTURE_PX = 1080
"""Width of a picture, that of a chart in a wide window."""


def times_chart(key: str, benches: Benches, networks: Sequence[SameNetwork]) -> Chart | None:
    """Time per sample of each case, and of other programs on the same work; None where nothing was measured."""
    groups = [*_times(benches, networks), *_own_times(benches)]
    end = (
        " At the end of a row, how many times as fast it is on "
        f"{_and([repr(name) for name, _ in benches[1:]])} as on {benches[0][0]!r};{_UNCLEAR} where both are as fast "
        "within the spread of their runs."
        if 1 < len(benches) <= MOST_SAID + 1
        else ""
    )
    hollow = (
        " Hollow: another program on the same work; at its end, how many times as fast the row of spikecycle above it "
        "is, measured again in turns (below 1, the other program is faster)."
        if any(dot.is_hollow for group in groups for row in group.rows for dot in row.dots)
        else ""
    )
    heads = (
        "bench", "network", "spikes (%)", "zero weights (%)", "machine", "weight format", "threads", "samples",
        "program", "time per sample (s)", "spikecycle, times as fast", "why not measured",
    )  # fmt: skip
    return dot_chart(
        key,
        "Run times",
        f"Median wall time per sample after the first run; every step of the axis is a factor.{end}{hollow}",
        benches,
        {_AXIS: (groups, True, seconds_tick)},
        DataTable(heads, list(_time_rows(benches))),
        "Run times",
    )


def times_picture(benches: Benches) -> str:
    """The drawing of the run times as an SVG file (--picture), also where nothing could be measured."""
    groups = [*_times(benches, networks_of(benches)), *_own_times(benches)]
    draw = dot_view("spikecycle bench: run times", _AXIS, benches, groups, True, seconds_tick)
    return as_file(draw(_PICTURE_PX, "bench-times"))


def _times(benches: Benches, networks: Sequence[SameNetwork]) -> Iterator[DotGroup]:
    for network in networks:
        rows = []
        for same in network.cases:
            dots = [
                Dot(
                    sample_s(case),
                    f"{network.name}, {same.name}{where(benches, number)}: {seconds_words(sample_s(case))} per sample",
                    hue_of(benches, number, case),
                )
                for number, case in measured(same)
            ]
            rows.append(DotRow(same.name, dots, _end(benches, same, [seconds_words(dot.value) for dot in dots])))
            for peer, found in same.others:
                timed = [(n, each) for n, each in found.items() if not each.problem]
                tips = [
                    (
                        each.seconds,
                        f"{network.name}, {peer}{where(benches, number)}: {seconds_words(each.seconds)} per sample, "
                        f"{same.name} is {human.digits(each.ratio)} x as fast",
                        hue_of(benches, number, same.of[number]),
                    )
                    for number, each in timed
                ]
                rows.append(_peer_row(benches, peer, [each for _, each in timed], tips))
        yield DotGroup(network.name, rows)


def _own_times(benches: Benches) -> Iterator[DotGroup]:
    for work, programs in own_work(benches).items():
        rows: list[DotRow] = []
        ours: dict[int, PeerTime] = {}
        for peer, found in programs.items():
            timed = {number: each for number, each in found.items() if not each.problem}
            ours = {**timed, **ours}
            tips = [
                (each.seconds, f"{work}, {peer}{where(benches, number)}: {seconds_words(each.seconds)}, {OURS} is "
                 f"{human.digits(each.ratio)} x as fast", number)
                for number, each in timed.items()
            ]  # fmt: skip
            rows.append(_peer_row(benches, peer, list(timed.values()), tips))
        dots = [
            Dot(each.ours_s, f"{work}, {OURS}{where(benches, number)}: {seconds_words(each.ours_s)}", number)
            for number, each in sorted(ours.items())
        ]
        words = ", ".join(seconds_words(dot.value) for dot in dots) if len(benches) == 1 else ""
        yield DotGroup(work, [DotRow(OURS, dots, words), *rows] if dots else rows)


def _peer_row(benches: Benches, name: str, timed: Sequence[PeerTime], tips: Sequence[tuple[float, str, int]]) -> DotRow:
    """The row of another program: hollow dots, and how many times as fast ours is."""
    if not timed:
        return DotRow(name, (), NOT_MEASURED)
    ratios = said([f"{human.digits(each.ratio)} x" for each in timed], " and ")
    ahead = f"{seconds_words(tips[0][0])}, " if len(benches) == 1 else ""
    return DotRow(name, [Dot(*tip, is_hollow=True) for tip in tips], f"{ahead}ours {ratios} as fast" if ratios else "")


def _end(benches: Benches, same: SameCase, values: Sequence[str]) -> str:
    """What stands at the end of a row: its time or, with several benches, how many times as fast as the first."""
    if not values:
        return NOT_MEASURED
    if len(benches) == 1:
        return values[0]
    ratios = [faster(same.of, number) for number in range(1, len(benches))]
    return said(["-" if each is None else _times_words(each) for each in ratios])


def _times_words(ratio: Faster) -> str:
    return f"{human.digits(ratio.times)} x{'' if ratio.is_clear else _UNCLEAR}"


def _time_rows(benches: Benches) -> Iterator[Sequence[Value]]:
    for name, bench in benches:
        for index, case in enumerate(bench.cases):
            what = (
                name, case.network, *shares_of(case), case.machine,
                case.weight_format, case.threads, case.samples,
            )  # fmt: skip
            yield (*what, OURS, None if case.problem else sample_s(case), None, case.problem)
            for peer in bench.peers:
                if peer.case == index:
                    yield (*what, *_peer_end(peer, peer_sample_s(peer, case)))
        for peer in bench.peers:
            if peer.case is None:
                work = (name, peer.work, *[None] * 6)
                if not peer.problem:
                    yield (*work, OURS, peer.ours_s, None, "")
                yield (*work, *_peer_end(peer, peer.seconds))


def _peer_end(peer: PeerTime, seconds: float) -> Sequence[Value]:
    """Program, seconds per sample, how many times as fast ours is, and the problem instead."""
    return (peer.peer, None, None, peer.problem) if peer.problem else (peer.peer, seconds, peer.ratio, "")


def _and(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
