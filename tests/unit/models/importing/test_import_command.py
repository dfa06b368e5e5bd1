"""`spikecycle import` from end to end: the command line finds it among the entry points of the installed package."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from spikecycle import models
from spikecycle.models import extras
from spikecycle.traces import open_trace, sample_path
from tests.bad_input.inputs import Ended, run
from tests.unit.models.importing.graphs import chain, integrate, leaky, synapses, written

pytestmark = pytest.mark.train
Capsys = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[4]


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path with the entry points of pyproject.toml, as an installer would write them."""
    (tmp_path / "path").mkdir()
    metadata = tmp_path / "path" / "spikecycle_under_test-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: spikecycle-under-test\nVersion: 0\n")
    command = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["spikecycle.commands"]
    entries = [f"{name} = {command[name]}" for name in ("import", "evaluate")]
    (metadata / "entry_points.txt").write_text("\n".join(["[spikecycle.commands]", *entries, ""]))
    monkeypatch.syspath_prepend(tmp_path / "path")
    return tmp_path / "path"


@pytest.fixture
def files(tmp_path: Path, rng: np.random.Generator) -> Callable[..., list[str]]:
    """Arguments of the command for a small network, its samples, and a trace to write."""
    weights = rng.normal(size=(6, 5)), rng.normal(size=(4, 6))
    graph = chain((5,), fc1=nir.Linear(weights[0]), n1=leaky(6, 0.9), fc2=nir.Linear(weights[1]), n2=integrate(4, 1.0))
    network = written(tmp_path / "net.nir", graph)

    def arguments(**arrays: Any) -> list[str]:
        given = arrays or {"samples": rng.integers(0, 2, (7, 9, 5)), "labels": np.arange(7) % 4}
        np.savez(tmp_path / "samples.npz", **given)
        return [str(network), "--samples", str(tmp_path / "samples.npz"), "--out", str(tmp_path / "out.h5")]

    return arguments


def called(capsys: Capsys, *arguments: str) -> Ended:
    return run(capsys, "import", *arguments)


def test_a_file_and_samples_become_a_trace(capsys: Capsys, tmp_path: Path, files: Callable[..., list[str]]) -> None:
    ended = called(capsys, *files(), "--weight-bits", "6", "--record", "3")
    assert (ended.status, ended.err) == (0, "")
    for words in (
        "3 of 7 samples recorded; inputs are spikes of 1 bits",
        "accuracy: ",
        "neurons n1: ",
        "29491/2**15",
        "reset to 0, leak 0.9 (as the file says; ",
        "next:",
    ):
        assert words in ended.out
    with open_trace(tmp_path / "out.h5") as trace:
        assert (trace.samples, trace.timesteps, trace.provenance["measured_samples"]) == (3, 9, 7)
        assert trace.labels is not None and trace.labels.tolist() == [0, 1, 2]
        assert [each.weight_bits for each in synapses(trace)] == [6, 6]
        assert trace.provenance["leak_error"]["n1"] == pytest.approx(abs(58982 / 2**16 - 0.9))
    first = (tmp_path / "out.h5").read_bytes()
    again = files(samples=np.zeros((2, 3, 5)))
    refused = called(capsys, *again)
    assert refused.status == 2 and refused.err.endswith(
        "out.h5: is there already; name another, or replace it with --force\n"
    )
    assert (tmp_path / "out.h5").read_bytes() == first
    silent = called(capsys, *again, "--force", "--leak-tolerance", "0.01")
    soft = called(capsys, *again, "--force", "--reset", "soft")
    assert "not every machine has" not in soft.out and "reset by subtraction, leak 0.9;" in soft.out
    assert "461/2**9" in silent.out and "look: n1 never fires on these samples" in silent.out
    assert (tmp_path / "out.h5").read_bytes() != first
    with open_trace(tmp_path / "out.h5") as trace:
        assert trace.labels is None and "accuracy_float" not in trace.provenance


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": np.zeros(3)}, "must hold the array samples, and labels if there are any; found labels"),
        ({"samples": np.zeros((2, 3, 5)), "targets": np.zeros(2)}, "found samples, targets"),
        (
            {"samples": np.zeros((2, 3, 5)), "labels": np.zeros(3, int)},
            "labels must be integers of shape (2,), found int64",
        ),
        ({"samples": np.zeros((2, 3, 4))}, "samples must have shape (N, T, 5)"),
        ({"samples": np.zeros((2, 3, 5)), "labels": np.array([0, 9])}, "labels must be 0 to 3, found 0 to 9"),
        ({"samples": np.array([{"a": 1}])}, "samples: Object arrays cannot be loaded when allow_pickle=False"),
    ],
)
def test_samples_that_do_not_fit(
    capsys: Capsys, tmp_path: Path, files: Callable[..., list[str]], arrays: dict[str, Any], words: str
) -> None:
    ended = called(capsys, *files(**arrays))
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"spikecycle: {tmp_path / 'samples.npz'}: ") and words in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "out.h5").exists()


