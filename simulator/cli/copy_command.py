"""`spikecycle copy`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from spikecycle.simulator.cli.output import standard_output, write_document
from spikecycle.simulator.errors import OutputError
from spikecycle.wording import printable


def copy(
    machine: Annotated[
        str, typer.Argument(metavar="MACHINE", help="The name of a shipped machine, or a machine file.")
    ],
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file to write; it must not exist yet.")],
) -> None:
    """Copy a machine file, comments and sources included, to start your own machine from; it is named as its file."""
    if Path(file).exists():
        raise OutputError(f"{file}: exists already, and copy replaces nothing")

    from spikecycle.simulator.machine.loader import load_machine, machine_path

    load_machine(machine)  # what is copied is valid
    write_document(file, _named(machine_path(machine).read_text(encoding="utf-8"), Path(file).stem))
    if file == "-":  # what follows would not be YAML
        return
    shown = printable(file)
    standard_output().text(
        f"{shown}: a copy of {printable(machine)}; edit it, its sources too where you change a number, then: "
        f"spikecycle check {shown}\n"
    )


def _named(text: str, name: str) -> str:
    """The text of a machine file, its key `name` replaced where it is a line by itself."""
    plain = re.fullmatch(r"[A-Za-z_][\w-]*", name, re.ASCII)
    return re.sub(r"^name:.*$", f"name: {name}", text, count=1, flags=re.MULTILINE) if plain else text
