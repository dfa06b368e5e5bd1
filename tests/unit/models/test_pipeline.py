"""From training to a trace, in small; and what the command says when it cannot go on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from spikecycle.installing import how_to_install
from spikecycle.models import extras
from spikecycle.models.data.augment import shift_at_random
from spikecycle.models.data.frames import DataSplit
from spikecycle.models.digits_sample import make_sample
from spikecycle.models.errors import ModelsError
from spikecycle.models.networks.catalogue import build_network
from spikecycle.models.recipes import Recipe, find_recipe
from spikecycle.models.samples import app
from spikecycle.models.training import EpochReport, train
from spikecycle.traces import open_trace

pytestmark = pytest.mark.train


def few(digits: DataSplit) -> DataSplit:
    return replace(digits, train=digits.train.take(range(96)), test=digits.test.take(range(60)))


def quick(name: str) -> Recipe:
    recipe = find_recipe(name)
    quickly = {"epochs": 1, "batch_size": 32}
    training = recipe.compression.training.model_copy(update=quickly)
    return Recipe(
        recipe.compression.model_copy(update={"training": training}),
        recipe.neuron,
        recipe.float_training.model_copy(update=quickly),
    )


def test_one_epoch_on_a_few_samples_writes_a_whole_trace_the_same_every_time(digits: DataSplit, tmp_path: Path) -> None:
    stages: list[tuple[str, int]] = []

    def note(stage: str, report: EpochReport) -> None:
        assert report.samples_per_second > 0 and np.isfinite(report.loss)
        stages.append((stage, report.epoch))

    paths = [tmp_path / "first.h5", tmp_path / "second.h5"]
    reports = [make_sample(quick("digits-pruned80"), few(digits), 3, path, note) for path in paths]
    assert stages == [("float", 1), ("quantizing", 1)] * 2
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert reports[0].weight_sparsity >= 0.8
    with open_trace(paths[0]) as trace:
        assert (trace.samples, trace.timesteps) == (10, 12)
        assert trace.labels is not None and trace.labels.tolist() == list(range(10))
        assert [layer.name for layer in trace.layers] == ["conv1", "conv2", "fc1", "fc2"]
        assert trace.provenance["seed"] == 3
        for found in ("float", "fake_quantized", "integer"):
            assert 0 <= trace.provenance[f"accuracy_{found}"] <= 1


def test_training_that_diverges_stops_with_one_line(digits: DataSplit) -> None:
    recipe = find_recipe("digits-8bit")
    generator = torch.Generator().manual_seed(0)
    network = build_network("digits", input_shape=(2, 16, 16), timesteps=12, classes=10, generator=generator)
    schedule = recipe.float_training.model_copy(update={"learning_rate": float("inf"), "batch_size": 32})
    message = r"^training diverged in epoch 1 \(loss .*, gradient norm nan\); lower the learning rate, now inf$"
    with pytest.raises(ModelsError, match=message):
        train(network, few(digits), schedule, generator, lambda report: None)


def test_shifts_move_whole_samples_and_let_nothing_in() -> None:
    frames = torch.zeros(2, 200, 1, 4, 4)
    frames[:, :, 0, 1, 2] = 1
    moved = shift_at_random(frames, 1, torch.Generator().manual_seed(0))
    assert moved.shape == frames.shape
    assert torch.equal(moved[0], moved[1])
    assert moved[0].sum() == 200 and (moved[0].sum(dim=(1, 2, 3)) == 1).all()
    places = {(int(row), int(column)) for _, row, column in moved[0, :, 0].nonzero()}
    assert places == {(row, column) for row in (0, 1, 2) for column in (1, 2, 3)}


def test_a_missing_extra_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name in ("torch", "tonic") else object())
    result = CliRunner().invoke(app, ["--out", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr == f"error: torch, tonic needed and not installed here: {how_to_install('train')}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--only", "digits-8bits"],
            "error: sample digits-8bits is not known; did you mean digits-8bit? "
            "allowed: digits-8bit, digits-4bit, digits-ternary, digits-pruned80\n",
        ),
        (
            ["--only", "digits-8bit", "--out", "/nowhere/at/all"],
            "error: /nowhere/at/all: not a folder that can be written to\n",
        ),
    ],
)
def test_a_wrong_argument_is_one_line(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stderr) == (2, message)
