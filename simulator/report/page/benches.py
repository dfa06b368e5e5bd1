"""The section of a page on what benches measured: figures at a glance, charts, tables, and what they rest on."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence

from spikecycle.simulator.bench.result import ONE_THREAD, BenchCase, BenchResult
from spikecycle.simulator.bench.spread import Faster
from spikecycle.simulator.report import human
from spikecycle.simulator.report.bench_words import (
    TERMS,
    busy_words,
    date_words,
    ground_words,
    machine_words,
    network_lines,
    peer_words,
    problem_lines,
    runs_words,
    shares_of,
    spread_percent,
    work_words,
)
from spikecycle.simulator.report.page.bench_rows import Benches, faster, networks_of, speed_up
from spikecycle.simulator.report.page.chart import DataTable, Value

_MIB = 2**20


def bench_titles(benches: Benches) -> tuple[str, str]:
    """Title of a page of benches, and the line below it."""
    if len(benches) > 1:
        return f"Speed of the simulator: {len(benches)} benches side by side", ", ".join(name for name, _ in benches)
    ((_, bench),) = benches
    when = f", {date_words(bench)}" if bench.date else ""
    return f"Speed of the simulator on {bench.computer}", f"spikecycle {bench.spikecycle}{when}"


def bench_tiles(benches: Benches) -> list[tuple[str, str]]:
    """What a reader looks for first: of one bench, its speed and that of the others; of several, how they compare."""
    if len(benches) > 1:
        return list(_compared(benches))
    ((_, bench),) = benches
    done = [case for case in bench.cases if not case.problem]
    if not done:
        return []
    most = [
        ("synaptic events per s, at most", max(case.sops_per_s for case in done)),
        ("dense SOPs per s, at most", max(case.dense_sops_per_s for case in done)),
        ("simulated cycles per s, at most", max(case.cycles_per_s for case in done)),
    ]
    tiles = [(name, human.si(value, "")) for name, value in most]
    tiles += [(f"times as fast as {name}", _span(ratios)) for name, ratios in _ratios(bench).items()]
    tiles.append(("memory, at most", f"{human.digits(max(case.peak_bytes for case in done) / _MIB)} MiB"))
    return tiles


def bench_lines(benches: Benches) -> list[str]:
    """What the figures are and rest on, and which programs could not be measured beside."""
    if len(benches) == 1:
        ((_, bench),) = benches
        said = [ground_words(bench), *busy_words("This bench", bench), *network_lines(bench), *peer_words(bench)]
    else:
        said = ["Medians of runs after the first, in wall time; runs of other programs take turns with ours."]
        said += [f"{name}: {bench.computer}, {', '.join(_made(bench))}." for name, bench in benches]
        said += [line for name, bench in benches for line in busy_words(name, bench)]
    return said + _not_measured((name, problem_lines((), bench.peers)) for name, bench in benches)


def bench_cautions(benches: Benches) -> list[str]:
    """Cases that could not be measured, and why."""
    return _not_measured((name, problem_lines(bench.cases, ())) for name, bench in benches)


def _not_measured(found: Iterable[tuple[str, list[str]]]) -> list[str]:
    """Problems, each with the names of the benches that have it if there are several benches."""
    found = list(found)
    names: dict[str, list[str]] = {}
    for name, lines in found:
        for line in lines:
            names.setdefault(line, []).append(name)
    several = len(found) > 1
    return [f"Not measured{' in ' + ', '.join(of) if several else ''}: {line}" for line, of in names.items()]


def _made(bench: BenchResult) -> list[str]:
    return [f"spikecycle {bench.spikecycle}", *([date_words(bench)] if bench.date else [])]


def bench_tables(benches: Benches) -> list[tuple[str, DataTable]]:
    """Titles and tables as the terminal has them."""
    tables = [("Speed of the simulation", _cases(benches))]
    if any(bench.peers for _, bench in benches):
        tables.append(("In turns with others", _peers(benches)))
    if any(bench.growth for _, bench in benches):
        tables.append(("Growth of the time of one convolution on spike_array", _growth(benches)))
    return tables


def bench_grounds(benches: Benches) -> DataTable:
    """Computers and versions, side by side."""
    rows: list[Sequence[Value]] = [
        ("processor", *(bench.processor for _, bench in benches)),
        ("cores that the program may use", *(str(bench.cores) for _, bench in benches)),
        ("measured", *(date_words(bench) or "not in this document" for _, bench in benches)),
        ("spikecycle", *(bench.spikecycle for _, bench in benches)),
        ("Python", *(bench.python for _, bench in benches)),
        ("Numba", *(bench.numba for _, bench in benches)),
        ("other programs", *(_programs(bench) for _, bench in benches)),
        ("processes at work when it began", *(_load_words(bench) for _, bench in benches)),
        ("runs of each case, after the first", *(runs_words(bench) for _, bench in benches)),
        ("a figure is", *("the median of these runs, wall time" for _ in benches)),
        ("runs of other programs", *("take turns with ours, so that both meet the same load" for _ in benches)),
    ]
    return DataTable(("what", *(name for name, _ in benches)), rows)


def bench_glossary() -> list[Sequence[Value]]:
    """Terms and what they mean."""
    return [("term", name, meaning) for name, meaning in TERMS.items()]


def _compared(benches: Benches) -> Iterator[tuple[str, str]]:
    """The geometric mean of the ratios of cases that both have: the one mean of ratios that does not depend on which
    of the two is the base (Fleming and Wallace, CACM 29(3), 1986)."""
    networks = networks_of(benches)
    for number, (name, _) in enumerate(benches[1:], start=1):
        found = (faster(same.of, number) for network in networks for same in network.cases)
        ratios = [ratio.times for ratio in found if ratio is not None]
        words = f"times as fast as {benches[0][0]}: {name}"
        if ratios:
            mean = math.exp(statistics.fmean(math.log(each) for each in ratios))
            yield f"{words}, geometric mean of {human.numbered(len(ratios), 'case')}", f"{human.digits(mean)} x"
        else:
            yield words, "no case in both"


def _ratios(bench: BenchResult) -> dict[str, list[float]]:
    """How many times as fast as each peer, and as one thread with several."""
    found: dict[str, list[float]] = {}
    for peer in bench.peers:
        if not peer.problem and peer.peer != ONE_THREAD:
            found.setdefault(peer.peer, []).append(peer.ratio)
    for index, case in enumerate(bench.cases):
        if not case.problem and case.threads > 1:
            beside = next((each for each in bench.peers if each.case == index and each.peer == ONE_THREAD), None)
            times = speed_up(bench, case, beside)
            if times is not None:
                found.setdefault(f"one thread, on {case.threads}", []).append(times)
    return found


def _span(ratios: Sequence[float]) -> str:
    low, high = human.digits(min(ratios)), human.digits(max(ratios))
    return f"{low} x" if low == high else f"{low} to {high} x"


def _cases(benches: Benches) -> DataTable:
    several = len(benches) > 1
    heads = (
        *(["bench"] if several else []), "network", "spikes (%)", "zeros (%)", "machine", "samples", "run (s)", "± (%)",
        *([f"times as fast as {benches[0][0]}"] if several else []), "M SOP per s", "dense G SOP per s",
        "M cycles per s", "first run (s)", "compiling (s)", "peak (MiB)",
    )  # fmt: skip
    rows: list[Sequence[Value]] = [
        (
            *([benches[number][0]] if several else []), case.network, *shares_of(case), machine_words(case),
            *_figures(case, [_times(faster(same.of, number))] * several),
        )
        for network in networks_of(benches)
        for same in network.cases
        for number, case in same.of.items()
    ]  # fmt: skip
    return DataTable(heads, rows)


def _figures(case: BenchCase, ratio: Sequence[Value]) -> Sequence[Value]:
    figures = (
        case.samples, case.seconds, spread_percent(case), *ratio, case.sops_per_s / 1e6, case.dense_sops_per_s / 1e9,
        case.cycles_per_s / 1e6, case.first_s, case.compile_s, case.peak_bytes / _MIB,
    )  # fmt: skip
    return [None] * len(figures) if case.problem else figures


def _times(ratio: Faster | None) -> float | None:
    return None if ratio is None else ratio.times


def _peers(benches: Benches) -> DataTable:
    several = len(benches) > 1
    heads = (*(["bench"] if several else []), "program", "work", "theirs (s)", "ours (s)", "ours, times as fast")
    rows: list[Sequence[Value]] = [
        (
            *([name] if several else []), peer.peer, work_words(bench, peer),
            *((None, None, None) if peer.problem else (peer.seconds, peer.ours_s, peer.ratio)),
        )
        for name, bench in benches
        for peer in bench.peers
    ]  # fmt: skip
    return DataTable(heads, rows)


def _growth(benches: Benches) -> DataTable:
    several = len(benches) > 1
    rows: list[Sequence[Value]] = [
        (
            *([name] if several else []), each.size, ", ".join(f"{value:,}" for value in each.values),
            ", ".join(human.digits(seconds) for seconds in each.seconds), each.exponent,
        )
        for name, bench in benches
        for each in bench.growth
    ]  # fmt: skip
    return DataTable((*(["bench"] if several else []), "size", "values", "seconds", "exponent"), rows)


def _load_words(bench: BenchResult) -> str:
    return "not in this document" if bench.load is None else human.digits(bench.load)


def _programs(bench: BenchResult) -> str:
    """Other programs, with their versions where these are known."""
    found = dict.fromkeys(
        f"{peer.peer.partition(',')[0]} {peer.version}".strip()
        for peer in bench.peers
        if not peer.problem and peer.peer != ONE_THREAD
    )
    return ", ".join(found) or "none"
