"""Files for tests of the command line, good ones to be spoilt; and the command line itself, run in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml

from spikecycle import hwconfigs
from spikecycle.simulator.cli import main
from spikecycle.traces import LayerArrays, Neuron, conv2d_layer, linear_layer, write_trace

SILENT = 30_000
"""A threshold that no potential of the small trace reaches, so that the right outputs are known: all 0."""
MACHINE = Path(hwconfigs.__file__).parent / "spike_array.yaml"


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Ended:
    """Run `spikecycle` with arguments."""
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return Ended(status, captured.out, captured.err)


def refused(ended: Ended, *words: str | Path, lines: int = 1) -> None:
    """Assert that it ended as bad input has to: status 2, so many lines that begin with the program's name."""
    assert ended.status == 2, ended
    told = ended.err.splitlines()
    assert len(told) == lines, ended.err
    assert all(line.startswith("spikecycle: ") for line in told)
    assert "Traceback" not in ended.err + ended.out
    for word in words:
        assert str(word) in ended.err


def small_layers(outputs: bool = True, wrong_outputs: int = 0) -> list[LayerArrays]:
    """A convolution (2 x 6 x 6 to 4 x 6 x 6) and a dense layer (8 to 3); 3 samples, 2 timesteps, silent."""
    rng = np.random.default_rng(7)
    spikes = rng.random((3, 2, 2, 6, 6)) < 0.3
    conv_outputs, dense_outputs = np.zeros((3, 2, 4, 6, 6), np.uint8), np.zeros((3, 2, 3), np.uint8)
    conv_outputs.reshape(-1)[:wrong_outputs] = 1
    weights = rng.integers(-127, 128, (4, 2, 3, 3)) * (rng.random((4, 2, 3, 3)) < 0.5)
    return [
        conv2d_layer(
            "conv1", spikes, weights, 8, Neuron("lif", np.full(4, SILENT), 16, 1, 1), padding=(1, 1),
            outputs=conv_outputs if outputs else None,
        ),
        linear_layer(
            "dense1", rng.random((3, 2, 8)) < 0.3, rng.integers(-127, 128, (3, 8)), 8,
            Neuron("lif", np.full(3, SILENT), 16, 1, 1), outputs=dense_outputs if outputs else None,
        ),
    ]  # fmt: skip


def small_trace(folder: Path, outputs: bool = True, wrong_outputs: int = 0) -> Path:
    """The small layers as a trace file."""
    path = folder / "small.h5"
    write_trace(path, small_layers(outputs, wrong_outputs), {"model": "small"})
    return path


def machine_file(folder: Path, changes: dict[str, Any] | None = None, removed: str | None = None) -> Path:
    """The shipped spike array as a file of its own, keys replaced ("buffers.weights.size_kib": -1) or one removed."""
    data = yaml.safe_load(MACHINE.read_text(encoding="utf-8"))
    for key, value in (changes or {}).items():
        *sections, last = key.split(".")
        place = data
        for section in sections:
            place = place[section]
        place[last] = value
    if removed:
        del data[removed]
    path = folder / "machine.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path
