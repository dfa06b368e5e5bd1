"""How a bench names what it measured: networks, machines, computers, and what the figures rest on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from spikecycle.simulator.bench.result import BenchCase, BenchResult, PeerTime


def network_words(case: BenchCase) -> str:
    """The network, and how many of its inputs spike and of its weights are zero."""
    if case.density is None or case.zero_weights is None:
        return case.network
    return f"{case.network}, {100 * case.density:g} % spikes, {100 * case.zero_weights:g} % zeros"


def percent(share: float) -> float:
    """A share in percent, a whole number where it is one, without the digits that a binary number adds: 0.07 is 7."""
    found = round(100 * share, 10)
    return int(found) if found == int(found) else found


def shares_of(case: BenchCase) -> tuple[float | None, float | None]:
    """Percent of inputs that spike, and of weights that are zero; None where nobody asked for them."""
    drawn = (case.density, case.zero_weights)
    spikes, zeros = (None if share is None else percent(share) for share in drawn)
    return spikes, zeros


def machine_words(case: BenchCase) -> str:
    """The machine, its weight format, and the threads where there are several."""
    threads = "" if case.threads == 1 else f", {case.threads} threads"
    return f"{case.machine}{f', {case.weight_format}' if case.weight_format else ''}{threads}"


def work_words(result: BenchResult, peer: PeerTime) -> str:
    """What a peer and we both did, and with how many spikes and zeros, which `work` does not say."""
    case = None if peer.case is None else result.cases[peer.case]
    if case is None or case.density is None:
        return peer.work
    return f"{peer.work} ({network_words(case).removeprefix(f'{case.network}, ')})"


def date_words(result: BenchResult) -> str:
    """When it was measured: "2026-11-29 06:25 UTC"; what is no date as it is, and "" where the document has none."""
    try:
        return datetime.fromisoformat(result.date).astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError):  # the latter near the ends of what years there are
        return result.date


def ground_words(result: BenchResult) -> str:
    """What the figures are, and of which programs on which computer."""
    runs = f"Medians of {result.runs} runs" if result.runs > 1 else "One run"
    when = f" Measured {date_words(result)}." if result.date else ""
    return (
        f"{runs} after the first, in seconds of wall time; runs of peers take turns with ours. spikecycle "
        f"{result.spikecycle}, Python {result.python}, Numba {result.numba}, {result.computer}.{when}"
    )


def compared_words(result: BenchResult, name: str, other: BenchResult) -> str:
    """What a bench is set beside: a document of this name."""
    measured = {case.key for case in other.cases if not case.problem}
    if not any(case.key in measured for case in result.cases):
        return f"{name} has none of these cases: network, shares, machine, format, threads and samples must be equal."
    when = f", {date_words(other)}" if other.date else ""
    return f"Times as fast as {name}: spikecycle {other.spikecycle}, {other.computer}{when}."


def problem_lines(cases: Iterable[BenchCase], peers: Iterable[PeerTime]) -> list[str]:
    """What could not be measured, and why, once each."""
    of_cases = [f"{network_words(case)}, {machine_words(case)}: {case.problem}" for case in cases if case.problem]
    of_peers = [f"{peer.peer}: {peer.problem}" for peer in peers if peer.problem]
    return list(dict.fromkeys([*of_cases, *of_peers]))
