"""Names of the fields of events: as many spellings as are in use, and none that is dropped without a word."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from spikecycle.models.data.event_files import read_events
from spikecycle.models.errors import ModelsError

pytestmark = pytest.mark.train
X, Y, T, P = ([3, 5, 7], [1, 0, 2], [10, 2000, 100_000], [1, 0, 1])
FORMATS = ["a.npz", "structured.npy", "records.npy", "one.npz", "root.h5", "group.h5", "dataset.h5"]
Fields = Mapping[str, object]


def structured(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    made = np.zeros(len(T), [(name, values.dtype) for name, values in arrays.items()])
    for name, values in arrays.items():
        made[name] = values
    return made


def written(folder: Path, name: str, fields: Fields) -> Path:
    """A file with these fields: arrays of their own, or those of a structured array (of NumPy, or as pandas makes)."""
    path = folder / name
    arrays = {field: np.array(values) for field, values in fields.items()}
    match name:
        case "a.npz":
            np.savez(path, **arrays)  # type: ignore[arg-type]
        case "structured.npy":
            np.save(path, structured(arrays))
        case "records.npy":
            np.save(path, structured(arrays).view(np.recarray))
        case "one.npz":
            np.savez(path, whatever=structured(arrays))
        case _:
            with h5py.File(path, "w") as file:
                if name == "dataset.h5":
                    file["events"] = structured(arrays)
                else:
                    group = file.create_group("events") if name == "group.h5" else file
                    group.update(arrays)
    return path


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "names", ["xytp", "XYTP", ("xs", "ys", "ts", "ps"), ("x", "Y", "timestamp", "polarities"),
              ("X", "y", "Timestamps", "Polarity"), ("x", "y", "time", "pol"), ("x", "y", "t", "on"),
              ("units", "ys", "times", "P")],
)  # fmt: skip
def test_spellings_that_are_in_use_are_read(kind: str, names: tuple[str, ...], tmp_path: Path) -> None:
    events = read_events(written(tmp_path, kind, dict(zip(names, (X, Y, T, P), strict=True))))
    for field, values in zip("xytp", (X, Y, T, P), strict=True):
        assert events[field].tolist() == values


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"x": X, "y": Y, "t": T, "sign": P}, r"what is sign\? no such name is known, and there is no p \(p, ps, pol,"),
        ({"x": X, "row": Y, "t": T, "p": P}, r"what is row\? no such name is known, and there is no y \(y, ys\)"),
        ({"x": X, "row": Y, "t": T, "sign": P}, r"what is row, sign\? no such name is known, and there is no y"),
        ({"index": [0, 1, 2], "x": X, "y": Y, "t": T, "p": P}, r"what is index\? no such name is known; rename, or"),
        ({"col": X, "y": Y, "t": T, "p": P}, "x, y, t, p are needed, found col, (y, t, p|p, t, y)"),
        ({"x": X, "y": Y, "t": T, "p": P, "pol": P}, "p and pol are both p; only one is needed"),
        ({"x": X, "y": Y, "t": T, "T": T, "p": P}, "[tT] and [tT] are both t; only one is needed"),
    ],
)
def test_a_field_that_is_not_known_is_named(kind: str, fields: Fields, told: str, tmp_path: Path) -> None:
    path = written(tmp_path, kind, fields)
    with pytest.raises(ModelsError, match=told) as error:
        read_events(path)
    assert str(error.value).startswith(f"{path}: cannot be read as events: ") and "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["a.npz", "root.h5", "group.h5"])
def test_what_is_not_of_events_may_stand_beside_them(kind: str, tmp_path: Path) -> None:
    """A label, and a size of the sensor, where x, y, t and p are all there; else the second may be what is missing."""
    fields = {"x": X, "y": Y, "t": T, "p": P, "label": 3, "sensor_size": [34, 34]}
    assert read_events(written(tmp_path, kind, fields))["p"].tolist() == [True, False, True]
    del fields["p"]
    with pytest.raises(ModelsError, match=r"what is sensor_size\? no such name is known, and there is no p"):
        read_events(written(tmp_path, kind, fields))
    del fields["sensor_size"]
    assert read_events(written(tmp_path, kind, fields))["p"].all()


def test_a_group_with_the_name_of_a_column_is_one_line(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.update({"x": X, "y": Y, "p": P})
        file.create_group("t")
    with pytest.raises(ModelsError, match=r"a\.h5: cannot be read as events: t: must be an HDF5 dataset with values"):
        read_events(tmp_path / "a.h5")


def test_asl_dvs_has_all_four(tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"ts": T, "x": X, "y": Y, "polarities": P})
    with pytest.raises(
        ModelsError, match=r"a\.mat: cannot be read as events: ts, x, y, pol are needed, found ts, x, y"
    ):
        read_events(tmp_path / "a.mat")
