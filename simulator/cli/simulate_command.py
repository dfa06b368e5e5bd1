"""`spikecycle simulate`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import check_targets, standard_output, write_document
from spikecycle.simulator.cli.progress import shown_progress
from spikecycle.simulator.cli.report_command import check_page_name, write_report
from spikecycle.simulator.errors import UsageError

if TYPE_CHECKING:
    from spikecycle.simulator.result import RunResult
    from spikecycle.simulator.timeline import Timeline

_NOT_EXACT = 1


def simulate(
    trace: options.TraceArgument,
    hw: options.HardwareOption = options.DEFAULT_HARDWARE,
    formats: options.FormatOption = None,
    settings: options.SetOption = None,
    residency: options.ResidencyOption = None,
    samples: options.SamplesOption = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Recompute all output spikes and compare; status 1 if they differ.")
    ] = False,
    ideal_memory: Annotated[
        bool,
        typer.Option(
            "--ideal-memory",
            help="DRAM without latency and with infinite bandwidth: the lower bound. Refused without DRAM.",
        ),
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what every category of cycles and kind of energy means.")
    ] = False,
    max_memory: options.MaxMemoryOption = None,
    threads: options.ThreadsOption = options.DEFAULT_THREADS,
    json: options.JsonOption = None,
    picture: options.PictureOption = None,
    report: options.ReportOption = None,
    timeline: options.TimelineOption = None,
    timeline_window: options.TimelineWindowOption = None,
    plugins: options.PluginOption = None,
) -> None:
    """Replay a trace on a machine: cycles, accesses and energy, per layer and per category."""
    options.load_plugins(plugins)
    chosen = options.parse_samples(samples)
    changed_formats = options.parse_formats(formats)
    changed_settings = options.parse_settings(settings)
    max_memory_bytes = options.parse_max_memory(max_memory)
    most_threads = options.parse_threads(threads)
    asked_residency = options.parse_residency(residency)
    check_page_name("--report", report)
    window = options.parse_window(timeline_window)
    if window is not None and timeline is None:
        raise UsageError("--timeline-window goes with --timeline FILE.json")
    targets = {"--json": json, "--picture": picture, "--report": report, "--timeline": timeline}
    check_targets(targets, (trace, hw, *(plugins or ())))

    from spikecycle.simulator.engine import simulate as run
    from spikecycle.simulator.report.document import to_json
    from spikecycle.simulator.report.tables import run_report
    from spikecycle.simulator.report.verification import is_exact, verification_report
    from spikecycle.simulator.timeline import Timeline

    events = Timeline(window) if timeline is not None else None
    with shown_progress("simulating") as progress:
        result = run(
            trace,
            hw,
            settings=changed_settings,
            formats=changed_formats,
            residency=asked_residency,
            samples=chosen,
            verify=verify,
            ideal_memory=ideal_memory,
            progress=progress,
            max_memory_bytes=max_memory_bytes,
            timeline=events,
            threads=most_threads,
        )
    if events is not None and window is not None and window[0] >= events.cycles:
        raise UsageError(f"--timeline-window {timeline_window}: the run ends before it, at cycle {events.cycles:,}")
    if json is not None:
        write_document(json, to_json(result))
    if picture is not None:
        from spikecycle.simulator.report.picture import to_svg

        write_document(picture, to_svg(f"spikecycle simulate {result.trace}", run_report(result)))
    if report is not None:
        write_report(report, result)
    if timeline is not None and events is not None:
        _write_timeline(timeline, events, result, window)
    if "-" not in targets.values():
        output = standard_output()
        output.show(run_report(result))
        if result.verification is not None and is_exact(result.verification):
            output.show(verification_report(result.verification))
        if explain:
            from spikecycle.simulator.report.describe import explanation_report

            output.show(explanation_report(result))
    if result.verification is not None and not is_exact(result.verification):
        _tell_difference(result)
        raise typer.Exit(_NOT_EXACT)


def _write_timeline(target: str, timeline: Timeline, result: RunResult, window: tuple[int, int] | None) -> None:
    """The timeline, and a word on standard error where it does not reach to the end."""
    from spikecycle.simulator.trace_events import to_trace_events
    from spikecycle.simulator.variant import variant_text

    about = {
        "trace": result.trace,
        "sample": result.samples[0],
        "machine": variant_text(
            str(result.machine["name"]), result.machine_file, result.machine_overrides, result.machine_sha256
        ),
        "clock_mhz": result.clock_mhz,
        "spikecycle": result.spikecycle,
    }
    text, reached = to_trace_events(timeline, about, window)
    write_document(target, text)
    if window is None and reached < timeline.cycles:
        sys.stderr.write(
            f"spikecycle: --timeline {target}: shows cycles 0 to {reached:,} of {timeline.cycles:,}, so that viewers "
            "can open it; --timeline-window FROM-TO shows others\n"
        )


def _tell_difference(result: RunResult) -> None:
    """The difference on standard error, where it is seen even when tables are piped away."""
    from spikecycle.simulator.report.verification import verification_report

    assert result.verification is not None
    for line in verification_report(result.verification).plain.splitlines():
        sys.stderr.write(f"spikecycle: {result.trace}: {line}\n")
