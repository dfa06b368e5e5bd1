"""Bare names of samples, the public face, and the order of bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spikecycle import traces
from spikecycle.traces import TraceError, list_samples, open_trace, samples
from spikecycle.traces.packing import PackedSpikes, pack_spikes, packed_bytes
from spikecycle.traces.samples import resolve, sample_path
from tests.unit.traces.builders import write_two_layers


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two samples in place of the shipped ones."""
    monkeypatch.setattr(samples, "SAMPLE_FOLDER", tmp_path)
    for name in ("digits-ternary", "digits-8bit"):
        write_two_layers(tmp_path / f"{name}.h5")
    return tmp_path


def test_samples_are_found_by_bare_name(folder: Path) -> None:
    assert list_samples() == ("digits-8bit", "digits-ternary")
    with open_trace("digits-8bit") as trace:
        assert (trace.name, trace.path) == ("digits-8bit", folder / "digits-8bit.h5")


def test_a_path_is_a_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = folder / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    write_two_layers(Path("mine"))
    with open_trace("mine") as trace:
        assert trace.path == Path("mine")


def test_a_misspelt_sample(folder: Path) -> None:
    with pytest.raises(TraceError, match=r"^digits-8bits: no such file, .*; did you mean digits-8bit\?$"):
        open_trace("digits-8bits")
    with pytest.raises(TraceError, match=r"^xyz: no such file, .*; samples are digits-8bit, digits-ternary$"):
        open_trace("xyz")


def test_every_shipped_sample_opens_and_is_small() -> None:
    for name in list_samples():
        with open_trace(name) as trace:
            assert trace.provenance
            assert trace.path.stat().st_size < 10**6


def test_the_public_face_is_sorted_and_there() -> None:
    assert traces.__all__ == sorted(traces.__all__)
    for name in traces.__all__:
        assert getattr(traces, name).__doc__
    assert (Path(traces.__file__).parent / "py.typed").exists()


def test_the_first_position_is_the_least_significant_bit() -> None:
    spikes = np.zeros((2, 1, 3, 3), bool)
    spikes[0, 0, 0, 1] = spikes[1, 0, 2, 2] = True
    assert pack_spikes(spikes).tolist() == [[0b10, 0], [0, 0b1]]
    assert np.array_equal(PackedSpikes(pack_spikes(spikes), (1, 3, 3)), spikes)
    assert [packed_bytes(n) for n in (1, 8, 9)] == [1, 1, 2]
    with pytest.raises(TraceError, match="spare bit"):
        PackedSpikes(np.array([[0, 0b10]], np.uint8), (1, 3, 3))


def test_packed_spikes_are_counted_and_unpacked_timestep_by_timestep() -> None:
    # nine positions, so two bytes: t = 0 spikes at positions 0, 3 and 8, t = 1 nowhere, t = 2 at 7
    packed = PackedSpikes(np.array([[0b1001, 1], [0, 0], [0b1000_0000, 0]], np.uint8), (1, 3, 3))
    assert len(packed) == 3
    assert packed.counts().tolist() == [3, 0, 1]
    assert packed[0].tolist() == [[[1, 0, 0], [1, 0, 0], [0, 0, 1]]]
    assert [frame.sum() for frame in packed] == [3, 0, 1]
    assert packed[1:].shape == (2, 1, 3, 3)
    assert packed.of_positions(np.array([8, 3, 7])).tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    assert packed.reshaped((9, 1, 1))[2].ravel().tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0]


def test_a_file_of_a_samples_name_is_meant_before_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for machines: what a person has put there is what a person means."""
    monkeypatch.chdir(tmp_path)
    shipped = resolve("digits-8bit")
    assert shipped == sample_path("digits-8bit") and shipped.is_file()
    Path("digits-8bit").mkdir()
    assert resolve("digits-8bit") == shipped  # a folder, of a study perhaps, is no trace
    Path("digits-8bit").rmdir()
    Path("digits-8bit").write_text("mine")
    assert resolve("digits-8bit") == Path("digits-8bit")
    assert sample_path("digits-8bit") == shipped
