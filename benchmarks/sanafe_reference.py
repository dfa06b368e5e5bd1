"""Layers of the reference network in SANA-FE and here: the same weights and spikes, and as many synaptic events.

    python benchmarks/sanafe_reference.py [--layers conv4,...] [--max-memory-gib N] [--runs N]

SANA-FE holds every synapse by itself, about 0.9 KB for each (0.6 in its network, 0.25 on its chip), so that it cannot
hold the 168 M of the network; every layer is run by itself, in a process of its own. Its inputs are neurons that spike
when the trace says so; weights of 0 are no synapses. It runs on the package's own description of Loihi with one thread,
with its simple and its detailed timing. Ours is `simulate` of a trace that holds the layers, on `spike_array`, which
takes cycles of every PE and FIFO instead, and on `loihi`, if the layer is convolved; opening, mapping and pricing
count, theirs does not count building and loading the network. Seconds are CPU time, which other work on the computer
changes less than wall time; that is beside them.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import arguments
import numpy as np
from reference_network import in_fresh_process, write_trace

from spikecycle.traces import LayerArrays, LayerShape, open_trace
from spikecycle.traces import write_trace as write_layers

TIMING_MODELS = ("simple", "detailed")
NEURONS_PER_CORE = 1024  # as many as a core of Loihi has; the package's description says the same
MAX_MEMORY_GIB = 9
LEAK_DECAY = 0.5  # a potential halves in each timestep, in both


def write_layer(source: str, name: str, path: str) -> None:
    """A trace of one layer of another trace, first sample."""
    with open_trace(source) as trace:
        (layer,) = (layer for layer in trace.layers if layer.name == name)
        arrays = LayerArrays(
            layer.name, layer.shape, layer.weights(), layer.weight_bits, layer.neuron, layer.inputs(0)[None],
            outputs=layer.outputs(0)[None],
        )  # fmt: skip
        write_layers(path, [arrays])


def synapses(shape: LayerShape, weights: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Sources, targets and weights of the synapses, one position of the output map after the other."""
    target, channel, row, column = np.nonzero(weights)
    values = weights[target, channel, row, column].astype(float)
    first_input = np.arange(shape.groups).repeat(shape.M // shape.groups)[target] * (shape.C // shape.groups)
    for p, q in np.ndindex(shape.P, shape.Q):
        h = p * shape.stride[0] - shape.padding_top + row * shape.dilation[0]
        w = q * shape.stride[1] - shape.padding_left + column * shape.dilation[1]
        meets = (h >= 0) & (h < shape.H) & (w >= 0) & (w < shape.W)
        sources = ((first_input + channel) * shape.H + h) * shape.W + w
        targets = (target * shape.P + p) * shape.Q + q
        yield sources[meets], targets[meets], values[meets]


def run_sanafe(path: str, timing_model: str, max_bytes: int) -> dict[str, float]:
    """Synaptic events, and seconds of CPU and of the clock that SANA-FE takes for them."""
    resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    import sanafe

    with open_trace(path) as trace:
        (layer,) = trace.layers
        shape, weights = layer.shape, layer.weights()
        spikes = np.asarray(layer.inputs(0)).reshape(trace.timesteps, -1).astype(bool)
        threshold = float(layer.neuron.threshold.max())
    chip, network = sanafe.load_loihi(), sanafe.Network()
    cores = chip.cores()
    inputs = network.create_neuron_group("inputs", spikes.shape[1], model_attributes={})
    neurons = network.create_neuron_group(
        "neurons", shape.M * shape.P * shape.Q, model_attributes={"threshold": threshold, "leak_decay": LEAK_DECAY}
    )
    for index in range(spikes.shape[1]):
        inputs[index].set_attributes(
            soma_hw_name=f"loihi_inputs[{index % NEURONS_PER_CORE}]",
            model_attributes={"spikes": spikes[:, index].tolist()},
        )
        inputs[index].map_to_core(cores[index // NEURONS_PER_CORE])
    first = -(-spikes.shape[1] // NEURONS_PER_CORE)
    for index in range(shape.M * shape.P * shape.Q):
        neurons[index].set_attributes(soma_hw_name="loihi_lif", default_synapse_hw_name="loihi_sparse_synapse")
        neurons[index].map_to_core(cores[first + index // NEURONS_PER_CORE])
    for sources, targets, values in synapses(shape, weights):
        pairs = list(zip(sources.tolist(), targets.tolist(), strict=True))
        inputs.connect_neurons_sparse(neurons, {"weight": values.tolist()}, pairs)
    loaded = sanafe.SpikingChip(chip)
    loaded.load(network)
    wall, cpu = time.perf_counter(), time.process_time()
    found = loaded.sim(len(spikes) + 1, timing_model=timing_model, processing_threads=1)
    return {"events": found["spikes"], "cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}


def run_ours(path: str, machine: str, settings: dict[str, Any], runs: int) -> dict[str, float]:
    """The same of `simulate`, medians of so many runs after the first."""
    from spikecycle.simulator import simulate

    result = simulate(path, machine, settings=settings)
    counts = {counter.name: counter.sum_count for layer in result.layers for counter in layer.counters}
    taken = []
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        simulate(path, machine, settings=settings)
        taken.append((time.process_time() - cpu, time.perf_counter() - wall))
    cpu_s, wall_s = (statistics.median(one) for one in zip(*taken, strict=True))
    events = counts["synapse_sparse"] if machine == "loihi" else result.sum_synaptic_operations
    return {"events": events, "cpu_s": cpu_s, "wall_s": wall_s}


def measure_layer(source: str, name: str, folder: str, max_bytes: int, runs: int) -> dict[str, dict[str, float]]:
    """One layer by all, each in a process of its own; SystemExit if they count different synaptic events."""
    path = str(Path(folder) / f"{name}.h5")
    in_fresh_process(write_layer, source, name, path)
    on_loihi = {
        "dataflow.mapping.order": "channel",
        "dataflow.mapping.neurons_per_core": NEURONS_PER_CORE,
        "dataflow.synapses_of": {name: "sparse"},
    }
    ours = {
        "ours, spike_array": in_fresh_process(run_ours, path, "spike_array", {}, runs),
        "ours, loihi": in_fresh_process(run_ours, path, "loihi", on_loihi, runs),
    }
    theirs = {
        f"SANA-FE, {model} timing": in_fresh_process(run_sanafe, path, model, max_bytes) for model in TIMING_MODELS
    }
    found = {**theirs, **ours}
    events = {one["events"] for one in found.values()}
    if len(events) > 1:
        raise SystemExit(f"{name}: not as many synaptic events in both: {found}")
    return found


def rate_beside(found: Mapping[str, Mapping[str, float]], who: str, timing_model: str) -> float:
    """How many times as many synaptic events per second of CPU time as SANA-FE one has."""
    one, other = found[who], found[f"SANA-FE, {timing_model} timing"]
    return one["events"] / one["cpu_s"] * other["cpu_s"] / other["events"]


def show(name: str, found: Mapping[str, Mapping[str, float]]) -> None:
    """Print the rows of one layer."""
    for who, one in found.items():
        beside = ", ".join(f"{rate_beside(found, who, model):.1f}" for model in TIMING_MODELS)
        print(
            f"{name:>7} {who:>24} {one['events']:>12,} events {one['cpu_s']:>8.3f} s CPU {one['wall_s']:>8.3f} s wall "
            f"{one['events'] / one['cpu_s'] / 1e6:>8.1f} M events per s, times SANA-FE ({', '.join(TIMING_MODELS)}): "
            f"{beside}",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layers", default="conv4,conv5,dense1", help="conv3 and those before take over 25 GB there")
    parser.add_argument(
        "--max-memory-gib", type=arguments.count, default=MAX_MEMORY_GIB, help="address space of SANA-FE's process"
    )
    parser.add_argument("--runs", type=arguments.count, default=9)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = str(Path(folder) / "reference.h5")
        in_fresh_process(write_trace, source)
        with open_trace(source) as trace:
            known = [layer.name for layer in trace.layers]
        if unknown := [name for name in given.layers.split(",") if name not in known]:
            parser.error(f"--layers {','.join(unknown)}: write some of {', '.join(known)}")
        for name in given.layers.split(","):
            show(name, measure_layer(source, name, folder, given.max_memory_gib << 30, given.runs))


if __name__ == "__main__":
    main()
