"""Loihi beside SANA-FE on its own network for DVS-Gesture: energy, time of the chip, and seconds of both simulators.

    python benchmarks/sanafe_speed.py [--timesteps N] [--neurons-per-core N]

The network is the one that the package `sanafe` brings for its tutorials (extra `peers`): four convolutions and a dense
layer on 32 x 32 pixels, whose inputs spike at rates given by a picture. Both take the same weights, thresholds, spikes
and cores. Ours is `simulate` on the written trace, kernels compiled before; theirs is the run of the loaded chip.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import arguments
import numpy as np

from spikecycle.simulator.result import RunResult
from spikecycle.simulator.validation.checks.sanafe_loihi import PARTS, run_ours
from spikecycle.simulator.validation.sanafe_run import PeerLayer, PeerNetwork, run_peer

TIMESTEPS = 64
NEURONS_PER_CORE = 256
CONVOLUTIONS = ("conv1", "conv2", "conv3", "conv4")
PJ_PER_UJ, UJ_PER_J, US_PER_S = 1e6, 1e6, 1e6


def gesture_network(timesteps: int, neurons_per_core: int) -> PeerNetwork:
    """The network of the package: inputs add their pixel in every timestep, and spike above a threshold."""
    from sanafe.tutorial import get_dvs_data

    with get_dvs_data() as file:
        data = dict(np.load(file).items())
    thresholds = data["thresholds"].tolist()
    potentials = np.zeros(data["inputs"].size)
    spikes = np.zeros((timesteps, 1, 32, 32), int)
    for t in range(timesteps):
        potentials += data["inputs"]
        fires = potentials > thresholds[0]
        potentials[fires] = 0
        spikes[t] = fires.reshape(1, 32, 32)
    layers = [
        PeerLayer(
            data[name].transpose(3, 2, 0, 1).astype(int).tolist(), thresholds[index], 2 if index == 1 else 1, "conv"
        )
        for index, name in enumerate(CONVOLUTIONS, 1)
    ]
    layers.append(PeerLayer(data["dense1"].T.astype(int).tolist(), thresholds[5], 1, "dense"))
    return PeerNetwork(spikes.tolist(), layers, neurons_per_core)


@dataclass(frozen=True)
class BothRuns:
    """What both found, and how long they took, s."""

    ours: RunResult
    theirs: dict[str, Any]
    our_s: float
    their_s: float


def measure(timesteps: int, neurons_per_core: int, runs: int) -> list[BothRuns]:
    """Both in turns."""
    network = gesture_network(timesteps, neurons_per_core)
    found = []
    for _ in range(runs):
        theirs = run_peer(network, timesteps + len(network.layers))
        ours, our_s = run_ours(network)
        found.append(BothRuns(ours, theirs, our_s, theirs["wall_s"]))
    return found


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timesteps", type=arguments.count, default=TIMESTEPS)
    parser.add_argument("--neurons-per-core", type=arguments.count, default=NEURONS_PER_CORE)
    given = parser.parse_args()
    (found,) = measure(given.timesteps, given.neurons_per_core, 1)
    ours, theirs = found.ours, found.theirs
    counters = ours.layers[0].counters
    print(f"{'':>24} {'ours':>12} {'SANA-FE':>12}")
    for part, components in PARTS.items():
        energy_uj = sum(one.sum_energy_pj for one in counters if one.component in components) / PJ_PER_UJ
        print(f"{f'energy, {part}, uJ':>24} {energy_uj:>12.3f} {theirs['energy'][part] * UJ_PER_J:>12.3f}")
    messages = next(one.sum_count for one in counters if one.name == "axon_out")
    print(f"{'messages':>24} {messages:>12,} {theirs['packets_sent']:>12,}")
    time_us = ours.cycles_per_sample[0] / ours.clock_mhz
    print(f"{'time of the chip, us':>24} {time_us:>12.2f} {theirs['sim_time'] * US_PER_S:>12.2f}")
    events = theirs["spikes"] / US_PER_S
    print(f"{'simulated in, s':>24} {found.our_s:>12.3f} {found.their_s:>12.3f}")
    print(f"{'M synaptic events / s':>24} {events / found.our_s:>12.1f} {events / found.their_s:>12.1f}")


if __name__ == "__main__":
    main()
