"""The filters of chunks: HDF5's own bytes are undone exactly, and nothing else passes."""

from __future__ import annotations

import itertools
import random
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikecycle.simulator import word_sums
from spikecycle.traces import TraceError, filters, hdf5
from spikecycle.traces.filters import FilterPipeline, fletcher32, fletcher32_of_each

GZIP, SHUFFLE, FLETCHER = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32


def fletcher32_twin(data: bytes) -> int:
    """Word by word, as H5checksum.c of HDF5 does it: sums of 16-bit words whose carries are added again."""
    first = second = 0
    for index in range(0, len(data), 2):
        first += data[index] << 8 | (data[index + 1] if index + 1 < len(data) else 0)
        first = (first & 0xFFFF) + (first >> 16)
        second += first
        second = (second & 0xFFFF) + (second >> 16)
    return second << 16 | first


def test_checksums_of_small_texts_by_hand() -> None:
    # "ab" is the word 0x6162; "abcd" is 0x6162 + 0x6364 = 0xc4c6, and 0x6162 + 0xc4c6 = 0x12628, carried: 0x2629.
    assert fletcher32(b"") == 0
    assert fletcher32(b"\0\0\0\0") == 0
    assert fletcher32(b"ab") == 0x6162_6162
    assert fletcher32(b"abcd") == 0x2629_C4C6
    assert fletcher32(b"a") == 0x6100_6100
    assert fletcher32(b"\xff\xff") == 0xFFFF_FFFF
    assert fletcher32(b"\xff\xff\0\0") == 0xFFFF_FFFF


@pytest.mark.parametrize(
    "size", [1, 2, 3, 719, 720, 721, 2**13 + 2, 2**17 - 1, 2**17, 2**17 + 1, 2**20 + 3, 2**20 + 2049]
)
def test_checksums_are_those_of_the_twin(size: int) -> None:
    rng = random.Random(size)
    for data in (rng.randbytes(size), bytes(size), b"\xff" * size):
        assert fletcher32(data) == fletcher32_twin(data)


@pytest.mark.parametrize("size", [1, 6, 513, 30_000])
@pytest.mark.parametrize("adding", [filters.add_words, word_sums.add_words])
def test_chunks_side_by_side_have_the_checksums_of_each(adding: filters.AddWords, size: int) -> None:
    rng = random.Random(size)
    chunks = [rng.randbytes(size), bytes(size), b"\xff" * size, rng.randbytes(size), bytes(size - 1) + b"\1"]
    found = fletcher32_of_each(np.frombuffer(b"".join(chunks), np.uint8).reshape(len(chunks), size), adding)
    assert found == [fletcher32_twin(chunk) for chunk in chunks]


def test_sums_are_the_same_whatever_is_worked_on_together(monkeypatch: pytest.MonkeyPatch) -> None:
    data = random.Random(1).randbytes(5 * 600)
    expected = [fletcher32_twin(data[first : first + 600]) for first in range(0, len(data), 600)]
    monkeypatch.setattr(filters, "FEW_WORDS", 0)
    monkeypatch.setattr(filters, "ROW_WORDS", 16)
    for words in (100, 299, 300, 301, 700, 10_000):  # a third of a chunk, a chunk, two, all
        monkeypatch.setattr(filters, "BLOCK_WORDS", words)
        assert fletcher32_of_each(np.frombuffer(data, np.uint8).reshape(5, 600)) == expected


@pytest.mark.parametrize("words", [1, 255, 256, 257, 1000])
def test_the_kernel_adds_up_as_numpy_does(words: int) -> None:
    table = np.random.default_rng(words).integers(0, 2**16, (3, words), np.uint16)
    table[1] = 2**16 - 1  # as large as sums of a row can be
    sums, numbered = np.zeros((2, 3), np.int64)
    word_sums.add_numbered(table, sums, numbered)
    wide = table.astype(np.int64)
    assert sums.tolist() == wide.sum(axis=1).tolist()
    assert (numbered % 65535).tolist() == ((wide * np.arange(words)).sum(axis=1) % 65535).tolist()


