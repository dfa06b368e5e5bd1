"""`check` on a file of another program says so before it says what YAML it is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikecycle.simulator import MachineError, UsageError
from spikecycle.simulator.checking import check_file
from spikecycle.simulator.machine.loader import machine_path


def test_a_program_is_no_file_of_ours(tmp_path: Path) -> None:
    file = tmp_path / "five.py"
    file.write_text("x = [1,\ndef f(): return {\n")
    with pytest.raises(MachineError) as refused:
        check_file(str(file))
    assert str(refused.value).startswith(f"{file}: is no file of spikecycle; read as YAML: line 2: ")


def test_a_broken_machine_keeps_its_message(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("x = [1,\ndef f(): return {\n")
    with pytest.raises(MachineError) as refused:
        check_file(str(file))
    assert str(refused.value).startswith(f"{file}, line 2: ")


def test_of_many_machines_the_nearest_is_named() -> None:
    with pytest.raises(UsageError, match=r"^spike_aray: .*; did you mean 'spike_array'\?$"):
        machine_path("spike_aray")
