"""`spikecycle evaluate`: a NIR file, the network of a trace, or one of a study, on a folder of labelled recordings."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from spikecycle.models.errors import ModelsError
from spikecycle.models.extras import require_train_extra
from spikecycle.models.importing.command import check_target, report, shown
from spikecycle.wording import numbered

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from spikecycle.models.data.evaluation_set import FolderOptions
    from spikecycle.models.data.frames import FrameSet
    from spikecycle.models.importing.evaluation import FolderEvaluation, TraceEvaluation
    from spikecycle.traces import Trace

WEIGHTS = ".safetensors"
"""Ending of the float networks of a study."""
DEFAULT_DT = 1e-4

app = typer.Typer(add_completion=False)


@app.command(epilog="Example: spikecycle evaluate net.nir recordings/ --sensor 34 --timesteps 10 --out trace.h5")
def evaluate_command(
    network: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A network in NIR, a trace or a shipped one's name, the folder of a study, or one of its floats.",
        ),
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A folder for each class, files of events in it; see --data.")
    ],
    data: Annotated[
        str, typer.Option(metavar="NAME", help="Whose layout FOLDER has: folder, nmnist, shd or dvs128_gesture.")
    ] = "folder",
    part: Annotated[
        Literal["train", "test", "all"] | None,
        typer.Option(help="Of such a data set: the recordings of this part; test by default."),
    ] = None,
    sensor: Annotated[
        int | None, typer.Option(help="Pixels along each side of the camera; 128 by default.", min=1, max=2**14)
    ] = None,
    resolution: Annotated[
        int | None,
        typer.Option(help="Pixels along a side of a frame; by default the sensor's, or a trace's.", min=1),
    ] = None,
    timesteps: Annotated[
        int | None, typer.Option(help="Frames of a recording; by default 10, or those of the trace.", min=1)
    ] = None,
    slicing: Annotated[
        Literal["time", "events"] | None,
        typer.Option(help="Frames of equal duration, the default, or of equal number of events."),
    ] = None,
    count_bits: Annotated[
        int | None,
        typer.Option(
            help="Counts of a frame saturate at 2**count_bits - 1; by default 2, or the bits of a trace's inputs.",
            min=1,
            max=8,
        ),
    ] = None,
    samples_per_class: Annotated[
        int | None, typer.Option(help="At most so many recordings of a class, as many as there are.", min=1)
    ] = None,
    calibrate_on: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Recordings to size potentials by, of a data set its train part; those evaluated by default.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE.h5", help="The trace to write.")] = None,
    record: Annotated[
        int | None, typer.Option(metavar="N", help="Record only the first N samples; evaluate all.", min=1)
    ] = None,
    weight_bits: Annotated[int | None, typer.Option(help="Bits of a weight, 8 by default.", min=2, max=16)] = None,
    dt: Annotated[
        float | None,
        typer.Option(help="Duration of a timestep, in the unit of the file's time constants; 1e-4 by default."),
    ] = None,
    reset: Annotated[
        Literal["hard", "soft"] | None,
        typer.Option(help="Reset of all neurons; by default to v_reset where the file has it, else by subtraction."),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(help="Classes that groups of output neurons stand for; each is one by default.", min=1)
    ] = None,
    neurons: Annotated[
        Literal["exact", "plain"] | None,
        typer.Option(
            help="exact, the default: all that a trace can hold; plain: what every machine has, as near as that comes."
        ),
    ] = None,
    compression: Annotated[
        str | None, typer.Option("--network", metavar="NAME", help="Of a study's folder: the compression.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of a study's folder: the seed of the training, the lowest by default.", min=0)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the trace if it is there already.")] = False,
) -> None:
    """Evaluate a network on a folder of recordings: accuracy, confusion table, and a trace.

    The network is one made elsewhere (NIR), which is quantized first, or that of a trace, as it is, which may be one
    that a study has trained; beside that one stands the float network that it was made of. Options about weights,
    neurons and calibration are for NIR. Modules of torch are evaluated from Python (import_network,
    spikecycle.models.importing.evaluation).
    """
    require_train_extra()
    if dt is not None and not 0 < dt < float("inf"):
        raise ModelsError(f"--dt {dt:g}: must be above 0")
    if out is not None:
        check_target(out, (network, folder, *([calibrate_on] if calibrate_on else ())), force)

    from spikecycle.models.data.evaluation_set import FolderOptions
    from spikecycle.models.pipeline import set_determinism
    from spikecycle.traces.errors import one_line

    set_determinism()
    network = network if network.is_dir() else _found(network)
    if network.is_dir():
        from spikecycle.models.study.stored_network import stored_trace

        network = stored_trace(network, compression, seed)
    elif compression is not None or seed is not None:
        raise ModelsError(f"{network}: is no folder of a study, which --network and --seed are for")
    options = FolderOptions(
        sensor, resolution, timesteps, slicing, count_bits, samples_per_class, data=data, part=part
    )  # fmt: skip
    of_nir = {
        "--calibrate-on": calibrate_on, "--weight-bits": weight_bits, "--dt": dt, "--reset": reset,
        "--neurons": neurons,
    }  # fmt: skip
    given = [name for name, value in of_nir.items() if value is not None]
    if network.suffix.lower() == WEIGHTS:
        of_nir_or_trace = {"--classes": classes, "--out": out, "--record": record}
        given += [name for name, value in of_nir_or_trace.items() if value is not None]
        lines = _of_float(network, folder, options, given)
    elif _is_trace(network):
        if given:
            raise ModelsError(f"{network}: is a trace, whose network stays as it is; {given[0]} is for NIR files")
        lines = _of_trace(network, folder, options, classes, out, record)
    else:
        choices = {"dt": dt or DEFAULT_DT, "reset": reset, "classes": classes, "neurons": neurons or "exact"}
        lines = _of_nir(network, folder, options, calibrate_on, out, record, weight_bits or 8, choices)
    sys.stdout.write("".join(f"{one_line(line, longest=2000)}\n" for line in lines))


def _found(path: Path) -> Path:
    """The file, or the shipped trace that is called so."""
    from spikecycle.traces import TraceError
    from spikecycle.traces.samples import resolve

    try:
        return resolve(path)
    except TraceError as error:
        raise ModelsError(f"{path}: {error}") from None


def _is_trace(path: Path) -> bool:
    """Whether it is a trace, and no NIR file: both are HDF5."""
    from spikecycle.models.importing.importers import refuse_parameters
    from spikecycle.traces import TraceError, hdf5
    from spikecycle.traces.errors import located, reason

    refuse_parameters(path)

    try:
        with located(path), hdf5.open_file(path, "a NIR file or a trace") as file:
            return "node" not in hdf5.member_names(file)
    except (TraceError, OSError) as error:
        raise ModelsError(reason(error)) from None


def _of_nir(
    network: Path, folder: Path, options: FolderOptions, calibrate_on: Path | None, out: Path | None,
    record: int | None, weight_bits: int, choices: dict[str, Any],
) -> list[str]:  # fmt: skip
    from spikecycle.models.importing.evaluation import evaluate_folder
    from spikecycle.models.importing.network import import_network

    imported = import_network(network, **choices)
    with shown(f"reading {folder.name}") as reading, shown(f"measuring {network.name}") as measuring:
        found = evaluate_folder(imported, folder, options, weight_bits, calibrate_on, reading, measuring)
    lines = [f"{_recordings(folder, found)}; inputs are {imported.inputs}"]
    lines += [*report(imported, found.measured), *_remarks(found), *_table(found.classes, found.confusion)]
    if out is not None:
        kept = _first(found.samples, record)
        with shown(f"recording {out.name}") as progress:
            imported.record(out, kept.frames, kept.labels, found.measured, progress, found.classes, force=True)
        lines += _recorded(out, len(kept))
    return lines


def _of_trace(
    path: Path, folder: Path, options: FolderOptions, classes: int | None, out: Path | None, record: int | None
) -> list[str]:
    from spikecycle.models.importing.evaluation import evaluate_trace
    from spikecycle.models.importing.trace_network import TraceNetwork
    from spikecycle.models.study.float_network import float_of, open_float
    from spikecycle.traces import open_trace

    with open_trace(path) as trace:
        network = TraceNetwork.of(trace, classes)
        weights = float_of(path)
        before = None if weights is None else open_float(weights)
        own = replace(
            options,
            resolution=options.resolution or network.input.shape[1],
            timesteps=options.timesteps or trace.timesteps,
            count_bits=options.count_bits or 8,  # the network's input cuts them, and that is counted
        )
        with shown(f"reading {folder.name}") as reading, shown(f"measuring {path.name}") as measuring:
            found = evaluate_trace(network, folder, own, reading, measuring, before)
        lines = [_recordings(folder, found), *_accuracies(trace, found), *_remarks(found)]
        lines += _table(found.classes, found.confusion)
        if out is not None:
            kept = _first(found.samples, record)
            facts = {"accuracy_integer": found.accuracy, "measured_samples": len(found.samples),
                     "dataset": f"{options.data} {folder.name}"}  # fmt: skip
            if found.correct_float is not None:
                facts["accuracy_float"] = float(found.correct_float.mean())
            with shown(f"recording {out.name}") as progress:
                network.record(out, kept, facts, progress)
            lines += _recorded(out, len(kept))
    return lines


def _of_float(path: Path, folder: Path, options: FolderOptions, not_for_it: list[str]) -> list[str]:
    from spikecycle.models.importing.evaluation import evaluate_float
    from spikecycle.models.study.float_network import open_float

    saved = open_float(path)
    if not_for_it:
        raise ModelsError(
            f"{path}: is a float network, of which there is no trace; {not_for_it[0]} is for what became of it: name "
            "the folder of the study, and --network"
        )
    facts = saved.facts
    own = replace(
        options,
        resolution=options.resolution or facts.input_shape[1],
        timesteps=options.timesteps or facts.timesteps,
        count_bits=options.count_bits or facts.input_bits,
    )
    with shown(f"reading {folder.name}") as reading, shown(f"measuring {path.name}") as measuring:
        found = evaluate_float(saved, folder, own, reading, measuring)
    told = "" if saved.accuracy is None else f" ({100 * saved.accuracy:.2f} % of the study's test samples)"
    accuracy = f"accuracy: {100 * found.accuracy:.2f} % in floating point{told}"
    table = _table(found.classes, found.confusion, "in floating point")
    return [_recordings(folder, found), accuracy, *_remarks(found), *table]


def _recordings(folder: Path, found: FolderEvaluation | TraceEvaluation) -> str:
    classes = int(found.confusion.any(axis=1).sum())
    return f"{folder}: {numbered(len(found.samples), 'recording')} of {classes} class{'' if classes == 1 else 'es'}"


def _remarks(found: FolderEvaluation | TraceEvaluation) -> list[str]:
    return [f"look: {remark}" for remark in found.remarks]


def _accuracies(trace: Trace, found: TraceEvaluation) -> list[str]:
    """Of the integer network, and of the float network that it was made of, sample by sample."""
    from spikecycle.models.study.paired import mcnemar_p

    told = trace.provenance.get("accuracy_integer")
    of_own = f" (the trace says {100 * told:.2f} % of its own samples)" if isinstance(told, float) else ""
    integer = f"{100 * found.accuracy:.2f} % in integers{of_own}"
    if found.correct_float is None:
        return [f"accuracy: {integer}"]
    lost = int((found.correct_float & ~found.correct).sum())
    gained = int((found.correct & ~found.correct_float).sum())
    return [
        f"accuracy: {100 * found.correct_float.mean():.2f} % in floating point, before it was compressed; {integer}",
        f"compressed, it loses {lost} and gains {gained} of {len(found.samples)} (McNemar p = "
        f"{mcnemar_p(lost, gained):.2g})",
    ]


def _table(classes: tuple[str, ...], confusion: npt.NDArray[np.int64], what: str = "in integers") -> list[str]:
    from spikecycle.models.importing.evaluation import confusion_table

    return [f"true class by row, by column what it was taken for, {what}:", *confusion_table(classes, confusion)]


def _first(samples: FrameSet, record: int | None) -> FrameSet:
    return samples.take(range(min(record or len(samples), len(samples))))


def _recorded(out: Path, samples: int) -> list[str]:
    return [f"{out}: {numbered(samples, 'sample')} recorded", f"next: spikecycle simulate {out} --verify"]
