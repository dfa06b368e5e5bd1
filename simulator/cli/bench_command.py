"""`spikecycle bench`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import check_targets, standard_output, write_document
from spikecycle.simulator.cli.progress import shown_progress
from spikecycle.simulator.cli.report_command import check_page_name, write_bench_report
from spikecycle.simulator.errors import UsageError

Value = TypeVar("Value")
_THIS = "this run"
"""Its name on the page of --report."""


def bench(
    networks: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NETWORK]...", help="lenet, vgg9, resnet, reference, or a trace. All four by default."),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option(
            "--quick",
            help="lenet, vgg9 and reference on spike_array, or what you name; no growth with size: under a minute.",
        ),
    ] = False,
    machines: Annotated[
        list[str] | None,
        typer.Option(
            "--hw",
            metavar="HW",
            help="A machine, as simulate takes it. Repeatable. spike_array, eyeriss_snn and prosperity by default.",
        ),
    ] = None,
    densities: Annotated[
        str | None,
        typer.Option("--density", metavar="SHARE,...", help="Shares of inputs that spike: 0.01,0.4. 0.1 by default."),
    ] = None,
    zeros: Annotated[
        str | None,
        typer.Option("--zeros", metavar="SHARE,...", help="Shares of weights that are zero: 0,0.98. 0.8 by default."),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME,...", help="Weight formats: csr,bitmask. The machine's own by default."),
    ] = None,
    threads: Annotated[
        str | None,
        typer.Option("--threads", metavar="N,...", help="Threads of the simulation: 1,all (all cores). 1 by default."),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            "--samples", metavar="N", min=1, max=1000, help="Samples in a run of a named network, one by default."
        ),
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option(
            "--runs",
            metavar="N",
            min=1,
            max=1000,
            help="Runs of each case after the first. By default 5 (--quick: 3), of short ones up to 50 for a second.",
        ),
    ] = None,
    no_peers: Annotated[bool, typer.Option("--no-peers", help="Do not measure PyTorch and SANA-FE.")] = False,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="FILE",
            help="A document of --json to compare with. spikecycle report A.json B.json draws several.",
        ),
    ] = None,
    json: options.JsonOption = None,
    picture: Annotated[str | None, typer.Option("--picture", metavar="FILE", help="Draw the run times (SVG).")] = None,
    report: options.ReportOption = None,
) -> None:
    """Measure how fast the simulator is on this computer, beside PyTorch and SANA-FE where they are installed.

    All networks on all machines and the growth with size take some minutes; --quick takes less than one.
    """
    check_page_name("--report", report)
    targets = {"--json": json, "--picture": picture, "--report": report}
    check_targets(targets, (against, *(networks or ()), *(machines or ())))
    _check_drawn(networks or (), {"--density": densities, "--zeros": zeros, "--samples": samples})

    from spikecycle.simulator.bench.measure import QUICK, BenchPlan
    from spikecycle.simulator.bench.measure import bench as measure
    from spikecycle.simulator.documents import read_bench
    from spikecycle.simulator.report.bench_table import bench_report
    from spikecycle.simulator.report.document import to_json
    from spikecycle.simulator.report.page.bench_times import times_picture

    plan = QUICK if quick else BenchPlan()
    plan = replace(
        plan,
        traces=_each_once(networks or plan.traces),
        machines=_each_once(machines or plan.machines),
        densities=_shares("--density", densities) or plan.densities,
        zero_weights=_shares("--zeros", zeros) or plan.zero_weights,
        formats=_each_once(formats.split(",")) if formats else plan.formats,
        threads=_threads(threads) or plan.threads,
        samples=samples or plan.samples,
        runs=runs or plan.runs,
        at_least_s=0.0 if runs else plan.at_least_s,
        peers=not no_peers,
    )
    before = None if against is None else (_name(against), read_bench(against))
    with shown_progress("measuring") as progress:
        result = measure(plan, progress)
    if json is not None:
        write_document(json, to_json(result))
    if picture is not None or report is not None:
        benches = [*([before] if before else []), (_THIS, result)]
        if picture is not None:
            write_document(picture, times_picture(benches))
        if report is not None:
            write_bench_report(report, benches)
    if "-" not in targets.values():
        standard_output().show(bench_report(result, before))


def _name(against: str) -> str:
    """The name of the document that it is compared with, unlike that of this run."""
    name = Path(against).stem
    return against if name == _THIS else name


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
    return _each_once(shares)


def _each_once(values: Iterable[Value]) -> tuple[Value, ...]:
    """The values in their order: what is named twice is measured once."""
    return tuple(dict.fromkeys(values))


def _check_drawn(networks: Sequence[str], given: Mapping[str, object]) -> None:
    """UsageError for an option of networks that are drawn where there is none."""
    from spikecycle.simulator.bench.networks import NETWORKS

    unused = [option for option, value in given.items() if value is not None]
    if unused and networks and not any(name in NETWORKS for name in networks):
        raise UsageError(
            f"{unused[0]}: is for {', '.join(NETWORKS)}; a trace of yours has its own spikes, weights and samples"
        )


def _threads(text: str | None) -> tuple[int, ...]:
    return _each_once(map(options.parse_threads, text.split(",") if text else ()))
