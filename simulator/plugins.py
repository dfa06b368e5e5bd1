"""Plugin files: Python files with dataflows, formats or overlap policies of one's own, which the user names.

A plugin does what a module of the package would do: it makes a component and registers it. Nothing is executed that was
not named (`--plugin FILE.py`, `load_plugin`): a machine file cannot name a plugin. A file that fails leaves no
registration behind. Loading a file again does nothing, unless it has changed: then it replaces what it registered.
"""

from __future__ import annotations

import hashlib
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from spikecycle import files
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.errors import PluginError, one_line, place_in
from spikecycle.simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.machine.schema import Machine
from spikecycle.simulator.registry import Registry
from spikecycle.simulator.result import PluginFile
from spikecycle.simulator.schedule import OVERLAPS

REGISTRIES: tuple[Registry[Any], ...] = (DATAFLOWS, WEIGHT_FORMATS, SPIKE_FORMATS, OVERLAPS)
"""What a plugin may add to."""
LARGEST_BYTES = 2**24
"""Of a plugin file."""
_names: set[str] = set()
"""Of the modules of plugin files that were ever loaded: every run asks, and `sys.modules` has thousands of others."""


@contextmanager
def without_installed_plugins() -> Iterator[None]:
    """Inside, no code of installed packages is loaded, whatever a file names; `Registry.without_packages`."""
    with ExitStack() as stack:
        for registry in REGISTRIES:
            stack.enter_context(registry.without_packages())
        yield


def installed_plugins(groups: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Entry points of installed packages by group: (name, package and what it names), sorted. None is loaded."""
    return {
        group: sorted(
            (entry.name, f"{entry.dist.name} {entry.dist.version}: {entry.value}" if entry.dist else entry.value)
            for entry in entry_points(group=group)
        )
        for group in groups
    }


class PluginModule(ModuleType):
    """The module of a plugin file. source: the bytes that it was made of. added: names that it registered, by kind."""

    source: bytes = b""
    added: Mapping[str, set[str]] = {}


def plugins_of(used: Mapping[str, Iterable[str]]) -> list[PluginFile]:
    """The plugin files that registered any of these components, sorted by name; used: names by kind of registry."""
    loaded = [sys.modules.get(name) for name in _names]
    found = {
        (Path(module.__file__ or "").name, hashlib.sha256(module.source).hexdigest())
        for module in loaded
        if isinstance(module, PluginModule)
        and any(not module.added.get(kind, set()).isdisjoint(names) for kind, names in used.items())
    }
    return [PluginFile(file=file, sha256=sha256) for file, sha256 in sorted(found)]


def plugins_used_by(machine: Machine, overlap: str) -> list[PluginFile]:
    """The plugin files that a run on this machine rests on: of its dataflow, its formats and its overlap policy."""
    formats = machine.formats
    weights = [] if formats is None else [formats.weights, *map(formats.weights_of, formats.per_operator)]
    return plugins_of(
        {
            DATAFLOWS.kind: [machine.dataflow.kind],
            WEIGHT_FORMATS.kind: [choice.format for choice in weights],
            SPIKE_FORMATS.kind: [] if formats is None else [formats.spikes.format],
            OVERLAPS.kind: [overlap],
        }
    )


def failed_in_plugin(error: BaseException) -> str | None:
    """The plugin file and the line that raised an error, itself or by way of a package that it calls; None where it was
    code of ours."""
    plugins = {module.__file__ for module in sys.modules.values() if type(module) is PluginModule}
    own = str(Path(__file__).parent)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename in plugins:
            return place_in(frame.filename, error)
        if frame.filename.startswith(own):
            return None
    return None


def _check_complete(module: ModuleType) -> None:
    """Raise what pydantic raises where a field of a class has a type that is not there: before somebody uses it."""
    for member in list(vars(module).values()):
        if isinstance(member, type) and issubclass(member, BaseModel) and member.__module__ == module.__name__:
            member.model_rebuild()


def load_plugins(paths: Iterable[str | Path]) -> None:
    """Load plugin files, in order."""
    for path in paths:
        load_plugin(path)


def load_plugin(path: str | Path) -> ModuleType:
    """Execute a plugin file and keep what it registers; PluginError in one line, naming the file, where it fails."""
    try:
        file = Path(path).resolve()
        source = files.read_bytes(file, LARGEST_BYTES)
    except (OSError, RuntimeError, ValueError) as error:  # Path has its own for loops of links
        raise PluginError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if file.suffix != ".py":
        raise PluginError(f"{path}: a plugin is a Python file, FILE.py")
    name = f"spikecycle_plugin_{hashlib.sha256(str(file).encode()).hexdigest()[:16]}_{file.stem}"
    loaded = sys.modules.get(name)
    if isinstance(loaded, PluginModule) and loaded.source == source:
        return loaded
    before = {registry.kind: registry.registered() for registry in REGISTRIES}
    module = PluginModule(name)
    module.__file__ = str(file)
    module.source = source
    if isinstance(loaded, PluginModule):
        for registry in REGISTRIES:
            registry.restore({n: m for n, m in before[registry.kind].items() if n not in loaded.added[registry.kind]})
    start = {registry.kind: registry.registered() for registry in REGISTRIES}
    _names.add(name)
    sys.modules[name] = module  # where pydantic and pickle look for its classes
    try:
        # Compiled here, not by the import system, which would write its own cache beside the user's file.
        exec(compile(source, str(file), "exec", dont_inherit=True), module.__dict__)
        _check_complete(module)
    except (Exception, SystemExit) as error:
        for registry in REGISTRIES:
            registry.restore(before[registry.kind])
        del sys.modules[name]
        if loaded is not None:
            sys.modules[name] = loaded
        raise PluginError(f"{place_in(str(file), error)}: the plugin cannot be loaded: {one_line(error)}") from error
    module.added = {r.kind: set(r.registered()) - set(start[r.kind]) for r in REGISTRIES}
    return module
