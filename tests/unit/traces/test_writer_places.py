"""Where a trace can be written, and what happens where it cannot."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest

from spikecycle.traces import TraceError, conv2d_layer, open_trace, write_trace
from tests.unit.traces.builders import neuron, write_two_layers


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, message in (
        (tmp_path / "no" / "t.h5", "No such file or directory"),
        (tmp_path / "file" / "t.h5", "Not a directory"),
        (tmp_path, "is a directory"),
        (Path("/dev/null"), "is not a regular file"),
        (Path("/proc/t.h5"), ".*"),
    ):
        with pytest.raises(TraceError, match=f"^{path}: {message}$"):
            write_two_layers(path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("target", ["there.h5", "not_there.h5", "link.h5"])
def test_nothing_is_written_through_a_link(tmp_path: Path, target: str) -> None:
    (tmp_path / "there.h5").write_text("old")
    link = tmp_path / "link.h5"
    link.symlink_to(tmp_path / target)
    with pytest.raises(TraceError, match=r"link\.h5: is a symbolic link, and nothing is written through one"):
        write_two_layers(link)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.h5", "there.h5"]
    assert link.is_symlink() and (tmp_path / "there.h5").read_text() == "old"


def test_permissions_stay_and_what_is_read_only_stays(tmp_path: Path) -> None:
    path = tmp_path / "t.h5"
    for mode in (0o600, 0o640, 0o755):
        path.touch()
        path.chmod(mode)
        write_two_layers(path)
        assert path.stat().st_mode & 0o777 == mode and path.stat().st_size > 0
        path.unlink()
    path.write_text("old")
    path.chmod(0o444)
    with pytest.raises(TraceError, match=r"t\.h5: is read-only$"):
        write_two_layers(path)
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["t.h5"]


@pytest.mark.parametrize("room_bytes", [0, 100, 5_000, 20_000, 100_000])
def test_a_full_disk(tmp_path: Path, room_bytes: int) -> None:
    """A limit on the size of files stands in for the disk: writes fail in the same way, after a partial one."""
    random = np.random.default_rng(5)
    noise = random.integers(0, 256, (4, 4, 2, 100, 100))
    layer = conv2d_layer("noise", noise, np.ones((1, 2, 1, 1), int), 2, neuron(1), input_bits=8)
    path = tmp_path / "t.h5"
    path.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        with pytest.raises(TraceError) as error:
            write_trace(path, [layer])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(error.value) == f"{path}: File too large"
    assert [p.name for p in tmp_path.iterdir()] == ["t.h5"] and path.read_text() == "old"
    write_trace(path, [layer])  # and HDF5 is still in order
    with open_trace(path) as trace:
        assert np.array_equal(trace.layers[0].inputs(3), layer.inputs[3])
