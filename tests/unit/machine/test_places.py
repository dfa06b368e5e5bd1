"""The line of the key that a message is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.loader import load_machine
from spikecycle.simulator.machine.places import problems_in
from spikecycle.simulator.machine.yaml_file import key_lines
from tests.bad_input.inputs import MACHINE

TEXT = """\
# a comment
a: 1
b:
  c: {d: 2,
      e: 3}
  f:
    - 4
    - g: 5
&x h: *x
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "f.yaml"
    path.write_text(TEXT.replace("&x h: *x", "h: 6"))
    return path


def test_every_key_has_its_line(file: Path) -> None:
    assert key_lines(file) == {
        "a": 2, "b": 3, "b.c": 4, "b.c.d": 4, "b.c.e": 5, "b.f": 6, "b.f.0": 7, "b.f.1": 8, "b.f.1.g": 8, "h": 9,
    }  # fmt: skip


def test_a_key_that_is_missing_has_the_line_of_its_section(file: Path) -> None:
    problems = ["b.c.e: wrong", "b.c.z.y: missing", "z: missing", "b.f.1.g: bad: very", "no key at all"]
    assert problems_in(file, problems).splitlines() == [
        f"{file}, line 5: b.c.e: wrong",
        f"{file}, line 4: b.c.z.y: missing",
        f"{file}: z: missing",
        f"{file}, line 8: b.f.1.g: bad: very",
        f"{file}: no key at all",
    ]


def test_what_a_file_has_in_several_lines_is_told_in_one(file: Path) -> None:
    assert problems_in(file, ["a: x\ny is not known"]) == f"{file}, line 2: a: x\\ny is not known"


def test_the_value_of_an_option_has_no_line(file: Path) -> None:
    assert problems_in(file, ["b.c.e: wrong"], replaced=["b.c.e"]) == f"{file}: b.c.e: wrong"


def test_aliases_that_stand_for_much_do_not_take_long(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)))
    assert len(key_lines(path)) <= 20_000


def test_a_machine_tells_file_line_and_key(tmp_path: Path) -> None:
    text = MACHINE.read_text(encoding="utf-8")
    before, _, after = text.partition("clock_mhz: ")
    path = tmp_path / "m.yaml"
    path.write_text(f"{before}clock_mhz: -1 # {after}", encoding="utf-8")
    line = before.count("\n") + 1
    with pytest.raises(MachineError, match=rf"m\.yaml, line {line}: technology\.clock_mhz: .*found -1"):
        load_machine(path)
    with pytest.raises(MachineError, match=r"m\.yaml: technology\.clock_mhz: .*found -2"):
        load_machine(path, {"technology.clock_mhz": -2})
