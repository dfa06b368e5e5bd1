"""The sample traces that travel with the package, found by bare name."""

from __future__ import annotations

import os
from pathlib import Path

from spikecycle.suggestions import nearest
from spikecycle.traces.errors import TraceError

SAMPLE_FOLDER = Path(__file__).parent / "samples"


def list_samples() -> tuple[str, ...]:
    """Names of the shipped sample traces, sorted."""
    return tuple(sorted(path.stem for path in SAMPLE_FOLDER.glob("*.h5")))


def sample_path(name: str) -> Path:
    """Where a shipped sample lies, whatever else has its name."""
    return SAMPLE_FOLDER / f"{name}.h5"


def resolve(path_or_sample_name: str | os.PathLike[str]) -> Path:
    """The file that is meant: what is there under that name, else the shipped sample that is called so.

    TraceError, with the nearest sample's name, when there is no such file.
    """
    path = Path(path_or_sample_name)
    is_bare = path.name == os.fspath(path_or_sample_name) and not path.suffix
    if not is_bare or (path.exists() and not path.is_dir()):  # a folder is no trace, but may well be called as one
        return path
    if path.name in list_samples():
        return sample_path(path.name)
    if not path.exists():
        near = nearest(path.name, list_samples())
        hint = f"did you mean {near}?" if near else f"samples are {', '.join(list_samples()) or 'none'}"
        raise TraceError(f"no such file, and no sample trace of that name; {hint}")
    return path
