"""Seconds that each machine takes to simulate a sample of one network, one core, kernels compiled before.

    python benchmarks/dataflow_speed.py [MACHINE ...] [--network vgg9 | reference] [--density SHARE] [--runs N]

vgg9: VGG9 on 32 x 32 pixels (the six convolutions behind the first, and the dense layer of 1024), T = 4, random spikes
and weights of 8 bits, inputs and outputs recorded: about 80 M synaptic events per sample. reference: the network of
`reference_network.py`, T = 20, 261 M synaptic events. Times are medians, of the processor and of the clock, of
`simulate` on an open trace and a loaded machine: reading the sample, counting its workload, the rule, traffic and
prices. Machines that do not run the network say so.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import arguments
import numpy as np
from reference_network import in_fresh_process, write_trace

from spikecycle.simulator import MappingError, load_machine, shipped_machines, simulate
from spikecycle.traces import LayerArrays, LayerShape, Neuron, open_trace
from spikecycle.traces import write_trace as write_layers

TIMESTEPS = 4
DENSITY = 0.11
SEED = 9
SHAPES = {
    "conv2": LayerShape("conv2d", C=64, H=32, W=32, M=64, R=3, S=3, padding=(1, 1)),
    "conv3": LayerShape("conv2d", C=64, H=16, W=16, M=128, R=3, S=3, padding=(1, 1)),
    "conv4": LayerShape("conv2d", C=128, H=16, W=16, M=128, R=3, S=3, padding=(1, 1)),
    "conv5": LayerShape("conv2d", C=128, H=8, W=8, M=256, R=3, S=3, padding=(1, 1)),
    "conv6": LayerShape("conv2d", C=256, H=8, W=8, M=256, R=3, S=3, padding=(1, 1)),
    "conv7": LayerShape("conv2d", C=256, H=8, W=8, M=256, R=3, S=3, padding=(1, 1)),
    "fc1": LayerShape.linear(4096, 1024),
}
"""Layers of models/networks/vgg9.py behind the first convolution, whose inputs are no spikes, at width 1."""
SETTINGS: dict[str, dict[str, dict[str, int]]] = {
    "vgg9": {
        "loihi": {"dataflow.mesh.width": 16, "dataflow.mapping.cores": 256},
        "tinyodin": {"dataflow.mapping.cores": 1024},
        "catalyst_n1": {"dataflow.mapping.cores": 1024},
    },
    "reference": {
        "loihi": {"dataflow.mesh.width": 192, "dataflow.mapping.cores": 3072},
        "truenorth": {"dataflow.mesh.width": 192, "dataflow.mapping.cores": 12288},
        "tinyodin": {"dataflow.mapping.cores": 16384},
        "catalyst_n1": {"dataflow.mapping.cores": 16384},
    },
}
"""Machines that have too few cores for the network, and enough of them."""


def write_sample(path: Path, density: float) -> None:
    """One sample of random spikes in every layer."""
    random = np.random.default_rng(SEED)
    layers = []
    for name, shape in SHAPES.items():
        spikes = random.random((1, TIMESTEPS, *shape.input_shape)) < density
        weights = random.integers(1, 128, shape.weight_shape) * random.choice([-1, 1], shape.weight_shape)
        neuron = Neuron("lif", np.full(shape.M, 1000), potential_bits=24, leak_numerator=1, leak_shift=1)
        outputs = random.random((1, TIMESTEPS, *shape.output_shape)) < density
        layers.append(LayerArrays(name, shape, weights, 8, neuron, spikes, outputs=outputs))
    write_layers(path, layers, provenance={"model": "random spikes, VGG9 shapes"})


@dataclass(frozen=True)
class MachineSpeed:
    """A machine on a network: medians of a sample, or why it does not run it."""

    machine: str
    cycles: int = 0
    events: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    problem: str = ""


def write_network(path: Path, network: str, density: float = DENSITY) -> None:
    """The trace of one of the networks. density: of spikes, for vgg9."""
    if network == "reference":
        in_fresh_process(write_trace, str(path))
    else:
        write_sample(path, density)


def measure(path: Path, network: str, machines: Sequence[str], runs: int) -> Iterator[MachineSpeed]:
    """Each machine on the trace of a network, one after the other, all in this process."""
    with open_trace(path) as trace:
        for machine in machines:
            try:
                loaded = load_machine(machine, SETTINGS[network].get(machine))
                result = simulate(trace, loaded)
            except MappingError as error:
                yield MachineSpeed(machine, problem=str(error).splitlines()[0])
                continue
            taken = []
            for _ in range(runs):
                cpu, wall = time.process_time(), time.perf_counter()
                simulate(trace, loaded)
                taken.append((time.process_time() - cpu, time.perf_counter() - wall))
            cpu_s, wall_s = (statistics.median(one) for one in zip(*taken, strict=True))
            yield MachineSpeed(machine, result.sum_cycles, result.sum_synaptic_operations, cpu_s, wall_s)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("machines", nargs="*", type=arguments.machine, metavar="MACHINE")
    parser.add_argument("--network", choices=tuple(SETTINGS), default="vgg9")
    parser.add_argument("--density", type=arguments.share, default=DENSITY, help="of spikes, for vgg9")
    parser.add_argument("--runs", type=arguments.count, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{given.network}.h5"
        write_network(path, given.network, given.density)
        print(f"{'machine':>28} {'cycles':>12} {'M events':>9} {'CPU s':>8} {'wall s':>8}")
        for one in measure(path, given.network, given.machines or shipped_machines(), given.runs):
            if one.problem:
                print(f"{one.machine:>28} {one.problem[:80]}")
                continue
            events = one.events / 1e6
            print(
                f"{one.machine:>28} {one.cycles:>12,} {events:>9.1f} {one.cpu_s:>8.3f} {one.wall_s:>8.3f}", flush=True
            )


if __name__ == "__main__":
    main()
