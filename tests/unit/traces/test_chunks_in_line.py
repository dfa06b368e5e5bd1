"""Chunks are read where they belong, or copied there: the values are those that NumPy selects, whatever the chunks."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spikecycle.traces import TraceError, hdf5, stored
from spikecycle.traces.filters import WORTH_COMPRESSING

SHAPE = (3, 5, 4)
FILTERS: dict[str, dict[str, Any]] = {
    "none": {},
    "checksum": {"fletcher32": True},
    "all": {"compression": "gzip", "shuffle": True, "fletcher32": True},
}


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("dtype", ["u1", ">i4"])
def test_every_selection_is_the_one_of_numpy(filters: str, dtype: str, tmp_path: Path) -> None:
    values = np.arange(60).reshape(SHAPE).astype(dtype)
    one_axis = (0, 2, slice(None), slice(1, None), slice(1, 2), slice(2, 2))
    with h5py.File(tmp_path / "t.h5", "w") as file:
        for chunks in itertools.product((1, 2, 3), (1, 2, 5), (1, 3, 4)):
            file.create_dataset(str(chunks), data=values, chunks=chunks, **FILTERS[filters])
            dataset = hdf5.child(file, str(chunks))
            for selection in itertools.product(one_axis, one_axis[2:], (slice(None), slice(1, 3))):
                found = dataset.values(selection)
                assert found.dtype.isnative
                assert np.array_equal(found, values[selection]), (chunks, selection)


@pytest.mark.parametrize("kept", [stored.MOST_KEPT_CHUNKS, 0])
@pytest.mark.parametrize("filters", FILTERS)
def test_every_sample_is_the_one_of_numpy(
    filters: str, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever order they are read, where the places of chunks are kept, and where they are too many."""
    monkeypatch.setattr(stored, "MOST_KEPT_CHUNKS", kept)
    values = np.arange(60, dtype=">i4").reshape(SHAPE)
    with h5py.File(tmp_path / "t.h5", "w") as file:
        for chunks in itertools.product((1, 2, 3), (1, 2, 5), (1, 3, 4)):
            file.create_dataset(str(chunks), data=values, chunks=chunks, **FILTERS[filters])
            dataset = hdf5.child(file, str(chunks))
            for sample in (2, 0, 1, 1):
                found = dataset.values(sample)
                assert found.dtype.isnative
                assert np.array_equal(found, values[sample]), (chunks, sample)
            for sample in (-1, 3):
                with pytest.raises(IndexError, match=f"index {sample} of 3"):
                    dataset.values(sample)


def test_what_a_chunk_has_beyond_the_values_does_not_stay(tmp_path: Path) -> None:
    """Five timesteps in chunks of two: the third chunk holds a timestep that is not there."""
    values = np.arange(1, 41, dtype=np.uint8).reshape(2, 5, 4)
    with h5py.File(tmp_path / "t.h5", "w") as file:
        file.create_dataset("x", data=values, chunks=(1, 2, 4), fletcher32=True)
        dataset = hdf5.child(file, "x")
        assert dataset.values().tolist() == values.tolist()
        assert dataset.values(1).tolist() == values[1].tolist()
        assert dataset.values((1, slice(2, 3))).tolist() == values[1, 2:3].tolist()


ROWS, WIDTH = 6, 64


def half_compressed(file: h5py.File) -> tuple[h5py.Dataset, np.ndarray[Any, Any]]:
    """A sample in chunks of one timestep, every other of which is worth compressing."""
    values = np.random.default_rng(1).integers(0, 256, (1, ROWS, WIDTH), np.uint8)
    values[0, ::2] = 7
    dataset = hdf5.create(file, "x", np.zeros((0, ROWS, WIDTH), np.uint8), chunks=(1, 1, WIDTH), growing=True)
    hdf5.append(dataset, list(values))
    left_out = [dataset.id.get_chunk_info(index).filter_mask != 0 for index in range(ROWS)]
    assert left_out == [False, True] * (ROWS // 2), WORTH_COMPRESSING
    return dataset, values


def test_chunks_that_are_compressed_may_lie_between_those_that_are_not(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "t.h5", "w") as file:
        _, values = half_compressed(file)
        assert hdf5.child(file, "x").values(0).tolist() == values[0].tolist()


def test_what_a_chunk_has_beyond_the_values_makes_them_not_worth_compressing(tmp_path: Path) -> None:
    """Seven timesteps in chunks of four: zeros are a quarter of the second one."""
    values = np.random.default_rng(1).integers(0, 32, (1, 7, 512), np.uint8)  # five bits of eight
    with h5py.File(tmp_path / "t.h5", "w") as file:
        dataset = hdf5.create(file, "x", values[:0], chunks=(1, 4, 512), growing=True)
        hdf5.append(dataset, list(values))
        assert [dataset.id.get_chunk_info(index).filter_mask for index in range(2)] == [0b011, 0b011]
        assert hdf5.child(file, "x").values(0).tolist() == values[0].tolist()


@pytest.mark.parametrize("damaged", range(ROWS))
@pytest.mark.parametrize("place", [0, -5, -4, -1])  # the first and last byte of the values and of the checksum
def test_damage_in_any_chunk_is_found(damaged: int, place: int, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "t.h5", "w") as file:
        dataset, _ = half_compressed(file)
        corner = (0, damaged, 0)
        skipped, stored = dataset.id.read_direct_chunk(corner)
        changed = bytearray(stored)
        changed[place] ^= 16
        dataset.id.write_direct_chunk(corner, bytes(changed), skipped)
        with pytest.raises(TraceError, match="the checksum of a chunk is not that of its values"):
            hdf5.child(file, "x").values(0)
