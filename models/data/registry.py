"""The data sets by name.

A data set is a module with a function `load`, whose keyword arguments are the options that it has, with its own
defaults; besides them it may take `on_progress`. Modules are imported when asked for: they need the extra `train`.
"""

from __future__ import annotations

from spikecycle.models.catalogue import Catalogue
from spikecycle.models.data.frames import DataSplit
from spikecycle.models.data.options import DataOptions, OnProgress

DATA_SETS = Catalogue(
    "data set",
    "load",
    {
        "digits": "spikecycle.models.data.digits",
        "nmnist": "spikecycle.models.data.nmnist",
        "shd": "spikecycle.models.data.shd",
        "dvs128_gesture": "spikecycle.models.data.dvs_gesture",
        "synthetic_gestures": "spikecycle.models.data.synthetic_gestures",
        "folder": "spikecycle.models.data.labelled_folder",
    },
)


def load_data(name: str, options: DataOptions | None = None, on_progress: OnProgress | None = None) -> DataSplit:
    """The data set of that name, binned to frames and split into train and test.

    Raises ModelsError, one line, for an unknown name, for an option that the data set does not have, and for
    recordings that are absent or damaged. on_progress is called with recordings done and recordings in all.
    """
    options = options or DataOptions()
    check_options(name, options)
    split: DataSplit = DATA_SETS.module(name).load(**options.given(), on_progress=on_progress)
    return split


def check_options(name: str, options: DataOptions) -> None:
    """Raise ModelsError unless there is a data set of that name which has all options that are given."""
    DATA_SETS.check(name, options)
