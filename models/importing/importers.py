"""Which importer reads what: a NIR file or graph, or a torch module."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from torch import nn

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing.source import ImportSource
from spikecycle.traces.errors import one_line

ResetChoice = Literal["hard", "soft"]


def source_of(source: Any, example: Any, dt: float, reset: ResetChoice | None) -> ImportSource:
    """The network in what the caller gave; ModelsError, one line, where it is none."""
    if isinstance(source, nn.Module):
        from spikecycle.models.importing.torch_module import module_source

        return module_source(source, example)
    if isinstance(source, str | os.PathLike):
        return _nir(Path(source), dt, reset)
    if type(source).__name__ == "NIRGraph":
        return _nir(source, dt, reset)
    raise ModelsError(_what_it_is(source))


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
