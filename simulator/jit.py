"""`@kernel`, `@lean_kernel`, `@called_kernel`, `@inner_kernel`, `@disjoint_kernel`: functions that become machine code.

They do when they are first called. Loading Numba takes a tenth of a second, and decorating a hundred kernels some more,
which no command should wait for that runs none: what this module makes needs Numba only when it is called. How it is
compiled and kept, `spikecycle.simulator.compiling` says.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import update_wrapper
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")

COMPILING = "compiling (once for each version)"
"""What a first run waits for, in words for progress."""

_one_at_a_time = threading.RLock()
"""Threads that call the same kernel first must not compile it twice, nor change Numba's settings together."""


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel: no Python objects, no fast-math, integers as they are, cached on disk.

    With NUMBA_DISABLE_JIT=1 it stays plain Python; with NUMBA_BOUNDSCHECK=1 every index is checked.
    """
    return cast("Callable[P, R]", _Kernel(function, _nrt=True))


def lean_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel that makes no arrays, slices of its arguments apart, and returns numbers, nothing else.

    References to arrays are not counted in it. Counting takes longer than the work of a short kernel that another
    calls millions of times, each count being an atomic access of memory. What a kernel of either kind calls may be of
    the other.
    """
    return cast("Callable[P, R]", _Kernel(function, _nrt=False))


def called_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a lean kernel that only kernels call, and that stays a function of its own.

    The code that takes objects of Python for its arguments is left out, as for an `inner_kernel`.
    """
    return cast("Callable[P, R]", _Kernel(function, _nrt=False, no_cpython_wrapper=True))


def inner_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a lean kernel that only kernels call, and that becomes part of them.

    An array is passed as seven numbers or more: a call with a dozen of them takes longer than the work of a short
    kernel. The code that takes objects of Python for its arguments is left out: with many arguments, it takes a good
    part of the time to compile them.
    """
    return cast("Callable[P, R]", _Kernel(function, _nrt=False, no_cpython_wrapper=True, forceinline=True))


def disjoint_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile an inner kernel none of whose arrays shares memory with one that it writes.

    What a loop adds up in a few elements of an array then stays in registers, and no loop checks for overlaps before
    it begins. Whoever calls it answers for that: of arrays that do overlap, results are undefined.
    """
    options = {"_nrt": False, "no_cpython_wrapper": True, "forceinline": True, "disjoint": True}
    return cast("Callable[P, R]", _Kernel(function, **options))


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    return function(*arguments)


_ROOM_SLOTS = 2**16
"""Of 8 bytes: they take more than half a MiB, and the piece of memory that holds them is the next power of two."""
_call_with_room = FunctionType(_call.__code__.replace(co_stacksize=_ROOM_SLOTS), globals())
"""Call a function. CPython (3.11) keeps the frames of calls in pieces of 16 KiB, and has the system map one whenever a
call goes beyond the last, and unmap it on return: 60,000 to 107,000 times while Numba compiled the kernels of a spike
array. A frame that asks for more gets a larger piece, in which there is room for those behind it."""


class _Kernel:
    """A function that is compiled when it is first called, by Python or by another kernel that is compiled.

    options: those of `spikecycle.simulator.compiling.compiled`.
    """

    def __init__(self, function: Callable[..., Any], **options: bool) -> None:
        update_wrapper(self, function)
        self._function, self._options = function, options
        self._compiled: Callable[..., Any] | None = None

    def __call__(self, *arguments: Any) -> Any:
        if self._compiled is None:
            return _call_with_room(self._compile(), arguments)
        return self._compiled(*arguments)

    @property
    def _numba_type_(self) -> Any:
        """What Numba asks of a global that a kernel names."""
        return self._compile()._numba_type_

    def _compile(self) -> Any:
        from spikecycle.simulator.compiling import compiled

        with _one_at_a_time:
            if self._compiled is None:
                self._compiled = compiled(self._function, **self._options)
            return self._compiled
