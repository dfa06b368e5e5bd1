"""`spikecycle bench`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import check_targets, standard_output, write_document
from spikecycle.simulator.cli.progress import shown_progress
from spikecycle.simulator.errors import UsageError

MOST_THREADS = 1024


def bench(
    networks: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NETWORK]...", help="lenet, vgg9, resnet, reference, or a trace. All four by default."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Two networks on one machine, in under a minute.")] = False,
    machines: options.MachinesOption = None,
    densities: Annotated[
        str | None, typer.Option("--density", metavar="SHARE,...", help="Shares of inputs that spike: 0.01,0.1,0.4.")
    ] = None,
    zeros: Annotated[
        str | None, typer.Option("--zeros", metavar="SHARE,...", help="Shares of weights that are zero: 0,0.8,0.98.")
    ] = None,
    formats: Annotated[
        str | None, typer.Option("--format", metavar="NAME,...", help="Weight formats, instead of the machine's own.")
    ] = None,
    threads: Annotated[
        str | None, typer.Option("--threads", metavar="N,...", help="Threads of the simulation: 1,all.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option("--samples", metavar="N", min=1, max=1000, help="Samples in a run, one by default.")
    ] = None,
    runs: Annotated[int | None, typer.Option("--runs", metavar="N", min=1, max=1000, help="Runs of each case.")] = None,
    no_peers: Annotated[bool, typer.Option("--no-peers", help="Do not measure PyTorch and SANA-FE.")] = False,
    against: Annotated[
        str | None, typer.Option("--against", metavar="FILE", help="A document of --json to compare with.")
    ] = None,
    json: options.JsonOption = None,
) -> None:
    """Measure how fast the simulator is on this computer, beside PyTorch and SANA-FE where they are installed."""
    check_targets({"--json": json}, (against, *(networks or ()), *(machines or ())))

    from spikecycle.simulator.bench.measure import QUICK, BenchPlan, cores
    from spikecycle.simulator.bench.measure import bench as measure
    from spikecycle.simulator.documents import read_bench
    from spikecycle.simulator.report.bench_table import bench_report
    from spikecycle.simulator.report.document import to_json

    plan = QUICK if quick else BenchPlan()
    plan = replace(
        plan,
        traces=tuple(networks or plan.traces),
        machines=tuple(machines or plan.machines),
        densities=_shares("--density", densities) or plan.densities,
        zero_weights=_shares("--zeros", zeros) or plan.zero_weights,
        formats=tuple(formats.split(",")) if formats else plan.formats,
        threads=_threads(threads, cores()) or plan.threads,
        samples=samples or plan.samples,
        runs=runs or plan.runs,
        peers=not no_peers,
    )
    other = None if against is None else read_bench(against)
    with shown_progress("measuring") as progress:
        result = measure(plan, progress)
    if json is not None:
        write_document(json, to_json(result))
    if json != "-":
        standard_output().show(bench_report(result, other))


def _shares(option: str, text: str | None) -> tuple[float, ...]:
    shares = []
    for word in text.split(",") if text else ():
        try:
            share = float(word)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            raise UsageError(f"{option} {text}: write shares from 0 to 1, e.g. 0.01,0.1")
        shares.append(share)
    return tuple(shares)


def _threads(text: str | None, cores: int) -> tuple[int, ...]:
    found = []
    for word in text.split(",") if text else ():
        count = cores if word == "all" else int(word) if word.isascii() and word.isdigit() and len(word) < 5 else 0
        if not 1 <= count <= MOST_THREADS:
            raise UsageError(f"--threads {text}: write numbers of at least 1, or all, e.g. 1,all")
        found.append(count)
    return tuple(dict.fromkeys(found))
