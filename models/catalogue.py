"""Catalogues of modules chosen by name (data sets, networks), and the options that each accepts.

An entry is a module with one function, whose keyword arguments are the options that it has, with its own defaults.
Modules are imported when asked for: they need the extra `train`.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from spikecycle.models.errors import ModelsError
from spikecycle.models.options import Options
from spikecycle.suggestions import nearest


class Choices(Options):
    """One vocabulary of options for all entries of a catalogue; None, or left out, is an entry's own default."""

    def given(self) -> dict[str, Any]:
        """The options that say something, as keyword arguments."""
        return {name: value for name, value in self if value is not None}


class Catalogue(Mapping[str, str]):
    """Module by name. what: the entries in words ("data set"); function: of each module, the one that takes options."""

    def __init__(self, what: str, function: str, modules: Mapping[str, str]) -> None:
        self.what = what
        self._function = function
        self._modules = dict(modules)

    def __getitem__(self, name: str) -> str:
        return self._modules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def module(self, name: str) -> ModuleType:
        """The entry of that name; ModelsError with the nearest name where there is none."""
        if name not in self._modules:
            near = nearest(name, self._modules)
            hint = f"did you mean {near}?" if near else f"there are {', '.join(self._modules)}"
            raise ModelsError(f"no {self.what} named {name}; {hint}")
        return importlib.import_module(self._modules[name])

    def defaults(self, name: str, choices: type[Choices]) -> dict[str, Any]:
        """The options that the entry of that name has, each with its own default."""
        parameters = inspect.signature(getattr(self.module(name), self._function)).parameters
        return {option: known.default for option, known in parameters.items() if option in choices.model_fields}

    def check(self, name: str, choices: Choices) -> None:
        """ModelsError unless there is an entry of that name which has all options that are given."""
        known = self.defaults(name, type(choices))
        unknown = [option for option in choices.given() if option not in known]
        if unknown:
            raise ModelsError(f"{self.what} {name} has no option {', '.join(unknown)}; it has {', '.join(known)}")
