"""SHD from HDF5 files in its own layout: spikes to frames by hand, and every way in which a file can be damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import load_data
from spikecycle.models.errors import ModelsError
from tests.children import outcomes

pytestmark = pytest.mark.train


def arrays(values: list[list[float]], dtype: type) -> np.ndarray:
    """An array of arrays, as h5py has for recordings of different lengths."""
    rows = np.empty(len(values), dtype=object)
    rows[:] = [np.array(row, dtype=dtype) for row in values]
    return rows


def write_file(path: Path, **changes: Any) -> None:
    """Recording i, of word i: channel i at 0 s, then channel 699 twice, until 0.5 s."""
    content: dict[str, Any] = {
        "labels": np.arange(20, dtype=np.uint16),
        "times": arrays([[0.0, 0.25, 0.5]] * 20, np.float16),
        "units": arrays([[word, 699, 699] for word in range(20)], np.uint16),
    }
    content.update(changes)
    with h5py.File(path, "w") as file:
        for name, folder in (("labels", ""), ("times", "spikes/"), ("units", "spikes/")):
            values = content[name]
            is_ragged = values is not None and values.dtype == object
            if values is not None:
                dtype = h5py.vlen_dtype(values[0].dtype) if is_ragged else values.dtype
                file.create_dataset(folder + name, data=values, dtype=dtype)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Both files, unharmed."""
    for name in ("shd_train.h5", "shd_test.h5"):
        write_file(tmp_path / name)
    return tmp_path


def test_spikes_become_frames_of_pooled_channels(root: Path) -> None:
    data = load_data("shd", DataOptions(root=root, timesteps=2, channels=70, count_bits=1))
    assert data.train.frames.shape == data.test.frames.shape == (20, 2, 70, 1, 1)
    assert data.train.labels.tolist() == list(range(20)) and data.classes == 20 and data.input_bits == 1
    for word, frames in enumerate(data.train.frames[..., 0, 0]):
        assert frames[0].nonzero()[0].tolist() == [word // 10, 69] and frames[1].nonzero()[0].tolist() == [69]
    assert data.description == (
        "Spiking Heidelberg Digits (Cramer et al. 2022), 700 channels summed by 10: its own train and test parts"
    )


def test_it_has_channels_and_no_pixels(root: Path) -> None:
    with pytest.raises(ModelsError, match=r"data set shd has no option resolution; it has root, download, .*channels"):
        load_data("shd", DataOptions(root=root, resolution=16))
    with pytest.raises(ModelsError, match="channels 701 does not divide the 700"):
        load_data("shd", DataOptions(root=root, channels=701))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"units": None}, "not a readable HDF5 file with labels, spikes/times, spikes/units"),
        ({"labels": np.arange(19)}, "expected a whole label, an array of times and one of units"),
        ({"labels": np.arange(20) / 2}, "expected a whole label"),
        ({"times": np.zeros(20)}, "expected a whole label"),
        ({"units": arrays([[0.5] * 3] * 20, np.float32)}, "expected a whole label"),
        ({"labels": np.arange(20) + 1}, "a label outside 0 to 19"),
        ({"labels": np.zeros(20, dtype=int)}, "no recording of class 1, 2"),
        ({"times": arrays([[0.0]] * 20, np.float32)}, "recording 0: 1 times for 3 units"),
        ({"times": arrays([[0, 0, np.nan]] * 20, np.float32)}, "a time that is no number from 0 to 3600 s"),
        ({"times": arrays([[1e20, 0, 0]] * 20, np.float32)}, "a time that is no number from 0 to 3600 s"),
        ({"times": arrays([[-0.1, 0, 0]] * 20, np.float32)}, "a time that is no number from 0 to 3600 s"),
        ({"units": arrays([[0, 0, 700]] * 20, np.int16)}, "a unit outside 0 to 699"),
        ({"units": arrays([[0, 0, -1]] * 20, np.int16)}, "a unit outside 0 to 699"),
    ],
)
def test_a_damaged_file_is_named(root: Path, changes: dict[str, Any], message: str) -> None:
    write_file(root / "shd_test.h5", **changes)
    with pytest.raises(ModelsError, match=message) as refused:
        load_data("shd", DataOptions(root=root))
    assert str(refused.value).startswith(f"{root / 'shd_test.h5'}: ")


