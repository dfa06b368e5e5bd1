"""Strict YAML."""

import os
from importlib import resources
from pathlib import Path

import pytest

from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.yaml_file import quoted, read_yaml
from tests.children import outcomes


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
        ("a: {b: 1, b: 2}\n", "line 1: a: the key 'b' is given twice"),
        ("a: 1\n1: 2\n", "line 2: the key 1 is not text"),
        ("? [x, y]\n: 1\n", "line 1: a key that is a list or a mapping; text is needed"),
        ("a: {? {b: 1} : 2}\n", "line 1: a: a key that is a list or a mapping"),
        ("- a\n", "a mapping of keys is expected, found list"),
        ("", "a mapping of keys is expected, found NoneType"),
        ("a: [1\n", "line 2: expected"),
        ("a: 1\n---\nb: 2\n", "line 2: but found another document"),
        ('"a\\nb": 1\n', "line 1: the key 'a\\nb' is not one line"),
        ('"\\e[31m": 1\n', "line 1: the text '\\x1b[31m' cannot be printed"),
        ('a: "\\ud800"\n', "line 1: a: the text '\\ud800' cannot be printed"),
        ("a: 1\nb: \x1b\n", "line 2: the character \\x1b is not allowed"),
        ("a: " + "9" * 5000 + "\n", "line 1: a: a number of 5000 characters; at most 64 are allowed"),
        ("a: 1" + ":30" * 5000 + "\nb: 07\n", "line 2: b: 07 has a leading zero; write 7, or '07' if it is text"),
        ("a: " + "[" * 5000 + "\n", "line 1: more than 40 lists and mappings within each other"),
        ("a:\n  b: 050\n", "line 2: a.b: 050 has a leading zero; write 50, or '050' if it is text"),
        ("a: [1, -010]\n", "line 1: a.1: -010 has a leading zero; write -10"),
        ("a: 08\n", "line 1: a: 08 has a leading zero; write 8"),
        ("a: 05.0\n", "line 1: a: 05.0 has a leading zero; write 5.0, or '05.0' if it is text"),
        ("a: [1.5, -010.25]\n", "line 1: a.1: -010.25 has a leading zero; write -10.25"),
        ("a: 00.5\n", "line 1: a: 00.5 has a leading zero; write 0.5"),
        ("a: 0_1.\n", "line 1: a: 0_1. has a leading zero; write 1."),
        ("a: 05e3\n", "line 1: a: 05e3 has a leading zero; write 5e3"),
        ("a: 00e-3\n", "line 1: a: 00e-3 has a leading zero; write 0e-3"),
        ("a: 00\n", "line 1: a: 00 has a leading zero; write 0"),
        ("a: 0_7\n", "line 1: a: 0_7 has a leading zero"),
        ("a: !!python/object/apply:os.system [true]\n", "line 1: tags are not supported, found "),
        ("a: !!bool maybe\n", "line 1: tags are not supported, found 'tag:yaml.org,2002:bool'"),
        ("a: !!map [1]\n", "line 1: tags are not supported"),
        ("a: !!set {x, y}\n", "line 1: tags are not supported"),
        ("a: !!binary =\n", "line 1: tags are not supported"),
        ("!!omap [a: 1]\n", "line 1: tags are not supported"),
        ("a: ! 1\n", "line 1: tags are not supported, found '!'"),
        ("!!str a: 1\n", "line 1: tags are not supported"),
        ("a: !x 1\n", "line 1: tags are not supported, found '!x'"),
        ("a: *b\n", "line 1: found undefined alias 'b'"),
        ("a: &b [1, *b]\n", "line 1: a.1: an alias within its own anchor"),
        ("a: &b {c: *b}\n", "line 1: a.c: an alias within its own anchor"),
        ("a: {<<: 1}\n", "line 1: a: a merge key (<<) takes a mapping, or a list of mappings"),
        ("a: {<<: [1]}\n", "line 1: a: a merge key (<<) takes a mapping"),
        ("a: [" + "1," * 30_000 + "]\n", "line 1: more than 20000 keys and values"),
    ],
)
def test_what_is_refused_names_file_and_place(tmp_path: Path, text: str, words: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(MachineError) as error:
        read_yaml(path)
    assert str(error.value).startswith(str(path))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001), ("1E5", 1e5), ("-2.5e+3", -2500.0), (".5", 0.5), ("1.", 1.0), ("0.05", 0.05), ("0", 0),
        ("-0", 0), ("10", 10), ("+7", 7), ("1_000", 1000), ("0x1F", 31), ("0b11", 3), ("0e3", 0.0),
        ("true", True), ("Yes", True), ("off", False), ("null", None), ("~", None), ("", None), (".inf", float("inf")),
        ("1:30", "1:30"), ("190:20:30.15", "190:20:30.15"), ("2024-01-01", "2024-01-01"), ("2020-13-45", "2020-13-45"),
        ("=", "="), ("1.2.3", "1.2.3"), ("0o17", "0o17"), ("e5", "e5"), ("'07'", "07"), ('"1e-3"', "1e-3"),
        ("١٢", "١٢"),
    ],
)  # fmt: skip
def test_a_value_is_what_a_person_means(tmp_path: Path, text: str, value: object) -> None:
    found = read_yaml(_write(tmp_path, f"a: {text}\n"))["a"]
    assert found == value and type(found) is type(value)


