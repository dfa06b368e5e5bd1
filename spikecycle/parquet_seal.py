"""Parquet files that carry the checksum of their own bytes: looked at before they are parsed.

Parquet has no checksum that its readers insist on: a changed byte can change a figure unnoticed, and a parser in native
code may end in a panic. Here the file's own metadata has, under KEY, the SHA-256 of the whole file in which zeros stand
for it; to any other reader it is a Parquet file like others.
"""

from __future__ import annotations

import hashlib
import re

KEY = "spikecycle_sha256"
BLANK = "0" * 64
_SEAL = re.compile(KEY.encode() + rb".{1,4}?([0-9a-f]{64})", re.DOTALL)  # type and length stand between


def sealed(content: bytes) -> bytes:
    """The bytes of a Parquet file that has BLANK under KEY in its metadata, with the checksum there instead."""
    start, stop = _place(content)
    return content[:start] + hashlib.sha256(content).hexdigest().encode() + content[stop:]


def seal_problem(content: bytes) -> str | None:
    """Why these bytes are not those that were sealed; None where they are."""
    try:
        start, stop = _place(content)
    except ValueError:
        return "it is no Parquet file with a checksum"
    blank = content[:start] + BLANK.encode() + content[stop:]
    if hashlib.sha256(blank).hexdigest().encode() != content[start:stop]:
        return "damaged or changed: it does not have its checksum"
    return None


def _place(content: bytes) -> tuple[int, int]:
    """Where the checksum stands: in the metadata, which end the file. ValueError where there is none."""
    found = list(_SEAL.finditer(content))
    if not found:
        raise ValueError("no checksum")
    return found[-1].span(1)
