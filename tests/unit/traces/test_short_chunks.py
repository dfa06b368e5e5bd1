"""Datasets that hold less than they declare: every dataset of a trace, filter, index and way of cheating.

The expected end of all of them is a TraceError that names file and dataset; a process of its own tries them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.children import outcomes
from tests.unit.traces.builders import write_two_layers
from tests.unit.traces.test_filters import fletcher32_twin

READ = """
from spikecycle.traces import TraceError, open_trace
from tests.unit.traces.builders import read_everything

def outcome(path):
    try:
        with open_trace(path) as trace:
            read_everything(trace)
        return "read"
    except TraceError as error:
        return str(error)
"""
DATASETS = (
    "labels", "layers/0/weights", "layers/0/weight_scale", "layers/0/threshold", "layers/0/inputs",
    "layers/1/weights", "layers/1/weight_scale", "layers/1/threshold", "layers/1/bias", "layers/1/inputs",
    "layers/1/outputs",
)  # fmt: skip
FILTERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "gzip": {"compression": "gzip"},
    "shuffle": {"shuffle": True},
    "checksum": {"fletcher32": True},
    "gzip-shuffle": {"compression": "gzip", "shuffle": True},
    "shuffle-checksum": {"shuffle": True, "fletcher32": True},
    "gzip-checksum": {"compression": "gzip", "fletcher32": True},
    "all": {"compression": "gzip", "shuffle": True, "fletcher32": True},
}
# Growing axes decide on the index: none, the first, all.
INDICES: dict[str, tuple[str, int]] = {
    "b-tree-1": ("earliest", 0),
    "fixed-or-single": ("v110", 0),
    "extensible": ("v110", 1),
    "b-tree-2": ("v110", 9),
}


def _summed(data: bytes, filters: dict[str, Any]) -> bytes:
    return data + fletcher32_twin(data).to_bytes(4, "little") if "fletcher32" in filters else data


def _short(whole: bytes, filters: dict[str, Any]) -> bytes:
    """Half a chunk, with everything else about it right."""
    half = whole[: len(whole) // 2]
    return _summed(zlib.compress(half) if "compression" in filters else half, filters)


def _long(whole: bytes, filters: dict[str, Any]) -> bytes:
    twice = whole + whole
    return _summed(zlib.compress(twice) if "compression" in filters else twice, filters)


def _empty(whole: bytes, filters: dict[str, Any]) -> bytes:
    return b"\0"


def _cut(whole: bytes, filters: dict[str, Any]) -> bytes:
    data = zlib.compress(whole) if "compression" in filters else whole
    return _summed(data[: len(data) // 2], filters)


def _unsummed(whole: bytes, filters: dict[str, Any]) -> bytes:
    return (zlib.compress(whole) if "compression" in filters else whole)[:3]


CHEATS: dict[str, Callable[[bytes, dict[str, Any]], bytes]] = {
    "short": _short,
    "long": _long,
    "empty": _empty,
    "cut": _cut,
    "unsummed": _unsummed,
}


def _rewritten(path: Path, version: str, change: Callable[[h5py.File, h5py.File], None]) -> Path:
    """The two layers, copied to a file of that version of the format, and changed."""
    whole = write_two_layers(path.with_suffix(".whole"))
    with h5py.File(whole) as source, h5py.File(path, "w", libver=(version, "v110")) as file:
        for name in source:
            source.copy(name, file)
        for name, value in source.attrs.items():
            file.attrs[name] = value
        change(source, file)
    whole.unlink()
    return path


def _with_chunk(
    path: Path,
    name: str,
    filters: dict[str, Any],
    index: tuple[str, int],
    cheat: Callable[..., bytes],
    skipped: int = 0,
) -> Path:
    """A trace one of whose datasets has a first chunk that cheats."""
    version, growing = index

    def change(source: h5py.File, file: h5py.File) -> None:
        values = source[name][...]
        del file[name]
        limits = tuple(None if axis < growing else size for axis, size in enumerate(values.shape))
        dataset = file.create_dataset(name, data=values, chunks=values.shape, maxshape=limits, **filters)
        file.flush()
        stored = cheat(values.tobytes(), filters)
        dataset.id.write_direct_chunk((0,) * values.ndim, stored, filter_mask=skipped)

    return _rewritten(path, version, change)


def _cases(folder: Path) -> Iterator[Path]:
    for name in DATASETS:
        for cheat, make in CHEATS.items():
            place = folder / f"{name.replace('/', '-')}-all-{cheat}.h5"
            yield _with_chunk(place, name, FILTERS["all"], INDICES["extensible"], make)
    for chosen, filters in FILTERS.items():
        for kind, index in INDICES.items():
            if not filters:
                continue  # HDF5 itself stores no chunk of another size
            for cheat, make in CHEATS.items():
                place = folder / f"{chosen}-{kind}-{cheat}.h5"
                yield _with_chunk(place, "layers/1/weights", filters, index, make)
            place = folder / f"{chosen}-{kind}-skipped.h5"
            yield _with_chunk(place, "layers/1/weights", filters, index, _short, skipped=(1 << len(filters)) - 1)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What reading says of each case, by the name of its file."""
    return outcomes(READ, list(_cases(tmp_path_factory.mktemp("short"))))


