"""What makes machine code of kernels. Importing it loads Numba; options of Numba stand here and in `jit`.

Compiled kernels are cached on disk so that a second process starts fast. Numba's own cache does not notice an edited
callee in another file, so the cache lives in a folder named by a hash of every source file of this package: an
edit anywhere gives a new folder. `SPIKECYCLE_CACHE_DIR` moves it; where it cannot be written, or belongs to somebody
else, each process compiles, and says so. Folders of other versions go when nobody uses them: see `kernel_folders`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Any

import platformdirs

from spikecycle.simulator.kernel_cache import guard_cache, tell_not_kept
from spikecycle.simulator.kernel_folders import kernel_folder
from spikecycle.simulator.loaded_numba import numba

_event: Any = numba.core.event
_numba_config: Any = numba.config  # its attributes are made at run time


@cache
def cache_folder() -> Path | None:
    """The folder for this version of the sources; None, with a warning, where there can be none of the user's own."""
    root = str(Path(__file__).parent)
    paths = [f"{place}/{name}" for place, _, names in os.walk(root) for name in names if name.endswith(".py")]
    digest = hashlib.sha256()
    for path in sorted(paths):  # hundreds, in every process: without making a Path of each
        digest.update(path.removeprefix(root).encode())
        with FileIO(path) as source:
            digest.update(source.readall())
    chosen = os.environ.get("SPIKECYCLE_CACHE_DIR") or platformdirs.user_cache_dir("spikecycle")
    try:
        return kernel_folder(Path(chosen), digest.hexdigest())
    except OSError as error:
        tell_not_kept(str(error.filename), error)
        return None


def compiled(function: Callable[..., Any], disjoint: bool = False, **options: bool) -> Any:
    """The function as Numba compiles it for the arguments of each call, or itself with NUMBA_DISABLE_JIT=1.

    disjoint: its arrays share no memory. options: of Numba, beside those that all kernels have.
    """
    folder = None if _numba_config.DISABLE_JIT or _numba_config.BOUNDSCHECK else cache_folder()
    before = _numba_config.CACHE_DIR
    _numba_config.CACHE_DIR = str(folder) if folder else before
    try:
        # The cache location is fixed while decorating; other packages' kernels keep theirs.
        made = numba.njit(nogil=True, cache=folder is not None, no_cfunc_wrapper=True, **options)(function)
    finally:
        _numba_config.CACHE_DIR = before
    if folder is not None:
        guard_cache(made._cache, folder)
    if disjoint and not _numba_config.DISABLE_JIT:
        made._compiler._customize_flags = _without_overlaps
    return made


def _without_overlaps(flags: Any) -> Any:
    """What Numba tells LLVM of the loops that it runs in parallel; no option of a decorator says it."""
    flags.noalias = True
    return flags


@contextmanager
def told_of_compiling(tell: Callable[[str], None]) -> Iterator[CompileListener]:
    """Call `tell` with the name of every kernel before it is compiled, parts of Numba apart; of the cache, none is.

    What it gives says how long compiling took so far.
    """
    listener = CompileListener(tell)
    _event.register("numba:compile", listener)
    try:
        yield listener
    finally:
        _event.unregister("numba:compile", listener)


class CompileListener(_event.TimingListener):  # type: ignore[misc]
    """Hears of every function that Numba compiles, one of them while another that calls it is compiled, too."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    @property
    def seconds(self) -> float:
        """What compiling took so far, wall time."""
        return float(self.duration) if self.done else 0.0

    def on_start(self, event: Any) -> None:
        super().on_start(event)
        dispatcher = event.data["dispatcher"]
        function = getattr(dispatcher, "py_func", dispatcher)
        if not str(getattr(function, "__module__", "")).startswith("numba."):
            self._tell(str(getattr(function, "__name__", "")))
