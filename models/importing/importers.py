"""Which importer reads what: a NIR file or graph, or a torch module."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import h5py
from torch import nn

from spikecycle.files import is_regular
from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.source import ImportSource
from spikecycle.traces.errors import one_line

ResetChoice = Literal["hard", "soft"]
PARAMETERS = (".pt", ".pth", ".pth.tar", ".ckpt", ".bin", ".safetensors", ".npz", ".npy", ".pkl", ".pickle")
"""Endings of files that hold parameters, and not what is done with them."""


def source_of(source: Any, example: Any, dt: float, reset: ResetChoice | None) -> ImportSource:
    """The network in what the caller gave; ModelsError, one line, where it is none."""
    if isinstance(source, nn.Module):
        from spikecycle.models.importing.torch_module import module_source

        return module_source(source, example)
    if isinstance(source, str | os.PathLike):
        refuse_parameters(Path(source))
        return _nir(Path(source), dt, reset)
    if type(source).__name__ == "NIRGraph":
        return _nir(source, dt, reset)
    raise ModelsError(_what_it_is(source))


def refuse_parameters(path: Path) -> None:
    """ModelsError where a file is there whose name says that it holds parameters, and that is no HDF5 after all."""
    if is_regular(path) and path.name.lower().endswith(PARAMETERS) and not h5py.is_hdf5(path):
        raise ModelsError(
            f"{path}: is no NIR file and no trace; parameters do not say what a network does: load them into its "
            "module, and give that to import_network in Python"
        )


def _nir(source: Any, dt: float, reset: ResetChoice | None) -> ImportSource:
    from spikecycle.models.importing.nir_source import nir_source

    return nir_source(source, dt, reset)


def _what_it_is(source: Any) -> str:
    wanted = "a NIR file, a nir.NIRGraph or a torch module is needed"
    if isinstance(source, Mapping):
        return (
            f"{wanted}, found a {type(source).__name__}: parameters (a state_dict, a checkpoint) do not say what the "
            "network does; build the module, load them into it (module.load_state_dict), and give the module"
        )
    if isinstance(source, type):
        return f"{wanted}, found the class {one_line(source.__name__)}; give a module, {one_line(source.__name__)}(...)"
    return f"{wanted}, found {one_line(repr(source), longest=80)} ({type(source).__name__})"
