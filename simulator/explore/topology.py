"""Topologies as SCALE-Sim reads them: a CSV file with a layer per line.

Of convolutions: layer name, IFMAP height, IFMAP width (both with padding), filter height, filter width, channels,
filters, stride. Of matrix products: layer name, M, N, K, with a header that says so. Source: SCALE-Sim (ISPASS 2020),
`topologies/` of its repository.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from spikecycle import files
from spikecycle.simulator.errors import UsageError
from spikecycle.simulator.explore.drawn_layer import LayerToDraw
from spikecycle.simulator.machine.problems import validation_problems

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
    rows = [(number, row) for number, row in _rows(path) if any(row)]
    if not rows:
        raise UsageError(f"{path}: has no layers")
    header = [_plain(cell) for cell in rows[0][1]]
    is_product = tuple(header[1:4]) == _PRODUCT
    has_header = len(rows[0][1]) > 1 and not rows[0][1][1].isdigit()
    extras = {column: _EXTRAS[name] for column, name in enumerate(header) if has_header and name in _EXTRAS}
    layers = [_row(path, number, row, is_product, extras) for number, row in rows[has_header:]]
    if not layers:
        raise UsageError(f"{path}: has no layers")
    return layers


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Number and cells of every row; lines may end as on any system, and the text may begin with a byte order mark."""
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
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=None)), 1):
            rows.append((number, [cell.strip() for cell in row]))
    except csv.Error as error:  # a cell of more than 131,072 characters
        raise UsageError(f"{path}, line {len(rows) + 1}: is no CSV: {error}") from error
    return rows


def _row(path: Path, line: int, row: Sequence[str], is_product: bool, extras: Mapping[int, str]) -> LayerToDraw:
    columns = _PRODUCT if is_product else _CONVOLUTION
    try:
        if len(row) < 1 + len(columns):
            raise ValueError(f"{1 + len(columns)} columns are needed, found {len(row)}")
        sizes = dict(zip(columns, (_whole(cell) for cell in row[1 : 1 + len(columns)]), strict=True))
        more = {key: _extra(key, row[column]) for column, key in extras.items() if column < len(row) and row[column]}
        if is_product:  # M rows of K inputs, each against K x N weights
            said = {"kind": "conv1d", "C": sizes["k"], "W": sizes["m"], "M": sizes["n"]}
        else:
            height, width, r, s, channels, filters, stride = sizes.values()
            alone = (height, width, r, s) == (1, 1, 1, 1)
            said = {"kind": "linear" if alone else "conv2d", "C": channels, "M": filters}
            said |= {} if alone else {"H": height, "W": width, "R": r, "S": s, "stride": stride}
        return LayerToDraw.model_validate({"name": row[0], **said, **more})
    except ValidationError as error:
        raise UsageError(f"{path}, line {line}: {validation_problems(error, LayerToDraw)[0]}") from error
    except ValueError as error:
        raise UsageError(f"{path}, line {line}: {error}") from error


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
