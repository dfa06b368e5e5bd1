"""Strict YAML."""

from pathlib import Path

import pytest

from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.yaml_file import quoted, read_yaml


def _write(folder: Path, text: str) -> Path:
    path = folder / "machine.yaml"
    path.write_text(text)
    return path


def test_a_plain_mapping_is_read(tmp_path: Path) -> None:
    assert read_yaml(_write(tmp_path, "a: {b: 1}\n")) == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\na: 2\n", "line 2: the key 'a' is given twice"),
        ("a: {b: 1, b: 2}\n", "line 1: the key 'b' is given twice"),
        ("1: 2\n", "the key 1 is not text"),
        ("- a\n", "a mapping of keys is expected, found list"),
        ("", "a mapping of keys is expected, found NoneType"),
        ("a: [1\n", "expected"),
        ('"a\\nb": 1\n', "line 1: the key 'a\\nb' is not one line"),
        ('"\\e[31m": 1\n', "line 1: the text '\\x1b[31m' cannot be printed"),
        ('a: "\\ud800"\n', "line 1: the text '\\ud800' cannot be printed"),
        ("a: 2020-13-45\n", "month"),
        ("a: " + "9" * 5000 + "\n", "limit"),
        ("a: " + "[" * 5000 + "\n", "recursion"),
        ("a: !!python/object/apply:os.system [true]\n", "could not determine a constructor"),
    ],
)
def test_what_is_refused_names_file_and_place(tmp_path: Path, text: str, words: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(MachineError) as error:
        read_yaml(path)
    assert str(error.value).startswith(str(path))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_binary_junk(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot be read: No such file"):
        read_yaml(tmp_path / "none.yaml")
    path = tmp_path / "junk.yaml"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(MachineError, match="not UTF-8"):
        read_yaml(path)


def test_quotes_are_short_and_on_one_line() -> None:
    assert quoted("a\nb") == "'a\\nb'"
    assert len(quoted("x" * 1000)) == 80
    assert quoted(16**5000) == "an integer of 20001 bits"