def test_other_mistakes_are_one_line_each(
    capsys: Capsys, tmp_path: Path, files: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = files()
    network, samples = arguments[0], arguments[2]
    (tmp_path / "text.npz").write_text("text")
    np.save(tmp_path / "array.npy", np.zeros((2, 3, 5)))
    for given, words in (
        ([f"{tmp_path}/no.nir", *arguments[1:]], "no.nir: no such file"),
        ([network, "--samples", f"{tmp_path}/array.npy", "--out", "x.h5"], "array.npy: must be an .npz file"),
        ([network, "--samples", f"{tmp_path}/no.npz", "--out", "x.h5"], "no.npz: No such file or directory"),
        ([network, "--samples", f"{tmp_path}/text.npz", "--out", "x.h5"], "text.npz: "),
        ([network, "--samples", samples, "--out", network], "would overwrite an input"),
        ([network, "--samples", samples, "--out", f"{tmp_path}/none/x.h5"], "is no folder that can be written to"),
        ([*arguments, "--dt", "0"], "--dt 0: must be above 0"),
        ([*arguments, "--weight-bits", "1"], "--weight-bits"),
        ([*arguments, "--classes", "3"], f"{network}: 4 output neurons cannot stand for 3 classes"),
        ([*arguments, "--potential-bits", "2"], f"{network}: node n1 (LIF): a threshold of "),
        ([network], "Missing option"),
    ):
        ended = called(capsys, *given)
        assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert words in ended.err
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "nir" else object())
    assert called(capsys, *arguments).err.startswith("spikecycle: nir needed and not installed here: ")


def test_its_help_loads_nothing_heavy(installed: Path) -> None:
    heavy = {"torch", "snntorch", "nir", "numpy", "h5py"}
    program = (
        f"import sys; sys.path.insert(0, {str(installed)!r})\nfrom spikecycle.simulator.cli import main\n"
        f"status = main(['import', '--help'])\nsys.exit(status or bool({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0
    assert "Example: spikecycle import" in done.stdout


def test_the_public_face_of_models_is_lazy_and_sorted() -> None:
    assert list(models.__all__) == sorted(models.__all__)
    for name in models.__all__:
        assert getattr(models, name).__name__ == name and name in dir(models)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = models.nothing


@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe", "read-only", "shipped", "input", "hard link"])
def test_a_trace_is_not_written_onto_just_anything(capsys: Capsys, tmp_path: Path, kind: str) -> None:
    network = written(tmp_path / "net.nir", chain((2,), a=nir.Linear(np.eye(2)), n=leaky(2, 0.5)))
    samples, out, victim = tmp_path / "s.npz", tmp_path / "out.h5", tmp_path / "victim"
    np.savez(samples, samples=np.ones((1, 2, 2)))
    victim.write_text("mine")
    match kind:
        case "link" | "dangling":
            out.symlink_to(victim if kind == "link" else tmp_path / "none")
        case "folder":
            out.mkdir()
        case "pipe":
            os.mkfifo(out)
        case "read-only":
            out.write_text("mine")
            out.chmod(0o444)
        case "shipped":
            out = sample_path("digits-8bit")
        case "input":
            out = network
        case "hard link":
            os.link(samples, out)
    before = sorted(path.name for path in tmp_path.iterdir())
    content = out.read_bytes() if out.is_file() else None
    ended = run(capsys, "import", network, "--samples", samples, "--out", out)
    assert ended.status == 2 and str(out) in ended.err and len(ended.err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before and victim.read_text() == "mine"
    assert content is None or out.read_bytes() == content


def test_parameters_are_no_network_whatever_their_file_is_called(
    capsys: Capsys, tmp_path: Path, files: Callable[..., list[str]]
) -> None:
    """Every ending of a checkpoint is told what to do; a NIR file of such a name is read, for it is one."""
    network, *others = files()
    for name in ("net.pt", "NET.PTH", "run.ckpt", "net.pth.tar", "model.safetensors", "weights.npz"):
        (tmp_path / name).write_bytes(b"PK\3\4")
        ended = called(capsys, str(tmp_path / name), *others)
        assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert f"{name}: is no NIR file and no trace; parameters do not say what a network does" in ended.err
        with pytest.raises(models.ModelsError, match="load them into its module, and give that to import_network"):
            models.import_network(tmp_path / name)
    assert not (tmp_path / "out.h5").exists()
    (tmp_path / "really.ckpt").write_bytes(Path(network).read_bytes())
    assert called(capsys, str(tmp_path / "really.ckpt"), *others).status == 0
