"""`@kernel`, `@lean_kernel` and `@inner_kernel`: the only place that names Numba options.

Compiled kernels are cached on disk so that a second process starts fast. Numba's own cache does not notice an edited
callee in another file, so the cache lives in a folder named by a hash of every source file of this package: an
edit anywhere gives a new folder. `SPIKECYCLE_CACHE_DIR` moves it; where it cannot be written, or belongs to somebody
else, each process compiles.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import platformdirs

from spikecycle.simulator.kernel_cache import guard_cache, own_folder
from spikecycle.simulator.loaded_numba import numba

P = ParamSpec("P")
R = TypeVar("R")

_event: Any = numba.core.event
_numba_config: Any = numba.config  # its attributes are made at run time


@cache
def _cache_folder() -> Path | None:
    """The folder for this version of the sources, or None where there can be none of the user's own."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for source in sorted(root.rglob("*.py")):
        digest.update(source.relative_to(root).as_posix().encode())
        digest.update(source.read_bytes())
    chosen = os.environ.get("SPIKECYCLE_CACHE_DIR") or platformdirs.user_cache_dir("spikecycle")
    folder = Path(chosen) / f"kernels-{digest.hexdigest()[:16]}"
    return folder if own_folder(folder) else None


@contextmanager
def told_of_compiling(tell: Callable[[str], None]) -> Iterator[None]:
    """Call `tell` with the name of every kernel before it is compiled; kernels that the cache has are not compiled."""
    listener = _CompileListener(tell)
    _event.register("numba:compile", listener)
    try:
        yield
    finally:
        _event.unregister("numba:compile", listener)


class _CompileListener(_event.Listener):  # type: ignore[misc]
    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def on_start(self, event: Any) -> None:
        self._tell(str(getattr(event.data["dispatcher"], "__name__", "")))

    def on_end(self, event: Any) -> None:
        """Nothing: what comes next says what it is."""


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel: no Python objects, no fast-math, integers as they are, cached on disk.

    With NUMBA_DISABLE_JIT=1 it stays plain Python; with NUMBA_BOUNDSCHECK=1 every index is checked.
    """
    return _compiled(function, _nrt=True)


def lean_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel that makes no arrays, slices of its arguments apart, and returns numbers, nothing else.

    References to arrays are not counted in it. Counting takes longer than the work of a short kernel that another
    calls millions of times, each count being an atomic access of memory. What a kernel of either kind calls may be of
    the other.
    """
    return _compiled(function, _nrt=False)


def inner_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a lean kernel that only kernels call, and that becomes part of them.

    An array is passed as seven numbers or more: a call with a dozen of them takes longer than the work of a short
    kernel. The code that takes objects of Python for its arguments is left out: with many arguments, it takes a good
    part of the time to compile them.
    """
    return _compiled(function, _nrt=False, no_cpython_wrapper=True, forceinline=True)


def _compiled(function: Callable[P, R], **options: bool) -> Callable[P, R]:
    folder = None if _numba_config.DISABLE_JIT or _numba_config.BOUNDSCHECK else _cache_folder()
    before = _numba_config.CACHE_DIR
    _numba_config.CACHE_DIR = str(folder) if folder else before
    try:
        # The cache location is fixed while decorating; other packages' kernels keep theirs.
        compiled = numba.njit(nogil=True, cache=folder is not None, no_cfunc_wrapper=True, **options)(function)
    finally:
        _numba_config.CACHE_DIR = before
    if folder is not None:
        guard_cache(compiled._cache)
    return cast("Callable[P, R]", compiled)