def test_every_short_chunk_of_every_dataset_is_refused(told: dict[str, str]) -> None:
    cases = [f"{name.replace('/', '-')}-all-{cheat}.h5" for name in DATASETS for cheat in CHEATS]
    for case in cases:
        place = case.split("-all-")[0].rsplit("-", 1)[-1]
        assert case in told[case] and f"{place}: damaged (" in told[case], told[case]


def test_every_filter_and_index(told: dict[str, str]) -> None:
    cases = [case for case in told if not case.startswith(("labels", "layers"))]
    assert len(cases) == (len(FILTERS) - 1) * len(INDICES) * (len(CHEATS) + 1)
    for case in cases:
        assert f"{case}: layer dense1: weights: damaged (" in told[case], told[case]


def _replaced(path: Path, name: str, create: Callable[[h5py.File, str, Any], None], version: str = "v110") -> Path:
    def change(source: h5py.File, file: h5py.File) -> None:
        values = source[name][...]
        del file[name]
        create(file, name, values)

    return _rewritten(path, version, change)


def _low_level(layout: int, early: bool = False, written: bool = True, chunk: bool = False) -> Callable[..., None]:
    def create(file: h5py.File, name: str, values: Any) -> None:
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_layout(layout)
        if chunk:
            creation.set_chunk((1, *values.shape[1:]))
        if early:
            creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        space = h5py.h5s.create_simple(values.shape)
        kind = h5py.h5t.py_create(values.dtype)
        group, last = name.rsplit("/", 1) if "/" in name else ("/", name)
        identifier = h5py.h5d.create(file[group].id, last.encode(), kind, space, creation)
        if written:
            h5py.Dataset(identifier)[...] = values

    return create


def test_other_layouts_are_read_and_have_to_be_whole(tmp_path: Path) -> None:
    plain = write_two_layers(tmp_path / "plain.h5")
    kinds: dict[str, tuple[Callable[..., None], str]] = {
        "contiguous": (_low_level(h5py.h5d.CONTIGUOUS), "read"),
        "contiguous-unwritten": (_low_level(h5py.h5d.CONTIGUOUS, written=False), "stores 0"),
        "compact": (_low_level(h5py.h5d.COMPACT), "read"),
        "implicit": (_low_level(h5py.h5d.CHUNKED, early=True, chunk=True), "read"),
        "chunks-unwritten": (_low_level(h5py.h5d.CHUNKED, written=False, chunk=True), "weights: "),
        "big-endian": (lambda f, n, v: f.create_dataset(n, data=v.astype(v.dtype.newbyteorder(">"))), "read"),
    }
    names = ("layers/1/weights", "layers/1/bias")
    paths = [
        _replaced(tmp_path / f"{case}-{name[-4:]}.h5", name, create)
        for case, (create, _) in kinds.items()
        for name in names
        if case != "chunks-unwritten" or name.endswith("weights")
    ]
    told = outcomes(READ, [plain, *paths])
    assert told["plain.h5"] == "read"
    for case, said in told.items():
        wanted = next((words for kind, (_, words) in kinds.items() if case[:-8] == kind), "read")
        assert wanted in said, (case, said)


