"""`spikecycle study`: a grid of compressions, formats and machines, from training to tables, pictures and claims.

Exit status: 0 done; 1 parts of the study failed, the others are there; the rest as every command.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spikecycle.cores import cores
from spikecycle.models.errors import ModelsError
from spikecycle.models.extras import require_train_extra
from spikecycle.suggestions import known_names

if TYPE_CHECKING:
    from spikecycle.models.study.compression_entries import CompressionEntry
    from spikecycle.models.study.schema import LoadedStudy
    from spikecycle.models.study.store import Failure

_PARTS_FAILED = 1
_MOST_JOBS = 256

_STUDY_HELP = "A study file (YAML; models/study/STUDY.md has every key), or the name of a shipped study."

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: spikecycle study digits, or spikecycle study nmnist --data-root FOLDER")
def study(
    study: Annotated[str, typer.Argument(metavar="STUDY", help=_STUDY_HELP)],
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where results go, and are found again: NAME-study here.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, max=_MOST_JOBS, help="Processes that train, one thread each; one per core by default."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only compressions of this name, or pattern: 'joint-*'. Repeatable."),
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option("--data-root", metavar="FOLDER", help="The folder of the study's recordings.")
    ] = None,
    plots_only: Annotated[
        bool, typer.Option("--plots-only", help="Draw again from the tables that are there; train nothing.")
    ] = False,
) -> None:
    """Train, compress, record and simulate a grid, and show energy against accuracy. Run again, it goes on."""
    require_train_extra()
    if plots_only:
        from spikecycle.models.study.schema import study_path
        from spikecycle.models.study.store import check_owner

        name = study_path(study).stem
        folder = out or Path(f"{name}-study")
        check_owner(folder, name)
        _show(folder)
        return
    from spikecycle.models.study.schema import load_study

    loaded = load_study(study, data_root)
    chosen = _chosen(loaded, only or [])
    folder = out or Path(f"{loaded.name}-study")
    failures = _run(loaded, chosen, folder, jobs or cores())
    if failures:
        for failure in failures:
            sys.stderr.write(f"spikecycle: {failure.what}: {failure.reason}\n")
        parts = "1 part" if len(failures) == 1 else f"{len(failures)} parts"
        sys.stderr.write(f"spikecycle: {parts} of the study failed; run it again to try again\n")
        raise typer.Exit(_PARTS_FAILED)


def _chosen(loaded: LoadedStudy, patterns: list[str]) -> list[CompressionEntry]:
    """The compressions of the study that a pattern fits; all without patterns. ModelsError where one fits none."""
    from fnmatch import fnmatchcase

    names = [compression.name for compression in loaded.study.grid]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            told = known_names(pattern, names, "there are")
            raise ModelsError(f"--only {pattern}: no compression of that name{told}")
    return [
        compression
        for compression in loaded.study.grid
        if not patterns or any(fnmatchcase(compression.name, pattern) for pattern in patterns)
    ]


def _run(loaded: LoadedStudy, compressions: list[CompressionEntry], folder: Path, jobs: int) -> list[Failure]:
    """Do what is missing, then write and show what is there."""
    from spikecycle.models.data.registry import load_data
    from spikecycle.models.study.jobs import Context
    from spikecycle.models.study.progress import shown
    from spikecycle.models.study.runner import finished, run
    from spikecycle.models.study.store import Store
    from spikecycle.models.study.tables import LAYERS, RESULTS, write_tables
    from spikecycle.traces.errors import one_line

    # Before the folder is made, which belongs to a study that can run.
    try:
        data = load_data(loaded.study.data.name, loaded.study.data.options)
    except ModelsError as error:
        raise ModelsError(f"{loaded.path}: data: {error}") from error
    for name in (RESULTS, LAYERS):
        if (folder / name).is_dir():
            raise ModelsError(f"{folder / name}: is a folder, where a table is to be written")
    store = Store.opened(folder, loaded.name)
    with store.locked():
        context = Context.of(loaded, data, store)
        try:
            with shown() as watcher:
                failures = run(context, compressions, jobs, watcher)
        except KeyboardInterrupt:
            place = one_line(folder, longest=1000)
            sys.stderr.write(f"spikecycle: stopped; what is finished is in {place}, run it again to go on\n")
            raise
        done = list(finished(context))
        if done:
            write_tables(folder, done)
            _show(folder)
    return failures


def _show(folder: Path) -> None:
    """The tables of a folder as pictures in it, and on standard output."""
    from rich.console import Console

    from spikecycle.models.study.plots import draw_all
    from spikecycle.models.study.results import Results
    from spikecycle.models.study.summary import summary
    from spikecycle.models.study.tables import LAYER_COLUMNS, LAYERS, RESULT_COLUMNS, RESULTS, read_table
    from spikecycle.terminal import columns
    from spikecycle.traces.errors import one_line

    results = Results(read_table(folder / RESULTS, RESULT_COLUMNS))
    pictures = draw_all(folder, results, read_table(folder / LAYERS, LAYER_COLUMNS))
    console = Console(markup=False, highlight=False, width=columns(sys.stdout))
    console.print(*summary(results), sep="\n")
    console.print(f"\n{one_line(folder, 1000)}: {RESULTS}, {LAYERS}, {', '.join(path.name for path in pictures)}")
