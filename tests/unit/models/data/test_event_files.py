"""Files of events by every format that is read, and what is wrong with one: a line that names the file."""

from __future__ import annotations

import struct
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat
from tonic.io import read_mnist_file

from spikecycle.models.data import event_files
from spikecycle.models.data.aedat_files import AEDAT3_HEADER
from spikecycle.models.data.event_files import read_events
from spikecycle.models.errors import ModelsError

pytestmark = pytest.mark.train
X, Y, T, P = (np.array(values) for values in ([3, 5, 7], [1, 0, 2], [10, 2000, 100_000], [1, 0, 1]))


def structured(**changed: Any) -> np.ndarray:
    """Tonic's event array, whatever the types and the order of its fields."""
    columns = {"t": T, "x": X, "y": Y, "p": P} | changed
    array = np.zeros(len(columns["t"]), [("t", "<i8"), ("x", "<u2"), ("y", "<i4"), ("p", "<i1")])
    for name, values in columns.items():
        array[name] = values
    return array


Rows = list[tuple[int, int, int, int]]
ROWS: Rows = list(zip(X.tolist(), Y.tolist(), T.tolist(), P.tolist(), strict=True))


def binary(rows: Rows = ROWS) -> bytes:
    """Five bytes an event: x, y, polarity and 23 bits of time."""
    return b"".join(bytes([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255]) for x, y, t, p in rows)


def aedat2(davis: bool = False, rows: Rows = ROWS) -> bytes:
    """Addresses and times, big-endian, behind lines of comments; of a DAVIS, one that is no event of the camera."""
    shifts = (12, 22, 11) if davis else (1, 8, 0)
    words = [(x << shifts[0] | y << shifts[1] | p << shifts[2], t) for x, y, t, p in rows]
    if davis:
        words.insert(1, (1 << 31 | 5, 1000))
    return b"#!AER-DAT2.0\r\n# comment\r\n" + b"".join(struct.pack(">II", *word) for word in words)


def aedat3(wrapped: int = 0, rows: Rows = ROWS) -> bytes:
    """Two packets: polarity events, of which one is not valid, and one of another type."""
    words = [(x << 17 | y << 2 | p << 1 | 1, t) for x, y, t, p in rows]
    words.insert(2, (9 << 17, 3000))
    special = AEDAT3_HEADER.pack(0, 1, 8, 4, 0, 1, 1, 1) + bytes(8)
    number = len(words)
    body = AEDAT3_HEADER.pack(1, 1, 8, 4, wrapped, number, number, number - 1)
    body += b"".join(struct.pack("<II", *word) for word in words)
    return b"#!AER-DAT3.1\r\n#Format: RAW\r\n#!END-HEADER\r\n" + special + body


def written(folder: Path, name: str) -> Path:
    """A file with the three events above, in the format that its name says."""
    path = folder / name
    match name:
        case "tonic.npy":
            np.save(path, structured())
        case "columns.npy":
            np.save(path, np.stack([X, Y, T, P], axis=1).astype(float))
        case "arrays.npz":
            np.savez(path, x=X, y=Y, t=T, p=P * 2 - 1)
        case "one.npz":
            np.savez(path, events=structured())
        case "nmnist.bin":
            path.write_bytes(binary())
        case "dvs128.aedat":
            path.write_bytes(aedat2())
        case "davis.aedat":
            path.write_bytes(aedat2(davis=True))
        case "version3.aedat":
            path.write_bytes(aedat3())
        case "root.h5":
            with h5py.File(path, "w") as file:
                file.update({"x": X, "y": Y, "t": T, "p": P})
        case "group.hdf5":
            with h5py.File(path, "w") as file:
                file.update({"events/xs": X, "events/ys": Y, "events/ts": T, "events/ps": P.astype(bool)})
        case "table.h5":
            with h5py.File(path, "w") as file:
                file.create_dataset("events", data=structured(), compression="gzip")
        case "asl.mat":
            savemat(path, {"ts": T[:, None], "x": X[:, None], "y": 179 - Y[:, None], "pol": P[:, None]})
    return path


