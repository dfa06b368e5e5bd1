"""Executes the notebooks of this folder, each in a folder of its own: python notebooks/execute.py [--write].

Ends with status 1 where a cell fails. With --write, the notebooks keep what their cells put out; without, it is said
which of them put out something else now.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).parent
MOST_SECONDS = 300
"""Of a cell: kernels are compiled in the first one."""


def main(write: bool) -> int:
    """Execute all; the exit status."""
    failed = 0
    for path in sorted(FOLDER.glob("*.ipynb")):
        before = nbformat.read(path, as_version=4)
        notebook = nbformat.read(path, as_version=4)
        with tempfile.TemporaryDirectory() as folder:
            client = NotebookClient(
                notebook, timeout=MOST_SECONDS, kernel_name="python3", resources={"metadata": {"path": folder}}
            )
            try:
                client.execute()
            except CellExecutionError as error:
                failed = 1
                print(f"{path.name}: {error}")
                continue
        changed = _text(before) != _text(notebook)
        print(f"{path.name}: executed{', puts out something else than it holds' if changed and not write else ''}")
        if write:
            _tidy(notebook)
            nbformat.write(notebook, path)
    return failed


def _text(notebook: Any) -> list[str]:
    """What the cells put out, as text."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            found.append(data.get("text/plain") or output.get("text", ""))
    return found


def _tidy(notebook: Any) -> None:
    """Without times of execution, which would change with every run."""
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)


if __name__ == "__main__":
    sys.exit(main(write="--write" in sys.argv[1:]))
