"""Machine files that are wrong: a line for every problem, each naming file and key; and layers that do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from spikecycle.simulator.machine.loader import shipped_machines
from tests.bad_input.conftest import Folder
from tests.bad_input.inputs import MACHINE, machine_file, refused, run, small_trace

Capsys = pytest.CaptureFixture[str]


def _refused_everywhere(capsys: Capsys, folder: Folder, machine: Path, *words: str, lines: int = 1) -> None:
    trace = small_trace(folder.path)
    folder.mark()
    refused(run(capsys, "check", machine), machine, *words, lines=lines)
    for command in ("simulate", "formats"):
        refused(run(capsys, command, trace, "--hw", machine), machine, *words, lines=lines)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1, 0, "32", None, [32], True])
@pytest.mark.parametrize("key", ["buffers.weights.size_kib", "dram.bandwidth_gbit_per_s", "technology.clock_mhz"])
def test_values_that_are_no_sizes(capsys: Capsys, folder: Folder, key: str, value: Any) -> None:
    _refused_everywhere(capsys, folder, machine_file(folder.path, {key: value}), f"{key}: ")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"buffers.weights.bank": 2}, ["buffers.weights.bank: unknown key", "did you mean 'banks'?"]),
        ({"frobnicate": 2}, ["frobnicate: unknown key, allowed: name, describes"]),
        ({"dataflow.kind": "spike_aray"}, ["dataflow.kind", "'spike_aray'", "did you mean 'spike_array'?"]),
        ({"dataflow.kind": 3}, ["dataflow.kind"]),
        ({"dataflow": [1]}, ["dataflow.kind"]),
        ({"formats.weights.format": "rlee"}, ["formats.weights.format: ", "'rlee'", "did you mean 'rle'?"]),
        ({"formats.spikes.format": "nothing"}, ["formats.spikes.format: ", "'nothing', allowed: aer, bitmap"]),
        ({"formats.weights.auto_by": "area"}, ["formats.weights.auto_by: ", "'energy', 'cycles' or 'edp'"]),
        ({"formats.per_operator": {"conv1": "rle"}}, ["formats.per_operator.conv1"]),
        ({"formats.per_operator": {"conv1": {"weights": "rlee"}}},
         ["formats.per_operator.conv1.weights.format: ", "'rlee'", "did you mean 'rle'?"]),
        ({"formats.per_operator": {"conv1": {"weights": {"format": "n_of_m", "kept": 5}}}},
         ["formats.per_operator.conv1.weights.format: ", "a group keeps 1 to 4 of its 4 weights, found 5"]),
        ({"formats.per_operator": {"conv1": {"weights": "rle", "weihts": "rle"}}},
         ["formats.per_operator.conv1.weihts: unknown key, allowed: weights; did you mean 'weights'?"]),
        ({"energy.table": "46nm"}, ["energy.table", "46nm"]),
        ({"technology.sram_cell": "itrs-xx"}, ["technology.sram_cell", "itrs-xx"]),
        ({"dataflow.partition": "space"}, ["dataflow", "pe_rows"]),
    ],
)  # fmt: skip
def test_keys_and_names(capsys: Capsys, folder: Folder, changes: dict[str, Any], words: list[str]) -> None:
    _refused_everywhere(capsys, folder, machine_file(folder.path, changes), *words)


def test_a_missing_section(capsys: Capsys, folder: Folder) -> None:
    _refused_everywhere(capsys, folder, machine_file(folder.path, removed="dram"), "dram: missing")


def test_every_problem_is_told_at_once(capsys: Capsys, folder: Folder) -> None:
    machine = machine_file(folder.path, {"buffers.weights.banks": 0, "dram.burst_bits": -512, "extra": 1})
    words = ("buffers.weights.banks: ", "dram.burst_bits: ", "extra: unknown key")
    _refused_everywhere(capsys, folder, machine, *words, lines=3)


def test_what_only_the_registries_and_tables_know_is_told_with_the_rest(capsys: Capsys, folder: Folder) -> None:
    changes = {
        "dataflow.lanes": 0,
        "formats.weights.format": "rlee",
        "formats.spikes.format": "ear",
        "technology.sram_cell": "itrs-xx",
        "energy.table": "46nm",
    }
    machine = machine_file(folder.path, changes)
    words = ("dataflow.lanes: ", "'rlee'", "'ear'", "'itrs-xx'", "'46nm'")
    _refused_everywhere(capsys, folder, machine, *words, lines=5)


def test_sources_of_nothing(capsys: Capsys, folder: Folder) -> None:
    machine = machine_file(folder.path, {"sources": {"dataflow.lane": "somewhere", "dataflow": "elsewhere"}})
    _refused_everywhere(capsys, folder, machine, "sources.dataflow.lane: ", "did you mean 'dataflow.lanes'?")


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 121])
def test_names_that_are_not_one_line(capsys: Capsys, folder: Folder, name: str) -> None:
    _refused_everywhere(capsys, folder, machine_file(folder.path, {"name": name}))


@pytest.mark.parametrize(
    "value",
    ["1_000_001", hex(2**63 - 1), hex(2**63), hex(10**400), "0x" + "f" * 5000],
    ids=["bound", "int64", "uint64", "long", "longest"],
)
@pytest.mark.parametrize("key", ["technology.clock_mhz", "dataflow.pes", "dataflow.fifo_depth", "dram.burst_bits"])
def test_integers_beyond_any_machine(capsys: Capsys, folder: Folder, key: str, value: str) -> None:
    machine = machine_file(folder.path, {key: 0})
    machine.write_text(machine.read_text().replace(f"{key.split('.')[-1]}: 0\n", f"{key.split('.')[-1]}: {value}\n"))
    _refused_everywhere(capsys, folder, machine, f"{key}: ")


@pytest.mark.parametrize("value", [1.1e9, 1e18, 1e308])
@pytest.mark.parametrize("key", ["buffers.weights.size_kib", "dram.latency_ns", "dram.energy_pj_per_bit"])
def test_quantities_beyond_any_machine(capsys: Capsys, folder: Folder, key: str, value: float) -> None:
    _refused_everywhere(capsys, folder, machine_file(folder.path, {key: value}), f"{key}: ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["a mapping of keys is expected"]),
        (b"- a\n- b\n", ["a mapping of keys is expected, found list"]),
        (b"just text", ["a mapping of keys is expected, found str"]),
        (b"name: a\nname: b\n", ["line 2", "the key 'name' is given twice"]),
        (b"a: [1\n", ["line 2"]),
        (b"a:\tb: c\n\t- d", ["line 1"]),
        (bytes(range(256)), ["not UTF-8"]),
        (b"\x89PNG\r\n\x1a\n", ["not UTF-8"]),
        (b"a: \x00\n", ["line 1: the character \\x00 is not allowed"]),
        (b"a: &a [*a]\n", ["line 1: a.0: an alias within its own anchor"]),
        (b"[" * 5000, ["line 1: more than 40 lists and mappings"]),
    ],
    ids=["empty", "list", "text", "twice", "open", "tab", "binary", "png", "nul", "itself", "deep"],
)
def test_not_a_machine_at_all(capsys: Capsys, folder: Folder, content: bytes, words: list[str]) -> None:
    machine = folder.path / "machine.yaml"
    machine.write_bytes(content)
    _refused_everywhere(capsys, folder, machine, *words)


def test_no_such_file_and_no_such_name(capsys: Capsys, folder: Folder) -> None:
    trace = small_trace(folder.path)
    folder.mark()
    refused(run(capsys, "simulate", trace, "--hw", "none.yaml"), "none.yaml", "No such file")
    refused(
        run(capsys, "simulate", trace, "--hw", "spike_aray"), "spike_aray: no such file", "did you mean 'spike_array'?"
    )
    names = f"`spikecycle list` shows the {len(shipped_machines())} names"
    refused(
        run(capsys, "simulate", trace, "--hw", "nosuch"),
        f"nosuch: no such file, and no shipped machine of that name; {names}",
    )
    refused(run(capsys, "check", "spike_aray"), "spike_aray", "did you mean 'spike_array'?")
    refused(run(capsys, "simulate", trace, "--hw", "."), ".", "directory")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"buffers.weights.size_kib": 0.001}, ["'spike_array'", "layer 'conv1'"]),
        ({"buffers.potentials.width_bits": 8}, ["'spike_array'", "layer 'conv1'", "potential"]),
        ({"buffers.directory.width_bits": 2}, ["'spike_array'", "layer 'conv1'", "directory"]),
        ({"buffers.spikes.size_kib": 0.001}, ["'spike_array'", "layer 'conv1'"]),
    ],
)  # fmt: skip
def test_a_layer_that_cannot_be_mapped(
    capsys: Capsys, folder: Folder, changes: dict[str, Any], words: list[str]
) -> None:
    trace, machine = small_trace(folder.path), machine_file(folder.path, changes)
    folder.mark()
    refused(run(capsys, "simulate", trace, "--hw", machine), *words)


def test_formats_fail_only_if_none_can_be_mapped(capsys: Capsys, folder: Folder) -> None:
    trace = small_trace(folder.path)
    machine = machine_file(folder.path, {"buffers.directory.width_bits": 2, "formats.weights.format": "uncompressed"})
    folder.mark()
    ended = run(capsys, "formats", trace, "--hw", machine, "--samples", "0")
    assert ended.status == 0
    assert (
        "Not possible: weights bitmask: layer 'conv1' cannot be mapped on machine 'spike_array': its dir"
        in " ".join(ended.out.split())
    )
    refused(run(capsys, "formats", trace, "--set", "buffers.potentials.width_bits=8"), "layer 'conv1'", "potential")


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("buffers.weights.bank=8", ["buffers.weights.bank: unknown key"]),
        ("buffers.wheights.banks=8", ["buffers.wheights.banks", "no section 'wheights'"]),
        ("buffers.weights.banks=eight", ["buffers.weights.banks: ", "'eight'"]),
        ("buffers.weights.banks=", ["buffers.weights.banks: "]),
        ("buffers=3", ["buffers: "]),
        ("dataflow.kind=none", ["dataflow.kind", "'none'"]),
        ("name.first=1", ["name.first"]),
        ("technology.clock_mhz=.nan", ["technology.clock_mhz: "]),
        ("technology.clock_mhz=2020-13-45", ["technology.clock_mhz: ", "'2020-13-45'"]),
            ("technology.clock_mhz=0500", ["not valid YAML", "0500 has a leading zero; write 500"]),
            ("technology.clock_mhz=!!int 500", ["not valid YAML", "tags are not supported"]),
            ("technology.clock_mhz=!!bool maybe", ["not valid YAML", "tags are not supported"]),
        ("technology.clock_mhz=" + "9" * 5000, ["not valid YAML"]),
        ("technology.clock_mhz=" + "[" * 5000, ["not valid YAML"]),
        ("technology.clock_mhz=[1", ["not valid YAML"]),
        ("buffers.weights={size_kib: 1, size_kib: 2, width_bits: 64}", ["'size_kib' is given twice"]),
        ('name="\\ud800"', ["cannot be printed"]),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit(capsys: Capsys, folder: Folder, setting: str, words: list[str]) -> None:
    trace = small_trace(folder.path)
    folder.mark()
    for command in ("simulate", "formats"):
        refused(run(capsys, command, trace, "--set", setting), *words)


def _keys(data: dict[str, Any], before: str = "") -> Iterator[str]:
    for key, value in data.items():
        yield before + key
        if isinstance(value, dict):
            yield from _keys(value, f"{before}{key}.")


@pytest.mark.parametrize(
    "value", [None, -1, 0, 10**30, 1e-300, 1e300, float("nan"), "", "x\ny", [], {}, True, {"a": [1, {"b": None}]}]
)
def test_whatever_stands_where_is_refused_or_harmless(capsys: Capsys, folder: Folder, value: Any) -> None:
    folder.mark()
    keys = [key for key in _keys(yaml.safe_load(MACHINE.read_text(encoding="utf-8"))) if not key.startswith("sources.")]
    assert len(keys) > 40
    for key in keys:
        machine = machine_file(folder.path, {key: value})
        ended = run(capsys, "check", machine)
        machine.unlink()
        assert ended.status in (0, 2), (key, value, ended.err)
        assert "\nTraceback" not in ended.err
        assert all(line.startswith("spikecycle: ") for line in ended.err.splitlines())