def _thirds(values: Any) -> tuple[int, ...]:
    return tuple((size + 2) // 3 for size in values.shape)


def test_values_are_those_that_were_stored_whatever_the_layout(tmp_path: Path) -> None:
    from spikecycle.traces import open_trace
    from tests.unit.traces.builders import read_everything

    with open_trace(write_two_layers(tmp_path / "plain.h5")) as trace:
        expected = read_everything(trace)
    for index, name in enumerate(DATASETS):
        for version, create in (
            ("v110", _low_level(h5py.h5d.CONTIGUOUS)),
            ("earliest", _low_level(h5py.h5d.COMPACT)),
            ("v110", _low_level(h5py.h5d.CHUNKED, early=True, chunk=True)),
            ("earliest", lambda f, n, v: f.create_dataset(n, data=v, chunks=tuple((s + 1) // 2 for s in v.shape))),
            (
                "v110",
                lambda f, n, v: f.create_dataset(
                    n, data=v, chunks=tuple((s + 2) // 3 for s in v.shape), **FILTERS["all"]
                ),
            ),
            ("v110", lambda f, n, v: f.create_dataset(n, data=v.astype(v.dtype.newbyteorder(">")), shuffle=True)),
        ):
            with open_trace(_replaced(tmp_path / f"t{index}.h5", name, create, version)) as trace:
                assert read_everything(trace) == expected, (name, version)


def test_a_chunk_that_is_not_there(tmp_path: Path) -> None:
    def sparse(file: h5py.File, name: str, values: Any) -> None:
        dataset = file.create_dataset(
            name, values.shape, values.dtype, chunks=(1, *values.shape[1:]), compression="gzip"
        )
        dataset[0] = values[0]

    paths = [_replaced(tmp_path / f"{n}.h5", f"layers/1/{n}", sparse) for n in ("inputs", "outputs", "weights")]
    for case, said in outcomes(READ, paths).items():
        assert f"{case}: layer dense1: {case[:-3]}: " in said, said


@pytest.mark.parametrize("end", [0.5, 0.9])
def test_a_file_that_ends_before_its_values(tmp_path: Path, end: float) -> None:
    """The oldest superblock has no checksum: the file says itself that it ends early, or late."""
    path = _replaced(tmp_path / "old.h5", "layers/1/weights", _low_level(h5py.h5d.CONTIGUOUS), "earliest")
    whole = path.read_bytes()
    assert whole[8] == 0 and int.from_bytes(whole[40:48], "little") == len(whole)
    shorter = int(end * len(whole))
    changed = {
        "cut": whole[:shorter],
        "cut-and-said": whole[:40] + shorter.to_bytes(8, "little") + whole[48:shorter],
        "only-said": whole[:40] + shorter.to_bytes(8, "little") + whole[48:],
        "said-longer": whole[:40] + (10 * len(whole)).to_bytes(8, "little") + whole[48:],
    }
    paths = []
    for case, content in changed.items():
        paths.append(tmp_path / f"{case}.h5")
        paths[-1].write_bytes(content)
    for case, said in outcomes(READ, paths).items():
        assert said.startswith(str(tmp_path / case)), said


def test_more_values_than_the_file_can_hold(tmp_path: Path) -> None:
    """What a few kilobytes declare costs nothing: neither memory nor time."""

    def huge(file: h5py.File) -> None:
        del file["layers/0/inputs"]
        file.attrs["N"] = np.int64(2**24)
        del file["labels"]
        shape = (2**24, 5, 2, 9, 7)
        file["layers/0"].create_dataset("inputs", shape, np.uint8, chunks=(1, 5, 2, 9, 7), compression="gzip")

    def large(file: h5py.File) -> None:
        group = file["layers/1"]
        for name, value in (("C", 2**28), ("M", 1)):
            group.attrs[name] = np.int64(value)
        del group["weights"]
        group.create_dataset("weights", (1, 2**28, 1, 1), np.int8, chunks=(1, 2**20, 1, 1), compression="gzip")

    paths = [tmp_path / "huge.h5", tmp_path / "large.h5"]
    for path, change in zip(paths, (huge, large), strict=True):
        with h5py.File(write_two_layers(path), "r+") as file:
            change(file)
    said = outcomes(READ, paths, memory_bytes=2**30, seconds=30)
    assert "layer conv1: inputs: declares 10569646080 bytes of values, more than a file of" in said["huge.h5"]
    assert said["large.h5"].startswith(str(paths[1]))


def test_a_type_whose_bits_are_not_all_used(tmp_path: Path) -> None:
    def create(file: h5py.File, name: str, values: Any) -> None:
        kind = h5py.h5t.py_create(values.dtype).copy()
        kind.set_precision(values.dtype.itemsize * 8 - 1)
        space = h5py.h5s.create_simple(values.shape)
        h5py.Dataset(h5py.h5d.create(file["layers/1"].id, b"bias", kind, space))[...] = values

    said = outcomes(READ, [_replaced(tmp_path / "t.h5", "layers/1/bias", create)])
    assert said["t.h5"].endswith("layer dense1: bias: must be plain int32, found another layout of its bits")


def test_a_large_chunk_of_several_samples(tmp_path: Path) -> None:
    """Reading it once for each of its samples would take the square of its size."""
    path = write_two_layers(tmp_path / "t.h5")
    with h5py.File(path, "r+") as file:
        group = file["layers/0"]
        inputs, chunks = np.zeros((3, 5, 2, 9, 7), np.uint8), (3, 5, 2, 512, 128)
        del group["inputs"]
        group.create_dataset("inputs", data=inputs, chunks=chunks, maxshape=(None,) * 5, compression="gzip")
    said = outcomes(READ, [path])["t.h5"]
    assert said.endswith("inputs: a chunk that holds several samples must be at most 1048576 bytes, found 1966080")


@pytest.mark.parametrize("size", [0, 1, 77, 79, 500_000, 2**31, 2**32 - 1])
def test_a_chunk_without_filters_whose_index_says_another_size(tmp_path: Path, size: int) -> None:
    """The oldest index keeps the size of every chunk, unsummed, before what filters it left out and where it is."""
    create = {"chunks": (6, 13, 1, 1)}
    path = _replaced(
        tmp_path / "t.h5", "layers/1/weights", lambda f, n, v: f.create_dataset(n, data=v, **create), "earliest"
    )
    whole = path.read_bytes()
    key = (78).to_bytes(4, "little") + bytes(4) + bytes(5 * 8)  # a chunk of 6 x 13 bytes, at the first index
    assert whole.count(key) == 1
    whole = whole.replace(key, size.to_bytes(4, "little") + key[4:])
    end = len(whole) + 2**20  # the file goes on, so that what lies behind the chunk can be read
    path.write_bytes(whole[:40] + end.to_bytes(8, "little") + whole[48:] + bytes(2**20))
    said = outcomes(READ, [path])["t.h5"]
    assert said.startswith(f"{path}: layer dense1: weights: "), said
