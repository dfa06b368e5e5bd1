"""Kinds of quantizers and pruners: one file each in a folder, found by scanning it, chosen by a key `kind`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from spikecycle.models.options import Options, refused, unknown_name


class Kind(Options):
    """One of several ways to do something, with its own options; a subclass gives `kind` its name as the default."""

    kind: str


KindT = TypeVar("KindT", bound=Kind)


@cache
def kinds(base: type[KindT], package: str) -> Mapping[str, type[KindT]]:
    """The subclasses of `base` that the modules of `package` define, by name, sorted."""
    folder = importlib.import_module(package)
    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{package}.{module.name}")
    found = {str(kind.model_fields["kind"].default): kind for kind in base.__subclasses__()}
    return MappingProxyType(dict(sorted(found.items())))


def choice_of(base: type[KindT], package: str) -> Callable[[Any], Any]:
    """A validator: a name, or a mapping of `kind` and options, becomes that kind with these options."""

    def resolve(value: Any) -> Any:
        if value is None or isinstance(value, base):
            return value
        given = {"kind": value} if isinstance(value, str) else value
        allowed = kinds(base, package)
        if not isinstance(given, Mapping) or not isinstance(given.get("kind"), str):
            raise refused(f"a name, or a mapping with a key `kind`, is needed; allowed: {', '.join(allowed)}")
        if given["kind"] not in allowed:
            raise refused(f"{given['kind']} is {unknown_name(given['kind'], allowed)}")
        return allowed[given["kind"]].model_validate(dict(given))

    return resolve
