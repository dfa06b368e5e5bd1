"""MATLAB's files as SciPy writes them, elements by hand, and what is damaged or too large: a line, never a crash."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from spikecycle.models.data.event_files import read_events
from spikecycle.models.data.matlab_file import PIECE_BYTES, matlab_arrays
from spikecycle.models.errors import ModelsError

pytestmark = pytest.mark.train
NAMES = ("ts", "x")


def saved(compressed: bool = False, **arrays: Any) -> bytes:
    stream = io.BytesIO()
    savemat(stream, arrays, do_compression=compressed)
    return stream.getvalue()


def unlimited(total_bytes: int) -> None:
    """Nothing is too large."""


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_what_scipy_writes_is_read(dtype: str, compressed: bool) -> None:
    """One value (a small element) and more, as a row or a column, with others between them that are skipped."""
    for count in (1, 5):
        values = np.arange(3, 3 + count).astype(dtype)
        content = saved(compressed, ts=values[:, None], other="text", cells=np.array([[1, "a"]], object), x=values * 2)
        found = matlab_arrays(content, NAMES, unlimited)
        assert list(found) == ["ts", "x"]
        assert found["ts"].tolist() == values.tolist() and found["x"].tolist() == (values * 2).tolist()


def element(kind: int, content: bytes, order: str = "<") -> bytes:
    return struct.pack(f"{order}II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(name: str, values: bytes, kind: int, order: str = "<", flags: int = 6) -> bytes:
    """An array: flags with its class, dimensions, name, and values of that kind."""
    return element(
        14,
        element(6, struct.pack(f"{order}II", flags, 0), order) + element(5, struct.pack(f"{order}ii", 1, 1), order)
        + element(1, name.encode(), order) + element(kind, values, order),
        order,
    )  # fmt: skip


def file_of(*elements: bytes, order: str = "<") -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + (b"\0\1IM" if order == "<" else b"\1\0MI") + b"".join(elements)


def test_big_endian_elements_by_hand() -> None:
    content = file_of(matrix("ts", struct.pack(">3h", 1, 500, -2), 3, ">"), order=">")
    assert matlab_arrays(content, NAMES, unlimited)["ts"].tolist() == [1, 500, -2]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no MATLAB file of version 5"),
        (bytes(200), "is no MATLAB file of version 5"),
        (file_of(matrix("ts", bytes(8), 9)[:-4]), "it ends within an array"),
        (file_of(struct.pack("<II", 14, 2**32 - 1)), "it ends within an array"),
        (file_of(matrix("ts", bytes(7), 9)), "ts: ends within a number"),
        (file_of(matrix("ts", bytes(8), 77)), "ts: an array without numbers"),
        (file_of(matrix("ts", bytes(8), 9, flags=6 | 0x800)), "ts: is complex numbers; an array of real numbers is"),
        (file_of(element(14, element(6, bytes(8)))), "an array without a name"),
        (file_of(element(14, element(6, b"") + element(5, bytes(8)) + element(1, b"x"))), "x: an array without flags"),
        (saved(ts="ab"), "ts: is text; an array of real numbers is needed"),
        (saved(ts={"a": 1}), "ts: is a struct; an array of real numbers is needed"),
        (saved(ts=csc_matrix(np.eye(2))), "ts: is a sparse array; an array of real numbers is needed"),
        (saved(ts=np.array([[1, "a"]], object)), "ts: is cells; an array of real numbers is needed"),
    ],
)
def test_what_is_wrong_is_one_line(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        matlab_arrays(content, NAMES, unlimited)


def test_a_little_file_does_not_unpack_to_more_than_it_may() -> None:
    """Told to stop at 3 pieces, it has at most unpacked one more; the file is a few kilobytes."""
    content = file_of(struct.pack("<II", 15, 2**20), zlib.compress(bytes(40 * PIECE_BYTES))).ljust(2**20 + 136)
    seen: list[int] = []

    def stop(total_bytes: int) -> None:
        seen.append(total_bytes)
        if total_bytes > 3 * PIECE_BYTES:
            raise ValueError("too much")

    with pytest.raises(ValueError, match="too much"):
        matlab_arrays(content, NAMES, stop)
    assert max(seen) <= 5 * PIECE_BYTES


def test_files_of_matlab_7_3_are_hdf5(tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "new.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        file.update({"ts": [[5.0, 7.0]], "x": [[1.0, 2.0]], "y": [[179.0, 170.0]], "pol": [[1.0, 0.0]]})
    events = read_events(path, (180, 240))
    assert events[["x", "y", "t", "p"]].tolist() == [(1, 0, 5, True), (2, 9, 7, False)]


def test_every_byte_changed_is_read_or_refused(tmp_path: Path) -> None:
    """Of a small file each byte in turn, to 0 and to 255: SciPy's own reader ended the process on some of them."""
    content = saved(ts=[1, 2], x=[1, 2], y=[3, 4], pol=[0, 1])
    path = tmp_path / "a.mat"
    read = 0
    for place in range(124, len(content)):
        for value in (0, 255):
            path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
            try:
                read += len(read_events(path)) == 2
            except ModelsError as error:
                assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    assert read > 50  # bytes that say nothing of interest
