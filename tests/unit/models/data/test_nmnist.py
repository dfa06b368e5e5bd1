"""N-MNIST in its own layout: 40-bit events by hand, whole or part, damaged, and the real thing where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikecycle.models.data.nmnist import read_recording
from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import load_data
from spikecycle.models.errors import ModelsError

pytestmark = pytest.mark.train

Event = tuple[int, int, int, int]  # x, y, p, t


def packed(events: list[Event]) -> bytes:
    """The five bytes of each event: x, y, then one bit of polarity and 23 bits of time."""
    return b"".join(bytes([x, y]) + (p << 23 | t).to_bytes(3, "big") for x, y, p, t in events)


def write_part(folder: Path, of_each: int, time_us: int = 100) -> None:
    """Recording i of digit d: one ON event at pixel (d, i)."""
    for digit in range(10):
        (folder / str(digit)).mkdir(parents=True)
        for index in range(of_each):
            (folder / str(digit) / f"{index:05}.bin").write_bytes(packed([(digit, index, 1, time_us)]))


def test_events_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "1.bin"
    # y = 240 is the time's overflow: 2**13 us are added to everything after it.
    path.write_bytes(packed([(33, 0, 1, 5), (0, 33, 0, 300_000), (0, 240, 0, 0), (7, 8, 1, 6)]))
    events = read_recording(path)
    assert events[["x", "y", "p", "t"]].tolist() == [(33, 0, 1, 5), (0, 33, 0, 300_000), (7, 8, 1, 8198)]


def test_a_part_alone_is_split_by_class_and_says_so(tmp_path: Path) -> None:
    write_part(tmp_path / "Train", of_each=5)
    data = load_data("nmnist", DataOptions(root=tmp_path, timesteps=2, split_seed=7))
    assert data.train.frames.shape == (40, 2, 2, 34, 34) and len(data.test) == 10
    assert data.description.endswith(": 50 recordings of its Train part alone, stratified split, seed 7")
    seen = np.concatenate([data.train.frames, data.test.frames])
    _, _, polarity, row, column = seen.nonzero()
    assert (polarity == 1).all()
    assert sorted(zip(column, row, strict=True)) == [(digit, index) for digit in range(10) for index in range(5)]
    assert column[:40].tolist() == data.train.labels.tolist() and column[40:].tolist() == data.test.labels.tolist()


def test_both_parts_stay_what_they_are(tmp_path: Path) -> None:
    write_part(tmp_path / "Train", of_each=3)
    write_part(tmp_path / "Test", of_each=2)
    data = load_data("nmnist", DataOptions(root=tmp_path, timesteps=1))
    assert (len(data.train), len(data.test)) == (30, 20)
    assert data.description.endswith(": its own train and test parts")
    with pytest.raises(ModelsError, match="test_share has no meaning here"):
        load_data("nmnist", DataOptions(root=tmp_path, test_share=0.5))


def test_a_download_of_tonic_is_found_from_its_root(tmp_path: Path) -> None:
    write_part(tmp_path / "NMNIST" / "Test", of_each=5)
    assert len(load_data("nmnist", DataOptions(root=tmp_path, resolution=17)).test) == 10


def test_digits_that_do_not_occur_are_named(tmp_path: Path) -> None:
    write_part(tmp_path / "Train", of_each=2)
    for path in (tmp_path / "Train" / "4").iterdir():
        path.unlink()
    with pytest.raises(ModelsError, match=r"Train: no recording of class 4 \(0 to 9\)"):
        load_data("nmnist", DataOptions(root=tmp_path))


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (packed([(1, 2, 0, 3)])[:-1], "4 bytes, not a whole number of 5-byte events"),
        (b"", "0 bytes, not a whole number of 5-byte events"),
        (packed([(1, 2, 0, 3), (34, 2, 0, 4)]), "an event at pixel 34, outside 34 x 34"),
        (packed([(1, 239, 0, 3)]), "an event at pixel 239, outside 34 x 34"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, damaged: bytes, message: str) -> None:
    write_part(tmp_path / "Train", of_each=2)
    path = tmp_path / "Train" / "6" / "00001.bin"
    path.write_bytes(damaged)
    with pytest.raises(ModelsError, match=message) as refused:
        load_data("nmnist", DataOptions(root=tmp_path, test_share=0.5))
    assert str(refused.value).startswith(f"{path}: ")


def test_the_real_recordings_are_read_whole(real_nmnist: Path) -> None:
    options = DataOptions(root=real_nmnist, samples_per_class=20, count_bits=8, timesteps=6)
    data = load_data("nmnist", options)
    again = load_data("nmnist", options)
    assert np.bincount(data.train.labels).tolist() == [16] * 10 and np.bincount(data.test.labels).tolist() == [4] * 10
    assert "1000 recordings of its Train part alone" in data.description
    assert np.array_equal(data.train.frames, again.train.frames)
    events = data.train.frames.sum((1, 2, 3, 4), dtype=np.int64)
    assert events.min() > 1000 and 3000 < events.mean() < 5500
    # Two timesteps a saccade, and the camera never rests for long.
    assert (data.train.frames.mean((0, 2, 3, 4)) > 0.5 * data.train.frames.mean()).all()
