"""`spikecycle compare`."""

from __future__ import annotations

from typing import Annotated

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import check_targets, standard_output, write_document
from spikecycle.simulator.cli.progress import shown_progress
from spikecycle.simulator.errors import UsageError

_RESULT_SUFFIX = ".json"


def compare(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULT.json... | TRACE...", help="Results of simulate --json, or traces to run on the machines."
        ),
    ],
    hw: options.MachinesOption = None,
    settings: options.SetValuesOption = None,
    formats: options.FormatsOption = None,
    residency: options.ResidenciesOption = None,
    samples: options.SamplesOption = None,
    threads: options.SampleThreadsOption = options.DEFAULT_THREADS,
    json: options.JsonOption = None,
    picture: options.PictureOption = None,
    plugins: options.PluginOption = None,
) -> None:
    """Show where results differ: by layer, category of cycles and component, and what differs in the machines."""
    check_targets({"--json": json, "--picture": picture}, (*what, *(hw or ()), *(plugins or ())))

    from spikecycle.simulator.documents import read_result
    from spikecycle.simulator.explore.compare import compare_points
    from spikecycle.simulator.explore.differences import compare_results
    from spikecycle.simulator.explore.sweep_spec import parse_sweep
    from spikecycle.simulator.report.comparison_table import compared_report
    from spikecycle.simulator.report.document import to_json
    from spikecycle.simulator.report.picture import to_svg

    given = {
        "--hw": hw, "--set": settings, "--format": formats, "--residency": residency, "--samples": samples,
        "--threads": threads != options.DEFAULT_THREADS,
    }  # fmt: skip
    most_threads = options.parse_threads(threads)
    if any(each.endswith(_RESULT_SUFFIX) for each in what):
        traces = [each for each in what if not each.endswith(_RESULT_SUFFIX)]
        if traces:
            raise UsageError(f"{traces[0]}: results are compared with results (FILE.json), traces with traces")
        superfluous = [option for option, value in given.items() if value]
        if superfluous:
            raise UsageError(f"{superfluous[0]}: results that are there already are compared as they are")
        comparison = compare_results([read_result(each) for each in what])
    else:
        said = options.parse_space(what, hw, settings, formats, residency, samples, plugins)
        with shown_progress("comparing") as progress:
            comparison = compare_points(parse_sweep(said, "compare"), progress, most_threads)
    if json is not None:
        write_document(json, to_json(comparison))
    if picture is not None:
        write_document(picture, to_svg("spikecycle compare", compared_report(comparison)))
    if json != "-":
        standard_output().show(compared_report(comparison))
