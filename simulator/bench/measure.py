"""Measuring: cases one after the other, runs of a case in turns with those of its peers, medians of what they take."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from typing import Any

from spikecycle.cores import cores
from spikecycle.installing import how_to_install
from spikecycle.simulator.bench.growth import exponent
from spikecycle.simulator.bench.networks import NETWORKS, one_layer, write_network
from spikecycle.simulator.bench.process import BenchProcess
from spikecycle.simulator.bench.result import ONE_THREAD, BenchCase, BenchResult, PeerTime, TimeGrowth
from spikecycle.simulator.errors import KernelCacheWarning, UsageError
from spikecycle.simulator.jit import COMPILING
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.validation.sanafe_run import is_installed
from spikecycle.suggestions import did_you_mean
from spikecycle.traces import list_samples, open_trace
from spikecycle.wording import numbered

OURS = "spikecycle.simulator.bench.worker"
TORCH = "spikecycle.models.torch_worker"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class BenchPlan:
    """What to measure.

    traces: names of networks, files, or names of shipped samples. densities, zero_weights, samples: shares, and samples
    in a run, for named networks. formats: of the weights; None is the machine's own. threads: of the simulation. runs:
    of each case after the first, at least, and more, up to MOST_RUNS, until they have taken `at_least_s`; and again so
    in turns with those of its peers. peers, growth: whether to measure them.
    """

    traces: tuple[str, ...] = ("lenet", "vgg9", "resnet", "reference")
    densities: tuple[float, ...] = (0.1,)
    zero_weights: tuple[float, ...] = (0.8,)
    machines: tuple[str, ...] = ("spike_array", "eyeriss_snn", "prosperity")
    formats: tuple[str | None, ...] = (None,)
    threads: tuple[int, ...] = (1,)
    samples: int = 1
    runs: int = 5
    at_least_s: float = 1.0
    peers: bool = True
    growth: bool = True


MOST_RUNS = 50
QUICK = BenchPlan(("lenet", "vgg9", "reference"), machines=("spike_array",), runs=3, growth=False)
"""Under a minute."""


@dataclass(frozen=True)
class _Case:
    network: str
    density: float | None
    zero_weights: float | None
    machine: str
    weight_format: str | None
    threads: int
    path: Path
    describes: str = ""
    problem: str = ""


def bench(plan: BenchPlan, progress: Progress | None = None) -> BenchResult:
    """Measure everything; UsageError for a network, a machine or a format that there is not, before anything else, and
    where not one case can be measured."""
    machines = {name: load_machine(name) for name in plan.machines}
    fixed = {name for name, machine in machines.items() if machine.formats is None}
    for machine, weight_format in product(plan.machines, plan.formats):
        if weight_format is not None and machine not in fixed:
            load_machine(machine, formats={"weights": weight_format})
    began, load = datetime.now(UTC).isoformat(timespec="minutes"), load_average()
    with tempfile.TemporaryDirectory() as folder:
        cases = list(_cases(plan, fixed, Path(folder)))
        steps = len(cases) + plan.growth * len(_SIZES) + plan.peers
        measured: list[BenchCase] = []
        peers: list[PeerTime] = []
        beside_torch: set[Path] = set()
        for index, case in enumerate(cases):
            what = f"{case.network} on {case.machine}"
            if progress:
                progress(what, index, steps)
            has_torch = plan.peers and case.path not in beside_torch
            tell = partial(_tell_of_compiling, progress, what, index, steps)
            found, beside = (
                (_refused(case, case.problem), []) if case.problem else _measure(case, plan, has_torch, tell)
            )
            measured.append(found)
            if not found.problem:
                beside_torch.add(case.path)
            peers += [peer.model_copy(update={"case": index}) for peer in beside]
        _check_some(measured)
        growth = []
        for index, size in enumerate(_SIZES if plan.growth else ()):
            if progress:
                progress(f"growth with {size}", len(cases) + index, steps)
            growth += _growth(size, Path(folder), plan)
        if plan.peers:
            if progress:
                progress("SANA-FE", steps - 1, steps)
            peers.append(_beside_sanafe(plan.runs))
    return BenchResult(
        spikecycle=version("spikecycle"),
        python=platform.python_version(),
        numba=version("numba"),
        processor=processor(),
        cores=cores(),
        date=began,
        runs=plan.runs,
        load=load,
        cases=measured,
        peers=peers,
        growth=growth,
    )


def _check_some(cases: Sequence[BenchCase]) -> None:
    """UsageError if there is a problem with each."""
    if all(case.problem for case in cases):
        others = f" (the first of {len(cases)} cases, none of which can be measured)" if len(cases) > 1 else ""
        raise UsageError(f"{cases[0].problem}{others}")


def load_average() -> float | None:
    """Processes at work in the last minute, in the mean; None where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def processor() -> str:
    """What the system calls the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _cases(plan: BenchPlan, fixed: Container[str], folder: Path) -> Iterator[_Case]:
    """All of them, traces written. fixed: machines for which no format can be chosen."""
    for name in plan.traces:
        if name in NETWORKS:
            for number, (density, zeros) in enumerate(product(plan.densities, plan.zero_weights)):
                path = folder / f"{name}-{number}.h5"
                network = NETWORKS[name]()
                write_network(network, path, density, zeros, plan.samples)
                yield from _on_machines(plan, fixed, _Case(name, density, zeros, "", None, 1, path, str(network)))
        elif Path(name).exists() or name in list_samples():
            with open_trace(name) as trace:  # what is no trace is refused before anything is measured
                path = trace.path
            yield from _on_machines(plan, fixed, _Case(name, None, None, "", None, 1, path))
        else:
            known = (*NETWORKS, *list_samples())
            raise UsageError(f"{name}: there is no such network or file{did_you_mean(name, known)}")


def _on_machines(plan: BenchPlan, fixed: Container[str], network: _Case) -> Iterator[_Case]:
    for machine in plan.machines:
        if machine in fixed and plan.formats != (None,):
            asked = ", ".join(name for name in plan.formats if name is not None)
            problem = f"format {asked}: {machine} has formats of its own, and no other can be chosen"
            yield replace(network, machine=machine, problem=problem)
            continue
        for weight_format, threads in product(plan.formats, plan.threads):
            yield replace(network, machine=machine, weight_format=weight_format, threads=threads)


def _tell_of_compiling(progress: Progress | None, what: str, done: int, total: int, kernel: str) -> None:
    """Compiling is most of a first run in a fresh installation."""
    if progress:
        progress(f"{what}, {COMPILING} {kernel}", done, total)


def _measure(
    case: _Case, plan: BenchPlan, has_torch: bool, compiling: Callable[[str], None]
) -> tuple[BenchCase, list[PeerTime]]:
    """A case by itself, and then, since others empty the caches, in turns with torch on one thread and on all, and with
    the same on one thread where it has several.

    compiling: told of each kernel that is compiled first.
    """
    with ExitStack() as stack:
        ours = stack.enter_context(_simulation(case, compiling=compiling))
        if ours.problem:
            return _refused(case, ours.problem), []
        for text in ours.first["warned"]:
            warnings.warn(text, KernelCacheWarning, stacklevel=2)
        alone = [ours.run() for _ in _turns(plan) if not ours.problem]
        samples = ours.first["samples"]
        beside: list[_Beside] = []
        for threads in sorted({1, cores()}) if has_torch else ():
            torch = stack.enter_context(BenchProcess(TORCH, {"trace": str(case.path), "threads": threads}))
            work = f"{case.network}{', one sample' if samples > 1 else ''}"
            beside.append(_Beside(f"PyTorch, {numbered(threads, 'thread')}", work, torch, samples))
        if case.threads > 1:
            on_one = stack.enter_context(_simulation(replace(case, threads=1)))
            beside.append(_Beside(ONE_THREAD, f"{case.network}, {numbered(samples, 'sample')}", on_one))
        in_turns: list[float] = []
        for _ in _turns(plan) if beside else ():
            if ours.problem:
                break
            in_turns += _seconds_of(ours.run())
            for other in beside:
                if not other.process.problem:
                    other.seconds.extend(_seconds_of(other.process.run()))
        if ours.problem:
            return _refused(case, ours.problem), []
        peers = [
            _peer(
                other.name, other.work, other.process.problem, other.seconds, [each / other.parts for each in in_turns],
                other.process.first.get("version", ""),
            )
            for other in beside
        ]  # fmt: skip
        return _case(case, ours.first, [run["seconds"] for run in alone], alone[-1]["peak_bytes"]), peers


def _turns(plan: BenchPlan) -> Iterator[int]:
    """One for each run, so many that a case of milliseconds is not judged by three of them."""
    began, done = time.monotonic(), 0
    while done < plan.runs or (done < MOST_RUNS and time.monotonic() - began < plan.at_least_s):
        yield done
        done += 1


@dataclass(frozen=True, eq=False)
class _Beside:
    """A process that takes turns with ours.

    work: what both do; the process does one of so many equal parts of ours. seconds: of its runs.
    """

    name: str
    work: str
    process: BenchProcess
    parts: int = 1
    seconds: list[float] = field(default_factory=list)


def _seconds_of(run: Mapping[str, Any]) -> list[float]:
    """What a run took; nothing if it never ended."""
    return [run["seconds"]] if run else []


def _simulation(
    case: _Case, settings: dict[str, Any] | None = None, compiling: Callable[[str], None] = lambda kernel: None
) -> BenchProcess:
    return BenchProcess(
        OURS,
        {
            "trace": str(case.path),
            "machine": case.machine,
            "settings": settings,
            "formats": None if case.weight_format is None else {"weights": case.weight_format},
            "threads": case.threads,
        },
        compiling,
    )


def _refused(case: _Case, problem: str) -> BenchCase:
    return BenchCase(**_told(case), problem=problem)


def _told(case: _Case) -> dict[str, Any]:
    """What is known of a case before it is measured."""
    return {
        "network": case.network,
        "describes": case.describes,
        "density": case.density,
        "zero_weights": case.zero_weights,
        "machine": case.machine,
        "weight_format": case.weight_format,
        "threads": case.threads,
    }


def _case(case: _Case, first: dict[str, Any], seconds: list[float], peak_bytes: int) -> BenchCase:
    median = statistics.median(seconds)
    return BenchCase(
        **_told(replace(case, weight_format=first["weight_format"])),
        problem="",
        samples=first["samples"],
        first_s=first["first_s"],
        compile_s=first["compile_s"],
        seconds=median,
        run_s=seconds,
        sops_per_s=first["sops"] / median,
        dense_sops_per_s=first["dense_sops"] / median,
        cycles_per_s=first["cycles"] / median,
        peak_bytes=peak_bytes,
    )


def _peer(peer: str, work: str, problem: str, theirs: list[float], ours: list[float], release: str = "") -> PeerTime:
    if problem:
        return PeerTime(peer=peer, work=work, problem=problem)
    return PeerTime(
        peer=peer,
        work=work,
        problem="",
        seconds=statistics.median(theirs),
        ours_s=statistics.median(ours),
        ratio=statistics.median(their / our for their, our in zip(theirs, ours, strict=True)),
        version=release,
    )


def _beside_sanafe(runs: int) -> PeerTime:
    """SANA-FE's own detailed simulation of Loihi beside our machine `loihi`, on one network and the same spikes."""
    work = "Loihi network"
    if not is_installed():
        return _peer("SANA-FE", work, f"sanafe is not installed: {how_to_install('peers')}", [], [])
    from spikecycle.simulator.validation.checks.sanafe_loihi import LAYERS, TIMESTEPS, network, run_ours
    from spikecycle.simulator.validation.sanafe_run import run_peer

    peer = network()
    theirs, ours = [], []
    try:
        for _ in range(runs):
            theirs.append(float(run_peer(peer, TIMESTEPS + LAYERS)["wall_s"]))
            ours.append(run_ours(peer)[1])
    except UsageError as error:
        return _peer("SANA-FE", work, str(error), [], [])
    return _peer("SANA-FE", work, "", theirs, ours, _release("sanafe"))


