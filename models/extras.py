"""The optional dependencies of `models`, checked before anything imports them."""

from __future__ import annotations

from importlib.util import find_spec

from spikecycle.installing import how_to_install
from spikecycle.models.errors import ModelsError

TRAIN_MODULES = ("torch", "snntorch", "tonic", "sklearn", "safetensors", "polars", "matplotlib", "nir")


def require_train_extra() -> None:
    """Raise ModelsError naming every missing module of the extra `train`, and the command that installs them."""
    missing = [name for name in TRAIN_MODULES if find_spec(name) is None]
    if missing:
        raise ModelsError(f"{', '.join(missing)} needed and not installed here: {how_to_install('train')}")
