"""What `targets.py` measures: the targets, and functions that make rows, by the key that --only takes.

They take their figures from the scripts that measure the same by themselves (`reference_network.py`,
`dataflow_speed.py`, `sanafe_speed.py`, `sanafe_reference.py`, `streaming_memory.py`), from the processes of
`spikecycle bench`, or from whole processes of the command line.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import dataflow_speed
import sanafe_reference
import sanafe_speed
import streaming_memory
from reference_network import OURS, TORCH, NotMeasuredError, Task, in_fresh_process, seconds_in_turns, write_trace
from target_rows import Row, Target, number

from spikecycle.cores import cores
from spikecycle.installing import how_to_install
from spikecycle.simulator import SimulatorError, load_machine, shipped_machines
from spikecycle.simulator.bench.networks import NETWORKS, write_network
from spikecycle.simulator.dataflows.cores.dataflow import CoreMachine
from spikecycle.simulator.dataflows.rule import RuleMachine
from spikecycle.simulator.validation.sanafe_run import is_installed
from spikecycle.wording import numbered

REFERENCE_S = {"spike_array": 0.10, "eyeriss_snn": 0.40, "spike_array_edge": 0.50}
RULES_S = 0.1
TORCH_TIMES, SANAFE_TIMES, THREADS_TIMES = 6.0, 200.0, 1.8
PROCESS_S, FIRST_RUN_S, QUICK_S = 0.7, 8.0, 60.0
"""Targets: seconds are at most, times at least so many. Those of memory are in `streaming_memory.py`."""
THREADED = ("spike_array", "spike_array_edge", "eyeriss_snn", "prosperity")
"""Machines that two threads are measured on: those with kernels of their own, and a rule."""
THREADED_DENSITY, THREADED_ZEROS = 0.1, 0.8
"""Of spikes and weights: the reference network of `spikecycle bench`."""
PROCESS_RUNS, SANAFE_RUNS = 10, 5
"""SANA-FE builds its network anew for each."""
SAMPLE = "digits-8bit"


@dataclass(frozen=True)
class Setting:
    """How it is measured: where traces go, how often, and the machines of the rows that take long."""

    folder: Path
    runs: int
    first_runs: tuple[str, ...]
    memory: tuple[str, ...]
    gigabytes: float

    def trace(self, name: str, write: Callable[..., object], *arguments: Any) -> str:
        """The path of a trace that is written when it is first asked for, by `write(path, *arguments)`."""
        path = self.folder / f"{name}.h5"
        if not path.exists():
            in_fresh_process(write, str(path), *arguments)
        return str(path)


def on_reference(key: str, setting: Setting) -> Iterator[Row]:
    """One machine on one sample of the reference network, from opening the trace to the result."""
    task = {"trace": setting.trace("reference", write_trace), "machine": key}
    (seconds,) = seconds_in_turns([(OURS, task)], setting.runs)
    yield Row.of_runs(key, f"`{key}`, reference network", "s", seconds, Target(REFERENCE_S[key]))


def on_network(key: str, setting: Setting, title: str) -> Iterator[Row]:
    """All machines on one sample of a network, its trace open: rules, cores, and arrays with kernels of their own."""
    path = setting.folder / f"{key}.h5"
    if not path.exists():
        dataflow_speed.write_network(path, key)
    groups: dict[str, dict[str, float]] = {"rules": {}, "cores": {}, "arrays": {}}
    refused = []
    for one in in_fresh_process(_speeds, path, key, setting.runs):
        if one.problem:
            refused.append(one.machine)
        else:
            groups[_kind(one.machine)][one.machine] = one.wall_s
    row = partial(Row.of_group, key, unit="s", column=f"{title}, s")
    yield row(what=f"every rule-based machine, {title} network", each=groups["rules"], target=Target(RULES_S))
    yield row(what=f"machines of cores (event by event, no rule), {title} network", each=groups["cores"])
    what = f"arrays (pass by pass, no rule), {title} network"
    yield row(what=what, each=groups["arrays"], note=_refused(refused))


def _kind(machine: str) -> str:
    """How its dataflow works out cycles."""
    loaded = load_machine(machine)
    return "rules" if isinstance(loaded, RuleMachine) else "cores" if isinstance(loaded, CoreMachine) else "arrays"


def _refused(machines: Sequence[str]) -> str:
    return f"refused by {', '.join(f'`{machine}`' for machine in machines)}" if machines else ""


def _speeds(path: Path, network: str, runs: int) -> list[dataflow_speed.MachineSpeed]:
    return list(dataflow_speed.measure(path, network, shipped_machines(), runs))


def beside_torch(key: str, setting: Setting) -> Iterator[Row]:
    """PyTorch's layers in turns with `spike_array`: on one thread, and on all against one of ours."""
    path = setting.trace("reference", write_trace)
    for threads in sorted({1, cores()}):
        one: Task = (OURS, {"trace": path, "machine": "spike_array"})
        ours, theirs = seconds_in_turns([one, (TORCH, {"trace": path, "threads": threads})], setting.runs)
        beside = f"PyTorch on {numbered(threads, 'thread')} beside `spike_array` on one"
        what = f"{beside}, all layers of the reference network"
        target = Target(TORCH_TIMES, at_least=True) if threads == 1 else None
        yield _paired(key, what, theirs, ours, target)


