"""A registry of named components: a shipped one is a file in its folder, a foreign one comes from another package or a
file that the user names.

Members are found in three places, in this order: registered in this process (by the modules of the registry's package
and by plugin files: see `spikecycle.simulator.plugins`), and entry points of installed packages. The module of a
member's own name is imported first, and the others only where it does not register the member, or all are listed.
Packages are asked only for a name that is not found otherwise, or when all members are listed.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from spikecycle.simulator.errors import PluginError, UsageError, one_line
from spikecycle.suggestions import LIST, known_names

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class Registry(Generic[T]):
    """Name -> component, for one kind of component.

    kind: what messages call a member. package: its modules register members when they are imported. face: the class or
    protocol that members have. group: entry points of installed packages; one is called like its member and loads to
    it, or to the module that registers it.
    """

    def __init__(self, kind: str, package: str, face: type[Any] = object, group: str = "") -> None:
        self.kind = kind
        self._package = package
        self._face = face
        self.group = group
        self._members: dict[str, T] = {}
        self._scanned = False
        self._loads_packages = True

    def register(self, name: str, member: T) -> T:
        """Add `member` under `name`; ValueError for a name that is taken, or a member that lacks what its kind has."""
        if name in self._members and self._members[name] is not member:
            raise ValueError(f"two {self.kind}s are called {name!r}")
        missing = [attribute for attribute in _attributes(self._face) if not hasattr(member, attribute)]
        if missing:
            raise ValueError(f"{name!r} is no {self.kind}: it has no {', '.join(missing)}")
        called = getattr(member, "name", name)
        if called != name:
            raise ValueError(f"the {self.kind} {called!r} is registered as {name!r}")
        self._members[name] = member
        return member

    def lookup(self, name: str) -> T:
        """The component called `name`; an unknown name raises UsageError with the nearest one."""
        self._import_namesake(name)
        if name not in self._members:
            self.scan()
        if name in self._members:
            return self._members[name]
        entries = self._entry_points()
        if name in entries and self._loads_packages:
            return self._load(entries[name])
        if name in entries:
            raise PluginError(
                f"the {self.kind} {name}{owner_of(entries[name])} is code that is not run here; --load-plugins runs it"
            )
        raise UsageError(
            f"unknown {self.kind} {name!r}{known_names(name, self.names(), listed_by=LIST if self.group else '')}"
        )

    def names(self) -> tuple[str, ...]:
        """All names, sorted; packages are not loaded for it."""
        self.scan()
        return tuple(sorted({*self._members, *self._entry_points()}))

    def items(self) -> Iterator[tuple[str, T]]:
        """All (name, component) pairs, sorted by name, without what cannot be loaded (`problems`)."""
        problems = self.problems()
        for name in self.names():
            if name not in problems:
                yield name, self._members[name]

    def problems(self) -> dict[str, str]:
        """Members of installed packages that cannot be loaded, by name, and why."""
        found = {}
        for name in self.names():
            try:
                self.lookup(name)
            except PluginError as error:
                found[name] = str(error)
        return found

    def scan(self) -> None:
        """Import the modules of the registry's package, if that has not happened yet."""
        if self._scanned:
            return
        self._scanned = True
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self._package}.{module.name}")

    def _import_namesake(self, name: str) -> None:
        """Import the module of the registry's package that is called like a member, so that no other one is needed."""
        if name in self._members or self._scanned:
            return
        package = importlib.import_module(self._package)
        if name in {module.name for module in pkgutil.iter_modules(package.__path__)}:
            importlib.import_module(f"{self._package}.{name}")

    @contextmanager
    def without_packages(self) -> Iterator[None]:
        """Inside, no code of installed packages is loaded: who names it gets a PluginError."""
        before, self._loads_packages = self._loads_packages, False
        try:
            yield
        finally:
            self._loads_packages = before

    def registered(self) -> dict[str, T]:
        """What is registered in this process, by name."""
        self.scan()
        return dict(self._members)

    def restore(self, members: dict[str, T]) -> None:
        """Go back to what `registered` gave."""
        self._members = dict(members)

    def _entry_points(self) -> dict[str, EntryPoint]:
        if not self.group:
            return {}
        from importlib.metadata import entry_points  # not before: what is shipped needs none

        return {entry.name: entry for entry in entry_points(group=self.group)}

    def _load(self, entry: EntryPoint) -> T:
        where = f"the {self.kind} {entry.name}{owner_of(entry)} cannot be loaded"
        before = self.registered()
        try:
            loaded = entry.load()
            if entry.name not in self._members:
                self.register(entry.name, loaded)
        except Exception as error:  # whatever a foreign package raises while it is imported
            self.restore(before)
            raise PluginError(f"{where}: {one_line(error)}") from error
        return self._members[entry.name]


def owner_of(entry: EntryPoint) -> str:
    """Whose an entry point is, for messages; nothing where that is not known."""
    return f" of the package {entry.dist.name}" if entry.dist else ""


def _attributes(face: type[Any]) -> list[str]:
    """Public attributes and methods that a class or protocol names."""
    return sorted(name for name in {*vars(face), *vars(face).get("__annotations__", {})} if not name.startswith("_"))
