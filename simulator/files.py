"""Files that are complete or not there at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from spikecycle.simulator.errors import OutputError


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a file beside its place, bring it to the disk, and rename it; on failure nothing stays behind.

    Text is written as UTF-8. A link stays a link. OutputError, naming the path, where that is not possible.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        _replace(Path(path).resolve(), data)  # through links, so that a link stays one
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error


def beside(path: Path) -> Path:
    """A name in the folder of `path` that nothing else has."""
    return path.resolve().parent / f".spikecycle-{secrets.token_hex(8)}.tmp"


def _replace(path: Path, data: bytes) -> None:
    temporary = beside(path)
    with temporary.open("xb") as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