@pytest.mark.parametrize(
    "name",
    ["tonic.npy", "columns.npy", "arrays.npz", "one.npz", "nmnist.bin", "dvs128.aedat", "davis.aedat",
     "version3.aedat", "root.h5", "group.hdf5", "table.h5", "asl.mat"],
)  # fmt: skip
def test_the_same_events_in_every_format(name: str, tmp_path: Path) -> None:
    events = read_events(written(tmp_path, name), (4, 8))
    for field, values in (("x", X), ("y", Y), ("t", T), ("p", P)):
        assert events[field].tolist() == values.tolist()


def test_times_of_version_3_go_on_where_31_bits_end(tmp_path: Path) -> None:
    (tmp_path / "long.aedat").write_bytes(aedat3(wrapped=1))
    assert read_events(tmp_path / "long.aedat")["t"].tolist() == (T + 2**31).tolist()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"t": T[::-1]}, "times go back from 100000 to 2000 us at event 1 of 3; sort the recording"),
        ({"t": [10, 2**32 - 1, 5]}, "times go back from 4294967295 to 5 us at event 2 of 3 (they wrap around 2**32"),
        ({"x": [3, 8, 7]}, "x of event 1 is 8, outside of a sensor of 4 rows and 8 columns"),
        ({"y": [1, 0, -2]}, "y of event 2 is -2, outside of a sensor of 4 rows and 8 columns"),
        ({"p": [0, 1, 3]}, "polarities other than 0 and 1 (or -1 and 1)"),
        ({name: [] for name in "xytp"}, "an empty recording, without events"),
        ({"t": [-5, 0, 1]}, "times from -5 to 1 us"),
    ],
)
def test_what_is_wrong_with_events_is_one_line(changed: dict[str, Any], words: str, tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", structured(**changed))
    with pytest.raises(ModelsError) as error:
        read_events(tmp_path / "bad.npy", (4, 8))
    assert str(error.value).startswith(f"{tmp_path / 'bad.npy'}: ") and words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"x", "is no file of events; these end in .npy, .npz, .bin"),
        ("a.aedat4", b"x", "AEDAT 4 is not read; save its events as an array"),
        ("a.bin", b"1234567", "7 bytes are no whole number of events of 5"),
        ("a.aedat", b"#!AER-DAT4.0\r\n", "it begins with '#!AER-DAT4.0"),
        ("a.aedat", aedat2()[:-3], "it ends within an event"),
        ("a.aedat", aedat3()[:-3], "it ends within a packet"),
        ("a.npy", b"\x80\x04]", "cannot be read as events: "),
        ("a.npz", b"PK", "no .npz file: that is a ZIP archive"),
        ("a.h5", b"none", "is not an HDF5 file"),
        ("a.mat", b"none", "cannot be read as events: "),
    ],
)
def test_damaged_files_are_one_line(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelsError) as error:
        read_events(tmp_path / name)
    assert str(error.value).startswith(f"{tmp_path / name}: ") and words in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(ModelsError, match="No such file"):
        read_events(tmp_path / f"none{Path(name).suffix.replace('.txt', '.npy').replace('.aedat4', '.npy')}")


def of(name: str, folder: Path, rows: Rows) -> Path:
    """Any events in a file of the format that a name says."""
    path = folder / name
    x, y, t, p = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    contents = {"a.bin": binary, "2.aedat": partial(aedat2, False), "davis.aedat": partial(aedat2, True),
                "3.aedat": partial(aedat3, 0)}  # fmt: skip
    if name in contents:
        path.write_bytes(contents[name](rows=rows))
    elif name == "a.h5":
        with h5py.File(path, "w") as file:
            file.update({"events/x": x, "events/y": y, "events/t": t, "events/p": p})
    else:
        savemat(path, {"ts": t[:, None], "x": x[:, None], "y": 179 - y[:, None], "pol": p[:, None]})
    return path


FORMATS = ["a.bin", "2.aedat", "davis.aedat", "3.aedat", "a.h5", "a.mat"]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([(1, 1, 500, 0), (2, 2, 400, 1)], "times go back from 500 to 400 us at event 1 of 2; sort the recording"),
        ([(1, 1, 5, 0), (90, 2, 6, 1)], "x of event 1 is 90, outside of a sensor of 64 rows and 80 columns"),
        ([(1, 70, 5, 0)], "y of event 0 is 70, outside of a sensor of 64 rows and 80 columns"),
        ([], "an empty recording, without events"),
    ],
    ids=["unsorted", "x outside", "y outside", "empty"],
)
def test_whatever_the_format_what_is_wrong_is_one_line(name: str, rows: Rows, words: str, tmp_path: Path) -> None:
    path = of(name, tmp_path, rows)
    with pytest.raises(ModelsError) as error:
        read_events(path, (64, 80))
    assert str(error.value) == f"{path}: {words}"