def test_what_merges_as_a_key_is_text_as_a_value(tmp_path: Path) -> None:
    assert read_yaml(_write(tmp_path, "a: <<\nb: [<<, '<<']\n")) == {"a": "<<", "b": ["<<", "<<"]}


def test_aliases_and_merge_keys(tmp_path: Path) -> None:
    text = """
base: &base {x: 1, y: {z: 2}}
other: &other {x: 5, w: 6}
own: {<<: *base, x: 3}
both: {<<: [*base, *other], v: 7}
again: {y: *base}
"""
    found = read_yaml(_write(tmp_path, text))
    assert found["own"] == {"x": 3, "y": {"z": 2}}
    assert found["both"] == {"x": 1, "y": {"z": 2}, "w": 6, "v": 7}
    assert found["again"]["y"] == found["base"]


def _bomb(line: str, levels: int = 12, times: int = 9) -> str:
    """Every level is `times` the one before: 9 ** 12 values."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        inner = ", ".join([f"*l{level - 1}"] * times)
        lines.append(line.replace("NAME", f"l{level}").replace("INNER", inner))
    return "\n".join(lines) + "\n"


BOMBS = {
    "list": _bomb("NAME: &NAME [INNER]"),
    "key": _bomb("NAME: &NAME [INNER]") + "? *l11\n: 1\n",
    "set": _bomb("NAME: &NAME [INNER]") + "? [*l11, *l11]\n",
    "map": "l0: &l0 {a: 1}\n" + "\n".join(
        f"l{n}: &l{n} {{{', '.join(f'k{k}: *l{n - 1}' for k in range(9))}}}" for n in range(1, 12)
    ),
    "merge": "l0: &l0 {a: 1, b: 2, c: 3}\n" + "\n".join(
        f"l{n}: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 9)}], k{n}: 1}}" for n in range(1, 12)
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BOMBS)
def test_aliases_do_not_blow_up(tmp_path: Path, case: str) -> None:
    path = _write(tmp_path, BOMBS[case])
    script = """
from spikecycle.simulator.errors import MachineError
from spikecycle.simulator.machine.yaml_file import read_yaml

def outcome(path):
    try:
        read_yaml(path)
        return "read"
    except MachineError as error:
        return str(error)
"""
    said = outcomes(script, [path], memory_bytes=2**30, seconds=30)[path.name]
    assert said.startswith(f"{path}, line ") and "more than 20000 keys and values" in said, said


@pytest.mark.parametrize("content", [b"a: 1\n" * 60_000, b"a: '" + b"x" * 2**18 + b"'\n", b"#" * 2**23])
def test_a_large_file_is_not_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(content)
    with pytest.raises(MachineError, match="cannot be read: is larger than 262,144 bytes"):
        read_yaml(path)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    for name, reason in (
        ("pipe.yaml", "is not a regular file"), ("zero.yaml", "is not a regular file"), (".", "is a directory"),
        ("loop.yaml", "Too many levels of symbolic links"),
    ):  # fmt: skip
        with pytest.raises(MachineError) as error:
            read_yaml(tmp_path / name)
        assert str(error.value) == f"{tmp_path / name}: cannot be read: {reason}"


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


SHIPPED = sorted(Path(str(resources.files("spikecycle.hwconfigs"))).rglob("*.yaml"))


def test_both_parsers_read_the_same_of_every_file_that_ships() -> None:
    assert len(SHIPPED) > 20
    for path in SHIPPED:
        strict, fast = read_yaml(path), read_yaml(path, shipped=True)
        assert repr(fast) == repr(strict), path  # repr tells 1, 1.0 and True apart


@pytest.mark.parametrize(
    "text", ["a: [1, 2", "a: 1\na: 2\n", "a: 007\n", "a: !x 1\n", "a: \x07\n", "a: *b\n", "- 1\n", ""]
)
def test_what_the_faster_parser_refuses_is_told_as_ever(tmp_path: Path, text: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(text)
    with pytest.raises(MachineError) as strict:
        read_yaml(path)
    with pytest.raises(MachineError) as fast:
        read_yaml(path, shipped=True)
    assert str(fast.value) == str(strict.value)


def test_the_faster_parser_keeps_the_limits(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a: " + "[" * 41 + "]" * 41)
    with pytest.raises(MachineError, match="more than 40 lists"):
        read_yaml(path, shipped=True)


def test_what_is_read_is_the_callers_own(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text("a: [1]")
    read_yaml(path, shipped=True)["a"].append(2)
    assert read_yaml(path, shipped=True) == {"a": [1]}
