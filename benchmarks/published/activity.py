"""Input densities of the study's network (eleven rows), measured on trained networks.

    python benchmarks/published_activity.py gestures
    python benchmarks/published_activity.py nmnist --root ../shared/data/N-MNIST-1000

arXiv 2302.04174 publishes no spike densities and DVS128 Gesture is not at hand, so the TCJA-SNN is trained as the
study trains it (T = 20 frames of equally many events, squared error, Adam) but at a quarter of its width, on synthetic
gestures of 32 x 32 pixels or on N-MNIST, for 24 epochs, not 1024, and without dropout: five poolings of 32 pixels leave
Dense1 32 inputs, not 2048, and half of those are too few to learn from. Then it is compressed, to see whether
compression changes the densities. The input of Conv1 is also measured on synthetic gestures of the study's 128 x 128
pixels. About 40 minutes on one core; rows of `benchmarks/published/activity.csv` of the same data are replaced;
everything is seeded.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.published.activity_table import ACTIVITY, FULL_SIZE
from spikecycle.models.compression.compression import Compression
from spikecycle.models.data.frames import DataSplit
from spikecycle.models.data.options import DataOptions
from spikecycle.models.data.registry import load_data
from spikecycle.models.errors import ModelsError
from spikecycle.models.networks.attention import FloatAttention, QuantizedAttention
from spikecycle.models.networks.catalogue import build_network
from spikecycle.models.networks.network import SpikingNetwork
from spikecycle.models.networks.options import NetworkOptions
from spikecycle.models.pipeline import compress, set_determinism, train_float
from spikecycle.models.training import EpochReport, accuracy, time_first
from spikecycle.models.training_schedule import TrainingSchedule

COLUMNS = ("data", "network", "test_accuracy", "layer", "input_density")
NETWORK = NetworkOptions(width=0.25, dropout=0.0)
TIMESTEPS = 20
SEED = 0


@dataclass(frozen=True)
class Run:
    """One data set and how long to train on it; `full_size` is the data at the study's resolution, if there is any."""

    data: str
    options: DataOptions
    epochs: int
    compressed_epochs: int
    full_size: DataOptions | None = None


GESTURES = DataOptions(timesteps=TIMESTEPS, slicing="events", resolution=32, samples_per_class=100)
RUNS = {
    "gestures": Run(
        "synthetic_gestures", GESTURES, epochs=24, compressed_epochs=8,
        full_size=GESTURES.model_copy(update={"resolution": 128, "samples_per_class": 5}),
    ),
    "nmnist": Run(
        "nmnist", DataOptions(timesteps=TIMESTEPS, slicing="events"), epochs=24, compressed_epochs=8,
    ),
}  # fmt: skip


def schedule(epochs: int, learning_rate: float) -> TrainingSchedule:
    """As the study trains, but for its 1024 epochs, which a larger learning rate at the start makes up for a little."""
    return TrainingSchedule(epochs=epochs, learning_rate=learning_rate, batch_size=8, loss="squared_error")


def compressions(epochs: int) -> tuple[Compression, ...]:
    """The two ends of the study: ternary weights, and 80 % pruned ones of 8 bits."""
    training = schedule(epochs, 1e-3)
    pruner: Any = {"kind": "global_magnitude", "share": 0.8}
    return (
        Compression(name="ternary", weight_bits=2, quantizer="ewgs", training=training),
        Compression(name="pruned80", weight_bits=8, quantizer="ewgs", pruner=pruner, training=training),
    )


@torch.no_grad()
def input_densities(network: SpikingNetwork[Any], data: DataSplit, batch_size: int = 16) -> dict[str, float]:
    """Share of non-zero inputs of each row, mean over the test samples and timesteps, by the study's names."""
    network.eval()
    totals: dict[str, float] = {}
    for start in range(0, len(data.test), batch_size):
        batch = data.test.take(range(start, min(start + batch_size, len(data.test))))
        for name, arriving in arrivals(network, time_first(batch)):
            totals[name] = totals.get(name, 0.0) + float((arriving != 0).double().mean()) * len(batch)
    return {row_name(name): total / len(data.test) for name, total in totals.items()}


def arrivals(network: SpikingNetwork[Any], x: Tensor) -> Iterator[tuple[str, Tensor]]:
    """What every weight receives, by name: attention the spatial sums, zero where the means are, others the spikes."""
    for node in network.chain():
        arriving = x.sum((3, 4)) if isinstance(node, FloatAttention | QuantizedAttention) else x
        for synapse in node.synapses():
            yield synapse.name, arriving
        x = node(x)


def row_name(synapse: str) -> str:
    """Conv1, TCJA1-t, Dense1 for conv1, tcja1-t, fc1."""
    return synapse.replace("conv", "Conv").replace("tcja", "TCJA").replace("fc", "Dense")


def measure(run: Run, root: Path | None) -> Iterator[dict[str, object]]:
    """Rows of the table: the float network's, then those of each compression."""
    data = load_data(run.data, run.options.model_copy(update={"root": root}))
    generator = torch.Generator().manual_seed(SEED)
    timesteps, channels, height, width = data.train.frames.shape[1:]
    network = build_network(
        "tcja", NETWORK, input_shape=(channels, height, width), timesteps=timesteps, classes=data.classes,
        generator=generator,
    )  # fmt: skip
    found = train_float(network, data, schedule(run.epochs, 2e-3), generator, show)
    yield from rows(run, "float", found, input_densities(network, data))
    for compression in compressions(run.compressed_epochs):
        quantized = compress(network, data, compression, torch.Generator().manual_seed(SEED), show)
        densities = input_densities(quantized, data)
        yield from rows(run, compression.name, accuracy(quantized, data.test, data.classes), densities)
    if run.full_size is not None:
        full = load_data(run.data, run.full_size)
        density = float((full.test.frames != 0).mean())
        yield from rows(run, FULL_SIZE, None, {"Conv1": density})


def rows(run: Run, network: str, found: float | None, densities: dict[str, float]) -> Iterator[dict[str, object]]:
    """One line of the table for every layer; found: the test accuracy, None where no network was asked."""
    print(f"{run.data}, {network}" + ("" if found is None else f": test accuracy {found:.2%}"), flush=True)
    for layer, density in densities.items():
        print(f"  {layer:8} {density:.2%}", flush=True)
        values = (run.data, network, "" if found is None else f"{found:.4f}", layer, f"{density:.4f}")
        yield dict(zip(COLUMNS, values, strict=True))


def show(phase: str, report: EpochReport) -> None:
    """One line per epoch."""
    print(
        f"{phase} {report.epoch}/{report.epochs}: loss {report.loss:.4f}, {report.samples_per_second:.1f} samples/s",
        flush=True,
    )


def main() -> int:
    """Train, measure, replace the rows; 0, or 2 with one line on standard error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", choices=RUNS)
    parser.add_argument("--root", type=Path, help="folder of the recordings (nmnist)")
    arguments = parser.parse_args()
    run = RUNS[arguments.run]
    set_determinism()
    started_s = time.perf_counter()
    try:
        measured = list(measure(run, arguments.root))
    except ModelsError as error:
        print(error, file=sys.stderr)
        return 2
    kept = []
    if ACTIVITY.exists():
        with ACTIVITY.open(newline="", encoding="utf-8") as file:
            kept = [row for row in csv.DictReader(file) if row["data"] != run.data]
    with ACTIVITY.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*kept, *measured])
    print(f"{ACTIVITY}: written after {time.perf_counter() - started_s:.0f} s")
    return 0
