"""`spikecycle sweep`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import check_targets, kept_when_interrupted, standard_output, write_document
from spikecycle.simulator.cli.progress import shown_progress
from spikecycle.wording import numbered

_POINTS_FAILED = 2


def sweep(
    what: Annotated[
        list[str],
        typer.Argument(metavar="SWEEP.yaml | TRACE...", help="A sweep file, or the traces to run on the machines."),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="FOLDER", help="Keep the points here; those that are here already are not run again."
        ),
    ],
    hw: options.MachinesOption = None,
    settings: options.SetValuesOption = None,
    formats: options.FormatsOption = None,
    residency: options.ResidenciesOption = None,
    samples: options.SamplesOption = None,
    jobs: options.JobsOption = None,
    cluster: options.ClusterOption = None,
    retry_failed: Annotated[
        bool,
        typer.Option(
            "--retry-failed",
            help="Run points again that failed; by default they keep their message, unless --max-memory stopped them.",
        ),
    ] = False,
    max_memory: options.MaxMemoryOption = None,
    json: options.JsonOption = None,
    plugins: options.PluginOption = None,
) -> None:
    """Simulate every combination of traces, machines, keys, formats and residencies, and keep a table of them all.

    FOLDER/points.parquet has one row per point. Kill it at any time: run the same again, and it goes on where it was.
    Status 2 if a point cannot be run; its row says why, and it stops no other.
    """
    max_memory_bytes = options.parse_max_memory(max_memory)
    from spikecycle.simulator.explore.results import reasons
    from spikecycle.simulator.explore.store import kept_files
    from spikecycle.simulator.explore.sweep import run_sweep
    from spikecycle.simulator.explore.sweep_spec import SUFFIXES, parse_sweep, read_sweep
    from spikecycle.simulator.report.document import to_json
    from spikecycle.simulator.report.sweep_table import sweep_report

    if len(what) == 1 and what[0].endswith(SUFFIXES):
        options.refuse_doubled(
            what[0], {"--hw": hw, "--set": settings, "--format": formats, "--residency": residency,
                      "--samples": samples, "--plugin": plugins},
        )  # fmt: skip
        spec = read_sweep(what[0])
    else:
        said = options.parse_space(what, hw, settings, formats, residency, samples, plugins)
        spec = parse_sweep(said, "sweep")
    check_targets({"--json": json}, (*what, *spec.files), kept_files(out))
    with kept_when_interrupted(out), shown_progress("sweep", time_left=True) as progress:
        result = run_sweep(
            spec, out, jobs=jobs, cluster=cluster, retry_failed=retry_failed, progress=progress,
            max_memory_bytes=max_memory_bytes,
        )  # fmt: skip
    if json is not None:
        write_document(json, to_json(result))
    if json != "-":
        standard_output().show(sweep_report(result))
    if result.failed:
        why = reasons([str(point["problem"]) for point in result.failed])
        sys.stderr.write(
            f"spikecycle: {len(result.failed):,} of {numbered(len(result.points), 'point')} failed: {why}\n"
        )
        raise typer.Exit(_POINTS_FAILED)
