"""Strict YAML."""

from pathlib import Path

import pytest

from simulator.errors import MachineError
from simulator.machine.yaml_file import read_yaml


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
