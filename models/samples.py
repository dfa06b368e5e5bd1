"""The command that makes the shipped sample traces: `python -m spikecycle.models.samples`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from spikecycle import traces
from spikecycle.models.errors import ModelsError
from spikecycle.models.extras import require_train_extra
from spikecycle.models.progress import training_bars
from spikecycle.traces.samples import SAMPLE_FOLDER

if TYPE_CHECKING:
    from spikecycle.models.digits_sample import SampleReport

DEFAULT_SEED = 0

app = typer.Typer(add_completion=False)


@app.command()
def main(
    only: Annotated[list[str] | None, typer.Option(help="Make only this sample; may be given several times.")] = None,
    out: Annotated[Path, typer.Option(help="Folder to write <name>.h5 to.")] = SAMPLE_FOLDER,
    seed: Annotated[int, typer.Option(help="Seed of weights, sample order and shifts.", min=0)] = DEFAULT_SEED,
) -> None:
    """Train, compress and record the digits network, and report its test accuracy."""
    try:
        require_train_extra()
        make_samples(only or [], out, seed, Console())
    except (ModelsError, traces.TraceError) as error:
        Console(stderr=True).print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None


def make_samples(names: list[str], out: Path, seed: int, console: Console) -> None:
    """Make the named samples, or all of them, in the folder `out`."""
    # Not at the top: these modules need the extra whose absence `main` reports.
    from spikecycle.models.data.registry import load_data
    from spikecycle.models.digits_sample import make_sample
    from spikecycle.models.pipeline import FLOAT, set_determinism
    from spikecycle.models.recipes import RECIPES, find_recipe

    recipes = [find_recipe(name) for name in names] or list(RECIPES)
    if not out.is_dir() or not os.access(out, os.W_OK):  # known now rather than after the training
        raise ModelsError(f"{out}: not a folder that can be written to")
    set_determinism()
    with console.status("turning digits into events"):
        data = load_data("digits")
    for recipe in recipes:
        started_s = time.perf_counter()
        trainings = {FLOAT: recipe.float_training, **recipe.compression.phases}
        epochs = {phase: schedule.epochs for phase, schedule in trainings.items()}
        with training_bars(console, recipe.name, epochs) as on_epoch:
            report = make_sample(recipe, data, seed, out / f"{recipe.name}.h5", on_epoch)
        _print_report(console, report, time.perf_counter() - started_s)


def _print_report(console: Console, report: SampleReport, seconds: float) -> None:
    found = report.accuracies
    rates = ", ".join(f"{name} {rate:.1%}" for name, rate in report.firing_rates.items())
    console.print(
        f"{report.path}: {report.path.stat().st_size / 1000:.0f} kB, trained in {seconds:.0f} s\n"
        f"  test accuracy: float {found.float_model:.2%}, fake-quantized {found.fake_quantized:.2%}, "
        f"integer {found.integer:.2%}\n"
        f"  zero weights {report.weight_sparsity:.1%}; spike density of the recorded outputs: {rates}",
        highlight=False,
        soft_wrap=True,
    )


if __name__ == "__main__":
    app()
