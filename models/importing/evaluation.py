"""A network, imported, of a trace, or of a study, on labelled recordings: accuracy, and which class is taken for which.

network = import_network(module, example)                            # or a NIR file
found = evaluate_folder(network, Path("recordings"), FolderOptions(sensor=34, timesteps=10))
with open_trace("network.h5") as trace:
    found = evaluate_trace(TraceNetwork.of(trace), Path("recordings"), FolderOptions(sensor=34, timesteps=10))
saved = open_float(Path("digits-study/floats/KEY.safetensors"))      # models/study/float_network.py
found = evaluate_float(saved, Path("recordings"), FolderOptions(sensor=34))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spikecycle.models.data.evaluation_set import FOLDER, FolderOptions, read_recordings
from spikecycle.models.data.frames import FrameSet
from spikecycle.models.data.options import OnProgress
from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.inputs import floats_bytes
from spikecycle.models.importing.measure import Measurement
from spikecycle.models.importing.network import ImportedNetwork
from spikecycle.models.importing.trace_network import TraceNetwork
from spikecycle.models.study.float_network import SavedFloat
from spikecycle.simulator import default_limit_bytes

MOST_SHOWN = 40
"""Classes of a confusion table that is printed."""
MOST_TOLD = 12
"""Classes of which a remark says what they were taken for."""


@dataclass(frozen=True, eq=False)
class FolderEvaluation:
    """classes: of the network, by number; confusion: int64 (true class, class by the integer network); samples: the
    frames, with labels that are numbers of these classes; remarks: lines about what was read and assumed."""

    classes: tuple[str, ...]
    measured: Measurement
    confusion: npt.NDArray[np.int64]
    samples: FrameSet
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class TraceEvaluation:
    """Of the integer network of a trace, or of a float network alone; other fields as of `FolderEvaluation`.

    correct: whether its class was found, of every sample, bool (N,); correct_float: the same of the float network that
    was compressed, where it is known.
    """

    classes: tuple[str, ...]
    confusion: npt.NDArray[np.int64]
    samples: FrameSet
    correct: npt.NDArray[np.bool_]
    correct_float: npt.NDArray[np.bool_] | None = None
    remarks: tuple[str, ...] = ()

    @property
    def accuracy(self) -> float:
        """Share of the samples whose class was found."""
        return float(self.correct.mean())


def evaluate_folder(
    network: ImportedNetwork, root: Path, options: FolderOptions, weight_bits: int = 8,
    calibrate_on: Path | None = None, on_read: OnProgress | None = None, on_measured: OnProgress | None = None,
) -> FolderEvaluation:  # fmt: skip
    """Read all recordings of a folder, calibrate and quantize the network, measure it.

    calibrate_on: another folder of recordings that potentials are sized by, of a data set its train part; else those
    that are evaluated.
    ModelsError where the folder has more classes than the network, or frames of another shape.
    """
    read = _Reader(root, options, network.source.input_shape, network.classes)
    samples = read.samples(on_read)
    _check_memory(root, samples)
    seen = samples.frames
    if calibrate_on is not None:
        theirs = options if options.data == FOLDER else replace(options, part="train")
        seen = _Reader(calibrate_on, theirs, network.source.input_shape, network.classes).samples().frames
    network.calibrate(seen)
    network.quantize(weight_bits)
    measured = network.measure(samples.frames, samples.labels, on_measured)
    confusion = _confusion(samples, measured.predictions, network.classes)
    return FolderEvaluation(read.names, measured, confusion, samples, read.remarks)


def evaluate_trace(
    network: TraceNetwork, root: Path, options: FolderOptions, on_read: OnProgress | None = None,
    on_measured: OnProgress | None = None, before: SavedFloat | None = None,
) -> TraceEvaluation:  # fmt: skip
    """Read all recordings of a folder and run the integer network of a trace on them; errors as of `evaluate_folder`.

    Nothing is calibrated: weights, potentials and bits of inputs are the trace's; counts beyond those are cut. before:
    the float network that was compressed, which is run on the same frames.
    """
    read = _Reader(root, options, network.input.shape, network.classes, network.class_names)
    samples = read.samples(on_read)
    predictions = np.array(network.predictions(samples, on_measured))
    correct_float = None
    if before is not None:
        correct_float = before.predictions(samples, network.input.range.highest) == samples.labels
    confusion = _confusion(samples, predictions, network.classes)
    correct = predictions == samples.labels
    clipped = network.clipped(samples)
    remarks = read.remarks if clipped is None else (*read.remarks, clipped)
    return TraceEvaluation(read.names, confusion, samples, correct, correct_float, remarks)


def evaluate_float(
    saved: SavedFloat, root: Path, options: FolderOptions, on_read: OnProgress | None = None,
    on_measured: OnProgress | None = None,
) -> TraceEvaluation:  # fmt: skip
    """Read all recordings of a folder and run a float network of a study on them; errors as of `evaluate_folder`."""
    facts = saved.facts
    read = _Reader(root, options, facts.input_shape, facts.classes, facts.class_names)
    samples = read.samples(on_read)
    predictions = saved.predictions(samples, on_measured=on_measured)
    confusion = _confusion(samples, predictions, facts.classes)
    return TraceEvaluation(read.names, confusion, samples, predictions == samples.labels, remarks=read.remarks)


class _Reader:
    """Recordings for a network of that input and so many classes, whose names are known or not.

    names: of all classes of the network, by number, once samples are read.
    """

    def __init__(
        self, root: Path, options: FolderOptions, input_shape: tuple[int, int, int], classes: int,
        known: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        self._root, self._options, self._input_shape, self._known = root, options, input_shape, known
        self.names = known or tuple(map(str, range(classes)))
        self.remarks: tuple[str, ...] = ()

    def samples(self, on_read: OnProgress | None = None) -> FrameSet:
        read = read_recordings(self._root, self._options, self._input_shape, on_read)
        names, samples = read.classes, read.frames
        self.remarks += read.remarks
        if samples.frames.shape[2:] != self._input_shape:
            raise ModelsError(
                f"{self._root}: frames of shape {samples.frames.shape[2:]}, for a network that takes "
                f"{tuple(self._input_shape)}; give the sensor's pixels, and the resolution of a frame"
            )
        numbers = self._numbers(names)
        return FrameSet(samples.frames, np.array(numbers, np.int64)[samples.labels])

    def _numbers(self, names: tuple[str, ...]) -> list[int]:
        """The class of the network that each name stands for.

        By the names that the network was trained with; names that are numbers below its classes are those; else, where
        its names are not known, they are in order, which is a guess where there are fewer than the network has.
        """
        classes = len(self.names)
        if len(names) > classes:
            raise ModelsError(f"{self._root}: {len(names)} classes, for a network of {classes}")
        if set(names) <= set(self._known):
            return [self._known.index(name) for name in names]
        if all(name.isdecimal() and int(name) < classes for name in names):
            return [int(name) for name in names]
        if self._known:
            other = next(name for name in names if name not in self._known)
            raise ModelsError(
                f"{self._root}: class {other} is none that the network was trained with: "
                f"{', '.join(self._known[:MOST_TOLD])}{', ...' if len(self._known) > MOST_TOLD else ''}"
            )
        if len(names) < classes:
            told = ", ".join(f"{name} for {number}" for number, name in enumerate(names[:MOST_TOLD]))
            self.remarks += (
                f"{len(names)} classes for a network of {classes}, taken in order: {told}; a folder with a class that "
                "is missing needs the network's numbers as names",
            )
        self.names = (*names, *(str(number) for number in range(len(names), classes)))
        return list(range(len(names)))


def _check_memory(root: Path, samples: FrameSet) -> None:
    """ModelsError where an import takes more beside these frames than there is."""
    limit, needed = default_limit_bytes(), floats_bytes(samples.frames.size, samples.frames.dtype)
    if needed > limit:
        raise ModelsError(
            f"{root}: {len(samples)} recordings as frames of {samples.frames.shape[1:]} need {needed / 1e9:.1f} GB "
            f"more to be evaluated, and {limit / 1e9:.1f} GB may be used (three quarters of what is free); take fewer "
            "samples per class, fewer timesteps or a lower resolution"
        )


def _confusion(samples: FrameSet, predictions: npt.ArrayLike, classes: int) -> npt.NDArray[np.int64]:
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (samples.labels, np.array(predictions)), 1)
    return confusion


def confusion_table(classes: Sequence[str], confusion: npt.NDArray[np.int64]) -> list[str]:
    """Lines of a table: a row for each true class of which there are samples, a column for each that it was taken for,
    and the share of hits; of many classes, the largest confusions only."""
    if len(classes) > MOST_SHOWN:
        wrong = confusion.copy()
        np.fill_diagonal(wrong, 0)
        order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_SHOWN]
        pairs = [(*np.unravel_index(place, wrong.shape), wrong.flat[place]) for place in order if wrong.flat[place]]
        return [f"{classes[true]} taken for {classes[taken]}: {count}" for true, taken, count in pairs]
    width = max(5, *(len(name) for name in classes))
    cells = max(4, len(str(int(confusion.max()))), *(min(len(name), 8) for name in classes))
    lines = [" ".join([" " * width, *(f"{name[:cells]:>{cells}}" for name in classes), "  right"])]
    for label, row in enumerate(confusion):
        if row.any():
            share = f"{100 * row[label] / row.sum():6.1f}%"
            lines.append(" ".join([f"{classes[label]:<{width}}", *(f"{count:>{cells}}" for count in row), share]))
    return lines
