"""A network, imported or of a trace, on a folder of labelled recordings: accuracy, and which class is taken for which.

network = import_network(module, example)                            # or a NIR file
found = evaluate_folder(network, Path("recordings"), FolderOptions(sensor=34, timesteps=10))
with open_trace("network.h5") as trace:
    found = evaluate_trace(TraceNetwork.of(trace), Path("recordings"), FolderOptions(sensor=34, timesteps=10))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spikecycle.models.data.frames import FrameSet
from spikecycle.models.data.labelled_folder import binning_of, load_all
from spikecycle.models.data.options import OnProgress, Slicing
from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.measure import Measurement
from spikecycle.models.importing.network import ImportedNetwork
from spikecycle.models.importing.trace_network import TraceNetwork

MOST_SHOWN = 40
"""Classes of a confusion table that is printed."""


@dataclass(frozen=True)
class FolderOptions:
    """How recordings become frames; sensor: pixels along each side of the camera, resolution: of a frame."""

    sensor: int
    resolution: int | None = None
    timesteps: int = 10
    slicing: Slicing = "time"
    count_bits: int = 2
    samples_per_class: int | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class FolderEvaluation:
    """classes: by number; confusion: int64 (true class, class by the integer network); samples: the frames."""

    classes: tuple[str, ...]
    measured: Measurement
    confusion: npt.NDArray[np.int64]
    samples: FrameSet


@dataclass(frozen=True, eq=False)
class TraceEvaluation:
    """accuracy: of the integer network of a trace; the others as in `FolderEvaluation`."""

    classes: tuple[str, ...]
    accuracy: float
    confusion: npt.NDArray[np.int64]
    samples: FrameSet


def evaluate_folder(
    network: ImportedNetwork, root: Path, options: FolderOptions, weight_bits: int = 8,
    calibrate_on: Path | None = None, on_read: OnProgress | None = None, on_measured: OnProgress | None = None,
) -> FolderEvaluation:  # fmt: skip
    """Read all recordings of a folder, calibrate and quantize the network, measure it.

    calibrate_on: another folder of recordings that potentials are sized by; else those that are evaluated.
    ModelsError where the folder has more classes than the network, or frames of another shape.
    """
    classes, samples = _read(root, options, network.source.input_shape, network.classes, on_read)
    seen = samples.frames
    if calibrate_on is not None:
        seen = _read(calibrate_on, options, network.source.input_shape, network.classes)[1].frames
    network.calibrate(seen)
    network.quantize(weight_bits)
    measured = network.measure(samples.frames, samples.labels, on_measured)
    confusion = _confusion(samples, measured.predictions, len(classes), network.classes)
    return FolderEvaluation(classes, measured, confusion, samples)


def evaluate_trace(
    network: TraceNetwork, root: Path, options: FolderOptions, on_read: OnProgress | None = None,
    on_measured: OnProgress | None = None,
) -> TraceEvaluation:  # fmt: skip
    """Read all recordings of a folder and run the integer network of a trace on them; errors as of `evaluate_folder`.

    Nothing is calibrated: weights, potentials and bits of inputs are the trace's; counts beyond those are cut.
    """
    classes, samples = _read(root, options, network.input.shape, network.classes, on_read)
    predictions = network.predictions(samples, on_measured)
    confusion = _confusion(samples, predictions, len(classes), network.classes)
    accuracy = float(np.trace(confusion[:, : len(classes)]) / len(samples))
    return TraceEvaluation(classes, accuracy, confusion, samples)


def _read(
    root: Path, options: FolderOptions, input_shape: tuple[int, int, int], classes: int,
    on_read: OnProgress | None = None,
) -> tuple[tuple[str, ...], FrameSet]:  # fmt: skip
    binning = binning_of(options.sensor, options.resolution, options.slicing, options.timesteps, options.count_bits)
    names, samples = load_all(root, binning, options.sensor, options.samples_per_class, options.seed, on_read)
    if len(names) > classes:
        raise ModelsError(f"{root}: {len(names)} classes, for a network of {classes}")
    if samples.frames.shape[2:] != input_shape:
        raise ModelsError(
            f"{root}: frames of shape {samples.frames.shape[2:]}, for a network that takes {tuple(input_shape)}; give "
            "the sensor's pixels, and the resolution of a frame"
        )
    return names, samples


def _confusion(samples: FrameSet, predictions: Sequence[int], classes: int, taken: int) -> npt.NDArray[np.int64]:
    confusion = np.zeros((classes, taken), np.int64)
    np.add.at(confusion, (samples.labels, np.array(predictions)), 1)
    return confusion


def confusion_table(classes: Sequence[str], confusion: npt.NDArray[np.int64]) -> list[str]:
    """Lines of a table: a row for each true class, a column for each that it was taken for, and the share of hits."""
    columns = confusion.shape[1]
    names = [*classes, *(str(number) for number in range(len(classes), columns))]
    if columns > MOST_SHOWN:
        wrong = confusion.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_SHOWN]
        pairs = [(*np.unravel_index(place, wrong.shape), wrong.flat[place]) for place in order if wrong.flat[place]]
        return [f"{names[true]} taken for {names[taken]}: {count}" for true, taken, count in pairs]
    width = max(5, *(len(name) for name in names))
    cells = max(4, len(str(int(confusion.max()))), *(min(len(name), 8) for name in names))
    lines = [" ".join([" " * width, *(f"{name[:cells]:>{cells}}" for name in names), "  right"])]
    for label, row in enumerate(confusion):
        share = f"{100 * row[label] / max(1, row.sum()):6.1f}%"
        lines.append(" ".join([f"{names[label]:<{width}}", *(f"{count:>{cells}}" for count in row), share]))
    return lines
