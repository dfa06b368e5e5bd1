"""What recording a trace costs, against the plain forward pass of the same samples in PyTorch: `make bench` runs it.

Recording runs the network in exact integers and writes the file. The forward pass is that of the trained float network,
without gradients, once in one batch and once sample by sample. Times are the process's own (one thread; what else the
machine does hardly matters), each the best of several rounds in which the three take turns.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from spikecycle.models.compression.compression import Compression
from spikecycle.models.compression.scheme import CompressionScheme
from spikecycle.models.integer import record_network
from spikecycle.models.networks.catalogue import build_network
from spikecycle.models.networks.network import FloatNetwork, integer_nodes, quantize
from spikecycle.models.networks.options import NetworkOptions
from spikecycle.models.networks.spiking import SpikingLayer
from spikecycle.models.pipeline import set_determinism

EVENT_DENSITY = 0.05
ROUNDS = 7


@dataclass(frozen=True)
class Case:
    """A network and its samples, noise at EVENT_DENSITY; `samples` is also the size of the batch."""

    network: str
    options: NetworkOptions
    side_px: int
    timesteps: int
    samples: int


CASES = (
    Case("digits", NetworkOptions(), side_px=16, timesteps=12, samples=64),
    Case("lenet5", NetworkOptions(), side_px=28, timesteps=12, samples=64),
    Case("tcja", NetworkOptions(width=0.25), side_px=64, timesteps=20, samples=8),
)


def firing(case: Case, frames: torch.Tensor) -> FloatNetwork:
    """The network with batch norm adjusted to the frames, and other weights enlarged, so that all layers fire."""
    network = build_network(
        case.network, case.options, input_shape=(2, case.side_px, case.side_px), timesteps=case.timesteps, classes=10,
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    for node in network.chain():
        if isinstance(node, SpikingLayer) and node.norm is not None:
            node.norm.momentum = 1.0
        elif isinstance(node, SpikingLayer):
            node.weight.data.mul_(12)
    network(frames)
    return network.eval()


def seconds(*works: Callable[[], object]) -> list[float]:
    """Processor seconds of each, the least of all rounds."""
    least = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for index, work in enumerate(works):
            started_s = time.process_time()
            work()
            least[index] = min(least[index], time.process_time() - started_s)
    return least


@torch.no_grad()
def measure(case: Case, path: Path) -> str:
    """One line of the report; the trace is written to `path`."""
    shape = (case.samples, case.timesteps, 2, case.side_px, case.side_px)
    frames = (np.random.default_rng(0).random(shape) < EVENT_DENSITY).astype(np.uint8)
    x = torch.from_numpy(frames).transpose(0, 1).float().contiguous()
    network = firing(case, x[:, :8])
    compression = Compression(name="8 bits", weight_bits=8)
    nodes = integer_nodes(quantize(network, CompressionScheme(compression)), input_bits=1)
    batch, single, record = seconds(
        lambda: network(x),
        lambda: [network(x[:, sample : sample + 1]) for sample in range(case.samples)],
        lambda: record_network(path, nodes, frames, None, {}),
    )
    return (
        f"{case.network:8} {case.samples} samples: forward {batch / case.samples * 1e3:.2f} ms in one batch, "
        f"{single / case.samples * 1e3:.2f} ms one by one; recording {record / case.samples * 1e3:.2f} ms: "
        f"{record / batch:.2f} x and {record / single:.2f} x"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    set_determinism()
    print("processor time per sample; x: recording over forward pass")
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            print(measure(case, Path(folder) / "trace.h5"), flush=True)


if __name__ == "__main__":
    main()