@pytest.mark.parametrize("name", ["2.aedat", "davis.aedat", "a.h5"])
def test_times_that_wrap_around_are_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelsError, match=r"times go back from 4294967290 to 3 us .*they wrap around 2\*\*32; unwrap"):
        read_events(of(name, tmp_path, [(1, 1, 2**32 - 6, 0), (2, 2, 3, 1)]))


def test_rows_of_240_are_overflows_of_time_as_tonic_has_them(tmp_path: Path) -> None:
    """Two of them: the events behind are 2 ** 13 us later each, and they are no events themselves."""
    path = of("a.bin", tmp_path, [(1, 2, 7000, 1), (0, 240, 0, 0), (3, 4, 100, 0), (0, 240, 0, 0), (5, 6, 50, 1)])
    events = read_events(path, (180, 240))
    assert events["t"].tolist() == [7000, 100 + 2**13, 50 + 2**14]
    theirs = read_mnist_file(str(path), events.dtype)
    assert all(events[name].tolist() == theirs[name].tolist() for name in "xytp")


@pytest.mark.parametrize(
    ("name", "events"),
    [("tonic.npy", 3), ("columns.npy", 3), ("arrays.npz", 3), ("one.npz", 3), ("nmnist.bin", 3), ("root.h5", 3),
     ("group.hdf5", 3), ("table.h5", 3), ("dvs128.aedat", 6)],
)  # fmt: skip
def test_more_events_than_memory_are_one_line(
    name: str, events: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event takes 100 bytes while it is read. Of AEDAT every 8 bytes may be an event: 24 + 25 of the header."""
    path = written(tmp_path, name)
    monkeypatch.setattr(event_files, "default_limit_bytes", lambda: 100 * events)
    assert len(read_events(path)) == 3
    monkeypatch.setattr(event_files, "default_limit_bytes", lambda: 100 * events - 1)
    with pytest.raises(ModelsError, match=rf"{name}: .* {events} events need 0\.0 GB of memory, and 0\.0 GB may be us"):
        read_events(path)


def test_a_few_bytes_that_declare_much_are_refused_at_once(tmp_path: Path) -> None:
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (%s, 4), }"
    for shape, words in ((b"1099511627776", "declares 35184372088832 bytes of values, but stores 32"),
                         (b"-1", "declares -32 bytes of values, but stores 32"),
                         (b"(1", "its header is damaged")):  # fmt: skip
        text = (header % shape).ljust(117) + b"\n"
        content = b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + bytes(32)
        (tmp_path / "a.npy").write_bytes(content)
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("x.npy", content)
        for name in ("a.npy", "a.npz"):
            with pytest.raises(ModelsError, match=rf"{name}: cannot be read as events: .*{words}"):
                read_events(tmp_path / name)


def test_an_archive_with_a_password_and_a_cut_one_are_one_line(tmp_path: Path) -> None:
    content = written(tmp_path, "arrays.npz").read_bytes()
    flagged = bytearray(content)
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flag that says so, in both headers of a member
        flagged[flagged.index(signature) + place] |= 1
    for changed in (bytes(flagged), content[:-30], content[: len(content) // 2]):
        (tmp_path / "b.npz").write_bytes(changed)
        with pytest.raises(ModelsError, match=r"b\.npz: cannot be read as events: "):
            read_events(tmp_path / "b.npz")


@pytest.mark.parametrize(("value", "words"), [(1e30, "t from 1e+30 to 1e+30; supp"), (2**64 - 1, "t from 18446744073")])
@pytest.mark.filterwarnings("error")
def test_numbers_beyond_whole_numbers_are_one_line(value: float, words: str, tmp_path: Path) -> None:
    dtype = np.uint64 if isinstance(value, int) else float
    np.save(tmp_path / "a.npy", np.array([[1, 1, value, 1]], dtype=dtype))
    with pytest.raises(ModelsError) as error:
        read_events(tmp_path / "a.npy")
    assert words in str(error.value)
