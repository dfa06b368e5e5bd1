"""Packages of the extra `explore`, loaded when something needs them."""

from __future__ import annotations

import importlib
from typing import Any

from spikecycle.installing import how_to_install
from spikecycle.simulator.errors import UsageError


def needs_extra(module: str) -> Any:
    """The module; UsageError, in words that a user can act on, where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name != package:
            raise
        command = how_to_install("explore")
        raise UsageError(f"the package {package} is needed for this and not installed: {command}") from error
