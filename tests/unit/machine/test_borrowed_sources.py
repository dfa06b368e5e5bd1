"""A copied machine whose numbers were edited, and its sources not, is told so."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikecycle.simulator.machine.borrowed_sources import borrowed_sources
from spikecycle.simulator.machine.loader import shipped_machines, shipped_path
from tests.bad_input.inputs import run


@pytest.fixture
def copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "mine.yaml"
    assert run(capsys, "copy", "spike_array", path).status == 0
    return path


def edited(path: Path, *changes: tuple[str, str]) -> list[tuple[str, object, str, object]]:
    text = path.read_text()
    for before, after in changes:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    path.write_text(text)
    return [(each.key, each.value, each.machine, each.theirs) for each in borrowed_sources(path)]


def test_shipped_machines_and_fresh_copies_have_none(copied: Path) -> None:
    assert not any(borrowed_sources(shipped_path(name)) for name in shipped_machines())
    assert edited(copied) == []


def test_an_edited_number_is_told_with_the_one_that_its_source_is_of(copied: Path) -> None:
    assert edited(copied, ("clock_mhz: 500", "clock_mhz: 433.3")) == [
        ("technology.clock_mhz", 433.3, "spike_array", 500)
    ]


def test_a_number_below_the_key_of_a_source_is_told(copied: Path) -> None:
    """The source is of `dataflow.decoder`, the number of `dataflow.decoder.mask_bits_per_cycle`."""
    (found,) = edited(copied, ("mask_bits_per_cycle: 32", "mask_bits_per_cycle: 64"))
    assert found == ("dataflow.decoder.mask_bits_per_cycle", 64, "spike_array", 32)


def test_a_source_of_its_own_is_none_of_another(copied: Path) -> None:
    source = 'technology.clock_mhz: "500 MHz: the comparison point'
    assert edited(copied, ("clock_mhz: 500", "clock_mhz: 800"), (source, source.replace("500", "800"))) == []


def test_check_says_so_and_the_copy_says_what_to_do(
    copied: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    edited(copied, ("clock_mhz: 500", "clock_mhz: 400"))
    ended = run(capsys, "check", copied)
    assert ended.status == 0
    said = " ".join(ended.out.split())
    assert "Sources of other values" in said
    assert "technology.clock_mhz is 400; its source is that of 500 in spike_array" in said
    assert "Sources of other values" not in run(capsys, "check", "spike_array").out
    assert "its sources too" in run(capsys, "copy", "spike_array", tmp_path / "other.yaml").out
