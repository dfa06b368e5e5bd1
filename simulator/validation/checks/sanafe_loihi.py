"""SANA-FE on Loihi, live: the same network and spikes in both; energy by part, time, and who is faster.

The network is made here, with a fixed seed: two convolutions and two dense layers, spread over some 20 cores so that
messages cross the mesh. Without the package there is nothing to compare with.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from spikecycle.simulator.engine import simulate
from spikecycle.simulator.result import RunResult
from spikecycle.simulator.validation import CHECKS, Check, Row
from spikecycle.simulator.validation.sanafe_run import PeerLayer, PeerNetwork, is_installed, run_peer
from spikecycle.traces import GraphBuilder, Neuron

SOURCE = "SANA-FE (Boyle et al., IEEE TCAD 2025), package sanafe, its arch/loihi.yaml"
TIMESTEPS = 40
LAYERS = 4
PARTS = {"synapse": ("synapse",), "soma": ("neuron",), "network": ("axon", "mesh")}
"""Its parts of the energy, and the components that they are here."""
ZERO_WEIGHTS = "deviation M2: there, a neuron that only weights of 0 reach is updated too"
PJ_PER_NJ, NJ_PER_J, US_PER_S = 10**3, 10**9, 10**6


def network() -> PeerNetwork:
    """What both simulate."""
    random = np.random.default_rng(11)
    spikes = (random.random((TIMESTEPS, 2, 16, 16)) < 0.2).astype(int).tolist()

    def codes(*shape: int) -> list[object]:
        return list(random.integers(-4, 8, shape).tolist())

    layers = [
        PeerLayer(codes(16, 2, 3, 3), 30, 1, "conv"),
        PeerLayer(codes(16, 16, 3, 3), 120, 2, "conv"),
        PeerLayer(codes(64, 576), 300, 1, "dense"),
        PeerLayer(codes(10, 64), 60, 1, "dense"),
    ]
    return PeerNetwork(spikes, layers, 256)


def write_trace(peer: PeerNetwork, path: Path) -> None:
    """The network as a trace: a neuron fires above its threshold there, at it here."""
    spikes = np.array(peer.spikes)
    graph = GraphBuilder(len(spikes))
    source = graph.input("inputs", spikes[None])
    for index, layer in enumerate(peer.layers):
        weights, name = np.array(layer.weights), f"layer{index + 1}"
        if weights.ndim == 4:
            current = graph.conv2d(name, source, weights, weight_bits=16, stride=layer.stride)
        else:
            current = graph.linear(name, source, weights, weight_bits=16)
        neuron = Neuron("if", layer.threshold + 1, potential_bits=24, reset="hard")
        source = graph.neuron(f"{name}.neurons", current, neuron)
    graph.write(path)


def run_ours(peer: PeerNetwork) -> tuple[RunResult, float]:
    """The same on the machine `loihi`, and how long it took, kernels compiled before, s."""
    settings = {
        "dataflow.mapping.order": "channel",
        "dataflow.mapping.neurons_per_core": peer.neurons_per_core,
        "dataflow.synapses_of": {
            f"layer{index + 1}": {"conv": "convolution"}.get(layer.synapses, layer.synapses)
            for index, layer in enumerate(peer.layers)
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.h5"
        write_trace(peer, path)
        simulate(path, "loihi", settings=settings)
        start = time.perf_counter()
        result = simulate(path, "loihi", settings=settings)
        return result, time.perf_counter() - start


def rows(data: Path | None) -> Iterator[Row]:
    """Counts, energy by part, time of the chip, time of the simulators."""
    if not is_installed():
        note = "the package sanafe is not installed (extra `peers`)"
        yield Row("loihi", "energy of a run beside SANA-FE, of theirs", None, 1, 0.01, SOURCE, note)
        yield Row("loihi", "time of a run beside SANA-FE, of theirs", None, 1, 0.1, SOURCE, note)
        return
    peer = network()
    theirs = run_peer(peer, TIMESTEPS + LAYERS)
    ours, wall_s = run_ours(peer)
    counts = {counter.name: counter.sum_count for counter in ours.layers[0].counters}
    fired = counts["neuron_spike"] + int(np.array(peer.spikes).sum())
    events = sum(counts[f"synapse_{kind}"] for kind in ("dense", "sparse", "convolution"))
    yield Row("loihi", "beside SANA-FE: neurons that fire", fired, int(theirs["neurons_fired"]), 0, SOURCE)
    yield Row("loihi", "beside SANA-FE: synaptic events", events, int(theirs["spikes"]), 0, SOURCE)
    yield Row("loihi", "beside SANA-FE: messages", counts["axon_out"], int(theirs["packets_sent"]), 0, SOURCE)
    energies = dict.fromkeys(PARTS, 0.0)
    for counter in ours.layers[0].counters:
        for part, components in PARTS.items():
            energies[part] += counter.sum_energy_pj * (counter.component in components)
    for part, energy_pj in energies.items():
        quantity, note = f"beside SANA-FE: energy, {part}, nJ", ZERO_WEIGHTS if part == "soma" else ""
        yield Row("loihi", quantity, energy_pj / PJ_PER_NJ, theirs["energy"][part] * NJ_PER_J, 0.01, SOURCE, note)
    time_us = ours.cycles_per_sample[0] / ours.clock_mhz
    yield Row("loihi", "beside SANA-FE: time of the chip, us", time_us, theirs["sim_time"] * US_PER_S, 0.1, SOURCE)
    speed = theirs["wall_s"] / wall_s
    yield Row("loihi", "beside SANA-FE: times as fast, in the same run", speed, 1, 0, SOURCE, comparison="at_least")


CHECKS.register(
    "sanafe_loihi",
    Check("sanafe_loihi", "energy by part and time beside SANA-FE, live", ("loihi",), (), rows),
)
