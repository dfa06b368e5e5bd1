"""Texts and sequences of any length: what h5py writes comes back, and a damaged heap is refused in bounded time."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spikecycle.traces import TraceError, hdf5
from tests.children import outcomes

READ = """
import h5py
from spikecycle.traces import TraceError, hdf5

def outcome(path):
    try:
        with hdf5.open_file(path, "a test") as file:
            return repr([hdf5.child(file, name).values().tolist() for name in hdf5.member_names(file)])
    except (TraceError, OSError, KeyError, RuntimeError, ValueError) as error:
        return f"refused: {error}"
"""
TEXTS = ["", "a", "spike", "ein längerer Text " * 20, "x" * 5000]
SEQUENCES: list[list[float]] = [[], [1], [2, 3, 4], list(range(2000)), [7, 0]]


def _written(path: Path, version: str = "earliest", **options: Any) -> Path:
    with h5py.File(path, "w", libver=(version, "v110")) as file:
        file.create_dataset("one", data="just one", dtype=h5py.string_dtype())
        file.create_dataset("texts", data=TEXTS, dtype=h5py.string_dtype(), **options)
        for name in ("<f2", ">f4", "<u2", ">i8"):
            rows = np.empty(len(SEQUENCES), object)
            rows[:] = [
                np.array(row, name) if name[1] != "u" else np.abs(np.array(row)).astype(name) for row in SEQUENCES
            ]
            file.create_dataset(f"rows-{name[1:]}", data=rows, dtype=h5py.vlen_dtype(np.dtype(name)), **options)
    return path


@pytest.mark.parametrize("version", ["earliest", "v110"])
@pytest.mark.parametrize(
    "options",
    [{}, {"chunks": (2,)}, {"chunks": (2,), "compression": "gzip", "shuffle": True}, {"maxshape": (None,)}],
    ids=str,
)
def test_what_h5py_writes_comes_back(tmp_path: Path, version: str, options: dict[str, Any]) -> None:
    with hdf5.open_file(_written(tmp_path / "t.h5", version, **options), "a test") as file:
        assert hdf5.child(file, "one").values()[()] == "just one"
        assert hdf5.child(file, "texts").values().tolist() == TEXTS
        for name in ("f2", "f4", "u2", "i8"):
            rows = hdf5.child(file, f"rows-{name}").values()
            assert [row.dtype for row in rows] == [np.dtype(name)] * len(SEQUENCES)
            wanted = [
                np.abs(row).tolist() if name == "u2" else list(np.array(row, name)) for row in map(np.array, SEQUENCES)
            ]
            assert [row.tolist() for row in rows] == [list(row) for row in wanted]
        some = hdf5.child(file, "texts")
        assert some.values(slice(1, 3)).tolist() == TEXTS[1:3]
        assert some.values(3)[()] == TEXTS[3]


def test_other_types_of_variable_length_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file.create_dataset("references", data=[file.ref], dtype=h5py.ref_dtype)
        file.create_dataset("nested", (1,), h5py.vlen_dtype(h5py.vlen_dtype(np.int8)))
        file.create_dataset("records", (1,), h5py.vlen_dtype(np.dtype([("a", "i4")])))
    with hdf5.open_file(tmp_path / "t.h5", "a test") as file:
        for name in file:
            with pytest.raises(TraceError, match=f"^{name}: "):
                hdf5.child(file, name)


def test_every_damage_of_a_heap_ends(tmp_path: Path) -> None:
    """References, headers and sizes, everything that leads somewhere, set to what misleads most."""
    path = _written(tmp_path / "whole.h5")
    whole = path.read_bytes()
    starts = [at for at in range(0, len(whole) - 16, 4) if whole[at : at + 4] == b"GCOL"]
    assert len(starts) >= 2
    with h5py.File(path) as file:
        references = [file[name].id.get_offset() for name in ("one", "texts", "rows-f2", "rows-i8")]
    numbers = [0, 1, 7, 16, 17, 4096, len(whole) - 1, len(whole), 2**31, 2**32 - 1, 2**63, 2**64 - 1, *starts]
    changes: list[tuple[int, bytes]] = []
    for start in starts:
        changes += [(start + 8, struct.pack("<Q", number)) for number in numbers]
        changes += [(start + at, bytes([value])) for at in (0, 4) for value in (0, 2, 255)]
        changes += [(start + 16 + 8, struct.pack("<Q", number)) for number in numbers]
        changes += [(start + 16, struct.pack("<H", number)) for number in (0, 2, 3, 65535)]
    for reference in references:
        for value in range(2):
            at = reference + 16 * value
            changes += [(at, struct.pack("<I", number)) for number in numbers if number < 2**32]
            changes += [(at + 4, struct.pack("<Q", number)) for number in numbers]
            changes += [(at + 12, struct.pack("<I", number)) for number in (0, 2, 999, 2**32 - 1)]
    paths = [path]
    for index, (at, new) in enumerate(changes):
        paths.append(tmp_path / f"{index}.h5")
        paths[-1].write_bytes(whole[:at] + new + whole[at + len(new) :])
    rng = random.Random(3)
    for index in range(300):
        spoilt = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            spoilt[rng.choice(starts + references) + rng.randrange(64)] = rng.randrange(256)
        paths.append(tmp_path / f"random-{index}.h5")
        paths[-1].write_bytes(spoilt)
    said = outcomes(READ, paths, memory_bytes=2**30, seconds=60)
    assert said.pop("whole.h5").startswith("['just one', [array([], dtype=float16), array([1.], dtype")
    refused = [words for words in said.values() if words.startswith("refused: ")]
    assert len(refused) > len(said) / 2
    assert {words.split("(")[1].split(")")[0] for words in refused if "(" in words} >= {
        "a value of variable length lies in no heap",
        "a value of variable length ends after its heap",
        "its heaps are larger than the file",
        "a value lies beyond the end of the file",
    }


def test_values_that_share_an_object_are_not_more_than_the_file(tmp_path: Path) -> None:
    """A thousand references to one megabyte would be a gigabyte."""
    path = tmp_path / "t.h5"
    with h5py.File(path, "w") as file:
        texts = file.create_dataset("texts", (1000,), h5py.string_dtype())
        texts[0] = "x" * 2**20
        start = texts.id.get_offset()
    whole = path.read_bytes()
    one = whole[start : start + 16]
    path.write_bytes(whole[:start] + one * 1000 + whole[start + 16_000 :])
    assert outcomes(READ, [path], memory_bytes=2**30)["t.h5"] == (
        "refused: damaged (its values are more than the file holds)"
    )
