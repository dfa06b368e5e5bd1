"""The command line from end to end, in this process: what it prints, where, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from spikecycle import simulator
from spikecycle.simulator import cli
from spikecycle.simulator.cli.output import ReaderGone
from spikecycle.simulator.cli.progress import shown_progress
from spikecycle.simulator.comparison import FormatComparison
from spikecycle.simulator.dataflows import DATAFLOWS
from spikecycle.simulator.errors import MappingError
from spikecycle.simulator.formats import SPIKE_FORMATS, WEIGHT_FORMATS
from spikecycle.simulator.machine.loader import load_machine, shipped_machines
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.schedule import OVERLAPS
from spikecycle.traces import list_samples
from tests.bad_input.inputs import machine_file, run, small_trace

Capsys = pytest.CaptureFixture[str]
COMMANDS = ("simulate", "formats", "check", "list", "copy")


def test_without_a_command_it_helps(capsys: Capsys) -> None:
    ended = run(capsys)
    assert ended.status == 0
    assert all(command in ended.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_an_example(capsys: Capsys, command: str) -> None:
    ended = run(capsys, command, "--help")
    assert ended.status == 0
    assert f"Example: spikecycle {command}" in " ".join(ended.out.split())


def test_a_copied_machine_is_the_shipped_one_but_for_its_name(capsys: Capsys, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    assert run(capsys, "copy", "spike_array_edge", str(own)).status == 0
    assert load_machine(own) == load_machine("spike_array_edge", {"name": "own"})


def test_one_typing_error_is_told_once(capsys: Capsys, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    assert run(capsys, "copy", "spike_array_edge", str(own)).status == 0
    own.write_text(own.read_text().replace("  pes:", "  pess:", 1))
    ended = run(capsys, "check", str(own))
    assert ended.status == 2
    (line,) = ended.err.splitlines()
    assert "dataflow.pess: unknown key" in line and line.endswith("did you mean 'pes'?")


def test_copy_replaces_nothing(capsys: Capsys, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("mine")
    ended = run(capsys, "copy", "spike_array", str(own))
    assert (ended.status, own.read_text()) == (2, "mine")
    assert ended.err == f"spikecycle: {own}: exists already, and copy replaces nothing\n"


def test_the_version(capsys: Capsys) -> None:
    assert run(capsys, "--version").out == "spikecycle 0.1.0\n"


def test_simulate_prints_tables_and_nothing_else(capsys: Capsys, tmp_path: Path) -> None:
    ended = run(capsys, "simulate", small_trace(tmp_path))
    assert (ended.status, ended.err) == (0, "")
    for words in ("small on spike_array", "conv1", "dense1", "time per inference", "3 samples of 2 timesteps"):
        assert words in ended.out
    assert max(map(len, ended.out.splitlines())) <= 120


def test_verify_exact(capsys: Capsys, tmp_path: Path) -> None:
    ended = run(capsys, "simulate", small_trace(tmp_path), "--verify")
    assert (ended.status, ended.err) == (0, "")
    compared = 3 * 2 * (4 * 6 * 6 + 3)
    assert f"verify: exact, {compared:,} recomputed outputs of 2 layers" in ended.out


def test_verify_not_exact(capsys: Capsys, tmp_path: Path) -> None:
    ended = run(capsys, "simulate", small_trace(tmp_path, wrong_outputs=5), "--verify")
    assert ended.status == 1
    assert ended.err == (
        "spikecycle: small: verify: layer conv1: 5 of 864 recomputed outputs differ from the recorded ones, "
        "first at sample 0, timestep 0, channel 0, row 0, column 0\n"
    )
    assert "exact" not in ended.out


def test_verify_without_a_recording(capsys: Capsys, tmp_path: Path) -> None:
    ended = run(capsys, "simulate", small_trace(tmp_path, outputs=False), "--verify")
    assert ended.status == 1
    assert "nothing to compare with" in ended.err


def test_json_to_standard_output_is_all_there_is(capsys: Capsys, tmp_path: Path) -> None:
    ended = run(capsys, "simulate", small_trace(tmp_path), "--verify", "--json", "-", "--samples", "1")
    assert (ended.status, ended.err) == (0, "")
    result = RunResult.model_validate_json(ended.out)
    assert result.samples == [1]
    assert result.verification is not None


def test_json_to_a_file_beside_the_tables(capsys: Capsys, tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    ended = run(capsys, "simulate", small_trace(tmp_path), "--json", target)
    assert "Layers" in ended.out
    assert json.loads(target.read_text())["trace"] == "small"


def test_the_options_reach_the_simulator(capsys: Capsys, tmp_path: Path) -> None:
    trace = small_trace(tmp_path)
    arguments: list[str | Path] = [
        "--format", "weights=rle", "--format", "spikes=aer", "--set", "dataflow.fifo_depth=2", "--samples", "0,2",
        "--json", "-", "--hw", machine_file(tmp_path, {"name": "mine"}),
    ]  # fmt: skip
    result = RunResult.model_validate_json(run(capsys, "simulate", trace, *arguments).out)
    assert (result.weight_format, result.spike_format, result.samples) == ("rle", "aer", [0, 2])
    assert result.machine["name"] == "mine"
    dataflow = result.machine["dataflow"]
    assert isinstance(dataflow, dict)
    assert dataflow["fifo_depth"] == 2


def test_what_stays_on_chip_is_an_option(capsys: Capsys, tmp_path: Path) -> None:
    trace, target = small_trace(tmp_path), tmp_path / "result.json"
    options = ["--residency", "weights=resident", "--residency", "activations=chip"]
    ended = run(capsys, "simulate", trace, *options, "--json", target)
    assert (ended.status, ended.err) == (0, "")
    text = " ".join(ended.out.split())
    assert "weights resident, activations on chip where they fit; overlap double_buffering" in text
    assert "Weights found on chip: conv1, dense1 in 3 of 3 inferences." in text
    assert "Tensors that stayed on chip: conv1.outputs, dense1.inputs in 3 of 3 inferences." in text
    result = RunResult.model_validate_json(target.read_text())
    assert result.assumptions.residency == {"weights": "resident", "batch": 1, "activations": "chip"}
    assert result.machine_overrides == {"residency.weights": "resident", "residency.activations": "chip"}


def test_a_batch_is_an_option(capsys: Capsys, tmp_path: Path) -> None:
    ended = run(capsys, "simulate", small_trace(tmp_path), "--residency", "weights=batch:3")
    text = " ".join(ended.out.split())
    assert "weights loaded once per batch of 3 inferences, activations through DRAM" in text
    assert "Weights found on chip: conv1, dense1 in 2 of 3 inferences." in text


def test_what_was_changed_of_the_machine_is_shown(capsys: Capsys, tmp_path: Path) -> None:
    trace = small_trace(tmp_path)
    first = run(capsys, "simulate", trace, "--set", "dataflow.fifo_depth=2").out.splitlines()[0]
    second = run(capsys, "simulate", trace, "--set", "dataflow.fifo_depth=3").out.splitlines()[0]
    assert first.startswith("small on spike_array with dataflow.fifo_depth=2 [")
    assert second.startswith("small on spike_array with dataflow.fifo_depth=3 [")
    assert first.split("[")[1][:10] != second.split("[")[1][:10]


def test_ideal_memory_is_a_lower_bound(capsys: Capsys, tmp_path: Path) -> None:
    trace = small_trace(tmp_path)
    real = RunResult.model_validate_json(run(capsys, "simulate", trace, "--json", "-").out)
    ideal = RunResult.model_validate_json(run(capsys, "simulate", trace, "--json", "-", "--ideal-memory").out)
    assert 0 < ideal.sum_cycles < real.sum_cycles


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--ideal-memory"], "ideal memory is not possible: the machine has no DRAM"),
        (["--residency", "weights=batch:3"], "residency.weights: batch is not possible: stage "),
        (["--residency", "activations=chip"], "residency.activations: chip is not possible: dataflow "),
    ],
)
def test_what_can_mean_nothing_on_a_machine_is_refused(
    capsys: Capsys, tmp_path: Path, options: list[str], what: str
) -> None:
    ended = run(capsys, "simulate", small_trace(tmp_path), "--hw", "loihi", *options)
    assert (ended.status, ended.out) == (2, "")
    assert f"machine 'loihi': {what}" in " ".join(ended.err.split())


def test_the_python_api_gives_what_the_json_says(capsys: Capsys, tmp_path: Path) -> None:
    trace = small_trace(tmp_path)
    assert simulator.simulate(trace, "spike_array") == RunResult.model_validate_json(
        run(capsys, "simulate", trace, "--json", "-").out
    )


def test_formats_compares_all_of_them(capsys: Capsys, tmp_path: Path) -> None:
    trace, target = small_trace(tmp_path), tmp_path / "formats.json"
    ended = run(capsys, "formats", trace, "--samples", "0", "--json", target)
    assert (ended.status, ended.err) == (0, "")
    comparison = FormatComparison.model_validate_json(target.read_text())
    for operand, registry in ((comparison.weights, WEIGHT_FORMATS), (comparison.spikes, SPIKE_FORMATS)):
        found = {run.format for run in operand.runs} | {refused.format for refused in operand.refused}
        assert found == set(registry.names())
        assert all(name in ended.out for name in registry.names())
    assert "Weight formats, weights reloaded in every inference" in ended.out
    assert "Weight formats, weights resident" in ended.out
    assert comparison.weights_other_residency.runs


def test_check_describes_a_trace_and_a_machine(capsys: Capsys, tmp_path: Path) -> None:
    disguised = tmp_path / "trace.yaml"
    small_trace(tmp_path).rename(disguised)
    for file, words in (
        (disguised, "valid trace"),
        (machine_file(tmp_path), "valid machine"),
        ("spike_array", "16 PEs"),
    ):
        ended = run(capsys, "check", file)
        assert (ended.status, ended.err) == (0, "")
        assert words in ended.out


@pytest.mark.parametrize("machine", shipped_machines())
def test_every_shipped_machine_is_simulated_and_described(capsys: Capsys, tmp_path: Path, machine: str) -> None:
    ended = run(capsys, "simulate", small_trace(tmp_path), "--hw", machine, "--verify")
    assert (ended.status, ended.err) == (0, "")
    assert f"small on {machine}" in ended.out and "verify: exact" in ended.out
    described = run(capsys, "check", machine)
    assert (described.status, described.err) == (0, "")
    assert "valid machine" in described.out


def test_list_names_everything(capsys: Capsys) -> None:
    ended = run(capsys, "list")
    assert ended.status == 0
    kinds = (list_samples(), shipped_machines(), DATAFLOWS.names(), OVERLAPS.names(), WEIGHT_FORMATS.names())
    sections = ended.out.split("\n\n")
    for names, section in zip((*kinds, SPIKE_FORMATS.names()), sections, strict=True):
        lines = [line for line in section.strip().splitlines()[1:] if not line.startswith(" ")]
        assert [line.split()[0] for line in lines] == list(names), "each once"
        assert all(len(line.split()) > 1 for line in lines), "described"


def _failing(error: BaseException) -> object:
    def fail(arguments: list[str]) -> int:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (MappingError("a: layer b: no\na: layer c: no"), 2, "spikecycle: a: layer b: no\nspikecycle: a: layer c: no\n"),
        (ValueError("odd\nvalue"), 70, "spikecycle: internal error: ValueError: odd value (run again with --debug)"),
        (KeyboardInterrupt(), 130, "spikecycle: interrupted"),
        (ReaderGone(), 141, ""),
    ],
)  # fmt: skip
def test_how_errors_end(
    monkeypatch: pytest.MonkeyPatch, capsys: Capsys, error: BaseException, status: int, words: str
) -> None:
    monkeypatch.setattr(cli, "_run", _failing(error))
    ended = run(capsys, "list")
    assert ended.status == status
    assert ended.err.startswith(words)
    assert bool(ended.err) == bool(words)


def test_debug_shows_the_traceback_wherever_it_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for arguments in (["--debug", "check", "none.h5"], ["check", "none.h5", "--debug"]):
        with pytest.raises(Exception, match="none"):
            cli.main(arguments)
    monkeypatch.setattr(cli, "_run", _failing(ValueError("odd")))
    with pytest.raises(ValueError, match="odd"):
        cli.main(["--debug"])


def test_after_two_dashes_it_is_the_name_of_a_file(capsys: Capsys) -> None:
    ended = run(capsys, "check", "--", "--debug")
    assert ended.status == 2 and ended.err.startswith("spikecycle: --debug: ")


def test_what_is_over_soon_says_nothing_where_nobody_watches(capsys: Capsys) -> None:
    with shown_progress("simulating") as progress:
        assert progress is not None
        progress("conv1", 1, 2)
    assert capsys.readouterr().err == ""


def test_no_progress_without_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with shown_progress("simulating") as progress:
        assert progress is None


def test_progress_on_a_terminal_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, capsys: Capsys) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("spikecycle.simulator.cli.progress.APPEARS_AFTER_S", 0.0)
    with shown_progress("simulating") as progress:
        assert progress is not None
        progress("conv1", 1, 2)
    assert "Traceback" not in capsys.readouterr().err


def test_the_public_face_is_lazy_and_sorted() -> None:
    assert list(simulator.__all__) == sorted(simulator.__all__)
    assert set(simulator.__all__) <= set(dir(simulator))
    for name in simulator.__all__:
        assert getattr(simulator, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = simulator.nothing


@pytest.mark.parametrize(
    "work", ["import spikecycle", "from spikecycle.simulator.cli import main; main(['simulate', '--help'])"]
)
def test_what_needs_no_simulation_loads_no_machinery(work: str) -> None:
    heavy = {"torch", "numba", "numpy", "h5py", "yaml", "spikecycle.simulator.engine"}
    done = subprocess.run(
        [sys.executable, "-c", f"{work}\nimport sys\nsys.exit(bool({heavy!r} & set(sys.modules)))"],
        stdout=subprocess.DEVNULL,
        check=False,
        cwd=Path(simulator.__file__).parent.parent,
    )
    assert done.returncode == 0
