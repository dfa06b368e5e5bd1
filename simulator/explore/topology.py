"""Topologies as SCALE-Sim reads them: a CSV file with a layer per line.

Of convolutions: layer name, IFMAP height, IFMAP width (both with padding), filter height, filter width, channels,
filters, stride. Of matrix products: layer name, M, N, K, with a header that says so. Source: SCALE-Sim (ISPASS 2020),
`topologies/` of its repository.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from spikecycle import files
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.explore.drawn_layer import LayerToDraw
from spikecycle.simulator.machine.problems import validation_problems
from spikecycle.traces import TraceError

LARGEST_TOPOLOGY_BYTES = 2**22

_CONVOLUTION = ("ifmapheight", "ifmapwidth", "filterheight", "filterwidth", "channels", "numfilter", "strides")
_PRODUCT = ("m", "n", "k")
_EXTRAS = {
    "density": "density",
    "sparsity": "weight_sparsity",
    "weightsparsity": "weight_sparsity",
    "padding": "padding",
    "weightbits": "weight_bits",
}


def read_topology(path: Path) -> list[LayerToDraw]:
    """The layers of a topology as SCALE-Sim reads it; further columns density, sparsity (or N:M, N of M weights are not
    zero), weight bits and padding are found by their headers. UsageError naming file and line."""
    rows = _rows(path)
    columns = _columns(rows[0][1])
    layers = [_row(path, number, row, columns) for number, row in rows[columns.has_header :]]
    if not layers:
        raise UsageError(f"{path}: has no layers")
    return layers


def unread_columns(path: Path) -> list[str]:
    """Headers of the columns of a topology that say nothing about a layer here."""
    header = _rows(path)[0][1]
    columns = _columns(header)
    read = {0, *columns.sizes.values(), *columns.extras}
    return [cell for index, cell in enumerate(header) if columns.has_header and cell and index not in read]


@dataclass(frozen=True)
class _Columns:
    """Where the sizes and the extras of a layer stand. has_header: whether the first line says so."""

    has_header: bool
    sizes: Mapping[str, int]
    extras: Mapping[int, str]


def _columns(first: Sequence[str]) -> _Columns:
    """Sizes are found by their headers where all of them are there, else by their places."""
    header = [_plain(cell) for cell in first]
    has_header = len(first) > 1 and not first[1].isdigit()
    kind = _PRODUCT if tuple(header[1:4]) == _PRODUCT else _CONVOLUTION
    for each in (_PRODUCT, _CONVOLUTION):
        if has_header and set(each) <= set(header):
            extras = {index: _EXTRAS[name] for index, name in enumerate(header) if name in _EXTRAS}
            return _Columns(True, {name: header.index(name) for name in each}, extras)
    places = {name: 1 + index for index, name in enumerate(kind)}
    extras = {
        index: _EXTRAS[name]
        for index, name in enumerate(header)
        if has_header and name in _EXTRAS and index not in places.values()
    }
    return _Columns(has_header, places, extras)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Lines that are not blank, with their numbers; they may end as on any system, and the text may begin with a byte
    order mark. UsageError where there is none."""
    try:
        content = files.read_bytes(path, LARGEST_TOPOLOGY_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}, line {line}: cannot be read: it is not UTF-8 text") from error
    rows: list[tuple[int, list[str]]] = []
    number = 0
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=None)), 1):
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append((number, cells))
    except csv.Error as error:  # a cell of more than 131,072 characters
        raise UsageError(f"{path}, line {number + 1}: is no CSV: {error}") from error
    if not rows:
        raise UsageError(f"{path}: has no layers")
    return rows


def _row(path: Path, line: int, row: Sequence[str], columns: _Columns) -> LayerToDraw:
    try:
        needed = 1 + max(columns.sizes.values())
        if len(row) < needed:
            raise ValueError(f"{needed} columns are needed, found {len(row)}")
        sizes = {name: _whole(row[place]) for name, place in columns.sizes.items()}
        more = {
            key: _extra(key, row[column]) for column, key in columns.extras.items() if column < len(row) and row[column]
        }
        if "k" in sizes:  # M rows of K inputs, each against K x N weights
            said = {"kind": "conv1d", "C": sizes["k"], "W": sizes["m"], "M": sizes["n"]}
        else:
            height, width, r, s, channels, filters, stride = (sizes[name] for name in _CONVOLUTION)
            alone = (height, width, r, s) == (1, 1, 1, 1)
            said = {"kind": "linear" if alone else "conv2d", "C": channels, "M": filters}
            said |= {} if alone else {"H": height, "W": width, "R": r, "S": s, "stride": stride}
        layer = LayerToDraw.model_validate({"name": row[0], **said, **more})
        layer.shape()  # sizes that do not fit each other
    except ValidationError as error:
        raise UsageError(f"{path}, line {line}: {validation_problems(error, LayerToDraw)[0]}") from error
    except (ValueError, TraceError) as error:
        raise UsageError(f"{path}, line {line}: {error}") from error
    return layer


def _whole(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit() and len(cell) < 10):
        raise ValueError(f"a whole number is needed, found {cell[:40]!r}")
    return int(cell)


def _extra(key: str, cell: str) -> Any:
    if key in ("padding", "weight_bits"):
        return _whole(cell)
    kept, colon, group = cell.partition(":")
    if colon and key == "weight_sparsity":
        of = _whole(group)
        return 1 - _whole(kept) / of if of else 1.0
    try:
        return float(cell)
    except ValueError as error:
        raise ValueError(f"a share of 1 is needed, found {cell[:40]!r}") from error


def _plain(cell: str) -> str:
    """A header without what differs between files: case, blanks, and the plural."""
    word = "".join(character for character in cell.lower() if character.isalnum())
    return {"stride": "strides", "numfilters": "numfilter"}.get(word, word)
