"""`spikecycle search`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spikecycle.simulator.cli import options
from spikecycle.simulator.cli.output import check_targets, kept_when_interrupted, standard_output, write_document
from spikecycle.simulator.cli.progress import shown_progress

_NOTHING_FOUND = 1


def search(
    what: Annotated[
        list[str],
        typer.Argument(metavar="SWEEP.yaml | TRACE...", help="The space: a sweep file, or traces with options."),
    ],
    out: Annotated[
        str, typer.Option("--out", metavar="FOLDER", help="Keep study and points here; a study that is here goes on.")
    ],
    hw: options.MachinesOption = None,
    settings: options.SetValuesOption = None,
    formats: options.FormatsOption = None,
    residency: options.ResidenciesOption = None,
    samples: options.SamplesOption = None,
    trials: Annotated[int, typer.Option("--trials", metavar="N", min=1, help="Trials of the study in all.")] = 200,
    goal: Annotated[
        list[str] | None,
        typer.Option(
            "--goal",
            metavar="GOAL",
            help="What to make small: energy, time, area, edp or error (1 - accuracy). Repeatable; by default those of "
            "the first three that some machine models.",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", metavar="COLUMN<=X", help="What the best keep to: area_mm2<=10, accuracy>=0.98. Repeatable."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Of the sampler.")] = 0,
    jobs: Annotated[
        int, typer.Option("--jobs", metavar="N", min=1, help="Processes on this computer, for networks that take long.")
    ] = 1,
    cluster: options.ClusterOption = None,
    json: options.JsonOption = None,
    picture: Annotated[str | None, typer.Option("--picture", metavar="FILE", help="Draw the front (SVG).")] = None,
    plugins: options.PluginOption = None,
) -> None:
    """Find the best of far more machines, formats and compressed networks than can be simulated, with Optuna.

    FOLDER/study.db is the study (`optuna-dashboard sqlite:///FOLDER/study.db`), FOLDER/points.parquet has every point.
    Kill it at any time: run the same again, and it goes on. Status 1 if no point keeps to all constraints.
    """
    from spikecycle.simulator.explore.constraints import parse_constraint
    from spikecycle.simulator.explore.search import search as run
    from spikecycle.simulator.explore.store import kept_files
    from spikecycle.simulator.explore.sweep_spec import SUFFIXES, parse_sweep, read_sweep
    from spikecycle.simulator.report.document import to_json
    from spikecycle.simulator.report.front_picture import front_svg
    from spikecycle.simulator.report.search_table import search_report

    constraints = [parse_constraint(each) for each in keep or ()]
    if len(what) == 1 and what[0].endswith(SUFFIXES):
        options.refuse_doubled(
            what[0], {"--hw": hw, "--set": settings, "--format": formats, "--residency": residency,
                      "--samples": samples, "--plugin": plugins},
        )  # fmt: skip
        spec = read_sweep(Path(what[0]), None)
    else:
        said = {
            "traces": what,
            "machines": hw or [options.DEFAULT_HARDWARE],
            "set": options.parse_values("--set", settings),
            "formats": options.parse_words("--format", formats),
            "residency": options.parse_words("--residency", residency),
            "samples": options.parse_samples(samples),
            "plugins": plugins or [],
        }
        spec = parse_sweep(said, "search", None)
    check_targets({"--json": json, "--picture": picture}, (*what, *spec.files), kept_files(out))
    with kept_when_interrupted(out), shown_progress("search", time_left=True) as progress:
        result = run(
            spec, out, trials=trials, goals=goal or None, constraints=constraints, seed=seed, jobs=jobs,
            cluster=cluster, progress=progress,
        )  # fmt: skip
    if json is not None:
        write_document(json, to_json(result))
    if picture is not None:
        write_document(picture, front_svg(result))
    if json != "-":
        standard_output().show(search_report(result))
    if not result.front:
        raise typer.Exit(_NOTHING_FOUND)
