"""Options that do not fit, and outputs that cannot be written. Some run the installed program, as a user would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bad_input.conftest import Folder
from tests.bad_input.inputs import refused, run, small_trace

Capsys = pytest.CaptureFixture[str]
PROGRAM = (sys.executable, "-m", "spikecycle")
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate"], ["Missing argument 'TRACE'", "spikecycle simulate --help"]),
        (["simulat", "x"], ["No such command 'simulat'", "Did you mean 'simulate'?"]),
        (["simulate", "TRACE", "--sets", "a=1"], ["No such option: --sets", "--set"]),
        (["simulate", "TRACE", "extra"], ["extra"]),
        (["simulate", "TRACE", "--json"], ["--json", "requires an argument"]),
        (["simulate", "TRACE", "--samples", "1-"], ["--samples 1-: '1-' is neither an index nor a range"]),
        (["formats", "TRACE", "--samples", "x"], ["--samples x"]),
        (["simulate", "TRACE", "--samples", "0-99999"], ["samples must lie in 0 to 2, found 3 and 99,996 more"]),
        (["simulate", "TRACE", "--json", "TRACE"], ["--json", "would overwrite the input"]),
        (["formats", "TRACE", "--picture", "TRACE"], ["--picture", "would overwrite the input"]),
        (["simulate", "TRACE", "--picture", "x.png"], ["--picture x.png: pictures are SVG"]),
        (["simulate", "TRACE", "--json", "x", "--picture", "./x"], ["--picture ./x: would overwrite what --json"]),
        (["formats", "TRACE", "--json", "-", "--picture", "-"], ["--picture -: would overwrite what --json"]),
        (["simulate", "TRACE", "--format", "weights"], ["--format weights: write OPERAND=NAME"]),
        (["simulate", "TRACE", "--format", "weights=ubn"], ["unknown weight format 'ubn'", "did you mean 'ubm'?"]),
        (["simulate", "TRACE", "--format", "weights.con1=rle"],
         ["formats.per_operator.con1: the network has no operator with weights of this name", "did you mean 'conv1'?"]),
        (["simulate", "TRACE", "--format", "weights.conv1=ubn"], ["--format weights.conv1=ubn: unknown weight format"]),
        (["simulate", "TRACE", "--format", "weights.conv1=codebook"],
         ["layer 'conv1' cannot be mapped on machine 'spike_array': weight format 'codebook'"]),
        (["simulate", "TRACE", "--format", "spikes=ear"], ["unknown spike format 'ear'", "did you mean 'aer'?"]),
        (["simulate", "TRACE", "--set", "banks"], ["--set 'banks' is not of the form"]),
        (["simulate", "TRACE", "--residency", "weights"], ["--residency weights: write WHAT=HOW"]),
        (["simulate", "TRACE", "--residency", "weights=dram"], ["'dram' is not possible, allowed: inference, batch:N"]),
        (["formats", "TRACE", "--residency", "spikes=chip"], ["residency of 'spikes': there is none"]),
        (["simulate", "TRACE", "--residency", "weights=resident", "--residency", "weights=batch:3"],
         ["--residency weights=batch:3: the residency of weights is given twice"]),
        (["simulate", "TRACE", "--residency", "weights=batch:2"], ["must be a multiple of it, found 3"]),
        (["simulate", "TRACE", "--residency", "weights=resident", "--set", "buffers.weights.size_kib=0.015625"],
         ["residency.weights: resident is not possible: stage 'dense1': with the stages before it, its weights take"]),
        (["check"], ["Missing argument 'FILE'"]),
        (["--nonsense"], ["No such option: --nonsense"]),
    ],
)  # fmt: skip
def test_options_that_do_not_fit(capsys: Capsys, folder: Folder, arguments: list[str], words: list[str]) -> None:
    trace = small_trace(folder.path)
    folder.mark()
    refused(run(capsys, *(trace if word == "TRACE" else word for word in arguments)), *words)


@pytest.mark.parametrize("command", ["simulate", "formats"])
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("none/result.json", "No such file or directory"),
        ("small.h5/result.json", "Not a directory"),
        (".", "is a directory"),
        ("x" * 300, "File name too long"),
        ("/dev/full", "No space left on device"),
    ],
    ids=["no folder", "under a file", "folder", "long", "full"],
)
@pytest.mark.parametrize("option", ["--json", "--picture"])
def test_a_document_that_cannot_be_written(
    capsys: Capsys, folder: Folder, command: str, option: str, target: str, reason: str
) -> None:
    trace = small_trace(folder.path)
    folder.mark()
    refused(run(capsys, command, trace, "--samples", "0", option, target), f"{target}: cannot be written: ", reason)


@pytest.mark.parametrize("json", [[], ["--json", "-"]], ids=["tables", "json"])
def test_a_full_standard_output(folder: Folder, json: list[str]) -> None:
    trace = small_trace(folder.path)
    folder.mark()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "simulate", trace, *json], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
        )
    assert done.returncode == 2
    assert done.stderr == "spikecycle: standard output: cannot be written: No space left on device\n"


@pytest.mark.parametrize("arguments", [["--help"], ["simulate", "--help"], ["--version"]])
def test_help_on_a_full_standard_output(folder: Folder, arguments: list[str]) -> None:
    folder.mark()
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
        )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


def test_a_machine_that_does_not_fit_in_memory(capsys: Capsys, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*arguments: object, **options: object) -> None:
        raise MemoryError("Unable to allocate 8 TiB")

    monkeypatch.setattr("spikecycle.simulator.engine.simulate", exhausted)
    trace = small_trace(folder.path)
    folder.mark()
    refused(run(capsys, "simulate", trace), "not enough memory", "8 TiB")


def test_closed_standard_output_and_error(folder: Folder) -> None:
    folder.mark()
    command = " ".join(PROGRAM)
    closed = subprocess.run(f"{command} list >&-", shell=True, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert (closed.returncode, closed.stderr) == (2, "spikecycle: standard output: is closed\n")
    mute = subprocess.run(f"{command} check none.h5 2>&-", shell=True, capture_output=True, cwd=ROOT, check=False)
    assert (mute.returncode, mute.stdout) == (2, b"")


def test_a_reader_that_goes_away_is_no_fault(folder: Folder) -> None:
    folder.mark()
    with subprocess.Popen(
        [*PROGRAM, "check", "spike_array"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        told = program.stderr.read()
    assert program.returncode == 141
    assert told == b""


def test_the_program_itself_refuses_in_one_line(folder: Folder) -> None:
    path = folder.path / "trace.h5"
    path.write_bytes(small_trace(folder.path).read_bytes()[:3000])
    folder.mark()
    done = subprocess.run([*PROGRAM, "simulate", path], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"spikecycle: {path}: ")
    assert done.stderr.count("\n") == 1
    traced = subprocess.run(
        [*PROGRAM, "simulate", path, "--debug"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert "Traceback" in traced.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "nosuch", "--out", "search"),
        ("search", "nosuch", "--out", "search", "--set", "dataflow.zzz=1,2", "--keep", "zzz<=1"),
        ("search", "digits-8bit", "--hw", "nosuch", "--out", "search"),
        ("sweep", "digits-8bit", "nosuch", "--out", "sweep"),
        ("sweep", "digits-8bit", "--hw", "nosuch", "--set", "zzz=1", "--out", "sweep"),
        ("compare", "nosuch"),
        ("compare", "digits-8bit", "nosuch", "--format", "weights=zzz"),
        ("compare", "digits-8bit", "--hw", "nosuch"),
        ("compare", "digits-8bit", "--hw", "mint", "--hw", "nosuch", "--residency", "weights=zzz"),
        ("formats", "nosuch", "--hw", "loas"),
        ("formats", "digits-8bit", "--hw", "nosuch", "--set", "zzz=1"),
        ("advise", "nosuch"),
        ("advise", "digits-8bit", "--hw", "nosuch", "--set", "zzz=1"),
        ("simulate", "nosuch", "--residency", "weights=batch:3", "--format", "weights.zzz=rle"),
    ],
)
def test_a_name_that_is_not_there_is_told_before_what_depends_on_it(
    capsys: Capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    refused(run(capsys, *arguments), "spikecycle: nosuch: no such file")
    assert not list(tmp_path.iterdir())
