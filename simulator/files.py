"""Writing of files that are complete or not there at all; failures become this package's errors."""

from __future__ import annotations

from pathlib import Path

from spikecycle import files
from spikecycle.simulator.errors import OutputError


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a file beside its place, bring it to the disk, and rename it; on failure nothing stays behind.

    Text is written as UTF-8; permissions stay those of the file that is replaced. OutputError, naming the path, where
    that is not possible, and where the path is a link, device or folder, or read-only.
    """
    try:
        files.write_file(path, content)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
