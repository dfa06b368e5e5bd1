"""Networks in the shapes of well-known ones: imported, verified, and simulated on the machines that support them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from spikecycle import simulator
from spikecycle.models import import_network
from tests.unit.models.importing.networks_like import (
    Dvs,
    MsResNet,
    SewResNet,
    Spikformer,
    TutorialFive,
    TutorialRecurrent,
    excited,
    tutorial_six,
)

pytestmark = pytest.mark.train
Shape = tuple[int, ...]
ANY = "systolic_weight_stationary"
"""The machine that runs every operator."""
ARRAYS = ("spike_array", "eyeriss_snn", "mint")
"""Those with a neuron unit that has snnTorch's default reset (`dataflow.neuron_unit`)."""


@pytest.mark.parametrize(
    ("make", "example", "shape", "still", "machines"),
    [
        (lambda: TutorialFive(100, 30), (2, 100), (3, 25, 100), True, [ANY, *ARRAYS]),
        (tutorial_six, (2, 1, 28, 28), (2, 5, 1, 28, 28), False, [ANY, *ARRAYS]),
        (TutorialRecurrent, (7, 3, 30), (3, 12, 30), False, [ANY, *ARRAYS]),
        (lambda: excited(Dvs()), (2, 4, 2, 16, 16), (3, 4, 2, 16, 16), False, [ANY, "spike_array", "eyeriss_snn"]),
        (lambda: excited(SewResNet()), (4, 2, 2, 16, 16), (2, 4, 2, 16, 16), False, [ANY, *ARRAYS]),
        (lambda: excited(MsResNet()), (2, 2, 8, 8), (3, 6, 2, 8, 8), False, [ANY, "mint"]),
        (lambda: excited(Spikformer(blocks=1)), (2, 3, 8, 8), (2, 4, 3, 8, 8), True, [ANY, "mint"]),
    ],
    ids=["tutorial 5", "tutorial 6", "recurrent tutorial", "CIFAR10-DVS", "SEW-ResNet-18", "MS-ResNet", "Spikformer"],
)
def test_a_real_model_fires_as_it_did_and_runs_on_machines(
    make: Callable[[], nn.Module], example: Shape, shape: Shape, still: bool, machines: list[str], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network = import_network(make(), torch.rand(example))
    samples = (np.random.default_rng(0).random(shape) < 0.4).astype(np.float32)
    samples = np.repeat(samples[:, :1], shape[1], axis=1) if still else samples
    network.calibrate(samples)
    network.quantize(weight_bits=8)
    figures = network.record(tmp_path / "net.h5", samples, np.zeros(len(samples), int))
    causes = {cause for found in figures.spike_difference_causes.values() for cause in found}
    assert causes <= {"weights as integers", "the framework's floating point"}
    assert max(figures.spike_difference_mapped.values()) <= 2e-3  # ties, and what follows from them
    assert sum(rate > 0.01 for rate in figures.float_firing_rates.values()) >= len(figures.firing_rates) / 2
    for machine in machines:
        result = simulator.simulate(tmp_path / "net.h5", machine, verify=True)
        assert result.verification is not None and not sum(each.mismatches for each in result.verification)
