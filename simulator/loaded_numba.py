"""Numba, loaded so that nobody but the user decides on its settings.

Numba takes settings from the environment, and from a file in the working directory, which may be a folder of somebody
else: that file is never read. A variable of the environment that Numba cannot take is refused by its name, where Numba
itself would warn with a traceback, or fail.
"""

from __future__ import annotations

import importlib
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from spikecycle.simulator.errors import UsageError, one_line

CONFIG_FILE = ".numba_config.yaml"
"""What Numba looks for in the working directory. Source: Numba's reference, "Environment variables"."""
_PREFIX = "NUMBA_"
_UNREADABLE = re.compile(r"Environment variable '(\w+)' is defined but its associated value '(.*)' could not be parsed")


def _load() -> Any:
    """The package; UsageError naming the variables of the environment that it cannot take."""
    try:
        with _without_config_file(), warnings.catch_warnings():
            warnings.filterwarnings("error", "Environment variable", RuntimeWarning)
            package = importlib.import_module("numba")
            config = importlib.import_module("numba.core.config")
    except RuntimeWarning as warning:
        found = _UNREADABLE.match(str(warning))
        if found is None:
            raise
        raise UsageError(f"{found[1]}={found[2]}: Numba cannot read this setting of the environment") from warning
    except Exception as error:
        settings = ", ".join(f"{name}={value}" for name, value in os.environ.items() if name.startswith(_PREFIX))
        if not settings:
            raise
        raise UsageError(f"Numba cannot be loaded with {settings} in the environment: {one_line(error)}") from error
    config.__dict__["_config_fname"] = os.devnull  # Numba looks again whenever it compiles
    return package


@contextmanager
def _without_config_file() -> Iterator[None]:
    """Let what parses YAML find nothing in Numba's file, and everything in any other."""
    parse = yaml.safe_load

    def safe_load(stream: Any) -> Any:
        return None if getattr(stream, "name", None) == CONFIG_FILE else parse(stream)

    yaml.safe_load = safe_load
    try:
        yield
    finally:
        yaml.safe_load = parse


numba: Any = _load()