def _release(package: str) -> str:
    """Its version; empty where it is not installed as a package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


_SIZES: dict[str, Sequence[int]] = {
    "timesteps": (16, 32, 64, 128),
    "channels": (64, 128, 256, 512),
    "PEs": (4, 8, 16, 32),
    "samples": (1, 2, 4, 8),
}


def _growth(size: str, folder: Path, plan: BenchPlan) -> list[TimeGrowth]:
    """Seconds of one convolution on spike_array while one size grows; nothing where the computer cannot hold it."""
    seconds = []
    for value in _SIZES[size]:
        path = folder / f"{size}-{value}.h5"
        sizes = {"channels": 128, "timesteps": 16, "samples": 1} | {size: value}
        layer = one_layer(sizes["channels"], sizes["timesteps"])
        write_network(layer, path, 0.1, 0.8, samples=sizes["samples"])
        case = _Case("one convolution", 0.1, 0.8, "spike_array", None, 1, path)
        with _simulation(case, {"dataflow.pes": value} if size == "PEs" else None) as ours:
            found = [ours.run() for _ in _turns(plan) if not ours.problem]
            if ours.problem:
                return []
            seconds.append(statistics.median(run["seconds"] for run in found))
    slope = exponent(_SIZES[size], seconds)
    return [TimeGrowth(size=size, values=list(_SIZES[size]), seconds=seconds, exponent=slope)]
