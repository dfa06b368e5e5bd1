"""Numba's cache of compiled kernels, read only where it is whole and the user's own.

Numba unpickles whatever lies in its folder, and runs the code in it: a damaged file breaks every later run, and one
that somebody else put there runs as the user. Here every file begins with the SHA-256 of its name and of what follows,
and has to belong to the user. What does not is compiled anew.
"""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
import pickle
import sys
import threading
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from spikecycle.files import open_regular, write_file
from spikecycle.simulator.errors import KernelCacheWarning, one_line
from spikecycle.simulator.interrupts import WaitingInterrupt
from spikecycle.simulator.loaded_numba import numba

_CacheFile: Any = numba.core.caching.IndexDataCacheFile  # numba has no types
_environment: Any = numba.core.environment
_runtime: Any = numba.core.runtime
DIGEST_BYTES = 32
LARGEST_FILE_BYTES = 2**28
_told = threading.Event()


def guard_cache(numba_cache: Any, folder: Path) -> None:
    """Let a function's cache read nothing that is damaged or somebody else's, and cost time at worst, not the run.

    folder: of the caches of all functions.
    """
    unguarded = numba_cache._cache_file
    name = Path(unguarded._index_path).stem
    numba_cache._cache_file = _SealedFiles(unguarded._cache_path, name, unguarded._source_stamp)
    numba_cache.load_overload = _forgiving(_loader(numba_cache), lambda error: None)
    numba_cache.save_overload = _forgiving(numba_cache.save_overload, partial(tell_not_kept, str(folder)))


def tell_not_kept(folder: str, error: Exception) -> None:
    """Warn, once, that this process has compiled what later ones cannot find in the folder: nobody would guess what
    they wait for. Processes that another one has started leave that to it."""
    if _told.is_set() or multiprocessing.parent_process() is not None:
        return
    _told.set()
    reason = getattr(error, "strerror", None) or one_line(error)
    warnings.warn(
        f"kernels are compiled anew in every run, since they cannot be kept in {folder}: {reason}; "
        "choose another folder with SPIKECYCLE_CACHE_DIR",
        KernelCacheWarning,
        stacklevel=2,
    )


def _loader(numba_cache: Any) -> Callable[[Any, Any], Any]:
    """Loading without what only compiling needs.

    Numba's own `load_overload` first imports the implementations of everything that it can compile, and SciPy with
    them, in 0.3 s. A kernel from the cache is machine code already: it needs the runtime that counts references to
    arrays. A kernel that the cache has not is compiled, and Numba imports the rest itself before it does.
    """

    def load_overload(signature: Any, target: Any) -> Any:
        with WaitingInterrupt():  # within a callback from LLVM it would be lost, and the command go on
            _runtime.rtsys.initialize(target)
            return numba_cache._load_overload(signature, target)

    return load_overload


def _forgiving(action: Callable[..., Any], failed: Callable[[Exception], None]) -> Callable[..., Any]:
    def attempt(*arguments: Any) -> Any:
        try:
            return action(*arguments)
        except Exception as error:  # a full disk, other versions of what is pickled: the kernel can be compiled
            failed(error)
            return None

    return attempt


class _SealedFiles(_CacheFile):  # type: ignore[misc]
    """Index and data files of one function, each with a digest of its content."""

    def _load_index(self) -> dict[Any, str]:
        try:
            version, stamp, overloads = pickle.loads(_unsealed(self._index_path))
        except (OSError, ValueError):
            return {}
        return overloads if (version, stamp) == (self._version, self._source_stamp) else {}

    def _save_index(self, overloads: dict[Any, str]) -> None:
        _seal(self._index_path, self._dump((self._version, self._source_stamp, overloads)))

    def _load_data(self, name: str) -> Any:
        return _KernelReader(io.BytesIO(_unsealed(self._data_path(name)))).load()

    def _save_data(self, name: str, data: Any) -> None:
        _seal(self._data_path(name), self._dump(data))


class _KernelReader(pickle.Unpickler):
    """Reads a pickled kernel without importing the modules of Numba that its parts were compiled from."""

    def find_class(self, module: str, name: str) -> Any:
        is_environment = (module, name) == (_environment.__name__, "_rebuild_env")
        return _environment_of_part if is_environment else super().find_class(module, name)


def _environment_of_part(module: str, constants: Any, name: str) -> Any:
    """What machine code has besides its arguments: constants, and the globals of its module, which only code that runs
    in the interpreter looks at; a kernel has none of that, so that the module need not be there."""
    known = _environment.lookup_environment(name)
    if known is not None:
        return known
    if module in sys.modules:
        return _environment._rebuild_env(module, constants, name)
    made = _environment.Environment({"__name__": module})
    made.env_name = name
    made.consts[:] = constants
    _environment.Environment._memo[name] = made
    return made


def _seal(path: str, content: bytes) -> None:
    write_file(path, _digest(path, content) + content)


def _unsealed(path: str) -> bytes:
    """The content of a file; OSError where it is not the user's own, or not what was written."""
    with open_regular(path, follow_links=False) as file:
        if os.fstat(file.fileno()).st_uid != os.geteuid():
            raise PermissionError(f"{path} belongs to somebody else")
        sealed = file.read(LARGEST_FILE_BYTES)
    digest, content = sealed[:DIGEST_BYTES], sealed[DIGEST_BYTES:]
    if _digest(path, content) != digest:
        raise OSError(f"{path} is damaged, or another file's")
    return content


def _digest(path: str, content: bytes) -> bytes:
    return hashlib.sha256(Path(path).name.encode() + b"\0" + content).digest()
