"""How packages that something needs and that are not there are installed, by the way in which spikecycle is here."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
"""The folder above the package: of a checkout, its root."""


def how_to_install(extra: str) -> str:
    """The command that installs an extra in the environment that runs: from an index, or from a checkout in place, so
    that edits there go on to have effect."""
    if (CHECKOUT / "constraints.txt").is_file():
        python = shlex.quote(sys.executable)
        return f"cd {shlex.quote(str(CHECKOUT))} && {python} -m pip install -c constraints.txt -e '.[{extra}]'"
    return f"pip install 'spikecycle[{extra}]'"