def _paired(key: str, what: str, theirs: Sequence[float], ours: Sequence[float], target: Target | None) -> Row:
    times = [their / our for their, our in zip(theirs, ours, strict=True)]
    note = f"{number(statistics.median(theirs))} and {number(statistics.median(ours))} s"
    return Row.of_runs(key, what, "times", times, target, note)


def two_threads(key: str, setting: Setting, samples: int) -> Iterator[Row]:
    """Two threads in turns with one, of so many samples of the reference network of `spikecycle bench`."""
    if cores() == 1:
        raise NotMeasuredError("this computer has one core")
    path = setting.trace(f"threads-{samples}", _write_samples, samples)
    for machine in THREADED:
        tasks = [(OURS, {"trace": path, "machine": machine, "threads": threads}) for threads in (1, 2)]
        one, two = seconds_in_turns(tasks, setting.runs)
        what = f"`{machine}` on two threads beside one, {samples} samples, 10 % spikes"
        yield _paired(key, what, one, two, Target(THREADS_TIMES, at_least=True))


def _write_samples(path: str, samples: int) -> None:
    write_network(NETWORKS["reference"](), Path(path), THREADED_DENSITY, THREADED_ZEROS, samples)


def beside_sanafe(key: str, setting: Setting) -> Iterator[Row]:
    """`loihi` in turns with SANA-FE, on the network that it brings."""
    _check_sanafe()
    found = sanafe_speed.measure(sanafe_speed.TIMESTEPS, sanafe_speed.NEURONS_PER_CORE, SANAFE_RUNS)
    what = "`loihi` beside SANA-FE (detailed timing), its DVS-Gesture network"
    theirs, ours = [one.their_s for one in found], [one.our_s for one in found]
    yield _paired(key, what, theirs, ours, Target(SANAFE_TIMES, at_least=True))


def conv4_beside_sanafe(key: str, setting: Setting) -> Iterator[Row]:
    """`spike_array` and `loihi` beside SANA-FE on one layer of the reference network, CPU time."""
    _check_sanafe()
    source = setting.trace("reference", write_trace)
    limit = sanafe_reference.MAX_MEMORY_GIB << 30
    found = sanafe_reference.measure_layer(source, "conv4", str(setting.folder), limit, setting.runs)
    for machine in ("spike_array", "loihi"):
        for model in sanafe_reference.TIMING_MODELS:
            theirs, ours = found[f"SANA-FE, {model} timing"], found[f"ours, {machine}"]
            times = sanafe_reference.rate_beside(found, f"ours, {machine}", model)
            note = f"{number(theirs['cpu_s'])} (one run) and {number(ours['cpu_s'])} s"
            what = f"`{machine}` beside SANA-FE ({model} timing), layer conv4 of the reference network, CPU time"
            yield Row(key, what, "times", times, times, times, 1, Target(SANAFE_TIMES, at_least=True), note=note)


def _check_sanafe() -> None:
    if not is_installed():
        raise NotMeasuredError(f"sanafe is not installed: {how_to_install('peers')}")


def whole_process(key: str, setting: Setting) -> Iterator[Row]:
    """The command on a shipped trace, kernels compiled, from start to end of the process."""
    command = _command("simulate", SAMPLE)
    _ran(command)
    seconds = [_ran(command)[0] for _ in range(PROCESS_RUNS)]
    yield Row.of_runs(key, f"`spikecycle simulate {SAMPLE}`, whole process", "s", seconds, Target(PROCESS_S))


def first_runs(key: str, setting: Setting) -> Iterator[Row]:
    """The same with nothing compiled, on each machine."""
    each, refused = {}, []
    for machine in setting.first_runs:
        with tempfile.TemporaryDirectory() as folder:
            try:
                each[machine] = _ran(_command("simulate", SAMPLE, "--hw", machine), SPIKECYCLE_CACHE_DIR=folder)[1]
            except NotMeasuredError:
                refused.append(machine)
    what = f"first run of `simulate {SAMPLE}`, empty cache, whole process, CPU time"
    yield Row.of_group(key, what, "s", each, Target(FIRST_RUN_S), "first run, CPU s", _refused(refused))