def test_many_words_are_worth_the_kernel_and_few_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[int] = []
    add = word_sums.add_numbered

    def counted(words: np.ndarray, *out: np.ndarray) -> None:
        called.append(words.size)
        add(words, *out)

    monkeypatch.setattr(word_sums, "add_numbered", counted)
    for count in (word_sums.LEAST_WORDS - 1, word_sums.LEAST_WORDS):
        words = np.full((1, count), 3, np.uint16)
        (total,), (weighted,) = word_sums.add_words(words)
        assert (total, weighted % 65535) == (3 * count, 3 * count * (count + 1) // 2 % 65535)
    assert called == [word_sums.LEAST_WORDS]


@pytest.mark.parametrize("size", [1, 7, 64, 1001, 40_000])
def test_checksums_are_those_that_hdf5_writes(tmp_path: Path, size: int) -> None:
    values = np.random.default_rng(size).integers(0, 256, size, np.uint8)
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file.create_dataset("x", data=values, chunks=(size,), fletcher32=True)
        stored = file["x"].id.read_direct_chunk((0,))[1]
    assert stored[:-4] == values.tobytes()
    assert int.from_bytes(stored[-4:], "little") == fletcher32(stored[:-4])


@pytest.mark.parametrize("codes", [c for n in range(4) for c in itertools.permutations((GZIP, SHUFFLE, FLETCHER), n)])
@pytest.mark.parametrize("dtype", ["i1", "<i2", ">i4", "<f8"])
def test_what_hdf5_writes_in_any_order_of_filters(tmp_path: Path, codes: tuple[int, ...], dtype: str) -> None:
    values = np.arange(60).reshape(5, 12).astype(dtype)
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_chunk((5, 12))
    add = {GZIP: lambda: creation.set_deflate(1), SHUFFLE: creation.set_shuffle, FLETCHER: creation.set_fletcher32}
    for code in codes:
        add[code]()
    with h5py.File(tmp_path / "t.h5", "w") as file:
        space = h5py.h5s.create_simple((5, 12))
        identifier = h5py.h5d.create(file.id, b"x", h5py.h5t.py_create(values.dtype), space, creation)
        dataset = h5py.Dataset(identifier)
        dataset[...] = values
        file.flush()
        filters = FilterPipeline.of(creation, values.itemsize, values.nbytes)
        skipped, stored = dataset.id.read_direct_chunk((0, 0))
    assert filters.codes == codes
    assert filters.undo(memoryview(stored), skipped).tobytes() == values.tobytes()


@pytest.mark.parametrize("dtype", ["u1", "<u2", "<i8"])
def test_rows_of_which_gzip_saves_less_than_half_are_stored_as_they_are(tmp_path: Path, dtype: str) -> None:
    """Rows of 5 x 7 values in chunks of 1 x 4 x 7, so that the second chunk of a row has an edge; HDF5 itself reads
    them by the same masks of filters."""
    noise = np.random.default_rng(1).integers(0, 2**62, (5, 7)).astype(dtype)
    rows = [noise, np.zeros((5, 7), dtype), noise + noise]
    with h5py.File(tmp_path / "t.h5", "w", libver=("v110", "v110")) as file:
        dataset = hdf5.create(file, "x", np.empty((0, 5, 7), dtype), chunks=(1, 4, 7), growing=True)
        hdf5.append(dataset, rows[:2])
        hdf5.append(dataset, rows[2:])
    with h5py.File(tmp_path / "t.h5") as file:
        dataset = file["x"]
        assert np.array_equal(dataset[...], np.stack(rows))
        assert np.array_equal(hdf5.child(file, "x").values(), np.stack(rows))
        chunks = {each.chunk_offset: each for each in map(dataset.id.get_chunk_info, range(6))}
    assert chunks[0, 0, 0].filter_mask == 0b011  # neither shuffle nor gzip, but the checksum
    assert chunks[0, 0, 0].size == 4 * 7 * noise.itemsize + 4
    assert chunks[1, 0, 0].filter_mask == 0
    assert chunks[1, 0, 0].size < 4 * 7 * noise.itemsize


def _refused(filters: FilterPipeline, stored: bytes, skipped: int = 0) -> str:
    with pytest.raises(TraceError) as error:
        filters.undo(memoryview(stored), skipped)
    return str(error.value)


def test_sizes_that_are_not_a_chunk() -> None:
    plain, gzip = FilterPipeline((), 1, 100), FilterPipeline((GZIP,), 1, 100)
    for size in (0, 1, 99, 101, 1000):
        assert _refused(plain, bytes(size)) == f"damaged (a chunk of 100 bytes holds {size})"
        assert "decompresses to" in _refused(gzip, zlib.compress(bytes(size)))
        assert _refused(gzip, bytes(size), skipped=1) == f"damaged (a chunk of 100 bytes holds {size})"
    whole = zlib.compress(bytes(100))
    assert "does not end there" in _refused(gzip, whole + b"\0")
    assert "decompresses to 100, or does not end there" in _refused(gzip, whole[:-1])
    assert "decompresses to 0" in _refused(gzip, b"")
    assert "cannot be decompressed" in _refused(gzip, b"nonsense")
    assert "left out a filter that is not there" in _refused(gzip, whole, skipped=2)


def test_a_checksum_of_a_short_chunk_does_not_make_it_whole() -> None:
    filters = FilterPipeline((GZIP, FLETCHER), 1, 100)

    def summed(data: bytes) -> bytes:
        return data + fletcher32_twin(data).to_bytes(4, "little")

    assert filters.undo(memoryview(summed(zlib.compress(b"x" * 100)))).tobytes() == b"x" * 100
    assert "decompresses to 50" in _refused(filters, summed(zlib.compress(b"x" * 50)))
    assert "shorter than its checksum" in _refused(filters, b"abc")
    assert "decompresses to 0" in _refused(filters, summed(b""))
    assert "checksum of a chunk" in _refused(filters, zlib.compress(b"x" * 100) + b"1234")


def test_a_bomb_is_never_unpacked() -> None:
    stored = zlib.compress(bytes(2**26))
    assert "more than 100" in _refused(FilterPipeline((GZIP,), 1, 100), stored)
