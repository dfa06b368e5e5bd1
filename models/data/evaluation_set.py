"""Recordings that a network is evaluated on: a labelled folder of one's own, or a data set in its own layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from spikecycle.models.data.frames import FrameSet
from spikecycle.models.data.labelled_folder import FolderRecordings, binning_of, load_all
from spikecycle.models.data.options import DataOptions, OnProgress, Part, Slicing
from spikecycle.models.data.registry import DATA_SETS, check_options
from spikecycle.models.errors import ModelsError

FOLDER = "folder"
Chosen = Literal["train", "test", "all"]


@dataclass(frozen=True)
class FolderOptions:
    """How recordings become frames; what is None is the data set's own default.

    sensor: pixels along each side of the camera, of a labelled folder; resolution: of a frame; channels: of a frame
    without pixels. samples_per_class: at most, as many as there are, drawn by `seed`. data: whose layout the folder
    has, a labelled folder by default; part: of a data set's, the test part by default.
    """

    sensor: int | None = None
    resolution: int | None = None
    timesteps: int | None = None
    slicing: Slicing | None = None
    count_bits: int | None = None
    samples_per_class: int | None = None
    seed: int = 0
    channels: int | None = None
    data: str = FOLDER
    part: Chosen | None = None


def read_recordings(
    root: Path, options: FolderOptions, input_shape: tuple[int, int, int], on_read: OnProgress | None = None
) -> FolderRecordings:
    """All recordings that are chosen.

    input_shape: (C, H, W) of a frame as the network takes it, which a data set's frames get where nothing else is
    asked for. ModelsError, one line, for what is wrong with the folder, a recording or an option.
    """
    given: dict[str, Any] = {
        "sensor": options.sensor, "resolution": options.resolution, "timesteps": options.timesteps,
        "slicing": options.slicing, "count_bits": options.count_bits, "channels": options.channels,
        "samples_per_class": options.samples_per_class,
    }  # fmt: skip
    asked = DataOptions(root=root, **given)
    check_options(options.data, asked)
    own = DATA_SETS.defaults(options.data, DataOptions)
    if options.data == FOLDER:
        if options.part is not None:
            raise ModelsError(f"{root}: a labelled folder has no part {options.part}; name the folder of that part")
        chosen = {**own, **asked.given()}
        binning = binning_of(*(chosen[k] for k in ("sensor", "resolution", "slicing", "timesteps", "count_bits")))
        return load_all(root, binning, chosen["sensor"], options.samples_per_class, options.seed, on_read)
    if not root.is_dir():
        raise ModelsError(f"{root}: is no folder")
    of_network = {"resolution": input_shape[1], "channels": input_shape[0], "split_seed": options.seed}
    missing = {name: value for name, value in of_network.items() if name in own and given.get(name) is None}
    return _of_data_set(options.data, asked.model_copy(update=missing), options.part or "test", on_read)


def _of_data_set(name: str, options: DataOptions, part: Chosen, on_read: OnProgress | None) -> FolderRecordings:
    module = DATA_SETS.module(name)
    only = {"part": part} if part in get_args(Part) else {}
    data = module.load(**options.given(), **only, on_progress=on_read)
    parts = {"train": [data.train], "test": [data.test], "all": [data.train, data.test]}[part]
    frames = np.concatenate([each.frames for each in parts]) if len(parts) > 1 else parts[0].frames
    labels = np.concatenate([each.labels for each in parts])
    return FolderRecordings(tuple(str(label) for label in range(data.classes)), FrameSet(frames, labels))
