"""How a bench names what it measured: networks, machines, computers, and what the figures rest on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from spikecycle.simulator.bench.result import ONE_THREAD, BenchCase, BenchResult, PeerTime
from spikecycle.wording import numbered

TERMS = {
    "SOP": "synaptic operation, or synaptic event: one weight that is not zero, added because of one spike",
    "dense SOP": "one weight at one output position and timestep, 0 or not, whether or not there is a spike",
    "first run": "in a new process, which loads what it needs, and compiles kernels or reads them from the cache",
    "compiling": "that part of the first run; 0 where all kernels were in the cache",
    "cycles": "clock cycles of the machine that is simulated",
    "peak": "the most memory of the process, Python included; compiling takes some, too",
    "run": "one simulation of all samples in a warm process; one sample, and one thread, unless it says more",
    "±": "half of the runs lie no farther from the median (median absolute deviation)",
    "times as fast": "the time of the other over the time of this, the median of pairs: above 1, this is faster",
    "exponent": "the power of a size that the time grows with: 1 is proportional, 0 does not grow",
}
"""What the tables call things, and what that is."""


def network_words(case: BenchCase) -> str:
    """The network, and how many of its inputs spike and of its weights are zero."""
    return ", ".join((case.network, *drawn_words(case)))


def drawn_words(case: BenchCase) -> tuple[str, ...]:
    """How many of the inputs of a network that is drawn spike, and how many of its weights are zero."""
    if case.density is None or case.zero_weights is None:
        return ()
    return f"{100 * case.density:g} % spikes", f"{100 * case.zero_weights:g} % zeros"


def drawn_alike(cases: Iterable[BenchCase]) -> tuple[str, ...]:
    """The same of all cases; nothing where they differ in it."""
    found = {drawn_words(case) for case in cases}
    return found.pop() if len(found) == 1 else ()


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


def spread_percent(case: BenchCase) -> float | None:
    """How far runs lie apart, in percent of their median; None where that is not known."""
    return None if case.problem or case.spread_s is None else 100 * case.spread_s / case.seconds


def network_lines(result: BenchResult) -> list[str]:
    """What the networks are that are drawn."""
    told = dict.fromkeys((case.network, case.describes) for case in result.cases if case.describes)
    return [f"{network}: {describes}" for network, describes in told]


def ours_words(result: BenchResult, peer: PeerTime) -> str:
    """The machine of ours that a peer is set beside."""
    return "" if peer.case is None else machine_words(result.cases[peer.case])


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


def runs_words(result: BenchResult) -> str:
    """How often each case was run, after the first: "5", or "5 to 42" where short ones were run more often."""
    found = sorted({len(case.run_s) for case in result.cases if case.run_s}) or [result.runs]
    return f"{found[0]} to {found[-1]}" if len(found) > 1 else f"{found[0]}"


def ground_words(result: BenchResult) -> str:
    """What the figures are, and of which programs on which computer."""
    several = runs_words(result)
    runs = "One run" if several == "1" else f"Medians of {several} runs"
    when = f" Measured {date_words(result)}." if result.date else ""
    return (
        f"{runs} after the first, wall time; of peers, runs take turns with ours. spikecycle "
        f"{result.spikecycle}, Python {result.python}, Numba {result.numba}, {result.computer}.{when}"
    )


def term_lines(*names: str) -> list[str]:
    """What terms are, a line each."""
    return [f"{name}: {TERMS[name]}" for name in names]


def peer_words(result: BenchResult) -> list[str]:
    """What other programs did, and why they may be faster than ours."""
    found = [peer for peer in result.peers if not peer.problem]
    torch = [peer for peer in found if peer.peer.startswith("PyTorch")]
    said = []
    if found:
        said.append(
            "ours: measured again, in turns with the others, which empty caches; times as fast: median of the pairs"
        )
    if any(peer.peer == "SANA-FE" for peer in found):
        said.append(
            "SANA-FE: its detailed timing of Loihi, beside the machine loihi; a network of its own, drawn from a seed, "
            "of two convolutions and two dense layers, 40 timesteps, 20 % spikes, the same in both"
        )
    if torch:
        said.append(
            "PyTorch: one sample; all dense SOPs, in 32-bit floating point, all timesteps as one batch, without "
            "neurons, and without what a machine would take; threads that wait do not spin"
        )
    if any(peer.ratio < 1 for peer in torch):
        said.append(
            "Below 1 x, running the network takes less than simulating it. Of a run, opening the trace and laying "
            "weights out are done once, whatever the spikes and samples: --samples shows what a sample more takes."
        )
    if any(peer.peer == ONE_THREAD and peer.ratio < 1 for peer in found):
        said.append(
            "Where several threads are no faster, a sample takes too short a time to be shared, or the difference lies "
            "within the spread of the runs."
        )
    return said


def busy_words(name: str, result: BenchResult) -> list[str]:
    """That other programs were at work on the computer, where they were."""
    if not result.is_busy:
        return []
    return [
        f"{name} began with {result.load:.1f} processes at work on {numbered(result.cores, 'core')}: its times may be "
        "longer than on a computer that does nothing else."
    ]


def compared_words(result: BenchResult, name: str, other: BenchResult) -> str:
    """What a bench is set beside: a document of this name."""
    measured = {case.key for case in other.cases if not case.problem}
    if not any(case.key in measured for case in result.cases):
        return f"{name} has none of these cases: network, shares, machine, format, threads and samples must be equal."
    when = f", {date_words(other)}" if other.date else ""
    found = f"Times as fast as {name}: spikecycle {other.spikecycle}, {other.computer}{when}."
    if any(case.run_s for case in other.cases):
        found += (
            " By the spread: least and most of the runs of both; with 1 between, they show no difference. What other "
            "programs did at either time is not in it."
        )
    return found


def problem_lines(cases: Iterable[BenchCase], peers: Iterable[PeerTime]) -> list[str]:
    """What could not be measured, and why, once for all cases of a machine that are alike in this."""
    alike: dict[tuple[str, str], list[BenchCase]] = {}
    for case in cases:
        if case.problem:
            alike.setdefault((case.machine, case.problem), []).append(case)
    of_cases = [
        f"{network_words(first)}, {machine_words(first)}{f' and {len(others)} more' if others else ''}: {problem}"
        for (_, problem), (first, *others) in alike.items()
    ]
    of_peers = [f"{peer.peer.partition(',')[0]}: {peer.problem}" for peer in peers if peer.problem]
    return list(dict.fromkeys([*of_cases, *of_peers]))
