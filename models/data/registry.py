"""The data sets by name.

A data set is a module with a function `load`, whose keyword arguments are the options that it has, with its own
defaults; besides them it may take `on_progress`. Modules are imported when asked for: they need the extra `train`.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType

from models.data.frames import DataSplit
from models.data.options import DataOptions, OnProgress
from models.errors import ModelsError

DATA_SETS: Mapping[str, str] = MappingProxyType(
    {
        "digits": "models.data.digits",
        "nmnist": "models.data.nmnist",
        "shd": "models.data.shd",
        "dvs128_gesture": "models.data.dvs_gesture",
        "synthetic_gestures": "models.data.synthetic_gestures",
    }
)


def load_data(name: str, options: DataOptions | None = None, on_progress: OnProgress | None = None) -> DataSplit:
    """The data set of that name, binned to frames and split into train and test.

    Raises ModelsError, one line, for an unknown name, for an option that the data set does not have, and for
    recordings that are absent or damaged. on_progress is called with recordings done and recordings in all.
    """
    options = options or DataOptions()
    check_options(name, options)
    return _loader(name)(**options.given(), on_progress=on_progress)


def check_options(name: str, options: DataOptions) -> None:
    """Raise ModelsError unless there is a data set of that name which has all options that are given."""
    known = [option for option in inspect.signature(_loader(name)).parameters if option in DataOptions.model_fields]
    unknown = [option for option in options.given() if option not in known]
    if unknown:
        raise ModelsError(f"data set {name} has no option {', '.join(unknown)}; it has {', '.join(known)}")


def _loader(name: str) -> Callable[..., DataSplit]:
    if name not in DATA_SETS:
        near = difflib.get_close_matches(name, DATA_SETS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(DATA_SETS)}"
        raise ModelsError(f"no data set named {name}; {hint}")
    loader: Callable[..., DataSplit] = importlib.import_module(DATA_SETS[name]).load
    return loader
