"""Keys: what decides a result changes its name, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spikecycle.models.data.frames import DataSplit, FrameSet
from spikecycle.models.study import store
from spikecycle.models.study.jobs import Context
from spikecycle.models.study.schema import load_study
from spikecycle.models.study.store import Store, data_digest, files_digest, key_of
from spikecycle.simulator import override
from tests.unit.models.study.tiny import write_study


def _data() -> DataSplit:
    frames = FrameSet(np.zeros((2, 3, 2, 4, 4), np.uint8), np.array([0, 1], np.int64))
    return DataSplit("a", "described", 2, 2, frames, frames)


def test_the_order_of_what_decides_does_not_matter_but_every_value_does(monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of(a={"x": 1, "y": 2.5}, b=[1, 2])
    assert key == key_of(b=[1, 2], a={"y": 2.5, "x": 1})
    assert key != key_of(a={"x": 1, "y": 2.5}, b=[2, 1])
    monkeypatch.setattr(store, "STUDY_VERSION", store.STUDY_VERSION + 1)
    assert key != key_of(a={"x": 1, "y": 2.5}, b=[1, 2])


def test_data_are_what_their_frames_and_labels_are() -> None:
    data = _data()
    changed = FrameSet(data.test.frames.copy(), data.test.labels)
    changed.frames[1, 2, 1, 3, 3] = 1
    assert data_digest(data) == data_digest(replace(_data(), description="from another folder"))
    assert len({data_digest(one) for one in (data, replace(data, test=changed), replace(data, train=changed))}) == 3


def test_a_changed_or_renamed_file_changes_a_folder_and_a_cache_does_not(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_text("1")
    first = files_digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("1")
    assert files_digest(tmp_path) == first
    (tmp_path / "sub" / "a.py").write_text("2")
    second = files_digest(tmp_path)
    (tmp_path / "sub" / "a.py").rename(tmp_path / "sub" / "b.py")
    assert len({first, second, files_digest(tmp_path)}) == 3


def test_bits_that_a_machine_decided_are_of_that_machine(tmp_path: Path) -> None:
    loaded = load_study(str(write_study(tmp_path)))
    context = Context.of(loaded, _data(), Store(tmp_path / "out"))
    dearer = {
        name: {
            weight_format: override(machine, {"dram.energy_pj_per_bit": 99}) for weight_format, machine in both.items()
        }
        for name, both in context.machines.items()
    }
    other = replace(context, machines=dearer)
    for compression in loaded.study.grid:
        same = context.network_key(0, compression) == other.network_key(0, compression)
        assert same == (compression.mixed is None)
