"""Every array and text of a network's file is under a checksum: a changed one is told by its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from spikecycle.traces import Trace, TraceError, open_trace
from tests.unit.traces.test_networks_refused import small_network


def _read(trace: Trace) -> None:
    for operator in trace.operators:
        operator.arrays()
    for tensor in trace.tensors.values():
        for sample in range(trace.samples):
            tensor.values(sample)


def _datasets(path: Path) -> Iterator[str]:
    found: list[str] = []
    with h5py.File(path) as file:
        file.visititems(lambda name, member: found.append(name) if isinstance(member, h5py.Dataset) else None)
    yield from found


def test_every_changed_array_is_told(tmp_path: Path) -> None:
    path = small_network(tmp_path / "t.h5")
    names = list(_datasets(path))
    assert len(names) > 6
    for name in names:
        small_network(path)
        with h5py.File(path, "r+") as file:
            values = file[name][...]
            first = np.ascontiguousarray(values).view(np.uint8).reshape(-1)
            first[0] ^= 1
            file[name][...] = values
        with pytest.raises(TraceError, match="changed or damaged") as caught, open_trace(path) as trace:
            _read(trace)
        assert name.rsplit("/", 1)[-1].replace("sha256", "values") in str(caught.value)


def test_a_checksum_with_a_line_break_is_told_in_one_line(tmp_path: Path) -> None:
    path = small_network(tmp_path / "t.h5")
    with h5py.File(path, "r+") as file:
        name = next(name for name in _datasets(path) if "sha256" in file[name].attrs)
        file[name].attrs["sha256"] = np.bytes_("a\nb\x1b" + "0" * 60)
    with (
        pytest.raises(TraceError, match=r"checksum a\\nb\\x1b0+\.\.\., they were") as caught,
        open_trace(path) as trace,
    ):
        _read(trace)
    assert "\n" not in str(caught.value)


def test_a_changed_provenance_is_told(tmp_path: Path) -> None:
    path = small_network(tmp_path / "t.h5")
    with h5py.File(path, "r+") as file:
        text = file.attrs["provenance"]
        del file.attrs["provenance"]
        file.attrs["provenance"] = np.bytes_(text.replace(b"}", b', "x": 1}').replace(b"{, ", b"{"))
    with pytest.raises(TraceError, match=r"provenance: .*changed or damaged"), open_trace(path) as trace:
        _read(trace)
