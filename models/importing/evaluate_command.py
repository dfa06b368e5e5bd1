"""`spikecycle evaluate`: a NIR file on a folder of labelled recordings."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from spikecycle.models.errors import ModelsError
from spikecycle.models.extras import require_train_extra
from spikecycle.models.importing.command import check_target, report, shown

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: spikecycle evaluate net.nir recordings/ --sensor 34 --timesteps 10 --out trace.h5")
def evaluate_command(
    network: Annotated[Path, typer.Argument(metavar="FILE.nir", help="A network in the format NIR.")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder for each class, files of events in it.")],
    sensor: Annotated[int, typer.Option(help="Pixels along each side of the camera.", min=1, max=2**14)] = 128,
    resolution: Annotated[
        int | None, typer.Option(help="Pixels along each side of a frame; the sensor's by default.", min=1)
    ] = None,
    timesteps: Annotated[int, typer.Option(help="Frames of a recording.", min=1)] = 10,
    slicing: Annotated[
        Literal["time", "events"], typer.Option(help="Frames of equal duration, or of equal number of events.")
    ] = "time",
    count_bits: Annotated[int, typer.Option(help="Counts of a frame saturate at 2**count_bits - 1.", min=1, max=8)] = 2,
    samples_per_class: Annotated[
        int | None, typer.Option(help="At most so many recordings of a class, as many as there are.", min=1)
    ] = None,
    calibrate_on: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Recordings to size potentials by; those by default."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.h5", help="The trace to write.")] = None,
    record: Annotated[
        int | None, typer.Option(metavar="N", help="Record only the first N samples; evaluate all.", min=1)
    ] = None,
    weight_bits: Annotated[int, typer.Option(help="Bits of a weight.", min=2, max=16)] = 8,
    dt: Annotated[float, typer.Option(help="Duration of a timestep, in the unit of the file's time constants.")] = 1e-4,
    reset: Annotated[
        Literal["hard", "soft"] | None,
        typer.Option(help="Reset of all neurons; by default to v_reset where the file has it, else by subtraction."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(help="Classes that groups of output neurons stand for; each is one by default.", min=1)
    ] = None,
    neurons: Annotated[
        Literal["exact", "plain"],
        typer.Option(help="exact: all that a trace can hold; plain: what every machine has, as near as that comes."),
    ] = "exact",
    force: Annotated[bool, typer.Option("--force", help="Replace the trace if it is there already.")] = False,
) -> None:
    """Evaluate a network made elsewhere (NIR) on a folder of recordings: accuracy, confusion table, and a trace."""
    require_train_extra()
    if not 0 < dt < float("inf"):
        raise ModelsError(f"--dt {dt:g}: must be above 0")
    if out is not None:
        check_target(out, (network,), force)

    from spikecycle.models.importing.evaluation import FolderOptions, confusion_table, evaluate_folder
    from spikecycle.models.importing.network import import_network
    from spikecycle.models.pipeline import set_determinism
    from spikecycle.traces.errors import one_line

    set_determinism()
    imported = import_network(network, dt=dt, reset=reset, classes=classes, neurons=neurons)
    options = FolderOptions(sensor, resolution, timesteps, slicing, count_bits, samples_per_class)
    with shown(f"reading {folder.name}") as reading, shown(f"measuring {network.name}") as measuring:
        found = evaluate_folder(imported, folder, options, weight_bits, calibrate_on, reading, measuring)
    lines = [f"{folder}: {len(found.samples)} recordings of {len(found.classes)} classes; inputs are {imported.inputs}"]
    lines += [*report(imported, found.measured), "true class by row, by column what it was taken for, in integers:"]
    lines += confusion_table(found.classes, found.confusion)
    if out is not None:
        kept = found.samples.take(range(min(record or len(found.samples), len(found.samples))))
        with shown(f"recording {out.name}") as progress:
            imported.record(out, kept.frames, kept.labels, found.measured, progress)
        lines += [f"{out}: {len(kept)} samples recorded", f"next: spikecycle simulate {out} --verify"]
    sys.stdout.write("".join(f"{one_line(line, longest=2000)}\n" for line in lines))
