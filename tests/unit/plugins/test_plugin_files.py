"""Plugin files on the command line and in Python: what they add works, and what is wrong with them is one line."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import spikecycle
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.errors import PluginError, UsageError
from spikecycle.simulator.formats import WEIGHT_FORMATS
from spikecycle.simulator.plugins import load_plugin
from tests.bad_input.inputs import machine_file, refused, run, small_trace
from tests.unit.plugins.plugin_texts import CYCLES, FORMAT, MACHINE, POLICY, RULE, SPIKES

Capsys = pytest.CaptureFixture[str]
EXAMPLES = Path(spikecycle.__file__).parent / "simulator" / "examples"


def plugin(folder: Path, text: str, name: str = "mine.py") -> Path:
    """A plugin file."""
    path = folder / name
    path.write_text(text)
    return path


def rule(folder: Path, result: str = CYCLES) -> tuple[Path, Path]:
    """A plugin file with a rule that returns something, and its machine file."""
    machine = folder / "tiny.yaml"
    machine.write_text(MACHINE)
    return plugin(folder, RULE.replace("{result}", result)), machine


def test_a_rule_of_ones_own(capsys: Capsys, tmp_path: Path) -> None:
    trace, (file, machine) = small_trace(tmp_path), rule(tmp_path)
    ended = run(capsys, "simulate", trace, "--plugin", file, "--hw", machine, "--verify")
    assert (ended.status, ended.err) == (0, "")
    assert "small on tiny" in ended.out
    assert "valid machine" in run(capsys, "check", machine, "--plugin", file).out
    assert any(line.split() == ["tiny", "a", "cycle", "per", "spike"] for line in _listed(capsys, "--plugin", file))


def _listed(capsys: Capsys, *arguments: str | Path) -> list[str]:
    return run(capsys, "list", *arguments).out.splitlines()


@pytest.mark.parametrize("fault", ["return nothing", "return np.broadcast_to(np.zeros(2), 3)"])
def test_a_method_of_a_plugin_that_fails_is_its_own_fault(capsys: Capsys, tmp_path: Path, fault: str) -> None:
    """In a line of the plugin, or in a package that this line calls."""
    text = (EXAMPLES / "lockstep_rows.py").read_text().replace("lockstep_rows", "failing_rows")
    file = plugin(tmp_path, text.replace("return self.dataflow.adders", fault))
    machine = tmp_path / "failing_rows.yaml"
    machine.write_text((EXAMPLES / "lockstep_rows.yaml").read_text().replace("lockstep_rows", "failing_rows"))
    line = 1 + file.read_text().splitlines().index(f"        {fault}")
    for command in (["check", machine], ["simulate", small_trace(tmp_path), "--hw", machine]):
        ended = run(capsys, *command, "--plugin", file)
        refused(ended, f"spikecycle: {file}, line {line}: the plugin fails: ")


def test_a_result_names_the_plugins_that_it_rests_on(capsys: Capsys, tmp_path: Path) -> None:
    trace, (file, machine) = small_trace(tmp_path), rule(tmp_path)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    formats = plugin(tmp_path, FORMAT, "formats.py")
    arguments = ("simulate", trace, "--plugin", formats, "--plugin", file, "--hw")
    result = json.loads(run(capsys, *arguments, machine, "--json", "-").out)
    assert result["plugins"] == [{"file": "mine.py", "sha256": sha256}]  # it uses no format of the other one
    assert f"Plugins: mine.py [{sha256[:10]}]." in run(capsys, *arguments, machine).out
    shipped = json.loads(run(capsys, *arguments, "spike_array", "--json", "-").out)
    assert shipped["plugins"] == []
    chosen = ("--format", "weights=short_runs", "--json", "-")
    assert [used["file"] for used in json.loads(run(capsys, *arguments, "spike_array", *chosen).out)["plugins"]] == [
        "formats.py"
    ]
    compared = json.loads(run(capsys, "formats", *arguments[1:], "spike_array", "--json", "-").out)
    assert [used["file"] for used in compared["plugins"]] == ["formats.py"]


def test_formats_and_a_policy_of_ones_own(capsys: Capsys, tmp_path: Path) -> None:
    trace = small_trace(tmp_path)
    weights, spikes = plugin(tmp_path, FORMAT), plugin(tmp_path, SPIKES, "spikes.py")
    policy = plugin(tmp_path, POLICY, "policy.py")
    chosen = ("--format", "weights=short_runs", "--format", "spikes=addresses")
    ended = run(capsys, "simulate", trace, "--plugin", weights, "--plugin", spikes, *chosen, "--json", "-")
    assert (ended.status, ended.err) == (0, "")
    result = json.loads(ended.out)
    assert (result["weight_format"], result["spike_format"]) == ("short_runs", "addresses")
    for machine in ("spike_array", "eyeriss_snn"):
        compared = run(capsys, "formats", trace, "--plugin", weights, "--plugin", spikes, "--hw", machine)
        assert "short_runs" in compared.out and "addresses" in compared.out
        assert "Not possible: weights short_runs" not in compared.out
    overlapped = run(capsys, "simulate", trace, "--plugin", policy, "--set", "overlap={policy: nothing_hidden}")
    assert (overlapped.status, overlapped.err) == (0, "")
    listed = _listed(capsys, "--plugin", weights, "--plugin", policy)
    assert {"short_runs", "nothing_hidden"} <= {line.split()[0] for line in listed if line}


def test_in_python(tmp_path: Path) -> None:
    trace, (file, machine) = small_trace(tmp_path), rule(tmp_path)
    result = spikecycle.simulate(trace, machine, plugins=[file])
    assert spikecycle.simulate(trace, spikecycle.load_machine(machine)) == result
    assert "operator" in vars(spikecycle.load_plugin(file))
    comparison = spikecycle.compare_formats(trace, "spike_array", plugins=[plugin(tmp_path, FORMAT, "format.py")])
    assert "short_runs" in [run.format for run in comparison.weights.runs]


def test_a_file_is_executed_once_and_again_when_it_has_changed(tmp_path: Path) -> None:
    trace, (file, machine) = small_trace(tmp_path), rule(tmp_path, "1")
    first = load_plugin(file)
    assert load_plugin(file) is first
    os.chdir(tmp_path)
    assert load_plugin(file.name) is first
    assert {layer.sum_cycles for layer in spikecycle.simulate(trace, machine).layers} == {3}
    rule(tmp_path, "2")
    assert load_plugin(file) is not first
    assert {layer.sum_cycles for layer in spikecycle.simulate(trace, machine).layers} == {6}


def test_a_changed_file_that_fails_leaves_what_it_was(tmp_path: Path) -> None:
    file, _ = rule(tmp_path)
    load_plugin(file)
    before = DATAFLOWS.lookup("tiny")
    file.write_text(FORMAT + "\n1 / 0\n")
    with pytest.raises(PluginError, match=r"mine\.py, line \d+: the plugin cannot be loaded: ZeroDivisionError"):
        load_plugin(file)
    assert DATAFLOWS.lookup("tiny") is before
    assert "short_runs" not in WEIGHT_FORMATS.names()


def test_from_another_folder_in_a_process_of_its_own_with_cached_kernels(tmp_path: Path) -> None:
    environment = {**os.environ, "SPIKECYCLE_CACHE_DIR": str(tmp_path / "cache")}
    environment.pop("NUMBA_DISABLE_JIT", None)
    files = {
        path.name: plugin(tmp_path, path.read_text(), path.name)
        for path in (EXAMPLES / "lockstep_rows.py", EXAMPLES / "lockstep_rows.yaml")
    }
    other = tmp_path / "elsewhere"
    other.mkdir()
    command = [sys.executable, "-m", "spikecycle", "simulate", "digits-ternary", "--samples", "0", "--json", "-"]
    command += ["--plugin", str(files["lockstep_rows.py"]), "--hw", "../lockstep_rows.yaml"]
    told = []
    for _ in range(2):
        done = subprocess.run(command, cwd=other, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        told.append(json.loads(done.stdout))
    assert told[0] == told[1]
    kernels = [path.name for path in (tmp_path / "cache").rglob("*.nbi") if "batch_cycles" in path.name]
    assert len(kernels) == 1, "compiled once, found again"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cache", "elsewhere", "lockstep_rows.py", "lockstep_rows.yaml",
    ], "nothing is written beside the plugin"  # fmt: skip
    assert not list(other.iterdir())


BAD_FILES = {
    "a syntax error": ("def f(:\n", "line 1: the plugin cannot be loaded: SyntaxError"),
    "an import": ("\nimport not_there_at_all\n", "line 2: the plugin cannot be loaded: ModuleNotFoundError: No module"),
    "an exit": ("import sys\nsys.exit(3)\n", "line 2: the plugin cannot be loaded: SystemExit: 3"),
    "null bytes": ("x = 1\0", "the plugin cannot be loaded"),
    "a dataflow's name that is taken": (
        RULE.replace('"tiny"', '"systolic"').replace("{result}", "1"),
        "line 21: the plugin cannot be loaded: ValueError: two dataflows are called 'systolic'",
    ),
    "a format's name that is taken": (
        FORMAT.replace("short_runs", "rle"),
        "line 4: the plugin cannot be loaded: ValueError: two weight formats are called 'rle'",
    ),
    "a name that is not its own": (
        FORMAT.replace('register("short_runs"', 'register("long_runs"'),
        "the weight format 'short_runs' is registered as 'long_runs'",
    ),
    "what is no dataflow": (
        "from spikecycle.simulator.dataflows import DATAFLOWS\n\nDATAFLOWS.register('tiny', object())\n",
        "line 3: the plugin cannot be loaded: ValueError: 'tiny' is no dataflow: it has no keeps, machine_type,",
    ),
    "levels that nobody decodes": (
        FORMAT.replace('"offsets"', '"fixed"'),
        "line 4: the plugin cannot be loaded: ValueError: format 'short_runs': ",
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_plugin_is_one_line(capsys: Capsys, tmp_path: Path, case: str) -> None:
    text, words = BAD_FILES[case]
    trace, file = small_trace(tmp_path), plugin(tmp_path, text)
    target = tmp_path / "result.json"
    refused(run(capsys, "simulate", trace, "--plugin", file, "--json", target), file, words)
    refused(run(capsys, "list", "--plugin", file), file, words)
    assert not target.exists()
    assert run(capsys, "simulate", trace).status == 0, "what failed is not half there"


def test_a_file_that_is_no_plugin(capsys: Capsys, tmp_path: Path) -> None:
    refused(run(capsys, "list", "--plugin", tmp_path / "none.py"), tmp_path / "none.py", "No such file")
    refused(run(capsys, "list", "--plugin", tmp_path), tmp_path, "is a directory")
    text = plugin(tmp_path, FORMAT, "mine.txt")
    refused(run(capsys, "list", "--plugin", text), text, "a plugin is a Python file, FILE.py")


BAD_RESULTS = {
    "an array of windows": ("run.workload.row_ones", "found ndarray of shape (1, 2, 36)"),
    "a timestep too many": ("__import__('numpy').ones(3, int)", "found ndarray of shape (3,)"),
    "a negative number": ("-1", "found int -1"),
    "a fraction": ("0.5", "found float 0.5"),
    "nothing": ("None", "found NoneType None"),
    "a bad category": ("{'compute': 1, 'stall': -2}", "found int -2 for 'stall'"),
    "an undeclared count": (
        "Activity.total({'compute': 1}, counts={'adds': 1})",
        "counts 'adds', which is not declared",
    ),
    "an exception": ("run.inputs()[99]", "line 26: the rule of dataflow tiny for operator 'conv1' fails: IndexError"),
    "a bad attribute": ("run.nothing", "line 26: the rule of dataflow tiny for operator 'conv1' fails: AttributeError"),
}


@pytest.mark.parametrize("case", BAD_RESULTS)
def test_a_rule_that_returns_something_else_is_one_line(capsys: Capsys, tmp_path: Path, case: str) -> None:
    result, words = BAD_RESULTS[case]
    trace, (file, machine) = small_trace(tmp_path), rule(tmp_path, result)
    target = tmp_path / "result.json"
    ended = run(capsys, "simulate", trace, "--plugin", file, "--hw", machine, "--json", target)
    refused(ended, file, "operator 'conv1'", words)
    assert not target.exists()


def test_a_machine_file_executes_nothing(capsys: Capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what lies beside it, nor what it names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    mark = tmp_path / "executed"
    for name in ("tiny.py", "plugin.py", "conftest.py"):
        plugin(tmp_path, f"open({str(mark)!r}, 'w').close()\n", name)
    _, machine = rule(tmp_path)
    refused(
        run(capsys, "check", machine), machine, "dataflow.kind: unknown dataflow 'tiny'; `spikecycle list` shows the "
    )
    for key in ("plugin", "plugins"):
        refused(run(capsys, "check", machine_file(tmp_path, {key: "plugin.py"})), f"{key}: unknown key")
    assert not mark.exists()
    with pytest.raises(UsageError, match="unknown dataflow"):
        DATAFLOWS.lookup("tiny")


@pytest.mark.parametrize("kind", ["pipe", "endless", "loop", "folder"])
def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "plugin.py"
    match kind:
        case "pipe":
            os.mkfifo(place)
        case "endless":
            place.symlink_to("/dev/zero")
        case "loop":
            place.symlink_to(place)
        case "folder":
            place.mkdir()
    with pytest.raises(PluginError, match=r"plugin\.py: cannot be read: "):
        load_plugin(place)


def test_an_error_that_cannot_be_put_in_words_is_told_all_the_same(tmp_path: Path) -> None:
    place = tmp_path / "plugin.py"
    place.write_text("class E(Exception):\n    def __str__(self):\n        raise ValueError('no')\n\n\nraise E\n")
    with pytest.raises(PluginError, match="line 6: the plugin cannot be loaded: E: its message cannot be read"):
        load_plugin(place)


def test_a_machine_whose_field_has_no_type_is_told_where_it_is_loaded(tmp_path: Path) -> None:
    """Annotations are texts: Python does not look at them, and pydantic not before the class is used."""
    place = tmp_path / "plugin.py"
    text = (Path(spikecycle.__file__).parent / "simulator" / "examples" / "lockstep_rows.py").read_text()
    place.write_text(text.replace("dram: Dram", "dram: Nothing").replace("lockstep_rows", "own_rows"))
    with pytest.raises(PluginError, match=r"plugin\.py: the plugin cannot be loaded: .*Nothing"):
        load_plugin(place)
