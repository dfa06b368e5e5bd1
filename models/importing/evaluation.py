"""A network on a folder of labelled recordings: accuracy, which class is taken for which, and a trace."""

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

MOST_SHOWN = 40
"""Classes of a confusion table that is printed."""


@dataclass(frozen=True)
class FolderOptions:
    """How recordings become frames; sensor: pixels along each side of the camera, resolution: of a frame."""

    sensor: int
    resolution: int | None
    timesteps: int
    slicing: Slicing
    count_bits: int
    samples_per_class: int | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class FolderEvaluation:
    """classes: by number; confusion: int64 (true class, class by the integer network); samples: the frames."""

    classes: tuple[str, ...]
    measured: Measurement
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
    binning = binning_of(options.sensor, options.resolution, options.slicing, options.timesteps, options.count_bits)
    classes, samples = load_all(root, binning, options.sensor, options.samples_per_class, options.seed, on_read)
    if len(classes) > network.classes:
        raise ModelsError(f"{root}: {len(classes)} classes, for a network of {network.classes}")
    if samples.frames.shape[2:] != network.source.input_shape:
        c, h, w = network.source.input_shape
        raise ModelsError(
            f"{root}: frames of shape {samples.frames.shape[2:]}, for a network that takes {(c, h, w)}; give the "
            "sensor's pixels, and the resolution of a frame"
        )
    seen = samples.frames
    if calibrate_on is not None:
        _, other = load_all(calibrate_on, binning, options.sensor, options.samples_per_class, options.seed)
        seen = other.frames
    network.calibrate(seen)
    network.quantize(weight_bits)
    measured = network.measure(samples.frames, samples.labels, on_measured)
    confusion = np.zeros((len(classes), network.classes), np.int64)
    np.add.at(confusion, (samples.labels, np.array(measured.predictions)), 1)
    return FolderEvaluation(classes, measured, confusion, samples)


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