def test_what_is_no_hdf5_is_named(root: Path) -> None:
    content = (root / "shd_train.h5").read_bytes()
    (root / "shd_train.h5").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelsError, match="not a readable HDF5 file"):
        load_data("shd", DataOptions(root=root))


def _spoilt(path: Path, case: str, folder: Path) -> None:
    other = folder / "other.h5"
    with h5py.File(other, "w") as file:
        file["labels"] = np.arange(20)
        file["times"] = np.zeros(20)
    (folder / "secret").write_bytes(bytes(160))
    with h5py.File(path, "r+") as file:
        name = {"times": "spikes/times", "folder": "spikes"}.get(case.split()[-1], "labels")
        values = None if case.endswith("folder") else file[name][...]
        del file[name]
        match case.split()[0]:
            case "external":
                file.create_dataset(name, (20,), np.int64, external=[(str(folder / "secret"), 0, 160)])
            case "link":
                file[name] = h5py.ExternalLink(str(other), "/" if values is None else "/labels")
            case "soft":
                file["x"] = np.arange(20)
                file[name] = h5py.SoftLink("/x")
            case "virtual":
                layout = h5py.VirtualLayout((20,), np.int64)
                layout[:] = h5py.VirtualSource(str(other), "labels", (20,))
                file.create_virtual_dataset(name, layout)
            case "unwritten":
                file.create_dataset(name, (20,), np.int64)
            case "huge":
                file.create_dataset(name, (2**40,), np.int64, chunks=(2**10,), compression="gzip")
            case "lzf":
                file.create_dataset(name, data=values, compression="lzf")


@pytest.mark.parametrize("what", ["labels", "times"])
@pytest.mark.parametrize("how", ["external", "link", "soft", "virtual", "unwritten", "huge"])
def test_a_file_that_leads_elsewhere_or_holds_nothing(root: Path, how: str, what: str) -> None:
    _spoilt(root / "shd_test.h5", f"{how} {what}", root)
    with pytest.raises(ModelsError, match=rf"shd_test\.h5: not a readable HDF5 file with .*{what}: "):
        load_data("shd", DataOptions(root=root))


@pytest.mark.parametrize("case", ["link folder", "lzf labels"])
def test_other_files_and_filters(root: Path, case: str) -> None:
    _spoilt(root / "shd_test.h5", case, root)
    with pytest.raises(ModelsError, match=r"shd_test\.h5: not a readable HDF5 file with .*(link|filters)"):
        load_data("shd", DataOptions(root=root))


def test_damage_anywhere_ends(root: Path) -> None:
    """In a process of its own, as HDF5's own reader of such values crashes or never returns."""
    script = """
from spikecycle.models import ModelsError
from spikecycle.models.data.shd import read_recordings

def outcome(path):
    try:
        recordings = read_recordings(path)
        for index in range(len(recordings)):
            recordings.read(index)
        return "read"
    except ModelsError as error:
        return str(error)
"""
    whole = (root / "shd_test.h5").read_bytes()
    paths = []
    for start in range(0, len(whole), max(8, len(whole) // 150)):
        for fill in (b"\0", b"\xff"):
            paths.append(root / f"{start}-{fill[0]}.h5")
            paths[-1].write_bytes(whole[:start] + fill * 8 + whole[start + 8 :])
    said = outcomes(script, paths, memory_bytes=2**32, seconds=60)
    assert all(words == "read" or words.startswith(str(root)) for words in said.values())
    assert any(words != "read" for words in said.values())
