"""`spikecycle advise`."""

from __future__ import annotations

from typing import Annotated

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import check_targets, standard_output, write_document
from spikecycle.simulator.cli.progress import shown_progress


def advise(
    trace: options.TraceArgument,
    hw: options.HardwareOption = options.DEFAULT_HARDWARE,
    formats: options.FormatOption = None,
    settings: options.SetOption = None,
    residency: options.ResidencyOption = None,
    samples: options.SamplesOption = None,
    goal: Annotated[
        str, typer.Option("--goal", metavar="GOAL", help="What changes are ordered by: edp, energy or time.")
    ] = "edp",
    jobs: options.JobsOption = None,
    cluster: options.ClusterOption = None,
    json: options.JsonOption = None,
    picture: options.PictureOption = None,
    plugins: options.PluginOption = None,
) -> None:
    """Say what bounds each operator, what each key of the machine is worth, and which five changes help most.

    Every change is simulated by itself: some hundred machines. Fewer samples take less time.
    """
    options.load_plugins(plugins)
    chosen = options.parse_samples(samples)
    changed_formats = options.parse_formats(formats)
    changed_settings = options.parse_settings(settings)
    asked_residency = options.parse_residency(residency)
    check_targets({"--json": json, "--picture": picture}, (trace, hw, *(plugins or ())))

    from spikecycle.simulator.explore.advise import advise as run
    from spikecycle.simulator.report.advice_table import advice_report
    from spikecycle.simulator.report.document import to_json
    from spikecycle.simulator.report.picture import to_svg

    with shown_progress("trying changes", time_left=True) as progress:
        advice = run(
            trace, hw, settings=changed_settings, formats=changed_formats, residency=asked_residency, samples=chosen,
            goal=goal, plugins=plugins or (), jobs=jobs, cluster=cluster, progress=progress,
        )  # fmt: skip
    if json is not None:
        write_document(json, to_json(advice))
    if picture is not None:
        write_document(picture, to_svg(f"spikecycle advise {advice.trace}", advice_report(advice)))
    if json != "-":
        standard_output().show(advice_report(advice))
