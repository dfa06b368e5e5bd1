"""Samples that are no file, hold less than they say, or more than any memory."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from spikecycle.models.errors import ModelsError
from spikecycle.models.importing import samples_file
from spikecycle.models.importing.samples_file import read_samples
from tests.children import outcomes

pytestmark = pytest.mark.train

READ = """
from spikecycle.models import ModelsError
from spikecycle.models.importing.samples_file import read_samples

def outcome(path):
    try:
        read_samples(path)
        return "read"
    except ModelsError as error:
        return str(error)
"""


def _member(values: np.ndarray, shape: tuple[int, ...] | None = None) -> bytes:
    """The .npy file of an array, whose header may claim another shape."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": values.dtype.str, "fortran_order": False, "shape": shape or values.shape}
    )
    return stream.getvalue() + values.tobytes()


def _archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def test_plain_and_compressed_samples_are_read(tmp_path: Path) -> None:
    samples, labels = np.arange(24.0).reshape(2, 3, 4), np.array([1, 0])
    np.savez(tmp_path / "a.npz", samples=samples, labels=labels)
    np.savez_compressed(tmp_path / "b.npz", samples=np.asfortranarray(samples), labels=labels)
    for name in ("a.npz", "b.npz"):
        found = read_samples(tmp_path / name)
        assert np.array_equal(found.samples, samples)
        assert found.labels is not None and found.labels.tolist() == [1, 0]


def test_what_is_no_file_or_no_samples(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    (tmp_path / "zero.npz").symlink_to("/dev/zero")
    (tmp_path / "folder.npz").mkdir()
    np.save(tmp_path / "single.npz.npy", np.zeros(3))
    (tmp_path / "single.npz.npy").rename(tmp_path / "single.npz")
    small = np.zeros((2, 3, 4), np.float32)
    _archive(tmp_path / "long.npz", samples=_member(small, (2, 3, 2**30)))
    _archive(tmp_path / "overflow.npz", samples=_member(small, (2**62, 3, 4)))
    _archive(tmp_path / "short.npz", samples=_member(small, (2, 3, 3)))
    _archive(tmp_path / "negative.npz", samples=_member(small, (-2, 3, 4)))
    _archive(tmp_path / "version.npz", samples=b"\x93NUMPY\x07\x00" + _member(small)[8:])
    _archive(tmp_path / "nothing.npz", samples=b"")
    np.savez(tmp_path / "objects.npz", samples=np.array([{}, []], object))
    bomb = bytes(2**20)
    with (
        zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("samples.npy", "w", force_zip64=True) as member,
    ):
        member.write(_member(np.zeros(0, np.uint8), (2**10, 2**12, 2**10)))
        for _ in range(2**12):
            member.write(bomb)
    assert (tmp_path / "bomb.npz").stat().st_size < 2**23
    reasons = {
        "pipe": "is not a regular file", "zero": "is not a regular file", "folder": "is a directory",
        "single": "found a single array", "long": "samples: declares 25769803776 bytes of values, but stores 96",
        "overflow": "samples: declares ", "short": "samples: declares 72 bytes of values, but stores 96",
        "negative": "samples: ", "version": "samples: is of a version of .npy", "nothing": "", "objects": "samples: ",
        "bomb": "take fewer samples",
    }  # fmt: skip
    said = outcomes(READ, sorted(tmp_path.iterdir()), memory_bytes=4 * 2**30, seconds=100)
    assert said.keys() == {f"{name}.npz" for name in reasons}
    for name, reason in reasons.items():
        assert said[f"{name}.npz"].startswith(f"{tmp_path}/{name}.npz: ") and reason in said[f"{name}.npz"], said


def test_more_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, samples=np.zeros((10, 10, 10), np.uint8))
    monkeypatch.setattr(samples_file, "default_limit_bytes", lambda: 5_999)
    # 1000 values of one byte; as floats they take 4 bytes each, and a quarter more.
    with pytest.raises(ModelsError, match=r"a\.npz: 1000 bytes of samples need 6000 bytes of memory with what is made"):
        read_samples(path)
    monkeypatch.setattr(samples_file, "default_limit_bytes", lambda: 6_000)
    assert read_samples(path).samples.shape == (10, 10, 10)
