"""How much faster the simulator is than the RTL in Verilator, on the same layers, in one run.

    python -m benchmarks.rtl_speed [--machine NAME] [--runs N]

Layers: those of digits-8bit (one sample), and the third convolution of the reference network with 5 timesteps. Both
start from a mapped layer in memory and end with the cycles of every pass: the simulator's replay, and the Verilated
program, which loads memories, runs and reads output spikes back (medians of wall time; building and mapping are not
counted in either). Verilator: -O3, PEs as hierarchical blocks, the C++ with g++ -O2, one thread. Verilated flat, the
RTL of spike_array took 0.20 s of processor time for conv2 instead of 0.46 s, but minutes to compile. Needs Verilator.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from tests.rtl.harness import shipped
from tests.rtl.harness.build import binary, verilator
from tests.rtl.harness.comparison import Sample
from tests.rtl.harness.coverage import NotCoveredError, check_machine
from tests.rtl.harness.program import Programmer
from tests.rtl.harness.rtl import run
from tests.rtl.harness.simulator import LayerShape, LayerTask, SimulatedLayer, SimulatorError, machine_of, neuron

SEED = 1
SPIKE_DENSITY, WEIGHT_SPARSITY, TIMESTEPS = 0.08, 0.8, 5
"""Densities of benchmarks/reference_network.py."""


def large_layer() -> Sample:
    """128 to 128 channels on 32 x 32, stride 2, with noise for contents."""
    random = np.random.default_rng(SEED)
    shape = LayerShape("conv2d", C=128, H=32, W=32, M=128, R=3, S=3, stride=(2, 2), padding=(1, 1))
    weights = random.integers(-127, 128, shape.weight_shape).astype(np.int32)
    weights[random.random(shape.weight_shape) < WEIGHT_SPARSITY] = 0
    leaky = neuron("lif", np.full(shape.M, 400), potential_bits=16, leak_numerator=15, leak_shift=4)
    bias = np.zeros(shape.M, np.int32)
    task = LayerTask("128 channels, 32 x 32", shape, TIMESTEPS, 1, 8, weights, bias, leaky)
    inputs = (random.random((TIMESTEPS, *shape.input_shape)) < SPIKE_DENSITY).astype(np.uint8)
    return Sample.replayed(task.name, task, inputs)


def seconds(work: Callable[[], object], runs: int) -> float:
    """Median wall time of `runs` runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> int:
    """Measure and print; 2 without Verilator, or for a machine that the RTL does not cover."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machine", default="spike_array")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    if verilator() is None:
        print("Verilator is not installed: make rtl-tools", file=sys.stderr)
        return 2
    try:
        machine = machine_of(arguments.machine)
        check_machine(machine)
    except (SimulatorError, NotCoveredError) as error:
        print(error, file=sys.stderr)
        return 2
    ratios = []
    print(
        f"{'layer':36} {'cycles':>9} {'simulator':>12} {'Verilator':>11} {'ratio':>8}   cycles/s: simulator, Verilator"
    )
    for sample in [*shipped.layers("digits-8bit", 0), large_layer()]:
        program = Programmer(machine, sample.task).program(sample.inputs)
        built = binary(machine, program.capacities.rounded(), optimize="-O2")
        simulated = SimulatedLayer(machine, sample.task)
        cycles = int(simulated.run(sample.inputs, sample.outputs).cycles.sum())  # compiles
        simulator_s = seconds(lambda p=simulated, s=sample: p.run(s.inputs, s.outputs), 5 * arguments.runs)
        rtl_s = seconds(lambda p=program, b=built: run([p], b), arguments.runs)
        assert int(run([program], built)[0].cycles.sum()) == cycles
        ratios.append(rtl_s / simulator_s)
        print(
            f"{sample.name:36} {cycles:9,} {simulator_s * 1e3:9.2f} ms {rtl_s:9.2f} s {ratios[-1]:8,.0f}"
            f"   {cycles / simulator_s / 1e6:.1f} M, {cycles / rtl_s / 1e3:.1f} k"
        )
    print(
        f"the simulator is {min(ratios):,.0f} to {max(ratios):,.0f} x as fast (median {statistics.median(ratios):,.0f})"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
