"""What import costs: a digits network, trained here, goes through a NIR file and comes back as integers.

    python -m benchmarks.imported_network [EPOCHS]

Prints, for each weight width, accuracies over the whole test split and how far output spikes differ, and the processor
time that a sample takes in the float network (in batches) and in recording a trace (one at a time, compressed).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import nir
import numpy as np
import torch

from spikecycle.models import import_network
from spikecycle.models.data.frames import DataSplit
from spikecycle.models.data.registry import load_data
from spikecycle.models.importing.nir_nodes import DEFAULT_DT
from spikecycle.models.networks.catalogue import build_network
from spikecycle.models.networks.fold import fold_batch_norm
from spikecycle.models.networks.network import FloatNetwork
from spikecycle.models.pipeline import set_determinism
from spikecycle.models.training import accuracy, train
from spikecycle.models.training_schedule import TrainingSchedule

WIDTHS_BITS = (8, 6, 4, 3, 2)
RECORDED = 50
EPOCHS = 20


def trained_network(data: DataSplit, epochs: int) -> FloatNetwork:
    """The digits network, hard reset and leak 15/16, after a short training."""
    generator = torch.Generator().manual_seed(1)
    shape = data.train.frames.shape
    network = build_network(
        "digits", input_shape=shape[2:], timesteps=shape[1], classes=data.classes, generator=generator
    )
    schedule = TrainingSchedule(epochs=epochs, learning_rate=2e-3, batch_size=32, rate_penalty=1.0)
    train(network, data, schedule, generator, lambda report: None)
    network.eval()
    return network


def nir_graph(network: FloatNetwork, input_shape: tuple[int, ...]) -> nir.NIRGraph:
    """The network as NIR has it, batch norm folded: snntorch's conventions, one parameter for each neuron."""
    nodes: dict[str, nir.NIRNode] = {"input": nir.Input(np.array(input_shape))}
    flat = False
    for layer in network.chain():
        shape = layer.shape
        weight, bias = (part.detach().double().numpy() for part in fold_batch_norm(layer.weight, layer.norm))
        if shape.operator == "conv2d":
            nodes[layer.name] = nir.Conv2d(None, weight, shape.stride, shape.short_padding, 1, shape.groups, bias)
        else:
            if not flat:
                nodes["flatten"] = nir.Flatten(None, 0)
            flat = True
            nodes[layer.name] = nir.Affine(weight[:, :, 0, 0], bias)
        neurons = (shape.M,) if flat else shape.output_shape
        tau = DEFAULT_DT / (1 - layer.neuron.config.leak)
        values = (tau, tau / DEFAULT_DT, 0.0, 1.0, 0.0)
        nodes[f"{layer.name}_lif"] = nir.LIF(*(np.full(neurons, value) for value in values))
    nodes["output"] = nir.Output(None)
    names = list(nodes)
    return nir.NIRGraph(nodes, list(pairwise(names)))


def main() -> None:
    """Train, write, import, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("epochs", nargs="?", type=int, default=EPOCHS, metavar="EPOCHS", help="%(default)s by default")
    epochs = parser.parse_args().epochs
    if epochs < 1:
        parser.error(f"EPOCHS is {epochs}: at least 1 is needed")
    set_determinism()
    data = load_data("digits")
    network = trained_network(data, epochs)
    frames, labels = data.test.frames, data.test.labels
    started_s = time.process_time()
    own = accuracy(network, data.test, data.classes)
    print(f"float network: {100 * own:.2f} %, {_ms(started_s, len(labels)):.2f} ms a sample")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.nir"
        nir.write(path, nir_graph(network, frames.shape[2:]))
        imported = import_network(path, classes=data.classes)
        imported.calibrate(data.train.frames[:256])
        for bits in WIDTHS_BITS:
            imported.quantize(weight_bits=bits)
            figures = imported.measure(frames, labels)
            started_s = time.process_time()
            imported.record(Path(folder) / "digits.h5", frames[:RECORDED], labels[:RECORDED], figures)
            recording_ms = _ms(started_s, RECORDED)
            accuracies = (
                figures.accuracy_float,
                figures.accuracy_mapped,
                figures.accuracy_fake_quantized,
                figures.accuracy_integer,
            )
            told = ", ".join(f"{100 * (share or 0):.2f} %" for share in accuracies)
            last = list(figures.spike_difference_integer.values())[-1]
            print(
                f"{bits} bits: as it was, in hardware's neurons, with quantized weights, in integers: {told}; "
                f"{last:.3f} output spikes differ for each that was; recording {recording_ms:.2f} ms a sample"
            )


def _ms(started_s: float, samples: int) -> float:
    return 1000 * (time.process_time() - started_s) / samples


if __name__ == "__main__":
    main()
