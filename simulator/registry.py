"""A registry of named components that finds its members by folder: a new component is one new file."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Generic, TypeVar

from spikecycle.simulator.errors import UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """Name -> component, for one kind of component. `package` is scanned once, on first use."""

    def __init__(self, kind: str, package: str) -> None:
        self._kind = kind
        self._package = package
        self._members: dict[str, T] = {}
        self._scanned = False

    def register(self, name: str, member: T) -> T:
        """Add `member` under `name`; a name that is taken is a mistake in the program."""
        if name in self._members and self._members[name] is not member:
            raise ValueError(f"two {self._kind}s are called {name!r}")
        self._members[name] = member
        return member

    def lookup(self, name: str) -> T:
        """The component called `name`; an unknown name raises UsageError with the nearest one."""
        self._scan()
        if name in self._members:
            return self._members[name]
        near = difflib.get_close_matches(name, self._members, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"unknown {self._kind} {name!r}, allowed: {', '.join(self.names())}{hint}")

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        self._scan()
        return tuple(sorted(self._members))

    def items(self) -> Iterator[tuple[str, T]]:
        """All (name, component) pairs, sorted by name."""
        for name in self.names():
            yield name, self._members[name]

    def _scan(self) -> None:
        if self._scanned:
            return
        self._scanned = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self._package}.{module.name}")