def quick_bench(key: str, setting: Setting) -> Iterator[Row]:
    """`spikecycle bench --quick`, peers included where they are installed."""
    yield Row.of_runs(key, "`spikecycle bench --quick`", "s", [_ran(_command("bench", "--quick"))[0]], Target(QUICK_S))


def _command(*words: str) -> list[str]:
    """The command line of this environment: its script, which users start, where there is one."""
    script = Path(sys.executable).with_name("spikecycle")
    return [*([str(script)] if script.exists() else [sys.executable, "-m", "spikecycle"]), *words]


def _ran(command: Sequence[str], **variables: str) -> tuple[float, float]:
    """Wall and CPU time of a process, s; NotMeasuredError with its last words if it fails."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    wall_s, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise NotMeasuredError((done.stderr.strip() or "it failed without a word").splitlines()[-1])
    return wall_s, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def long_memory(key: str, setting: Setting) -> Iterator[Row]:
    """Peak memory of a trace of many timesteps."""
    steps = streaming_memory.TIMESTEPS
    path = setting.trace("long", streaming_memory.write_long_trace, steps)
    bound = streaming_memory.long_bound_bytes(path)
    yield _peaks(key, f"peak memory, T = {steps:,}", path, bound, setting, f"T = {steps:,}, MB")


def wide_memory(key: str, setting: Setting) -> Iterator[Row]:
    """Peak memory of a layer of many weights."""
    features = streaming_memory.FEATURES
    path = setting.trace("wide", streaming_memory.write_wide_trace, features)
    what = f"{features**2 / 1e6:.0f} M weights"
    yield _peaks(key, f"peak memory, {what}", path, streaming_memory.MOST_WEIGHT_BYTES, setting, f"{what}, MB")


def large_memory(key: str, setting: Setting) -> Iterator[Row]:
    """Peak memory of a trace of many samples, which is written and read for minutes."""
    size_gb = setting.gigabytes or streaming_memory.GIGABYTES
    path = setting.trace("large", streaming_memory.write_large_trace, int(size_gb * 1e9))
    found = in_fresh_process(streaming_memory.simulated, path, "spike_array")
    Path(path).unlink()
    bound_mb = streaming_memory.MOST_TRACE_BYTES / streaming_memory.MB
    peaks = [found["peak_bytes"] / streaming_memory.MB]
    yield Row.of_runs(key, f"peak memory of `spike_array`, trace of {size_gb:g} GB", "MB", peaks, Target(bound_mb))


def _peaks(key: str, what: str, path: str, bound_bytes: int, setting: Setting, column: str) -> Row:
    """Of each machine in a process of its own, with kernels that another one compiled on a short trace."""
    short = setting.trace("short", streaming_memory.write_long_trace, 2)
    each, refused = {}, []
    for machine in setting.memory:
        in_fresh_process(streaming_memory.simulated, short, machine)
        found = in_fresh_process(streaming_memory.simulated, path, machine)
        if "refused" in found:
            refused.append(machine)
        else:
            each[machine] = found["peak_bytes"] / streaming_memory.MB
    bound_mb = bound_bytes / streaming_memory.MB
    return Row.of_group(key, what, "MB", each, Target(bound_mb), column, _refused(refused))


@dataclass(frozen=True)
class Measurement:
    """What makes rows; `what` names them where it cannot, since one of `refusals` says why."""

    what: str
    rows: Callable[[str, Setting], Iterator[Row]]
    refusals: tuple[type[Exception], ...] = (NotMeasuredError, SimulatorError, ImportError, OSError)


MEASUREMENTS: Mapping[str, Measurement] = {
    **{machine: Measurement(f"`{machine}`, reference network", on_reference) for machine in REFERENCE_S},
    "vgg9": Measurement("every machine, VGG9-sized network", partial(on_network, title="VGG9-sized")),
    "reference": Measurement("every machine, reference network", partial(on_network, title="reference")),
    "torch": Measurement("PyTorch beside `spike_array`, reference network", beside_torch),
    "sanafe": Measurement("`loihi` beside SANA-FE, its DVS-Gesture network", beside_sanafe),
    "conv4": Measurement("SANA-FE, layer conv4 of the reference network", conv4_beside_sanafe),
    "threads6": Measurement("two threads beside one, 6 samples", partial(two_threads, samples=6)),
    "threads24": Measurement("two threads beside one, 24 samples", partial(two_threads, samples=24)),
    "process": Measurement(f"`spikecycle simulate {SAMPLE}`, whole process", whole_process),
    "first_runs": Measurement("first runs, empty cache", first_runs),
    "quick": Measurement("`spikecycle bench --quick`", quick_bench),
    "long": Measurement("peak memory of many timesteps", long_memory),
    "wide": Measurement("peak memory of many weights", wide_memory),
    "large": Measurement("peak memory of a large trace", large_memory),
}
"""In the order of the table. "large" is measured where --gigabytes or --only asks for it."""
