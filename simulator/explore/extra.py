"""Packages of the extra `explore`, loaded when something needs them."""

from __future__ import annotations

import importlib
import shlex
import sys
from pathlib import Path
from typing import Any

from spikecycle.simulator.errors import UsageError


def needs_extra(module: str) -> Any:
    """The module; UsageError, in words that a user can act on, where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name != package:
            raise
        raise UsageError(f"the package {package} is needed for this and not installed: {_how_to_install()}") from error


def _how_to_install() -> str:
    """The command for the way in which spikecycle itself is here: from a checkout, or from an index."""
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        python = shlex.quote(sys.executable)
        return f"cd {shlex.quote(str(checkout))} && {python} -m pip install -c constraints.txt '.[explore]'"
    return "pip install 'spikecycle[explore]'"
