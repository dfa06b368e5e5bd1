"""Which packages an installation with some extras has: the closure of requirements, as installed packages tell it."""

from __future__ import annotations

from collections.abc import Collection
from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "spikecycle"


def closure(extras: Collection[str] = ()) -> dict[str, Distribution]:
    """Installed packages by canonical name: ROOT, what it needs with these extras, and what that needs.

    Requirements whose markers do not hold here are not followed.
    """
    found: dict[str, Distribution] = {}
    open_names: list[tuple[str, frozenset[str]]] = [(ROOT, frozenset(extras))]
    seen: set[tuple[str, frozenset[str]]] = set()
    while open_names:
        name, wanted = open_names.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        found[name] = distribution(name)
        open_names += [(needed, frozenset(its)) for needed, its in needs(found[name], wanted).items()]
    return dict(sorted(found.items()))


def needs(package: Distribution, extras: Collection[str] = ()) -> dict[str, set[str]]:
    """What a package needs here, by canonical name, with the extras that it asks of it."""
    found: dict[str, set[str]] = {}
    for text in package.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            found.setdefault(canonicalize_name(requirement.name), set()).update(requirement.extras)
    return found


def pinned(constraints: str) -> dict[str, str]:
    """Versions by canonical name from the text of constraints.txt, or of a locked list."""
    lines = (line.partition("#")[0].rstrip("\\ ").strip() for line in constraints.splitlines())
    pairs = (line.partition(";")[0].strip().split("==") for line in lines if "==" in line and not line.startswith("--"))
    return {canonicalize_name(name): version.strip() for name, version in pairs}
